# SPDX-License-Identifier: Apache-2.0
"""Runs a server on a CPU of its own."""

import os
import pathlib
import signal
import socket
import subprocess
import time

from paths import WORK


class Failure(Exception):
    """What went wrong with a server or a measure, for people."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def accepts(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def descendants(pid):
    """The process and all that came of it."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        each = todo.pop()
        found.append(each)
        todo += children.get(each, [])
    return sorted(found)


class Server:
    """A running server. `peer.start(port, scenario)` gives its command and environment."""

    def __init__(self, peer, scenario, cpu):
        self.peer = peer
        self.port = free_port()
        logs = WORK / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        command, env = peer.start(self.port, scenario)
        self.log_path = logs / f"{peer.name}.{scenario.name}.log"
        with open(self.log_path, "w") as log:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
            )
        try:
            self._wait()
        except Failure:
            self.stop()
            raise

    def _wait(self):
        deadline = time.monotonic() + 10
        while not accepts(self.port) or len(self.pids()) < self.peer.processes:
            if self.process.poll() is not None:
                raise Failure(f"did not start: {self.last_words()}")
            if time.monotonic() > deadline:
                raise Failure("was not there after 10 s")
            time.sleep(0.02)

    def last_words(self):
        lines = self.log_path.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")[:200]

    def pids(self):
        return descendants(self.process.pid)

    def stop(self):
        for signal_, seconds in ((signal.SIGTERM, 3), (signal.SIGKILL, 10)):
            try:
                os.killpg(self.process.pid, signal_)
            except ProcessLookupError:
                pass
            try:
                self.process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
