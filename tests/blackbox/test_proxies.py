# SPDX-License-Identifier: Apache-2.0
"""peald behind real proxies: what they and it read, they read alike."""

import re

from support import TEXT, DaemonCase
from support.proxy import Proxy
from support.smuggling import CANDIDATES, CONFIG, make_files
from support.wire import Client, Ended


def make_files_and_probes(folder):
    make_files(folder)
    for i in range(len(CANDIDATES)):
        (folder / "files" / f"probe-{i}").write_text(f"this is probe-{i}")


class BehindProxy:
    """What holds behind each of PROXIES; `name` says which."""

    config = CONFIG
    prepare = staticmethod(make_files_and_probes)
    name = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.proxy = Proxy(cls.name, cls.daemon.address)

    @classmethod
    def tearDownClass(cls):
        cls.proxy.stop()
        super().tearDownClass()

    def client(self):
        client = Client(self.proxy.front, timeout=5)
        self.addCleanup(client.close)
        return client

    def probe(self, i):
        """Somebody else's request: the answer is to be its own."""
        with self.client() as client:
            answer = client.request(f"/files/probe-{i}")
            self.assertEqual((answer.status, answer.body), (200, b"this is probe-%d" % i))

    def attack(self, data, i):
        """Sends `data`; when the first answer is there, somebody else asks over the same line."""
        with self.client() as client:
            client.send(data)
            try:
                client.read_until(b"\r\n\r\n")
            except Ended:
                pass  # refused without a word
            self.probe(i)

    def assert_in_step(self):
        """On no line to peald are there more answers than requests, and each file is the one that was asked for."""
        for line in list(self.proxy.tap.lines):
            answers, requests = line.all_answers(), line.sealed_requests()
            # By which name peald took a request for a file; the rest it refused.
            named = [re.search(rb"this is (.*)", answer) for answer in answers]
            wrong = [(request, answer) for request, answer, name in zip(requests, answers, named)
                     if name and request[1] != b"/files/" + name[1]]
            if wrong or len(answers) > len(requests):
                self.proxy.tap.lines.remove(line)  # one failure is enough
                self.fail(f"{len(requests)} requests, {len(answers)} answers, the last ones "
                          f"{bytes(line.requests[-400:])} and {bytes(line.answers[-400:])}; not alike: {wrong}")

    def test_nobody_smuggles(self):
        for i, candidate in enumerate(CANDIDATES):
            with self.subTest(candidate.name):
                self.attack(candidate.data, i)
                self.assert_in_step()

    def test_a_line_to_peald_is_used_again(self):
        """Without that, the tests above would show nothing."""
        before = len(self.proxy.tap.lines)
        for i in range(10):
            self.probe(i)
        self.assertLess(len(self.proxy.tap.lines) - before, 3)

    def test_a_websocket(self):
        client = self.client()
        self.assertEqual(client.upgrade("/echo").status, 101)
        for text in (b"hello", b"x" * 200_000):
            self.assertEqual(client.echo(text, TEXT).payload, text)
        client.send_frame(0x8, b"\x03\xe8")
        self.assertEqual(client.read_close()[0], 1000)


class HaProxy(BehindProxy, DaemonCase):
    name = "HAProxy"


class Nginx(BehindProxy, DaemonCase):
    name = "nginx"


