# SPDX-License-Identifier: Apache-2.0
"""Clients that do not read: memory stays bounded, neighbours unharmed, and the route's policy applies."""

import os
import time

from support import BINARY, CLOSE, CONTINUATION, PING, PONG, SANITIZED, DaemonCase, frame, wait_until
from support.wire import Ended

KIB = 1024
MIB = 1024 * KIB

CONFIG = """
[server]
threads = 2

[limits]
message_size = "256KiB"
queue_size = "256KiB"
close_timeout = "2s"

[route.echo]
path = "/echo"
type = "echo"

[route.strict]
path = "/strict"
type = "pubsub"
topics = ["news"]

[route.lenient]
path = "/lenient"
type = "pubsub"
topics = ["news"]
limits = { slow_client = "drop" }

[route.newest]
path = "/newest"
type = "pubsub"
topics = ["news"]
limits = { slow_client = "latest" }

[route.press]
path = "/press"
type = "pubsub"
topics = ["proofs"]
publish = "anyone"
publish_to = "news"
"""


def send_until_stuck(client, data, limit):
    """Sends `data` again and again until the peer takes no more for a while. Returns the bytes it took."""
    client.socket.settimeout(0.5)
    view = memoryview(data)
    sent = 0
    try:
        while sent < limit:
            sent += client.socket.send(view[sent % len(data):])
    except TimeoutError:
        pass
    client.socket.settimeout(10)
    return sent


class EchoWithoutReading(DaemonCase):
    config = CONFIG

    def test_the_server_stops_reading_and_loses_nothing(self):
        message = os.urandom(64 * KIB)
        data = frame(BINARY, message)
        neighbour = self.open("/echo")
        before = self.daemon.resident()
        client = self.open("/echo", receive_buffer=64 * KIB)
        sent = send_until_stuck(client, data, 256 * MIB)
        self.assertLess(sent, 64 * MIB, "the server reads on though its answers find no reader")
        self.assertEqual(neighbour.echo(b"unharmed").payload, b"unharmed")
        if not SANITIZED:
            self.assertLess(self.daemon.resident() - before, 16 * MIB)  # half of a reactor's receive buffers

        for number in range(sent // len(data)):
            if client.read_message() != message:
                self.fail(f"echo {number} of {sent // len(data)} is not what was sent")

    def test_pings_without_reading_the_pongs(self):
        neighbour = self.open("/echo")
        before = self.daemon.resident()
        client = self.open("/echo", receive_buffer=64 * KIB)
        # Of a flood few are answered, so it takes many to fill the queue; nor does it matter.
        send_until_stuck(client, frame(PING, b"p" * 125) * 500, 64 * MIB)
        self.assertEqual(neighbour.echo(b"unharmed").payload, b"unharmed")
        if not SANITIZED:
            self.assertLess(self.daemon.resident() - before, 16 * MIB)  # half of a reactor's receive buffers

    def test_a_stuck_client_costs_no_cpu(self):
        client = self.open("/echo", receive_buffer=64 * KIB)
        send_until_stuck(client, frame(BINARY, b"x" * 1000) * 100, 256 * MIB)
        before = self.daemon.cpu_seconds()
        time.sleep(0.5)  # the stretch that is measured
        self.assertLess(self.daemon.cpu_seconds() - before, 0.1)

    def test_stuck_clients_that_vanish_leave_nothing(self):
        before = self.daemon.descriptors()
        for _ in range(4):
            client = self.open("/echo", receive_buffer=64 * KIB)
            send_until_stuck(client, frame(BINARY, b"x" * 1000) * 100, 256 * MIB)
            client.reset()
        wait_until(lambda: self.daemon.descriptors() <= before, "descriptors of stuck clients are closed")


class Claims(DaemonCase):
    """A header may claim what it likes: memory is taken for what has arrived."""

    config = CONFIG
    count = 200

    def test_large_claims_cost_little(self):
        before = self.daemon.resident()
        clients = [self.open("/echo") for _ in range(self.count)]
        for client in clients:
            client.send(frame(BINARY, b"the first bytes", length=256 * KIB))
        self.assertEqual(self.open("/echo").echo(b"unharmed").payload, b"unharmed")
        if not SANITIZED:
            self.assertLess(self.daemon.resident() - before, self.count * 64 * KIB)

    def test_a_message_in_a_storm_of_empty_fragments(self):
        before = self.daemon.resident()
        client = self.open("/echo")
        client.send(frame(BINARY, b"a", fin=False) + frame(CONTINUATION, fin=False) * 60_000)
        client.send_frame(PING, b"read so far?")
        self.assertEqual(client.read_frame().opcode, PONG)
        if not SANITIZED:
            self.assertLess(self.daemon.resident() - before, 16 * MIB)  # half of a reactor's receive buffers
        client.send_frame(CONTINUATION, b"z")
        self.assertEqual(client.read_message(), b"az")


class SlowSubscriber(DaemonCase):
    # A client that is refused reads on only when all is published, which a busy machine takes its time for.
    config = CONFIG.replace('close_timeout = "2s"', 'close_timeout = "60s"')

    # Enough to fill the kernel's buffers (tcp_wmem may grow to 4 MiB and more) and then the queue.
    count = 1500
    size = 16 * KIB

    def message(self, number):
        return b"%08d" % number + bytes([number % 251]) * (self.size - 8)

    def publish_all(self):
        """Publishes `count` messages while a fast subscriber reads along, which it must be able to."""
        press, fast = self.open("/press"), self.open("/strict")
        for number in range(self.count):
            press.send_frame(BINARY, self.message(number))
            if fast.read_message() != self.message(number):
                self.fail(f"the fast subscriber got something else than message {number}")
        return press

    def assert_is_whole(self, payload):
        number = int(payload[:8])
        self.assertTrue(payload == self.message(number), "the message is not as published")
        return number

    def test_disconnect_closes_it_with_1008(self):
        slow = self.open("/strict", receive_buffer=16 * KIB)
        before = self.daemon.resident()
        self.publish_all()
        if not SANITIZED:
            self.assertLess(self.daemon.resident() - before, 16 * MIB)  # half of a reactor's receive buffers
        code, heard = None, []
        try:
            while True:
                got = slow.read_frame()
                if got.opcode == CLOSE:
                    code = int.from_bytes(got.payload[:2], "big")
                    break
                heard.append(self.assert_is_whole(got.payload))
        except Ended:
            self.fail("the connection ended without a close frame")
        self.assertEqual(code, 1008)
        self.assertEqual(heard, list(range(len(heard))), "what it still gets is without a gap")
        self.assertLess(len(heard), self.count)

    def test_drop_loses_messages_but_keeps_the_connection(self):
        slow = self.open("/lenient", receive_buffer=16 * KIB)
        press = self.publish_all()
        press.send_frame(BINARY, self.message(self.count))
        heard = []
        while not heard or heard[-1] < self.count:
            # The last one may be dropped too while the queue is full: publish it until it is heard.
            slow.socket.settimeout(0.3)
            try:
                got = slow.read_frame()
            except TimeoutError:
                press.send_frame(BINARY, self.message(self.count))
                continue
            self.assertEqual(got.opcode, BINARY)
            heard.append(self.assert_is_whole(got.payload))
        self.assertEqual(heard, sorted(heard))
        self.assertLess(len(set(heard)), self.count, "no message was dropped: the test proves nothing")

    def test_latest_leaves_out_what_a_newer_one_has_taken_the_place_of(self):
        slow = self.open("/newest", receive_buffer=16 * KIB)
        before = self.daemon.resident()
        self.publish_all()
        if not SANITIZED:
            self.assertLess(self.daemon.resident() - before, 16 * MIB)  # half of a reactor's receive buffers
        heard = []
        while not heard or heard[-1] < self.count - 1:  # the newest comes, without another one after it
            got = slow.read_frame()
            self.assertEqual(got.opcode, BINARY)
            heard.append(self.assert_is_whole(got.payload))
        self.assertEqual(heard, sorted(set(heard)))
        self.assertLess(len(heard), self.count, "no message was left out: the test proves nothing")

    def test_others_on_the_topic_are_not_held_up(self):
        slow = self.open("/lenient", receive_buffer=16 * KIB)
        begin = time.monotonic()
        self.publish_all()
        self.assertLess(time.monotonic() - begin, 20)
        slow.send_frame(CLOSE)
