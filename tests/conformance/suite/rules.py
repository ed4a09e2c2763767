# SPDX-License-Identifier: Apache-2.0
"""What an RFC demands, and the cases that show it."""

import dataclasses

CASES = []  # in the order of their files


@dataclasses.dataclass(frozen=True)
class Rule:
    """A sentence of an RFC: `level` is its key word, empty where the text simply states what is so.

    `departure`: why peal does not do so, of a SHOULD; empty when it does.
    """

    section: str
    level: str
    sentence: str
    departure: str = ""


@dataclasses.dataclass(frozen=True)
class Case:
    """One thing that the server must do. `label` tells it from its siblings of the same function."""

    rule: Rule
    module: str  # "rfc6455.section_5_data_framing"
    name: str
    label: str
    function: object
    arguments: tuple

    @property
    def rfc(self):
        return "RFC " + self.module.partition(".")[0].removeprefix("rfc")

    def title(self):
        return f"{self.name} [{self.label}]" if self.label else self.name

    def run(self, server):
        self.function(server, *self.arguments)


def _rule(level, section, sentence, each, departure=""):
    def register(function):
        rule = Rule(section, level, " ".join(sentence.split()), departure)
        name = function.__name__.replace("_", " ")
        variants = each if isinstance(each, dict) else {str(value): value for value in each or ()}
        for label, value in variants.items():
            CASES.append(Case(rule, function.__module__, name, label, function, (value,)))
        if not variants:
            CASES.append(Case(rule, function.__module__, name, "", function, ()))
        return function

    return register


# Decorators of a case, a function that takes a Server. `section` is where `sentence` stands, "..." in
# it leaves something out. `each` makes several cases: its values are passed as the second argument.


def must(section, sentence, each=None):
    return _rule("MUST", section, sentence, each)


def must_not(section, sentence, each=None):
    return _rule("MUST NOT", section, sentence, each)


def shall(section, sentence, each=None):
    return _rule("SHALL", section, sentence, each)


def shall_not(section, sentence, each=None):
    return _rule("SHALL NOT", section, sentence, each)


def should(section, sentence, each=None):
    return _rule("SHOULD", section, sentence, each)


def should_not(section, sentence, each=None):
    return _rule("SHOULD NOT", section, sentence, each)


def should_but(section, sentence, why, each=None):
    """A SHOULD that peal knowingly does not follow; the case shows what it does instead."""
    return _rule("SHOULD", section, sentence, each, why)


def may(section, sentence, each=None):
    """What a client may do, and the server therefore has to cope with; or what this one chose to do."""
    return _rule("MAY", section, sentence, each)


def states(section, sentence, each=None):
    """What follows from the text without one of its key words: grammar, definitions, examples."""
    return _rule("", section, sentence, each)


class Mismatch(AssertionError):
    """The server did something else than the RFC says."""


def check(condition, what):
    if not condition:
        raise Mismatch(what)


def equal(found, expected, what="the answer"):
    if found != expected:
        raise Mismatch(f"{what}: expected {shown(expected)}, found {shown(found)}")


def among(found, allowed, what="the answer"):
    if found not in allowed:
        raise Mismatch(f"{what}: expected one of {shown(allowed)}, found {shown(found)}")


def shown(value, limit=300):
    text = repr(value)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"
