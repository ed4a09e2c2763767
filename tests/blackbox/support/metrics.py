# SPDX-License-Identifier: Apache-2.0
"""What a scrape says."""

import re

from .wire import Client

SAMPLE = re.compile(r'(\w+)(?:\{(.*)\})? (\S+)')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Scrape:
    """The text of a scrape, and the value of each series."""

    def __init__(self, address, path="/metrics", *headers):
        with Client(address) as client:
            answer = client.request(path, *headers)
        assert answer.status == 200, answer
        self.text = answer.body.decode()
        self.series = {}
        for line in self.text.splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.fullmatch(line).groups()
                self.series[name, frozenset(LABEL.findall(labels or ""))] = float(value)

    def get(self, name, **labels):
        """0 where there is no such series."""
        return self.series.get((name, frozenset(labels.items())), 0)

    def names(self):
        return {name for name, _ in self.series}
