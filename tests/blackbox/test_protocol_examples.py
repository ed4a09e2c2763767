# SPDX-License-Identifier: Apache-2.0
"""The examples of docs/PROTOCOL.md, played against peald: each block with a daemon of its own."""

import json
import re
import unittest

from support import TEXT, Client, Daemon
from support.daemon import ROOT

PROTOCOL = (ROOT / "docs/PROTOCOL.md").read_text()
EPOCH = re.compile(r"5f2b6c0a91d4e733")  # of this daemon; any other one is taken as it stands
STEPS = {
    "websocket": re.compile(r"(\w+): WebSocket (\S+)( peal\.v1)?"),
    "post": re.compile(r"(\w+): POST (\S+) (.*)"),
    "leave": re.compile(r"(\w+): leaves"),
    "send": re.compile(r"(\w+) > (.*)"),
    "close": re.compile(r"(\w+) < close (\d+)"),
    "answer": re.compile(r"(\w+) < (\d{3}) (\{.*\})"),
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

    def leave(self, name):
        self.clients.pop(name).close()

    def send(self, name, text):
        self.clients[name].send_frame(TEXT, self.real(text))

    def close(self, name, code):
        self.test.assertEqual(self.clients.pop(name).read_close()[0], int(code))

    def answer(self, name, status, body):
        answer = self.clients[name].read_response()
        self.test.assertEqual(answer.status, int(status), answer.body)
        self.compare(body, answer.body.decode())

    def message(self, name, text):
        got = self.clients[name].read_frame()
        self.test.assertEqual(got.opcode, TEXT, got)
        self.compare(text, got.payload.decode())

    def compare(self, expected, found):
        if EPOCH.search(expected) and not self.epoch:
            self.epoch = re.search(r"[0-9a-f]{16}(?=-\d)", found)[0]
        if expected.startswith("{"):
            self.test.assertEqual(json.loads(found), json.loads(self.real(expected)))
        else:
            self.test.assertEqual(found, expected)


class Examples(unittest.TestCase):
    def test_each_block_plays_as_it_stands(self):
        config = "[server]\nthreads = 1\n" + blocks("toml")[0]
        self.assertGreaterEqual(len(blocks("peal")), 6)
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
        for client in play.clients.values():  # nobody is told anything else
            client.socket.settimeout(0.05)
            with self.assertRaises(TimeoutError):
                client.read(1)

    def test_what_ends_a_play_is_noticed(self):
        """A line that peald does not keep to fails."""
        daemon = Daemon(blocks("toml")[0])
        self.addCleanup(daemon.stop)
        play = Play(self, daemon)
        for line in ("A: WebSocket /chat/lobby", "A > hello"):
            play.run(line)
        with self.assertRaises(AssertionError):
            play.run("A < goodbye")
        with self.assertRaises(AssertionError):
            play.run("A: sings")


if __name__ == "__main__":
    unittest.main()
