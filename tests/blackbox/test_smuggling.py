# SPDX-License-Identifier: Apache-2.0
"""Request smuggling, and how requests are refused: nothing that is no request is taken for one."""

import re
import socket

from support import DaemonCase
from support.smuggling import CANDIDATES, CONFIG, SMUGGLED, make_files

class HttpCase(DaemonCase):
    config = CONFIG
    prepare = staticmethod(make_files)

    def all_answers(self, data):
        """What comes back when `data` is all that the client has to say."""
        with self.connect() as client:
            client.send(data)
            client.socket.shutdown(socket.SHUT_WR)
            return client.read_to_end()

    def answer(self, data):
        client = self.connect()
        client.send(data)
        return client, client.read_response()


class Smuggling(HttpCase):
    def test_nobody_smuggles(self):
        for candidate in CANDIDATES:
            with self.subTest(candidate.name):
                answers = self.all_answers(candidate.data)
                self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", answers), [b"%d" % candidate.status], answers)
                self.assertNotIn(b"this is smuggled", answers)

    def test_a_body_ends_the_connection_on_every_route(self):
        bodies = {
            "sized": b"Content-Length: %d\r\n\r\n%s" % (len(SMUGGLED), SMUGGLED),
            "chunked": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED),
        }
        for path in ("/echo", "/healthz", "/files/visible", "/files/", "/nowhere", "/%"):
            for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
                for kind, body in bodies.items():
                    with self.subTest(path=path, method=method, kind=kind):
                        line = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n".encode()
                        answers = self.all_answers(line + body + SMUGGLED)
                        self.assertEqual(answers.count(b"HTTP/1.1 "), 1, answers)
                        self.assertIn(b"\r\nConnection: close\r\n", answers)

    def test_a_refused_websocket_ends_the_connection(self):
        for path, version, status in (("/echo", 12, 426), ("/nowhere", 13, 404), ("/healthz", 13, 200)):
            with self.subTest(path):
                client = self.connect()
                client.send(client.request_head(
                    path, "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Version: {version}") + SMUGGLED)
                answer = client.read_response()
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers["connection"], "close")
                self.assertTrue(client.has_ended())

    def test_another_upgrade_is_ignored(self):
        client = self.connect()
        answer = client.request(
            "/healthz", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMA")
        self.assertEqual(answer.status, 200)
        self.assertEqual(client.request("/healthz").status, 200)


class Answers(HttpCase):
    def test_options_of_the_server(self):
        client = self.connect()
        for target in ("*", "http://{}:{}".format(*client.address)):
            answer = client.request(target, method="OPTIONS")
            self.assertEqual(answer.status, 204)
            self.assertEqual(answer.headers["allow"], "GET, HEAD, POST, PUT, OPTIONS")
            self.assertNotIn("content-length", answer.headers)  # RFC 9110 section 8.6
        self.assertEqual(client.request("/healthz").status, 200)

    def test_an_https_url_over_a_plain_connection(self):
        client = self.connect()
        answer = client.request("https://{}:{}/healthz".format(*client.address))
        self.assertEqual(answer.status, 421)

    def test_each_refusal_has_its_status(self):
        host = b"Host: localhost\r\n"
        cases = {
            400: b"GET / HTTP/1.1\r\n\r\n",
            414: b"GET /" + b"a" * (16 << 10),
            417: b"GET / HTTP/1.1\r\n" + host + b"Expect: x\r\n\r\n",
            431: b"GET / HTTP/1.1\r\n" + host + b"X: " + b"a" * (16 << 10),
            501: b"BREW / HTTP/1.1\r\n" + host + b"\r\n",
            505: b"GET / HTTP/2.0\r\n" + host + b"\r\n",
        }
        for status, data in cases.items():
            with self.subTest(status):
                client, answer = self.answer(data)
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers["connection"], "close")
                self.assertEqual(answer.headers["content-type"], "text/plain; charset=utf-8")
                self.assertRegex(answer.body, rb"\A[ -~]{10,80}\n\Z")
                self.assertTrue(client.has_ended())
        self.assertEqual(self.answer(b"GET / HTTP/1.1\r\n" + host + b"X: a\r\n" * 100 + b"\r\n")[1].status, 431)

    def test_nothing_of_the_request_comes_back(self):
        mark = b"n0t-t0-be-ech0ed"
        host = b"Host: localhost\r\n"
        for data in (
                b"GET /" + mark + b" HTTP/1.1\r\n" + host + b"\r\n",
                b"GET /" + mark + b"# HTTP/1.1\r\n" + host + b"\r\n",
                mark + b" / HTTP/1.1\r\n" + host + b"\r\n",
                b"GET / HTTP/1.1\r\nHost: " + mark + b"@\r\n\r\n",
                b"GET / HTTP/1.1\r\n" + host + mark + b"\r\n\r\n",
                b"GET /echo HTTP/1.1\r\n" + host + b"Upgrade: websocket\r\nConnection: " + mark + b"\r\n\r\n"):
            with self.subTest(data):
                answers = self.all_answers(data)
                self.assertTrue(answers.startswith(b"HTTP/1.1 4") or answers.startswith(b"HTTP/1.1 501"), answers)
                self.assertNotIn(mark, answers)

    def test_a_refused_head_request_is_answered_without_a_body(self):
        answers = self.all_answers(b"HEAD / HTTP/1.1\r\n\r\n")
        self.assertTrue(answers.startswith(b"HTTP/1.1 400 "))
        self.assertTrue(answers.endswith(b"\r\n\r\n"), answers)

    def test_the_answer_is_not_lost_to_a_reset(self):
        """A client that is still sending when it is refused can read why, and sees an orderly end."""
        client = self.connect()
        client.send(b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(10):
            client.send(b"x" * 100_000)
        received = b""
        while data := client.socket.recv(1 << 16):  # raises ConnectionResetError where _fill would not
            received += data
        self.assertTrue(received.startswith(b"HTTP/1.1 404 "))

    def test_empty_lines_before_a_request(self):
        client = self.connect()
        for _ in range(3):
            client.send(b"\r\n")
            self.assertEqual(client.request("/healthz").status, 200)
        client.send(b"\r\n\r\n")
        self.assertEqual(client.read_response().status, 400)
        self.assertTrue(client.has_ended())
