# SPDX-License-Identifier: Apache-2.0
"""Starts peald on a free port and looks at it from outside."""

import contextlib
import mmap
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
PEALD = os.environ.get("PEALD", str(ROOT / "build/server/peald"))
IO = os.environ.get("PEAL_IO", "io_uring")

CLOCK_TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    """A port that nobody had a moment ago, and that no client is given (ip_local_port_range, ip(7))."""
    while True:
        port = random.randrange(10_000, 32_768)
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            return port


def is_sanitized(program):
    """Sanitizers keep memory and take time, so figures of such a build mean nothing."""
    with open(program, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        return image.find(b"__asan_init") >= 0 or image.find(b"__tsan_init") >= 0


SANITIZED = is_sanitized(PEALD)


def wait_until(condition, what, timeout=10.0):
    """Returns the first true value of `condition()`; fails when none comes."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain: {what}")
        time.sleep(0.01)


class Log:
    """Standard error of a process, gathered by a thread so that the process never blocks on it."""

    def __init__(self, stream):
        self._lines = []
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._gather, args=(stream,), daemon=True)
        self._thread.start()

    def _gather(self, stream):
        with stream:
            for line in stream:
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def text(self):
        with self._changed:
            return "".join(self._lines)

    def join(self):
        self._thread.join(10)

    def wait_for(self, pattern, timeout=10.0):
        """The match of `pattern` in the log; None when the log ends, or the time, without it."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or re.search(pattern, "".join(self._lines)), timeout)
            return re.search(pattern, "".join(self._lines))


class Daemon:
    """One peald with the back end under test. Listens on a free port; `address` tells which.

    `config` is the text of the configuration, but for a drain that takes no time; `options` are further arguments; `prepare(folder)` may put
    files beside the configuration; `nofile` is the limit of open files; `wrap` is put in front of the command.
    """

    def __init__(self, config, *options, prepare=None, nofile=None, address="127.0.0.1:0", wait=True, wrap=()):
        self._folder = tempfile.TemporaryDirectory(prefix="peal-")
        self.folder = pathlib.Path(self._folder.name)
        self.config = self.folder / "peal.toml"
        self.config.write_text(config)
        if prepare:
            prepare(self.folder)
        limit = ["prlimit", f"--nofile={nofile}:{nofile}", "--"] if nofile else []
        self.process = subprocess.Popen(
            [*limit, *wrap, PEALD, "-c", str(self.config), "--set", f"server.io={IO}",
             "--set", f"listen.public.address={address}", "--set", "drain.over=0s", *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace")
        self.log = Log(self.process.stderr)
        self.address = self._read_address() if wait else None

    def _read_address(self):
        found = self.log.wait_for(r"listening on (\S+):(\d+)")
        if not found:
            self.process.kill()
            raise AssertionError("peald does not listen:\n" + self.log.text())
        return found[1], int(found[2])

    @property
    def host(self):
        return "{}:{}".format(*self.address)

    def url(self, path):
        return f"ws://{self.host}{path}"

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self, timeout=10.0):
        """The exit code."""
        code = self.process.wait(timeout)
        self.log.join()
        self._folder.cleanup()
        return code

    def stop(self):
        """Ends the process whatever its state, and returns the exit code."""
        if self.process.poll() is None:
            self.terminate()
            try:
                return self.wait(2)
            except subprocess.TimeoutExpired:
                self.terminate()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.wait()

    # Figures of proc(5).

    def _proc(self, name):
        return pathlib.Path(f"/proc/{self.process.pid}/{name}")

    def descriptors(self):
        return len(list(self._proc("fd").iterdir()))

    def wait_for_descriptors(self, count):
        wait_until(lambda: self.descriptors() >= count, f"{count} descriptors are open")

    def resident(self):
        """Bytes of memory in use."""
        return int(re.search(r"VmRSS:\s+(\d+) kB", self._proc("status").read_text())[1]) * 1024

    def cpu_seconds(self):
        fields = self._proc("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK_TICK
