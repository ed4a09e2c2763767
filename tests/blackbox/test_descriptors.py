# SPDX-License-Identifier: Apache-2.0
"""Running out of file descriptors: accepting pauses and resumes, nobody who is in notices."""

import time

from support import Client, DaemonCase, wait_until
from support.wire import Ended

CONFIG = """
[server]
threads = 2

[limits]
connections = 1000000
handshake_timeout = "30s"

[route.echo]
path = "/echo"
type = "echo"
"""


class Crowded(DaemonCase):
    config = CONFIG

    def status(self):
        """What a new client is told; None when its connection is just closed."""
        with Client(self.daemon.address) as client:
            try:
                return client.upgrade("/echo").status
            except (Ended, ConnectionError):
                return None

    def wait_for_room(self):
        """A client may be told 503 as long as those who leave are not gone yet."""
        wait_until(lambda: self.status() == 101, "there is room again")


class FewDescriptors(Crowded):
    nofile = 64

    def crowd(self, size):
        """More clients than there are descriptors, so that accepting pauses."""
        clients = [self.connect() for _ in range(size)]
        wait_until(lambda: self.daemon.descriptors() >= 56, "the crowd takes what descriptors there are")
        return clients

    def test_accepting_pauses_and_resumes(self):
        inside = [self.open("/echo") for _ in range(4)]
        crowd = self.crowd(150)
        for number, client in enumerate(inside):
            self.assertEqual(client.echo(b"%d" % number).payload, b"%d" % number)
        before = self.daemon.cpu_seconds()
        time.sleep(1)  # the stretch that is measured
        self.assertLess(self.daemon.cpu_seconds() - before, 0.2, "peald spins while it cannot accept")

        for client in crowd:
            client.close()
        self.wait_for_room()
        for client in inside:
            self.assertEqual(client.echo(b"still in").payload, b"still in")

    def test_who_waits_is_answered_when_others_leave(self):
        crowd = self.crowd(100)
        late = self.connect()
        late.send(late.upgrade_head("/echo"))
        for client in crowd:
            client.close()
        self.assertIn(late.read_response().status, (101, 503))
        self.wait_for_room()


class ConnectionLimit(Crowded):
    config = CONFIG.replace("1000000", "10")

    def test_one_more_is_refused_until_one_leaves(self):
        inside = [self.open("/echo") for _ in range(10)]
        self.assertEqual(self.status(), 503)
        inside.pop().close()
        self.wait_for_room()
        for client in inside:
            self.assertEqual(client.echo(b"undisturbed").payload, b"undisturbed")
