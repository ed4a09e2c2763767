# SPDX-License-Identifier: Apache-2.0
"""permessage-deflate, RFC 7692: python3-websockets, and what is wrong by the byte."""

import asyncio
import random
import struct
import unittest
import zlib

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from support import BINARY, CLOSE, CONTINUATION, PING, TEXT, SANITIZED, DaemonCase

ROUTES = """
[route.echo]
path = "/echo"
type = "echo"

[route.plain]
path = "/plain"
type = "echo"
compression = false

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
"""
RSV1 = 4
ALONE = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def deflate(data, level=6):
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return (compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def bomb(mebibytes=1024):
    """That many MiB of zeros."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    one = compressor.compress(bytes(1 << 20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return one * mebibytes + b"\0"


def offers():
    """What python3-websockets can offer, every kind of it."""
    for server_alone in (False, True):
        for client_alone in (False, True):
            for bits in (None, 8, 9, 12, 15):
                yield ClientPerMessageDeflateFactory(
                    server_no_context_takeover=server_alone, client_no_context_takeover=client_alone,
                    server_max_window_bits=bits, client_max_window_bits=True if bits is None else max(bits, 9))


def make_messages():
    source = random.Random(7)
    words = ["peal", "belfry", "é", "€", "😀", " ", "\n"]
    for size in (0, 1, 63, 64, 300, 20_000):
        yield "".join(source.choices(words, k=size))
        yield source.randbytes(size)


MESSAGES = list(make_messages())


class Interoperability:
    """With python3-websockets, for both settings of context_takeover."""

    def test_every_offer_is_met_and_every_message_comes_back(self):
        async def run(factory):
            async with websockets.connect(
                    self.daemon.url("/echo"), compression=None, extensions=[factory], max_size=None) as client:
                self.assertEqual(len(client.extensions), 1)
                for _ in range(2):
                    for message in MESSAGES:
                        await client.send(message)
                        self.assertEqual(await client.recv(), message)

        for factory in offers():
            with self.subTest(factory=vars(factory)):
                asyncio.run(run(factory))

    def test_a_room_of_clients_that_agreed_on_different_things(self):
        async def run():
            url = self.daemon.url("/chat/mixed")
            clients = [await websockets.connect(url, compression=None)]
            for factory in offers():
                clients.append(await websockets.connect(url, compression=None, extensions=[factory]))
            for turn, message in enumerate(MESSAGES):
                await clients[turn % len(clients)].send(message)
                for client in clients:
                    self.assertEqual(await client.recv(), message)
            for client in clients:
                await client.close()

        asyncio.run(run())


class WithoutTakeover(Interoperability, DaemonCase):
    config = ROUTES

    def upgraded(self, path="/echo", offer="permessage-deflate"):
        client = self.connect()
        self.addCleanup(client.close)
        answer = client.upgrade(path, f"Sec-WebSocket-Extensions: {offer}")
        self.assertEqual(answer.status, 101)
        return client, answer.headers.get("sec-websocket-extensions")

    def assert_closed(self, client, code):
        opcode, size = client.read(2)
        self.assertEqual(opcode, 0x80 | CLOSE)
        self.assertEqual(struct.unpack("!H", client.read(size)[:2])[0], code)

    def test_the_answer(self):
        for offer, expected in (
                ("permessage-deflate", ALONE),
                ("permessage-deflate; x, permessage-deflate; client_max_window_bits", ALONE),
                ("permessage-deflate; server_max_window_bits=10", ALONE + "; server_max_window_bits=10"),
                ("permessage-deflate; server_max_window_bits=7", None),
                ("x-webkit-deflate-frame", None)):
            with self.subTest(offer=offer):
                self.assertEqual(self.upgraded(offer=offer)[1], expected)
        self.assertIsNone(self.upgraded("/plain")[1])

    def test_a_malformed_offer_is_a_bad_request(self):
        with self.connect() as client:
            answer = client.upgrade("/echo", "Sec-WebSocket-Extensions: permessage-deflate; =")
            self.assertEqual(answer.status, 400)

    def test_an_answer_is_compressed_and_stands_alone(self):
        client, _ = self.upgraded()
        text = b"to and fro " * 50
        for _ in range(2):
            client.send_frame(TEXT, deflate(text), rsv=RSV1)
            first, size = client.read(2)
            self.assertEqual(first, 0x80 | RSV1 << 4 | TEXT)
            inflated = zlib.decompressobj(-15).decompress(client.read(size) + b"\0\0\xff\xff")
            self.assertEqual(inflated, text)

    def test_rsv1_where_it_may_not_be(self):
        for opcode in (CONTINUATION, PING, CLOSE):
            client, _ = self.upgraded()
            client.send_frame(opcode, b"", rsv=RSV1)
            self.assert_closed(client, 1002)
        client, _ = self.upgraded("/plain")
        client.send_frame(TEXT, deflate(b"x"), rsv=RSV1)
        self.assert_closed(client, 1002)

    def test_what_cannot_be_inflated(self):
        client, _ = self.upgraded()
        client.send_frame(BINARY, b"\xff\xff\xff", rsv=RSV1)
        self.assert_closed(client, 1007)

    def test_text_that_inflates_to_no_utf8(self):
        client, _ = self.upgraded()
        client.send_frame(TEXT, deflate(b"abc\xff"), rsv=RSV1, fin=False)
        self.assert_closed(client, 1007)

    def test_a_bomb_costs_neither_memory_nor_time(self):
        payload = bomb()
        before, cpu = self.daemon.resident(), self.daemon.cpu_seconds()
        for _ in range(5):
            client, _ = self.upgraded()
            try:
                client.send_frame(BINARY, payload, rsv=RSV1)
            except (ConnectionResetError, BrokenPipeError):
                pass
            else:
                self.assert_closed(client, 1009)
        if not SANITIZED:
            # Each reactor keeps the blocks that a message of 1 MiB grew through.
            self.assertLess(self.daemon.resident() - before, 16 << 20)
            self.assertLess(self.daemon.cpu_seconds() - cpu, 0.5)


class WithTakeover(Interoperability, DaemonCase):
    config = "[compression]\ncontext_takeover = true\n" + ROUTES


if __name__ == "__main__":
    unittest.main()
