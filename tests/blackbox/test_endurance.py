# SPDX-License-Identifier: Apache-2.0
"""Thousands of connections come and go: descriptors and memory stay where they were."""

from support import CLOSE, SANITIZED, TEXT, Client, DaemonCase, close_payload, frame, wait_until

CONFIG = """
[server]
threads = 2

[route.echo]
path = "/echo"
type = "echo"

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
"""

GOODBYE = frame(CLOSE, close_payload(1000))


class Churn(DaemonCase):
    config = CONFIG
    turns = 500 if SANITIZED else 4000

    def use(self, number):
        """One connection, opened, used and ended in one of the ways there are."""
        path = "/echo" if number % 2 else f"/chat/room-{number % 50}"
        source = f"127.0.{number // 250 % 250}.{number % 250 + 1}"  # so that no port is short
        with Client(self.daemon.address, source=source) as client:
            client.send(client.upgrade_head(path) + frame(TEXT, b"%d" % number))
            self.assertEqual(client.read_response().status, 101)
            self.assertEqual(client.read_message(), b"%d" % number)
            if number % 3 == 0:
                client.send(GOODBYE)
                client.read_to_end()
            elif number % 3 == 1:
                client.reset()

    def test_nothing_stays_behind(self):
        for number in range(self.turns // 4):
            self.use(number)
        wait_until(lambda: self.daemon.descriptors() < 40, "descriptors are closed")
        descriptors, resident = self.daemon.descriptors(), self.daemon.resident()
        for number in range(self.turns):
            self.use(number)
        wait_until(lambda: self.daemon.descriptors() <= descriptors, "descriptors are closed")
        if not SANITIZED:
            self.assertLess(self.daemon.resident() - resident, 1 << 20)
