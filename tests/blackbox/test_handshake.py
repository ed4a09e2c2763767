# SPDX-License-Identifier: Apache-2.0
"""The opening handshake, RFC 6455 section 4."""

from support import TEXT, DaemonCase, frame
from support.wire import KEY, accept_of, random_key

CONFIG = """
[server]
threads = 2

[route.echo]
path = "/echo"
type = "echo"

[route.listed]
path = "/listed"
type = "echo"
origins = ["https://app.example.com", "https://*.example.org"]

[route.any]
path = "/any"
type = "echo"
origins = ["*"]

[route.spoken]
path = "/spoken"
type = "echo"
subprotocols = ["v2.peal", "v1.peal"]

[route.health]
path = "/healthz"
type = "health"
"""


class Handshake(DaemonCase):
    config = CONFIG

    def test_the_key_is_answered_as_the_rfc_does(self):
        answer = self.connect().upgrade("/echo")
        self.assertEqual(answer.status, 101)
        self.assertEqual(answer.headers["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        self.assertEqual(answer.headers["upgrade"].lower(), "websocket")
        self.assertEqual(answer.headers["connection"], "Upgrade")
        self.assertNotIn("sec-websocket-extensions", answer.headers)

    def test_any_key_is_answered(self):
        for _ in range(20):
            key = random_key()
            answer = self.connect().upgrade("/echo", key=key)
            self.assertEqual(answer.headers["sec-websocket-accept"], accept_of(key))

    def test_tokens_count_in_any_case_and_place(self):
        client = self.connect()
        client.send(client.request_head(
            "/echo", "UPGRADE: WebSocket", "connection: keep-alive, upGRADE", f"sec-websocket-key: {KEY}",
            "Sec-WebSocket-VERSION: 13"))
        self.assertEqual(client.read_response().status, 101)

    def test_a_query_does_not_disturb(self):
        self.assertEqual(self.connect().upgrade("/echo?token=a/b%20c").status, 101)

    def test_an_extension_that_nobody_knows_is_not_taken(self):
        answer = self.connect().upgrade("/echo", "Sec-WebSocket-Extensions: x-webkit-deflate-frame, foo; bar=1")
        self.assertEqual(answer.status, 101)
        self.assertNotIn("sec-websocket-extensions", answer.headers)

    def test_frames_in_the_same_segment_as_the_request(self):
        client = self.connect()
        client.send(client.upgrade_head("/echo") + frame(TEXT, "early") + frame(TEXT, "bird"))
        self.assertEqual(client.read_response().status, 101)
        self.assertEqual(client.read_message(), b"early")
        self.assertEqual(client.read_message(), b"bird")

    def test_half_a_frame_in_the_same_segment_as_the_request(self):
        client = self.connect()
        late = frame(TEXT, "cut in two")
        client.send(client.upgrade_head("/echo") + late[:9])
        self.assertEqual(client.read_response().status, 101)
        client.send(late[9:])
        self.assertEqual(client.read_message(), b"cut in two")

    def test_a_handshake_and_a_frame_byte_by_byte(self):
        client = self.connect()
        client.trickle(client.upgrade_head("/echo") + frame(TEXT, "drip"))
        self.assertEqual(client.read_response().status, 101)
        self.assertEqual(client.read_message(), b"drip")

    def test_a_handshake_after_other_requests_on_the_same_connection(self):
        client = self.connect()
        self.assertEqual(client.request("/healthz").status, 200)
        client.send(client.request_head("/healthz") + client.upgrade_head("/echo") + frame(TEXT, "piped"))
        self.assertEqual(client.read_response().status, 200)
        self.assertEqual(client.read_response().status, 101)
        self.assertEqual(client.read_message(), b"piped")


class Refusals(DaemonCase):
    config = CONFIG

    def refused(self, path, *headers, method="GET", version="1.1"):
        client = self.connect()
        answer = client.request(path, *headers, method=method, version=version)
        self.assertNotEqual(answer.status, 101)
        return answer

    def test_another_version(self):
        for version in ("8", "14", "x", "013", ""):
            with self.subTest(version):
                answer = self.refused(
                    "/echo", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}",
                    f"Sec-WebSocket-Version: {version}")
                self.assertEqual(answer.status, 426)
                self.assertEqual(answer.headers["sec-websocket-version"], "13")
                self.assertEqual(answer.headers["upgrade"].lower(), "websocket")

    def test_a_plain_get(self):
        answer = self.refused("/echo")
        self.assertEqual(answer.status, 426)
        self.assertEqual(answer.headers["upgrade"].lower(), "websocket")
        self.assertEqual(answer.headers["sec-websocket-version"], "13")
        self.assertTrue(answer.body)

    def test_an_upgrade_that_connection_does_not_name(self):
        answer = self.refused(
            "/echo", "Upgrade: websocket", "Connection: keep-alive", f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 13")
        self.assertIn(answer.status, (400, 426))

    def test_http_1_0(self):
        answer = self.refused(
            "/echo", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 13", version="1.0")
        self.assertIn(answer.status, (400, 426))

    def test_another_method(self):
        for method in ("POST", "PUT", "DELETE"):
            with self.subTest(method):
                answer = self.refused("/echo", "Content-Length: 0", method=method)
                self.assertEqual(answer.status, 405)
                self.assertIn("GET", answer.headers["allow"])

    def test_no_such_route(self):
        self.assertEqual(self.refused("/nowhere").status, 404)
        self.assertEqual(self.connect().upgrade("/echo/more").status, 404)

    def test_a_route_that_is_no_websocket(self):
        self.assertNotEqual(self.connect().upgrade("/healthz").status, 101)

    def test_a_bad_key(self):
        for key in ("", "short", "dGhlIHNhbXBsZSBub25jZQ", "!" * 22 + "==", KEY + KEY):
            with self.subTest(key):
                self.assertEqual(self.connect().upgrade("/echo", key=key).status, 400)

    def test_no_key_or_two(self):
        for keys in ([], [f"Sec-WebSocket-Key: {KEY}"] * 2):
            with self.subTest(keys):
                answer = self.refused(
                    "/echo", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", *keys)
                self.assertEqual(answer.status, 400)


class Origins(DaemonCase):
    config = CONFIG

    def status(self, path, origin):
        return self.connect().upgrade(path, f"Origin: {origin}").status

    def test_the_same_origin_passes(self):
        self.assertEqual(self.status("/echo", f"http://{self.daemon.host}"), 101)

    def test_a_foreign_one_is_refused(self):
        host, port = self.daemon.address
        for origin in ("http://evil.example", "null", f"https://{host}:{port}", f"http://{host}:{port + 1}",
                       f"http://{host}", f"http://{host}:{port}.evil.example"):
            with self.subTest(origin):
                self.assertEqual(self.status("/echo", origin), 403)

    def test_a_listed_one_passes(self):
        for origin in ("https://app.example.com", "https://a.example.org", "https://a.b.example.org"):
            with self.subTest(origin):
                self.assertEqual(self.status("/listed", origin), 101)

    def test_one_that_is_nearly_listed_is_refused(self):
        for origin in ("http://app.example.com", "https://app.example.com:444", "https://example.org",
                       "https://evilexample.org", "https://app.example.com.evil.example"):
            with self.subTest(origin):
                self.assertEqual(self.status("/listed", origin), 403)

    def test_a_star_lets_everyone_in(self):
        self.assertEqual(self.status("/any", "http://evil.example"), 101)

    def test_the_body_says_why(self):
        answer = self.connect().upgrade("/echo", "Origin: http://evil.example")
        self.assertIn(b"rigin", answer.body)
        self.assertTrue(answer.headers["content-type"].startswith("text/plain"))


class Subprotocols(DaemonCase):
    config = CONFIG

    def chosen(self, path, *headers):
        answer = self.connect().upgrade(path, *headers)
        self.assertEqual(answer.status, 101)
        return answer.headers.get("sec-websocket-protocol")

    def test_the_server_prefers(self):
        self.assertEqual(self.chosen("/spoken", "Sec-WebSocket-Protocol: v1.peal, v2.peal"), "v2.peal")

    def test_offers_in_several_fields_count_as_one_list(self):
        self.assertEqual(
            self.chosen("/spoken", "Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: v1.peal"), "v1.peal")

    def test_none_in_common_names_none(self):
        self.assertIsNone(self.chosen("/spoken", "Sec-WebSocket-Protocol: chat"))
        self.assertIsNone(self.chosen("/echo", "Sec-WebSocket-Protocol: chat"))

    def test_none_offered_names_none(self):
        self.assertIsNone(self.chosen("/spoken"))
