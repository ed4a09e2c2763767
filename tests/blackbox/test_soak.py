# SPDX-License-Identifier: Apache-2.0
"""A short form of tests/soak/soak.py: two nodes behind HAProxy are reloaded, drained and started anew while numbered messages flow."""

import sys
import unittest

from support import SANITIZED
from support.daemon import ROOT

sys.path.append(str(ROOT / "tests/soak"))

from soak import Plan, Soak  # noqa: E402

SHORT = Plan(seconds=4, clients=300, topics=10, rate=40, breaks=30, reloads=6, swaps=2, pause=0.8, over=1)


class ShortSoak(unittest.TestCase):
    def test_nothing_is_lost_and_nobody_is_dropped(self):
        if SANITIZED:
            self.skipTest("what it does is in test_reload_load and test_drain, and its figures mean nothing here")
        told = []
        soak = Soak(SHORT, told.append)
        soak.run()
        report = "\n".join(told) + "\n" + soak.report()
        self.assertEqual(soak.faults, [], report)
        for (transport, door), book in soak.books.items():
            self.assertGreater(book.heard, 0, report)
            self.assertGreater(book.gaps, 0, report)


if __name__ == "__main__":
    unittest.main()
