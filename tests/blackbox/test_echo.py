# SPDX-License-Identifier: Apache-2.0
"""What comes goes back: sizes, fragments, control frames in between, and a client of another make."""

import asyncio
import os
import unittest

import websockets

from support import BINARY, CONTINUATION, PING, PONG, TEXT, DaemonCase, frame

CONFIG = """
[limits]
message_size = "4MiB"
queue_size = "4MiB"

[route.echo]
path = "/echo"
type = "echo"
"""

SIZES = (0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 1000, 4095, 4096, 16383, 65535, 65536, 65537, 1 << 20, 3 << 20)


class Echo(DaemonCase):
    config = CONFIG

    def setUp(self):
        self.client = self.open("/echo")

    def test_binary_of_every_size(self):
        for size in SIZES:
            with self.subTest(size):
                payload = os.urandom(size)
                got = self.client.echo(payload)
                self.assertEqual(got.opcode, BINARY)
                self.assertTrue(got.payload == payload)

    def test_text_of_every_size(self):
        for size in SIZES:
            with self.subTest(size):
                payload = ("héllo wörld ✓ 🔔" * (size // 16 + 1)).encode()[:size].decode(errors="ignore").encode()
                got = self.client.echo(payload, TEXT)
                self.assertEqual(got.opcode, TEXT)
                self.assertTrue(got.payload == payload)

    def test_many_messages_in_one_segment(self):
        messages = [f"message {i}".encode() for i in range(5000)]
        self.client.send(b"".join(frame(TEXT, message) for message in messages))
        self.assertEqual([self.client.read_message() for _ in messages], messages)

    def test_every_masking_key(self):
        for key in (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\x00\x00\x00", b"\x00\x00\x00\x01"):
            self.client.send_frame(TEXT, "the key does not matter", key=key)
            self.assertEqual(self.client.read_message(), b"the key does not matter")

    def test_fragments_come_back_as_one_message(self):
        self.client.send_frame(TEXT, "one ", fin=False)
        self.client.send_frame(CONTINUATION, "two ", fin=False)
        self.client.send_frame(CONTINUATION, "", fin=False)
        self.client.send_frame(CONTINUATION, "three")
        self.assertEqual(self.client.read_frame().payload, b"one two three")

    def test_a_thousand_fragments(self):
        payload = os.urandom(100_000)
        pieces = [payload[i:i + 100] for i in range(0, len(payload), 100)]
        data = frame(BINARY, pieces[0], fin=False)
        data += b"".join(frame(CONTINUATION, piece, fin=False) for piece in pieces[1:])
        self.client.send(data + frame(CONTINUATION, b""))
        got = self.client.read_frame()
        self.assertEqual(got.opcode, BINARY)
        self.assertTrue(got.payload == payload)

    def test_a_character_cut_by_fragments(self):
        bell = "🔔".encode()
        self.client.send_frame(TEXT, bell[:1], fin=False)
        self.client.send_frame(CONTINUATION, bell[1:3], fin=False)
        self.client.send_frame(CONTINUATION, bell[3:])
        self.assertEqual(self.client.read_message(), bell)

    def test_a_ping_between_fragments_is_answered_at_once(self):
        self.client.send_frame(TEXT, "be", fin=False)
        self.client.send_frame(PING, "now?")
        got = self.client.read_frame()
        self.assertEqual((got.opcode, got.payload), (PONG, b"now?"))
        self.client.send_frame(CONTINUATION, "fore")
        self.assertEqual(self.client.read_message(), b"before")

    def test_frames_byte_by_byte(self):
        self.client.trickle(frame(TEXT, "a" * 200) + frame(PING, "p") + frame(BINARY, b"b"))
        self.assertEqual(self.client.read_frame().payload, b"a" * 200)
        self.assertEqual(self.client.read_frame().opcode, PONG)
        self.assertEqual(self.client.read_frame().payload, b"b")

    def test_frames_cut_anywhere(self):
        data = frame(BINARY, b"x" * 130) + frame(TEXT, "tail")
        for cut in range(1, len(data)):
            self.client.send(data[:cut])
            self.client.send(data[cut:])
            self.assertEqual(self.client.read_frame().payload, b"x" * 130)
            self.assertEqual(self.client.read_frame().payload, b"tail")

    def test_pings_of_every_size(self):
        for size in range(126):
            self.client.send_frame(PING, b"p" * size)
            got = self.client.read_frame()
            self.assertEqual((got.opcode, got.payload), (PONG, b"p" * size))

    def test_a_pong_nobody_asked_for_is_skipped(self):
        self.client.send_frame(PONG, "hello")
        self.assertEqual(self.client.echo(b"next").payload, b"next")

    def test_ten_thousand_round_trips(self):
        for i in range(10_000):
            payload = b"%d" % i
            self.client.send_frame(TEXT, payload)
            if self.client.read_frame().payload != payload:
                self.fail(f"message {i} came back changed")

    def test_connections_do_not_mix(self):
        clients = [self.open("/echo") for _ in range(40)]
        for turn in range(20):
            for number, client in enumerate(clients):
                client.send_frame(TEXT, f"{number} in turn {turn}")
            for number, client in enumerate(clients):
                self.assertEqual(client.read_message(), f"{number} in turn {turn}".encode())


class PythonWebsockets(unittest.IsolatedAsyncioTestCase, DaemonCase):
    """The same with Debian's python3-websockets."""

    config = CONFIG

    async def test_messages(self):
        async with websockets.connect(self.daemon.url("/echo"), max_size=None) as client:
            for message in ("", "text", "ünïcödé 🔔", b"", b"\0\xff", os.urandom(1 << 20)):
                await client.send(message)
                self.assertEqual(await client.recv(), message)

    async def test_fragments(self):
        async with websockets.connect(self.daemon.url("/echo")) as client:
            await client.send(["in ", "several ", "pieces"])
            self.assertEqual(await client.recv(), "in several pieces")

    async def test_a_ping(self):
        async with websockets.connect(self.daemon.url("/echo")) as client:
            await asyncio.wait_for(await client.ping("are you there"), 5)

    async def test_a_close_with_code_and_reason(self):
        client = await websockets.connect(self.daemon.url("/echo"))
        await client.close(4321, "enough")
        self.assertEqual(client.close_code, 4321)

    async def test_a_subprotocol_the_route_does_not_have(self):
        async with websockets.connect(self.daemon.url("/echo"), subprotocols=["chat"]) as client:
            self.assertIsNone(client.subprotocol)
