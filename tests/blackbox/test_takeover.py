# SPDX-License-Identifier: Apache-2.0
"""A second peald takes over behind HAProxy while the first one is drained."""

import os
import resource
import selectors
import signal
import time
import unittest

from support import CLOSE, SANITIZED, Client, Daemon, close_payload
from support.balancer import Balancer

CONFIG = """
[server]
threads = 2

[route.echo]
path = "/echo"
type = "echo"

[route.health]
path = "/healthz"
type = "health"
"""

HAPROXY = """
global
    nbthread 1
    maxconn 6000
    stats socket {folder}/stats
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
    timeout check 5s
listen front
    bind unix@{folder}/front
    option httpchk GET /healthz
    default-server check inter 100ms fall 2 rise 1
    server first 127.0.0.1:{first}
    server second 127.0.0.1:{second} backup
"""

CLIENTS = 200 if SANITIZED else int(os.environ.get("PEAL_CLIENTS", 1000))
OVER = max(2, CLIENTS // 500)  # seconds; a client in Python does not come back faster


class Takeover(unittest.TestCase):
    def start(self, *settings):
        daemon = Daemon(CONFIG, *(word for setting in settings for word in ("--set", setting)))
        self.addCleanup(daemon.stop)
        return daemon

    def open(self):
        client = Client(str(self.balancer.folder / "front"))
        self.addCleanup(client.close)
        self.assertEqual(client.upgrade("/echo").status, 101)
        return client

    def test_reconnects_are_spread_and_none_is_refused(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        first, second = self.start("drain.pause=500ms", f"drain.over={OVER}s", "limits.close_timeout=20s"), self.start()
        self.balancer = Balancer(HAPROXY, first=first.address[1], second=second.address[1])
        self.addCleanup(self.balancer.stop)
        watched = selectors.DefaultSelector()
        for _ in range(CLIENTS):
            client = self.open()
            watched.register(client.socket, selectors.EVENT_READ, client)
        self.assertGreaterEqual(first.descriptors(), CLIENTS)
        begin = time.monotonic()
        first.process.send_signal(signal.SIGTERM)
        moved = []
        while watched.get_map():
            for key, _ in watched.select(10):
                client = key.data
                watched.unregister(client.socket)
                self.assertEqual(client.read_close()[0], 1001)
                client.send_frame(CLOSE, close_payload(1001))
                client.close()
                self.assertEqual(self.open().echo("here again").payload, b"here again")
                moved.append(time.monotonic() - begin - 0.5)
        self.assertEqual(first.wait(30), 0)
        self.assertEqual(len(moved), CLIENTS)
        self.assertGreaterEqual(second.descriptors(), CLIENTS)
        # This client may be late, when it has little of the CPU, but not early.
        for share in (0.25, 0.5, 0.75):
            early = sum(at < share * OVER for at in moved)
            self.assertLess(early, (share + 0.1) * CLIENTS)


if __name__ == "__main__":
    unittest.main()
