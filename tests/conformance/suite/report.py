# SPDX-License-Identifier: Apache-2.0
"""Cases as a document, and what went wrong as text."""

import itertools
import sys

SHOWN_OCTETS = 512  # of one piece of the transcript


def chapter_titles(cases):
    """The first line of each file's docstring, by module."""
    return {case.module: sys.modules[case.module].__doc__.strip().splitlines()[0] for case in cases}


def document(cases):
    """A Markdown table for each file: what is demanded, and what shows it."""
    titles = chapter_titles(cases)
    yield "# What peal is held to\n"
    for module, of_module in itertools.groupby(cases, lambda case: case.module):
        yield f"## {titles[module]}\n"
        yield "| section | level | sentence | shown by |"
        yield "|---|---|---|---|"
        for rule, of_rule in itertools.groupby(of_module, lambda case: case.rule):
            shown = []
            for name, variants in itertools.groupby(of_rule, lambda case: case.name):
                labels = [case.label for case in variants]
                shown.append(name if labels == [""] else f"{name}: {', '.join(labels)}")
            if rule.departure:
                shown.append(f"not followed, because {rule.departure}")
            yield f"| {rule.section} | {rule.level} | {_cell(rule.sentence)} | {_cell('; '.join(shown))} |"
        yield ""


def _cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


def failure(case, how, error, transcript):
    """Everything about a case that failed."""
    level = f" {case.rule.level}" if case.rule.level else ""
    yield f"FAIL {case.rfc} section {case.rule.section}{level}: {case.rule.sentence}"
    yield f"  case: {case.title()} ({how})"
    yield f"  {type(error).__name__}: {error}"
    for connection, direction, data in transcript:
        yield f"  {connection} {direction} {_octets(data)}"
    yield ""


def _octets(data):
    """Text where it is text, else hexadecimal."""
    part = data[:SHOWN_OCTETS]
    text = part.decode("latin-1")
    if all(c.isprintable() or c in "\r\n\t" for c in text) and len(part) > 4:
        shown = repr(text)[1:-1]
    else:
        shown = part.hex(" ")
    return shown if len(data) == len(part) else f"{shown} ... ({len(data)} octets)"
