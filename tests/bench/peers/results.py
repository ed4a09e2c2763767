# SPDX-License-Identifier: Apache-2.0
"""What has been measured: kept in a file after every round, and summed up.

    {"about": {...}, "peers": {NAME: {"label", "version"}}, "skipped": {NAME: WHY},
     "rounds": {SCENARIO: {PEER: {ROUND: {"cpu_us": ..., ...}}}}, "failures": {SCENARIO: {PEER: WHY}}}
"""

import dataclasses
import json
import os
import statistics


@dataclasses.dataclass(frozen=True)
class Summary:
    """The middle of the rounds, and how far apart they lie."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values):
        return cls(statistics.median(values), min(values), max(values))


class Results:
    def __init__(self, data=None):
        self.data = {"about": {}, "peers": {}, "skipped": {}, "rounds": {}, "failures": {}, **(data or {})}

    @classmethod
    def load(cls, path):
        return cls(json.loads(path.read_text())) if path.exists() else cls()

    def save(self, path):
        """In one step, so that who stops a run in the middle loses nothing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(self.text())
        os.replace(new, path)

    def text(self):
        """JSON with one line a round."""
        rounds = nested(
            (scenario, nested((peer, nested(
                (number, json.dumps(round_)) for number, round_ in rounds.items()))
                for peer, rounds in peers.items()))
            for scenario, peers in self.data["rounds"].items())  # fmt: skip
        head = {name: value for name, value in self.data.items() if name != "rounds"}
        return json.dumps(head, indent=1).removesuffix("\n}") + f',\n "rounds": {rounds}\n}}\n'

    def add(self, scenario, peer, number, round_):
        self.data["rounds"].setdefault(scenario, {}).setdefault(peer, {})[str(number)] = shortened(round_)
        self.data["failures"].get(scenario, {}).pop(peer, None)

    def fail(self, scenario, peer, why):
        """A server that fails in one round of a scenario has no figure in it."""
        self.data["failures"].setdefault(scenario, {})[peer] = why
        self.data["rounds"].get(scenario, {}).pop(peer, None)

    def has(self, scenario, peer, number):
        return str(number) in self.data["rounds"].get(scenario, {}).get(peer, {})

    def failure(self, scenario, peer):
        return self.data["failures"].get(scenario, {}).get(peer)

    def peers_of(self, scenario):
        return list(self.data["rounds"].get(scenario, {}))

    def rounds_of(self, scenario, peer):
        return self.data["rounds"].get(scenario, {}).get(peer, {})

    def values(self, scenario, peer, figure):
        return [each[figure] for each in self.rounds_of(scenario, peer).values() if figure in each]

    def summary(self, scenario, peer, figure):
        """Of one figure over the rounds; None where there is none."""
        values = self.values(scenario, peer, figure)
        return Summary.of(values) if values else None

    def ratio(self, scenario, peer, reference, figure="cpu_us"):
        """The median of each round's ratio to the reference's figure in the same round, as both were taken under
        the same conditions; None where they have no round together."""
        mine, theirs = self.rounds_of(scenario, peer), self.rounds_of(scenario, reference)
        ratios = [
            mine[number][figure] / theirs[number][figure]
            for number in mine
            if number in theirs and mine[number].get(figure) and theirs[number].get(figure)
        ]
        return statistics.median(ratios) if ratios else None

    def label(self, peer):
        return self.data["peers"].get(peer, {}).get("label", peer)


def nested(members):
    """The text of an object of texts."""
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {text}" for name, text in members) + "}"


def shortened(round_):
    """To six digits, more than any of them is good for."""
    return {name: float(f"{value:.6g}") if isinstance(value, float) else value for name, value in round_.items()}
