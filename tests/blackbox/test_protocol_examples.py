# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/PROTOCOL.md, played against peald: each block with a daemon of its own."""

import json
import re
import unittest

from support import TEXT, Client, Daemon
from support.daemon import ROOT
from support.events import EventStream

PROTOCOL = (ROOT / "docs/PROTOCOL.md").read_text()
EPOCH = re.compile(r"5f2b6c0a91d4e733")  # of this daemon; any other one is taken as it stands
STEPS = {
    "websocket": re.compile(r"(\w+): WebSocket (\S+)( peal\.v1)?"),
    "post": re.compile(r"(\w+): POST (\S+) (.*)"),
    "event_source": re.compile(r"(\w+): EventSource (\S+)(?: (Last-Event-ID: \S+))?"),
    "get": re.compile(r"(\w+): GET (\S+)"),
    "leave": re.compile(r"(\w+): leaves"),
    "send": re.compile(r"(\w+) > (.*)"),
    "close": re.compile(r"(\w+) < close (\d+)"),
    "nothing": re.compile(r"(\w+) < 204 Peal-Next: (\S+)"),
    "answer": re.compile(r"(\w+) < (\d{3}) (.*)"),
    "message": re.compile(r"(\w+) < (.*)"),
}


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", PROTOCOL, re.M | re.S)


class Play:
    """One block: the clients by name, and the epoch once something has told it."""

    def __init__(self, test, daemon):
        self.test = test
        self.daemon = daemon
        self.clients = {}
        self.epoch = None

    def run(self, line):
        for step, pattern in STEPS.items():
            if match := pattern.fullmatch(line):
                getattr(self, step)(*match.groups())
                return
        self.test.fail("no step of a play")

    def connect(self, name):
        client = self.clients[name] = Client(self.daemon.address)
        self.test.addCleanup(client.close)
        return client

    def real(self, text):
        return EPOCH.sub(self.epoch, text) if self.epoch else text

    def websocket(self, name, path, peal_v1):
        headers = ["Sec-WebSocket-Protocol: peal.v1"] if peal_v1 else []
        self.test.assertEqual(self.connect(name).upgrade(self.real(path), *headers).status, 101)

    def post(self, name, path, body):
        client = self.connect(name)
        client.send(client.request_head(path, f"Content-Length: {len(body)}", method="POST") + body.encode())

    def event_source(self, name, path, last_id):
        stream = self.clients[name] = EventStream(self.daemon.address, path, *[self.real(last_id)] if last_id else [])
        self.test.addCleanup(stream.close)
        self.test.assertEqual(stream.status, 200)

    def get(self, name, path):
        client = self.clients.get(name) or self.connect(name)
        client.send(client.request_head(self.real(path)))

    def leave(self, name):
        self.clients.pop(name).close()

    def send(self, name, text):
        self.clients[name].send_frame(TEXT, self.real(text))

    def close(self, name, code):
        self.test.assertEqual(self.clients.pop(name).read_close()[0], int(code))

    def answer(self, name, status, body):
        answer = self.clients[name].read_response()
        self.test.assertEqual(answer.status, int(status), answer.body)
        self.compare(body, answer.body.decode().removesuffix("\n"))

    def nothing(self, name, position):
        answer = self.clients[name].read_response()
        self.test.assertEqual(answer.status, 204, answer.body)
        self.compare(position, answer.headers["peal-next"])

    def message(self, name, text):
        if isinstance(self.clients[name], EventStream):
            self.compare(text, self.clients[name].read_line() or self.clients[name].read_line())
            return
        got = self.clients[name].read_frame()
        self.test.assertEqual(got.opcode, TEXT, got)
        self.compare(text, got.payload.decode())

    def end(self):
        """Nobody is told anything else."""
        for client in self.clients.values():
            if isinstance(client, EventStream):
                self.test.assertEqual(client.read_line(), "")  # after the last event
            client.socket.settimeout(0.05)
            with self.test.assertRaises(TimeoutError):
                client.read(1)

    def compare(self, expected, found):
        if EPOCH.search(expected) and not self.epoch:
            told = re.search(r"[0-9a-f]{16}(?=-\d)", found)
            self.test.assertTrue(told, f"no id in: {found}")
            self.epoch = told[0]
        if expected.startswith("{"):
            self.test.assertEqual(json.loads(found), json.loads(self.real(expected)))
        else:
            self.test.assertEqual(found, self.real(expected))


class Examples(unittest.TestCase):
    def test_each_block_plays_as_it_stands(self):
        config = "[server]\nthreads = 1\n" + blocks("toml")[0]
        self.assertGreaterEqual(len(blocks("peal")), 11)
        for number, block in enumerate(blocks("peal"), 1):
            with self.subTest(block=number):
                self.play(Daemon(config), block)

    def play(self, daemon, block):
        self.addCleanup(daemon.stop)
        play = Play(self, daemon)
        for line in block.splitlines():
            try:
                play.run(line)
            except Exception as error:
                error.add_note(f"in the line: {line}")
                raise
        play.end()

    def test_what_ends_a_play_is_noticed(self):
        """A line that peald does not keep to fails."""
        daemon = Daemon(blocks("toml")[0])
        self.addCleanup(daemon.stop)
        play = Play(self, daemon)
        for line in ("A: WebSocket /chat/lobby", "A > hello", "B: GET /chat/lobby?last=1", "C: EventSource /chat/lobby",
                     "D: GET /chat/lobby?wait=0s", "E: EventSource /chat/lobby", "E < retry: 3000"):
            play.run(line)
        for line in ("A < goodbye", "A: sings", 'B < 200 {"messages":[],"next":"5f2b6c0a91d4e733-1","gap":false}',
                     "C < retry: 3001", "D < 204 Peal-Next: 5f2b6c0a91d4e733-7"):
            with self.subTest(line), self.assertRaises(AssertionError):
                play.run(line)
        with self.assertRaises(AssertionError):  # more has come than was said
            play.end()


if __name__ == "__main__":
    unittest.main()
