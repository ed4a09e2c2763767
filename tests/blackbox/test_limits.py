# SPDX-License-Identifier: Apache-2.0
"""Every limit attacked: memory stays bounded, a neighbour unharmed, and the log says what happened."""

import os
import time

from support import (BINARY, CLOSE, CONTINUATION, PING, PONG, SANITIZED, TEXT, Client, Daemon, DaemonCase, frame,
                     wait_until)
from support.wire import Ended

KIB = 1024
MIB = 1024 * KIB

CONFIG = """
[server]
threads = 2

[limits]
close_timeout = "1s"
message_size = "64KiB"
queue_size = "64KiB"

[route.echo]
path = "/echo"
type = "echo"

[route.paced]
path = "/paced"
type = "echo"
limits = { message_rate = "100/s", message_fragments = 1000 }

[route.news]
path = "/news"
type = "pubsub"
topics = ["news"]
publish = "ignore"

[route.health]
path = "/healthz"
type = "health"

[route.metrics]
path = "/metrics"
type = "metrics"

[route.press]
path = "/press"
type = "pubsub"
topics = ["proofs"]
publish = "anyone"
publish_to = "news"
"""


class LimitCase(DaemonCase):
    config = CONFIG
    attacker = "127.0.0.66"
    growth = 16 * MIB  # what an attack may add to the memory in use: receive buffers, half of them

    def setUp(self):
        self.neighbour = self.open("/echo")
        self.resident_before = self.daemon.resident()

    def assert_unharmed(self):
        """The neighbour is served at once, and the attack has cost no more memory than it may."""
        begin = time.monotonic()
        self.assertEqual(self.neighbour.echo(b"unharmed").payload, b"unharmed")
        self.assertLess(time.monotonic() - begin, 2)
        if not SANITIZED:
            self.assertLess(self.daemon.resident() - self.resident_before, self.growth)

    def assert_logged(self, pattern):
        self.assertTrue(self.daemon.log.wait_for("warning: " + pattern), pattern)

    def attack(self, path="/paced", **options):
        return self.open(path, source=self.attacker, **options)

    def assert_operators_are_served(self):
        """Who looks after it is told how it is, over a connection that ends with that."""
        before = self.daemon.descriptors()
        for path in ("/healthz", "/metrics"):
            with Client(self.daemon.address, source=self.attacker) as client:
                answer = client.request(path)
                self.assertEqual((answer.status, answer.headers.get("connection")), (200, "close"))
        wait_until(lambda: self.daemon.descriptors() <= before, "those connections are gone")


# The first flood of this daemon is summed up 10 s later, while the other tests run.
summary = None


def setUpModule():
    global summary
    summary = Daemon(CONFIG)
    for _ in range(20):
        with Client(summary.address) as client:
            client.send(b"no HTTP\r\n\r\n")
            client.read_to_end()


def tearDownModule():
    summary.stop()


class ConnectionsPerAddress(LimitCase):
    options = ("--set", "limits.connections_per_ip=4")

    def status(self, source):
        """What one more client is told; None when it is refused without a word."""
        try:
            with Client(self.daemon.address, source=source) as client:
                answer = client.upgrade("/echo")
                return answer.status, answer.headers.get("retry-after")
        except (Ended, ConnectionError):
            return None

    def test_a_flood_from_one_address(self):
        inside = [self.attack("/echo") for _ in range(4)]
        self.assert_operators_are_served()
        silent = [self.connect(source=self.attacker) for _ in range(3)]
        told = self.connect(source=self.attacker).upgrade("/echo")
        self.assertEqual((told.status, told.headers["retry-after"]), (503, "5"))
        before = self.daemon.descriptors()
        for _ in range(300):
            self.status(self.attacker)
        self.assertLessEqual(self.daemon.descriptors(), before + 8)  # the last ones may still be closing
        self.assert_unharmed()
        self.assertEqual(self.status("127.0.0.67")[0], 101)
        self.assertEqual(inside[0].echo(b"still in").payload, b"still in")
        self.assert_logged(r"connections_per_ip: 127\.0\.0\.66 has as many connections as it may")
        for client in inside + silent:
            client.close()
        wait_until(lambda: self.status(self.attacker) == (101, None), "there is room again")


class ConnectionsInAll(LimitCase):
    options = ("--set", "limits.connections=5")

    def test_one_too_many(self):
        inside = [self.open("/echo") for _ in range(4)]
        answer = self.connect(source=self.attacker).upgrade("/echo")
        self.assertEqual((answer.status, answer.headers["retry-after"]), (503, "5"))
        answer = self.connect(source=self.attacker).request("/news", "Accept: text/event-stream")
        self.assertEqual((answer.status, answer.headers["content-type"], answer.headers["connection"]),
                         (200, "text/event-stream", "close"))
        self.assertRegex(answer.body, rb"^retry: [3-8]\d\d\d\n$")
        for path, headers in (("/echo", ["Accept: text/event-stream"]), ("/news", []),
                              ("/news", ["Accept: text/event-stream", "Origin: https://else.example"])):
            self.assertEqual(self.connect(source=self.attacker).request(path, *headers).status, 503)
        self.assert_operators_are_served()
        self.assert_unharmed()
        self.assertEqual(inside[0].echo(b"still in").payload, b"still in")
        self.assert_logged(r"connections: as many as there may be; 127\.0\.0\.66 is refused")


class PlacesOfOthers(LimitCase):
    options = ("--set", "limits.connections=5")

    def test_who_is_in_is_served_whoever_comes(self):
        inside = [self.connect() for _ in range(4)]
        poll = "/news?wait=0s"
        self.assertEqual([client.request(poll).status for client in inside], 4 * [204])
        before = self.daemon.descriptors()
        late = [self.connect(source=self.attacker) for _ in range(3)]
        for client in late:
            client.send(client.request_head(poll)[:-2])  # not whole, so it stays
        wait_until(lambda: self.daemon.descriptors() >= before + 3, "they have come")
        self.assertEqual([client.request(poll).status for client in inside], 4 * [204])
        late[0].send(b"\r\n")
        self.assertEqual(late[0].read_response().status, 503)
        for client in [*inside, late[1]]:
            client.close()
        wait_until(lambda: self.daemon.descriptors() < before, "there is room")
        late[2].send(b"\r\n")
        self.assertEqual(late[2].read_response().status, 204)


class AcceptRate(LimitCase):
    options = ("--set", "limits.accept_rate=20/s")

    def test_a_storm_waits_its_turn(self):
        time.sleep(0.2)  # what the neighbour has used of the rate comes back
        begin = time.monotonic()
        storm = [self.connect(source=self.attacker) for _ in range(60)]
        for client in storm:
            client.send(client.upgrade_head("/echo"))
        self.assertEqual(storm[0].read_response().status, 101)
        self.assertLess(time.monotonic() - begin, 1.5)
        self.assert_unharmed()
        for client in storm[1:]:
            self.assertEqual(client.read_response().status, 101)
        took = time.monotonic() - begin
        self.assertGreater(took, 1.2)
        self.assertLess(took, 8)
        self.assert_logged("accept_rate: more come than are let in")


class Messages(LimitCase):
    def test_more_messages_than_the_rate_allows(self):
        client = self.attack()
        client.send(frame(TEXT, b"x") * 1000)
        for _ in range(100):
            self.assertEqual(client.read_frame().opcode, TEXT)
        self.assert_closes(client, 1008)
        self.assert_unharmed()
        self.assert_logged(r"message_rate: 127\.0\.0\.66 on route paced \(WebSocket\) sent more messages than it may")

    def test_more_pings_than_the_rate_allows(self):
        client = self.attack()
        client.send(frame(PING, b"x") * 1000)
        pongs = 0
        while (got := client.read_frame()).opcode == PONG:
            pongs += 1
        self.assertEqual((got.opcode, got.payload[:2]), (CLOSE, b"\x03\xf0"))
        self.assertLess(pongs, 20)
        self.assert_unharmed()

    def test_more_fragments_than_a_message_may_have(self):
        client = self.attack()
        client.send(frame(BINARY, b"x", fin=False) + frame(CONTINUATION, b"x", fin=False) * 998 +
                    frame(CONTINUATION, b"x"))
        self.assertEqual(len(client.read_frame().payload), 1000)
        client.send(frame(BINARY, fin=False) + frame(CONTINUATION, fin=False) * 5000)
        self.assert_closes(client, 1008)
        self.assert_unharmed()
        self.assert_logged(r"message_fragments: 127\.0\.0\.66 on route paced \(WebSocket\) sent a message in too many fragments")

    def test_a_message_that_is_too_large(self):
        client = self.attack()
        client.send(frame(BINARY, b"", length=1 << 40))
        self.assert_closes(client, 1009)
        self.assert_unharmed()
        self.assert_logged(r"message_size: 127\.0\.0\.66 on route paced \(WebSocket\) sent a message that is too large")

    def test_what_breaks_the_protocol(self):
        client = self.attack()
        client.send(frame(TEXT, b"x", key=None))
        self.assert_closes(client, 1002)
        self.assert_unharmed()
        self.assert_logged(r"protocol_error: 127\.0\.0\.66 on route paced \(WebSocket\) broke the WebSocket protocol")


class Floods(LimitCase):
    def test_a_flood_of_pings_is_answered_by_few_pongs(self):
        client = self.attack("/echo")
        count = 200_000
        client.send(frame(PING, b"") * count + frame(PING, b"last"))
        pongs = 0
        while client.read_frame().payload != b"last":
            pongs += 1
        self.assertLess(pongs, count / 50)
        self.assert_unharmed()

    def test_empty_messages_that_nobody_reads(self):
        client = self.attack("/echo", receive_buffer=4 * KIB)
        client.socket.settimeout(0.5)
        try:
            for _ in range(100):
                client.send(frame(BINARY) * 100_000)
        except TimeoutError:
            pass
        else:
            self.fail("the server reads on though its answers find no reader")
        self.assert_unharmed()

    def test_bytes_one_by_one(self):
        client = self.attack("/echo")
        for _ in range(20):
            client.trickle(frame(BINARY, b"x" * 10))
        for _ in range(20):
            self.assertEqual(client.read_frame().payload, b"x" * 10)
        self.assert_unharmed()

    def test_a_storm_of_resets(self):
        before = self.daemon.descriptors()
        for _ in range(300):
            client = Client(self.daemon.address, source=self.attacker)
            client.send(client.upgrade_head("/echo") + frame(BINARY, b"x"))
            client.reset()
        self.assert_unharmed()
        wait_until(lambda: self.daemon.descriptors() <= before, "descriptors of those who reset are closed")


class Handshakes(LimitCase):
    options = ("--set", "limits.handshake_timeout=1s")

    def test_requests_that_trickle(self):
        clients = [self.connect(source=self.attacker) for _ in range(200)]
        silent = [self.connect(source=self.attacker) for _ in range(20)]
        head = clients[0].upgrade_head("/echo")
        begin = time.monotonic()
        at = 0
        while time.monotonic() - begin < 0.8:
            for client in clients:
                client.send(head[at:at + 1])
            at += 1
            time.sleep(0.05)
        self.assert_unharmed()
        for client in clients:
            self.assertEqual(client.read_response().status, 408)
        for client in silent:
            self.assertTrue(client.has_ended())
        self.assertLess(time.monotonic() - begin, 5)
        self.assert_logged(r"handshake_timeout: 127\.0\.0\.66 sent no whole request in time")


class Pings(LimitCase):
    options = ("--set", "limits.ping_interval=200ms", "--set", "limits.pong_timeout=200ms")

    def setUp(self):
        """No neighbour: it would have to answer pings too."""

    def test_pings_that_nobody_answers(self):
        client = self.attack("/echo")
        self.assertEqual(client.read_frame().opcode, PING)
        self.assertTrue(client.has_ended())
        self.assert_logged(r"pong_timeout: 127\.0\.0\.66 on route echo \(WebSocket\) answered no ping in time")


class NeverReading(LimitCase):
    count = 20
    growth = count * 128 * KIB + 8 * MIB

    def test_subscribers_that_never_read(self):
        press, reader = self.open("/press"), self.open("/news")
        before = self.daemon.descriptors()
        silent = [self.attack("/news", receive_buffer=4 * KIB) for _ in range(self.count)]
        message = os.urandom(32 * KIB)
        for _ in range(400):
            press.send_frame(BINARY, message)
            self.assertEqual(reader.read_message(), message)
        self.assert_unharmed()
        self.assert_logged(r"slow_client: 127\.0\.0\.66 on route news \(WebSocket\) reads too slowly")
        wait_until(lambda: self.daemon.descriptors() <= before, "those who never read are let go")
        self.assertEqual(len(silent), self.count)


class Summary(LimitCase):
    def test_what_goes_on_is_summed_up(self):
        found = summary.log.wait_for(r"warning: bad_request: (\d+) more since the last line about it", timeout=15)
        self.assertEqual(found and found[1], "19")
        self.assertEqual(len([line for line in summary.log.text().splitlines() if "bad_request" in line]), 2)
