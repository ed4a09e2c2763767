# SPDX-License-Identifier: Apache-2.0
"""Pings by the server, and clients that fell silent."""

import os
import tempfile
import time

from support import BINARY, PING, PONG, TEXT, Client, DaemonCase, frame, wait_until

ROUTES = """
[route.echo]
path = "/echo"
type = "echo"

[route.quiet]
path = "/quiet"
type = "echo"
limits = { ping_interval = "0s" }
"""


class Pings(DaemonCase):
    config = ROUTES
    options = ("--set", "limits.ping_interval=200ms", "--set", "limits.pong_timeout=2s")

    def test_a_client_that_answers_stays(self):
        client = self.open("/echo")
        for _ in range(6):
            got = client.read_frame()
            self.assertEqual(got.opcode, PING)
            client.send_frame(PONG, got.payload)
        self.assertEqual(client.echo(b"alive").payload, b"alive")

    def test_a_client_that_does_not_is_gone(self):
        client = self.open("/echo", timeout=5)
        self.assertEqual(client.read_frame().opcode, PING)
        begin = time.monotonic()
        client.read_to_end()
        self.assertLess(time.monotonic() - begin, 5)

    def test_a_ping_counts_from_when_the_client_has_it(self):
        """It waits behind an echo for which there is no room; the rest of that comes at once, and is read late."""
        client = self.open("/echo", receive_buffer=4096, timeout=5)
        client.send(frame(BINARY, bytes(20_000)))
        time.sleep(1.4)
        client.read(19_000)
        time.sleep(1.5)  # until after the time of a ping that was taken at once
        client.read(1_004)
        self.assertEqual(client.read_frame().opcode, PING)
        client.send_frame(PONG)
        self.assertEqual(client.echo(b"alive").payload, b"alive")

    def test_any_byte_counts_as_life(self):
        client = self.open("/echo")
        pings = 0
        while pings < 6:
            got = client.read_frame()
            if got.opcode == PING:
                pings += 1
                client.send_frame(TEXT, "busy")

    def test_a_route_without_pings(self):
        quiet = self.open("/quiet")
        pinged = self.open("/echo")
        for _ in range(4):
            got = pinged.read_frame()
            self.assertEqual(got.opcode, PING)
            pinged.send_frame(PONG, got.payload)
        self.assertEqual(quiet.echo(b"first frame").payload, b"first frame")


class SlowReaders(DaemonCase):
    """A ping stands behind what the kernel has taken of an echo already."""

    config = ROUTES
    options = ("--set", "limits.ping_interval=300ms", "--set", "limits.pong_timeout=2s")
    size = 400_000

    def ask(self):
        client = self.open("/echo", receive_buffer=4096, timeout=5)
        client.send(frame(BINARY, bytes(self.size)))
        return client

    def test_who_reads_has_time_for_its_pong(self):
        client = self.ask()
        left = self.size + 10  # the header
        while left > 0:
            got = len(client.socket.recv(min(left, 5000)))
            self.assertGreater(got, 0)
            left -= got
            time.sleep(0.04)  # the pace of the client under test
        self.assertEqual(client.read_frame().opcode, PING)
        client.send_frame(PONG)
        self.assertEqual(client.echo(b"alive").payload, b"alive")

    def test_who_does_not_read_is_gone(self):
        client = self.ask()
        begin = time.monotonic()
        wait_until(lambda: "answered no ping in time" in self.daemon.log.text(), "it is reset")
        self.assertLess(time.monotonic() - begin, 6)
        client.close()


class SlowLocalReaders(SlowReaders):
    """The same by a Unix socket, where nothing is acknowledged and the kernel takes 1.7 s of the client's pace."""

    options = (*SlowReaders.options, "--set", "limits.pong_timeout=1200ms")

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.path = os.path.join(folder.name, "peal.sock")
        cls.options = (*cls.options, "--set", f"listen.local.address=unix:{cls.path}")
        super().setUpClass()
        cls.daemon.log.wait_for(f"listening on unix:{cls.path}")

    def connect(self, receive_buffer=None, **options):
        client = Client(self.path, **options)
        self.addCleanup(client.close)
        return client


class Idle(DaemonCase):
    config = ROUTES
    options = (
        "--set", "limits.idle_timeout=1500ms", "--set", "limits.ping_interval=150ms",
        "--set", "limits.close_timeout=300ms",
    )

    def test_a_client_without_messages_is_closed(self):
        client = self.open("/echo", timeout=5)
        begin = time.monotonic()
        while True:
            got = client.read_frame()
            if got.opcode != PING:
                break
            client.send_frame(PONG, got.payload)
        self.assertGreater(time.monotonic() - begin, 1.2)
        self.assertEqual(int.from_bytes(got.payload[:2], "big"), 1001)

    def test_messages_keep_it_open(self):
        client = self.open("/echo", timeout=5)
        begin = time.monotonic()
        while time.monotonic() - begin < 2.5:
            client.send_frame(TEXT, "busy")
            self.assertEqual(client.read_message(), b"busy")
            time.sleep(0.1)  # the pace of the client under test
