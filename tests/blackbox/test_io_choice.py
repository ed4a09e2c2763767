# SPDX-License-Identifier: Apache-2.0
"""server.io: what is used, what the log says of it, and what happens where io_uring is forbidden."""

import errno
import os
import pathlib
import platform
import unittest

from support import TEXT, Client
from support.daemon import IO, SANITIZED, Daemon

CONFIG = """
[listen.public]
address = "127.0.0.1:0"

[route.echo]
path = "/echo"
type = "echo"
"""
EPOLL_PWAIT2 = 441  # on every architecture but alpha
PRLIMIT64 = {"x86_64": 302, "aarch64": 261}
WITHOUT = pathlib.Path(__file__).parent / "support" / "without_io_uring"


def forbidden(io, number=errno.EPERM, wait=True):
    """A daemon that may not use io_uring, or the system call in `number`; the last --set wins."""
    return Daemon(CONFIG, "--set", f"server.io={io}", wait=wait, wrap=[str(WITHOUT), str(number)])


class Allowed(unittest.TestCase):
    def test_the_log_says_what_is_used(self):
        daemon = Daemon(CONFIG)
        self.addCleanup(daemon.stop)
        expected = r"io_uring: .*multishot.*DEFER_TASKRUN" if IO == "io_uring" else r"epoll, as configured"
        self.assertRegex(daemon.log.text(), expected)

    def test_auto_takes_io_uring(self):
        daemon = Daemon(CONFIG, "--set", "server.io=auto")
        self.addCleanup(daemon.stop)
        self.assertRegex(daemon.log.text(), r"info: io_uring: ")


class Forbidden(unittest.TestCase):
    def test_auto_falls_back_and_says_so(self):
        for number, hint in ((errno.EPERM, "seccomp"), (errno.ENOSYS, "no io_uring")):
            with self.subTest(errno=os.strerror(number)):
                daemon = forbidden("auto", number)
                self.addCleanup(daemon.stop)
                self.assertRegex(daemon.log.text(), rf"epoll, because io_uring cannot be used: io_uring_setup: .*{hint}")
                with Client(daemon.address) as client:
                    self.assertEqual(client.upgrade("/echo").status, 101)
                    self.assertEqual(client.echo(b"by epoll", TEXT).payload, b"by epoll")
                self.assertEqual(daemon.stop(), 0)

    def test_io_uring_refuses(self):
        daemon = forbidden("io_uring", wait=False)
        self.assertEqual(daemon.wait(), 1)
        self.assertRegex(daemon.log.text(), r'server\.io = "io_uring", but it cannot be used: .*not permitted.*seccomp')

    def test_epoll_does_not_mind(self):
        daemon = forbidden("epoll")
        self.assertEqual(daemon.stop(), 0)

    def test_neither_is_allowed(self):
        daemon = forbidden("epoll", f"{errno.ENOSYS}:{EPOLL_PWAIT2}", wait=False)
        self.assertEqual(daemon.wait(), 1)
        self.assertIn("error: a reactor cannot be set up: epoll_pwait2: Function not implemented", daemon.log.text())

    @unittest.skipIf(SANITIZED, "sanitizers ask for limits, too")
    @unittest.skipUnless(platform.machine() in PRLIMIT64, "its number is not known here")
    def test_limits_that_may_not_be_asked_for(self):
        """As by SystemCallFilter=~@resources of systemd.exec(5)."""
        daemon = forbidden("epoll", f"{errno.EPERM}:{PRLIMIT64[platform.machine()]}")
        self.addCleanup(daemon.stop)
        self.assertRegex(daemon.log.text(), r"warning: the limit of open files cannot be asked for: Operation not permitted")
        self.assertIn("at most 960 connections", daemon.log.text())


if __name__ == "__main__":
    unittest.main()
