# SPDX-License-Identifier: Apache-2.0
"""Requests that are no WebSocket: keep-alive, pipelining, limits, and what RFC 9112 forbids."""

import json

from support import DaemonCase

CONFIG = """
[limits]
header_size = "4KiB"

[route.health]
path = "/healthz"
type = "health"

[route.echo]
path = "/echo"
type = "echo"
"""


class Http(DaemonCase):
    config = CONFIG

    def answer_to(self, data):
        """The answer to raw bytes, of which {host} stands for the daemon's."""
        client = self.connect()
        client.send(data.replace(b"{host}", self.daemon.host.encode()))
        return client, client.read_response()

    def assert_refused(self, data, status):
        client, answer = self.answer_to(data)
        self.assertEqual(answer.status, status, answer)
        self.assertTrue(client.has_ended(), "what follows a refused request cannot be told apart")

    def test_health(self):
        answer = self.connect().request("/healthz")
        self.assertEqual(answer.status, 200)
        self.assertEqual(json.loads(answer.body), {"status": "ok"})
        self.assertTrue(answer.headers["content-type"].startswith("application/json"))

    def test_head_has_the_fields_without_the_body(self):
        client = self.connect()
        full = client.request("/healthz")
        head = client.request("/healthz", method="HEAD")
        self.assertEqual(head.status, 200)
        self.assertEqual(head.headers["content-length"], full.headers["content-length"])
        self.assertEqual(client.request("/healthz").status, 200)

    def test_another_method_is_refused_with_allow(self):
        answer = self.connect().request("/healthz", "Content-Length: 0", method="POST")
        self.assertEqual(answer.status, 405)
        self.assertIn("GET", answer.headers["allow"])

    def test_many_requests_on_one_connection(self):
        client = self.connect()
        for _ in range(50):
            self.assertEqual(client.request("/healthz").status, 200)

    def test_pipelined_requests_are_answered_in_order(self):
        client = self.connect()
        client.send(b"".join(client.request_head(path) for path in ("/healthz", "/nowhere", "/echo") * 40))
        statuses = [client.read_response().status for _ in range(120)]
        self.assertEqual(statuses, [200, 404, 426] * 40)

    def test_connection_close_is_honoured(self):
        client = self.connect()
        answer = client.request("/healthz", "Connection: close")
        self.assertEqual(answer.headers["connection"], "close")
        self.assertTrue(client.has_ended())

    def test_http_1_0_closes_unless_asked(self):
        client = self.connect()
        self.assertEqual(client.request("/healthz", version="1.0").status, 200)
        self.assertTrue(client.has_ended())
        client = self.connect()
        self.assertEqual(client.request("/healthz", "Connection: keep-alive", version="1.0").status, 200)
        self.assertEqual(client.request("/healthz").status, 200)

    def test_the_absolute_form_is_taken(self):
        _, answer = self.answer_to(b"GET http://{host}/healthz HTTP/1.1\r\nHost: {host}\r\n\r\n")
        self.assertEqual(answer.status, 200)

    def test_the_end_of_the_request_may_come_late(self):
        client = self.connect()
        client.trickle(client.request_head("/healthz"))
        self.assertEqual(client.read_response().status, 200)

    def test_a_head_at_the_limit_passes_and_one_above_does_not(self):
        client = self.connect()
        bare = len(client.request_head("/healthz", "X-Fill: "))
        self.assertEqual(client.request("/healthz", "X-Fill: " + "x" * (4096 - bare)).status, 200)
        client = self.connect()
        self.assertEqual(client.request("/healthz", "X-Fill: " + "x" * (4096 - bare + 1)).status, 431)

    def test_an_endless_head_is_cut_off(self):
        client = self.connect()
        client.send(b"GET /healthz HTTP/1.1\r\n" + b"X-Fill: xxxxxxxxxxxxxxxxxxxxxxx\r\n" * 200)
        self.assertEqual(client.read_response().status, 431)
        self.assertTrue(client.has_ended())

    def test_what_rfc_9112_forbids(self):
        host = b"Host: {host}\r\n"
        line = b"GET /healthz HTTP/1.1\r\n"
        cases = {
            "bare LF": b"GET /healthz HTTP/1.1\nHost: {host}\n\n",
            "bare LF in a field": line + b"Host: {host}\nX: 1\r\n\r\n",
            "bare CR": line + host + b"X: a\rb\r\n\r\n",
            "obs-fold": line + host + b"X: a\r\n b\r\n\r\n",
            "white space before the colon": line + host + b"X : a\r\n\r\n",
            "no host": line + b"\r\n",
            "two hosts": line + host + host + b"\r\n",
            "NUL in a value": line + host + b"X: a\0b\r\n\r\n",
            "length and chunked": line + host + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
            "two lengths": line + host + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n",
            "a negative length": line + host + b"Content-Length: -1\r\n\r\n",
            "a length that overflows": line + host + b"Content-Length: 18446744073709551617\r\n\r\n",
            "a line without a colon": line + host + b"nonsense\r\n\r\n",
            "no version": b"GET /healthz\r\n" + host + b"\r\n",
            "two spaces": b"GET  /healthz HTTP/1.1\r\n" + host + b"\r\n",
            "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n",
        }
        for what, data in cases.items():
            with self.subTest(what):
                self.assert_refused(data, 400)

    def test_another_protocol_version(self):
        _, answer = self.answer_to(b"GET /healthz HTTP/2.0\r\nHost: {host}\r\n\r\n")
        self.assertIn(answer.status, (400, 505))

    def test_a_path_that_is_malformed(self):
        for path in ("/%", "/%zz", "/%00", "/a/../healthz", "/%2e%2e/healthz", "/healthz%2f", "/%ff"):
            with self.subTest(path):
                self.assertIn(self.connect().request(path).status, (400, 404))

    def test_a_body_does_not_turn_into_a_request(self):
        client = self.connect()
        smuggled = client.request_head("/healthz")
        client.send(client.request_head("/nowhere", f"Content-Length: {len(smuggled)}", method="POST") + smuggled)
        self.assertEqual(client.read_response().status, 404)
        client.send(client.request_head("/echo"))
        self.assertIn(client.read_to_end()[:12], (b"", b"HTTP/1.1 426"))


class HandshakeTimeout(DaemonCase):
    config = CONFIG
    options = ("--set", "limits.handshake_timeout=600ms")

    def assert_cut_off(self, client):
        self.assertIn(client.read_to_end()[:12], (b"", b"HTTP/1.1 408"))

    def test_a_client_that_says_nothing(self):
        self.assert_cut_off(self.connect(timeout=5))

    def test_a_client_that_stops_within_the_head(self):
        client = self.connect(timeout=5)
        client.send(client.request_head("/healthz")[:-2])
        self.assert_cut_off(client)

    def test_an_open_websocket_is_not_meant(self):
        client = self.connect()
        self.assertEqual(client.upgrade("/echo").status, 101)
        self.assert_cut_off(self.connect(timeout=5))  # the time is over for this one
        self.assertEqual(client.echo(b"still here").payload, b"still here")
