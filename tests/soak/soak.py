#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two nodes of peald behind HAProxy for a while, with all that happens to a node in its life.

    tests/soak/soak.py [--time 10m] [--clients 5000]

Clients hear numbered messages by WebSocket (peal.v1), event streams and long polls; some over TLS that HAProxy passes on, a few
straight from the first node. Some break off by themselves and come back. Meanwhile both nodes are reloaded, their certificates are
swapped, the first node is drained and started anew, then the second one is drained. What is held against peald:

- No connection ends by a reload or a swap.
- Whoever comes back to the same process gets what it missed, each message once and in order, and is told of no gap.
- A history is in one node's memory. The publisher writes to both nodes, and tries again until each has taken a message. Whoever
  comes to another node is told of the gap, then gets all that the history there has: it finds, by the numbers in the messages, what it
  has not had yet, and that nothing is missing.
- Whoever knows one node only, and waits until it is there again, may miss messages of that time, but is told so.
- The memory and the descriptors of a node do not grow by what happens to it.

Exit status: 0 when all of that is so.
"""

import argparse
import dataclasses
import pathlib
import re
import resource
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "blackbox")]
sys.dont_write_bytecode = True

from crowd import Crowd, Feed  # noqa: E402
from listeners import FAULTS, Door  # noqa: E402
from nodes import HAPROXY, Certificates, Node  # noqa: E402
from support import IO, wait_until  # noqa: E402
from support.balancer import Balancer  # noqa: E402
from support.daemon import free_port  # noqa: E402

GROWTH = 8 << 20  # bytes that memory may differ by, and a tenth of it
DESCRIPTORS = 32  # that may differ, as clients come and go


@dataclasses.dataclass
class Plan:
    seconds: float = 600
    clients: int = 5000
    topics: int = 20
    rate: float = 20  # messages a second, in all
    breaks: float = 20  # a second, of clients that break off by themselves
    reloads: int = 100
    swaps: int = 10
    pause: float = 1  # seconds, of a drain
    over: float = 30


class Soak:
    """One run. `faults`: sentences; empty when all is well."""

    def __init__(self, plan, tell=print):
        self.plan, self._tell = plan, tell
        self.faults = []
        self.figures = []  # (what, before, after)
        self._began = time.monotonic()
        self._node_cpu = self._own_cpu = self._own = 1  # seconds

    @property
    def books(self):
        """What the clients have met with, by transport and door."""
        return self._crowd.books

    def tell(self, text):
        self._tell(f"{time.monotonic() - self._began:7.1f} s  {text}")

    def run(self):
        plan = self.plan
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        with tempfile.TemporaryDirectory(prefix="peal-soak-") as folder:
            self._certificates = Certificates(pathlib.Path(folder), plan.swaps)
            self._first, self._second = (Node(name, folder, plan.pause, plan.over) for name in ("first", "second"))
            self._balancer = self._crowd = None
            try:
                self._set_up()
                self._live()
            except AssertionError as failure:
                self.faults.append(str(failure))
            finally:
                for one in (self._crowd, self._balancer):
                    if one:
                        one.stop()
                for node in (self._first, self._second):
                    if node.daemon:
                        node.daemon.stop()
        self._judge()

    def _set_up(self):
        plan = self.plan
        for node in (self._first, self._second):
            node.start()
        plain, passed = free_port(), free_port()
        self._balancer = Balancer(HAPROXY, plain=plain, passed=passed, first=self._first, second=self._second)
        context = self._certificates.context()
        doors = [
            (Door("balanced", ("127.0.0.1", plain)), 0.66),
            (Door("balanced, TLS", ("127.0.0.1", passed), context), 0.3),
            (Door("one node", ("127.0.0.1", self._first.public), moves=False), 0.02),
            (Door("one node, TLS", ("127.0.0.1", self._first.secure), context, moves=False), 0.02),
        ]
        self._crowd = Crowd(plan.topics, plan.rate, plan.breaks)
        self._crowd.add(plan.clients, doors)
        self._crowd.feeds = [Feed(self._crowd, ("127.0.0.1", node.public)) for node in (self._first, self._second)]
        self._crowd.start()
        self._wait(lambda: self._crowd.ready == plan.clients, "all clients hear", 120)
        self.tell(f"{plan.clients} clients hear {plan.topics} topics")

    def _live(self):
        plan, crowd = self.plan, self._crowd
        begin = self._own = time.monotonic()
        self._own_cpu = time.process_time()
        crowd.call(crowd.begin)
        self._pass_until(begin + 0.05 * plan.seconds)
        self._change(begin + 0.65 * plan.seconds)
        self._pass_until(begin + 0.7 * plan.seconds)
        self._drain(self._first)
        self._pass(0.03 * plan.seconds)
        self._start_anew(self._first)
        self._pass(0.03 * plan.seconds)
        self._drain(self._second)
        self._pass_until(begin + plan.seconds)
        crowd.call(setattr, crowd, "publishing", False)
        crowd.call(setattr, crowd, "breaking", False)
        try:
            self._wait(lambda: crowd.behind() == 0, "all have heard the last message", 30)
        except AssertionError as failure:
            self.faults.append(f"{failure}: {crowd.behind()} messages are missing")
        self._own_cpu = time.process_time() - self._own_cpu
        self._own = time.monotonic() - self._own
        self.tell("all messages are heard")

    def _wait(self, condition, what, timeout=60):
        def met():
            if self._crowd.failure:
                raise RuntimeError(self._crowd.failure)
            return condition()
        wait_until(met, what, timeout)

    def _settle(self, what, concerned):
        """Waits until all whom it concerns hear; nobody breaks off meanwhile."""
        crowd = self._crowd
        crowd.call(setattr, crowd, "breaking", False)
        self._wait(lambda: not crowd.breaking and all(each.ready for each in crowd.listeners if concerned(each)), what)
        crowd.call(crowd.begin_breaks)

    def _pass(self, seconds):
        self._pass_until(time.monotonic() + seconds)

    def _pass_until(self, end):
        while (left := end - time.monotonic()) > 0:
            self._wait(lambda: True, "nothing")
            time.sleep(min(left, 0.5))

    def _change(self, end):
        """Reloads and swaps, evenly until then."""
        plan, nodes = self.plan, (self._first, self._second)
        begin, used = time.monotonic(), self._first.daemon.cpu_seconds()
        for number in range(plan.reloads):
            for node in nodes:
                node.reload()
            if number == 1:  # each edition was there once
                before = [(node.memory(), node.daemon.descriptors()) for node in nodes]
            if (number + 1) * plan.swaps // plan.reloads > number * plan.swaps // plan.reloads:
                self._certificates.swap(nodes)
            self._pass((end - time.monotonic()) / (plan.reloads - number))
        after = [(node.memory(), node.daemon.descriptors()) for node in nodes]
        self._node_cpu = (self._first.daemon.cpu_seconds() - used) / (time.monotonic() - begin)
        for node, (memory, descriptors), (memory_now, descriptors_now) in zip(nodes, before, after):
            self._compare(f"{node.name}: memory, MiB", memory, memory_now, GROWTH + memory / 10, 1 << 20)
            self._compare(f"{node.name}: descriptors", descriptors, descriptors_now, DESCRIPTORS)
        self.tell(f"{plan.reloads} reloads and {self._certificates.swaps} swaps of certificates on both nodes")

    def _compare(self, what, before, after, most, unit=1):
        self.figures.append((what, f"{before / unit:.6g}", f"{after / unit:.6g}"))
        if after > before + most:
            self.faults.append(f"{what}: {before / unit:.6g} before, {after / unit:.6g} after")

    def _drain(self, node):
        crowd, plan = self._crowd, self.plan
        crowd.draining = True
        begin = time.monotonic()
        node.daemon.terminate()
        code = node.daemon.wait(plan.pause + plan.over + 30)
        took = time.monotonic() - begin
        if code != 0:
            self.faults.append(f"{node.name} ended with {code}")
        if "clients do not go" in node.daemon.log.text():
            self.faults.append(f"{node.name} had to break clients off")
        self._settle("all hear the other node", lambda each: each.moves or node is self._second)
        crowd.draining = node is self._first  # who waits for the first one is still away
        self.tell(f"the {node.name} node was drained in {took:.1f} s; all who move hear the other one")

    def _start_anew(self, node):
        node.start()
        self._settle("those who waited hear again", lambda each: True)
        self._wait(lambda: not self._crowd.feeds[0].queue, "the publisher has made up for the time")
        self._wait(lambda: self._balancer.states()[0] == "UP", "HAProxy has found it again")
        self._crowd.draining = False
        self.tell(f"the {node.name} node is there again")

    def _judge(self):
        crowd = self._crowd
        for fault, words in FAULTS.items():
            if count := sum(getattr(book, fault) for book in crowd.books.values()):
                self.faults.append(f"{words}: {count}")
        if failed := sum(feed.failed for feed in crowd.feeds):
            self.faults.append(f"publish requests that were refused: {failed}")

    def report(self):
        crowd = self._crowd
        rows = [("transport", "door", "clients", "heard", "broke off", "told to go", "gaps told", "repeated", "missed, told",
                 *FAULTS, "p50 ms", "p99 ms", "max ms", "in drains p50 s", "max s")]
        for (transport, door), book in sorted(crowd.books.items(), key=lambda item: item[0][::-1]):
            late, drains = book.latencies, book.latencies_of_drains
            rows.append((transport, door, book.clients, book.heard, book.breaks, book.sent_away, book.gaps, book.repeated,
                         book.missed, *(getattr(book, fault) for fault in FAULTS), f"{1e3 * late.quantile(0.5):.2f}",
                         f"{1e3 * late.quantile(0.99):.2f}", f"{late.most / 1e6:.1f}", f"{drains.quantile(0.5):.3f}",
                         f"{drains.most / 1e9:.2f}"))
        lines = table(rows)
        lines += ["", *table([("", "before the changes", "after"), *self.figures])]
        unanswered = sum(feed.unanswered for feed in crowd.feeds)
        lines += ["", f"CPU: the first node {100 * self._node_cpu:.1f} % of one while it was changed, "
                  f"clients and publisher {100 * self._own_cpu / self._own:.1f} %",
                  f"published: {sum(crowd.numbers.values())} messages to each node, {unanswered} requests without an answer"]
        lines += crowd.faults_told
        if crowd.faults > len(crowd.faults_told):
            lines.append(f"... and {crowd.faults - len(crowd.faults_told)} more")
        return "\n".join(lines + ["", *self.faults, "FAILED" if self.faults else "passed"])


def table(rows):
    widths = [max(len(str(row[column])) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(str(cell).ljust(width) if not str(cell)[:1].isdigit() else str(cell).rjust(width)
                      for cell, width in zip(row, widths)).rstrip() for row in rows]


def seconds_of(text):
    match = re.fullmatch(r"(\d+)([smh]?)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is no time such as 30s, 10m or 1h")
    return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def plan_for(seconds, clients):
    """As much of everything as there is time for."""
    return Plan(seconds=seconds, clients=clients, reloads=max(6, seconds // 6), swaps=max(2, seconds // 60),
                pause=3 if seconds >= 60 else 0.8, over=max(2, min(30, seconds // 20), clients // 250),
                rate=20 if clients > 1000 else 40)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--time", type=seconds_of, default=600)
    parser.add_argument("--clients", type=int, default=5000)
    options = parser.parse_args()
    soak = Soak(plan_for(options.time, options.clients))
    print(f"{options.time} s, {options.clients} clients, {IO}", flush=True)
    soak.run()
    print(soak.report())
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main())
