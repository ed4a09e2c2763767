# SPDX-License-Identifier: Apache-2.0
"""HAProxy in front of several peald."""

import pathlib
import subprocess
import tempfile

from .daemon import wait_until
from .wire import Client


class Balancer:
    """HAProxy with `configuration`, in which `folder` stands for a folder of its own: `{folder}/stats` is the socket of
    its statistics. Returns when it has found all servers."""

    def __init__(self, configuration, **values):
        self._folder = tempfile.TemporaryDirectory(prefix="peal-")
        self.folder = pathlib.Path(self._folder.name)
        file = self.folder / "configuration"
        file.write_text(configuration.format(folder=self.folder, **values))
        self.process = subprocess.Popen(
            ["/usr/sbin/haproxy", "-db", "-f", str(file)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait_until(lambda: "UP" in self.states() and "DOWN" not in self.states(), "HAProxy has found all servers")

    def states(self):
        """"UP" or "DOWN" of each server, in the order of the configuration."""
        try:
            with Client(str(self.folder / "stats")) as client:
                client.send(b"show stat\n")
                lines = [line.split(",") for line in client.read_to_end().decode().splitlines()]
        except OSError:
            return []
        return [line[17].split()[0] for line in lines if len(line) > 17 and line[1] not in ("svname", "FRONTEND", "BACKEND")]

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self._folder.cleanup()
