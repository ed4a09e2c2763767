#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares how request heads are read: compare.py READ_HEADS [SEED]

READ_HEADS is the program of read_heads.cc. Heads are made by heads.py from SEED; a test run has always the same one, so
that it can be repeated, and a loop over other seeds looks further. Whatever peal and Node, or peal and h11, read
differently must belong to a class of classes.py; else the head is printed with the seed. The last line is "N passed, N
failed".
"""

import collections
import random
import sys

sys.dont_write_bytecode = True

from classes import STRICTER_HERE, STRICTER_THERE, Text
from heads import head
from readers import read_with_h11, read_with_node, read_with_peal

COUNT = 4000


def class_of(data, reader, ours, theirs):
    """The class that explains the difference; None when there is none; True when there is no difference."""
    if ours.outcome == theirs.outcome == "accepted":
        return None if ours.differences(theirs) else True
    if ours.outcome == "refused":
        if theirs.outcome != "accepted":
            return True  # we refuse at the first offence, others may wait for the end
        candidates, reason = STRICTER_HERE, ours.reason
    elif ours.outcome == "accepted" and theirs.outcome == "refused":
        candidates, reason = STRICTER_THERE, theirs.reason
    else:
        return None
    text = Text(data)
    for one in candidates:
        if reader in one.readers.split() and reason.startswith(one.reason) and one.holds(text):
            return one
    return None


def readings_of(program, heads):
    ours = read_with_peal(program, heads)
    return ours, {"node": read_with_node(heads, ours), "h11": [read_with_h11(one) for one in heads]}


def check_classes(program):
    """Each class explains its example, for each of its readers. Yields where one does not."""
    classes = STRICTER_HERE + STRICTER_THERE
    heads = [one.example + b"\r\n" for one in classes]
    ours, readings = readings_of(program, heads)
    for reader, theirs in readings.items():
        for one, data, mine, other in zip(classes, heads, ours, theirs):
            found = class_of(data, reader, mine, other)
            if (found is not one) if reader in one.readers.split() else (found is None):
                yield f"{reader}: {data!r}, an example of {one.reason!r}\n  peal: {mine}\n  {reader}: {other}"


def check_heads(program, seed):
    """Yields what is not explained."""
    source = random.Random(seed)
    heads = [head(source) for _ in range(COUNT)]
    ours, readings = readings_of(program, heads)
    accepted = sum(one.outcome == "accepted" for one in ours)
    explained = collections.Counter()
    for reader, theirs in readings.items():
        for data, mine, other in zip(heads, ours, theirs):
            found = class_of(data, reader, mine, other)
            if found is None:
                yield f"{reader}, seed {seed}: {data!r}\n  peal: {mine}\n  {reader}: {other}"
            explained[reader] += found not in (None, True)
    print(f"seed {seed}: {COUNT} heads, {accepted} accepted here; refused by one and accepted by the other: "
          + ", ".join(f"{reader} {count}" for reader, count in sorted(explained.items())))
    if not COUNT / 4 < accepted < COUNT * 3 / 4:
        yield f"seed {seed}: the heads are of no use, {accepted} of {COUNT} are accepted"


def main():
    program = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 9112
    failed = [*check_classes(program), *check_heads(program, seed)]
    for one in failed:
        print(one)
    total = 2 * (len(STRICTER_HERE) + len(STRICTER_THERE) + 1)  # for two readers each
    print(f"{max(0, total - len(failed))} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
