# SPDX-License-Identifier: Apache-2.0
"""Threads of a process that stand still, as nothing else can bring about (ptrace(2))."""

import ctypes
import os
import pathlib

from .daemon import wait_until


def reactors(daemon, count=2):
    """The thread of each."""
    def named():
        tasks = pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir()
        return [int(task.name) for task in tasks if (task / "comm").read_text().startswith("reactor-")]
    wait_until(lambda: len(named()) == count, "all reactors are there")
    return named()


class Stopped:
    """Stops one thread, and lets it go on at the end."""

    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
    libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, thread):
        self.thread = thread

    def _trace(self, request):
        done = self.libc.ptrace(ctypes.c_long(request), ctypes.c_long(self.thread), None, None)
        if done < 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def __enter__(self):
        self._trace(self.SEIZE)
        self._trace(self.INTERRUPT)
        os.waitpid(self.thread, 0x40000000)  # __WALL

    def __exit__(self, *_):
        self._trace(self.DETACH)
