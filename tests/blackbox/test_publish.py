# SPDX-License-Identifier: Apache-2.0
"""Publishing over HTTP."""

import base64
import http.client
import json
import os
import socket
import subprocess
import time

from support import BINARY, TEXT, Client, Daemon, DaemonCase, wait_until
from support.wire import Frame

CONFIG = """
[server]
threads = 2

[limits]
close_timeout = "1s"

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"
limits = { message_size = "64KiB", batch_size = "256KiB" }

[route.both]
path = "/both/{a}/{b}"
type = "publish"
topics = ["chat/{a}", "chat/{b}"]
auth = "none"

[route.tenant]
path = "/tenant/{name}/{topic...}"
type = "publish"
topics = ["tenants/{name}/{topic}"]
auth = "none"

[route.secret]
path = "/secret/{topic}"
type = "publish"
topics = ["{topic}"]
auth = { bearer_file = "tokens" }

[route.paced]
path = "/paced/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"
limits = { message_rate = "5/s" }

[route.page]
path = "/page/{topic}"
type = "publish"
topics = ["{topic}"]
auth = "none"
origins = ["https://app.example.com"]

[route.locked]
path = "/locked/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = { bearer_file = "tokens" }
origins = ["https://app.example.com", "https://*.app.example.com"]
limits = { message_size = "1KiB" }

[route.hear]
path = "/hear/{topic...}"
type = "pubsub"
topics = ["{topic}"]

[topic.kept]
match = "kept/**"
history = { size = 10 }
"""

NDJSON = "Content-Type: application/x-ndjson"


def lines(*messages):
    return "".join(json.dumps(message) + "\n" for message in messages).encode()


class Publish(DaemonCase):
    config = CONFIG

    @staticmethod
    def prepare(folder):
        (folder / "tokens").write_text("sesame\n")

    def setUp(self):
        self.client = self.connect()

    def send(self, path, body, *headers, method="POST", client=None):
        client = client or self.client
        if isinstance(body, str):
            body = body.encode()
        client.send(client.request_head(path, f"Content-Length: {len(body)}", *headers, method=method) + body)

    def post(self, path, body, *headers, **more):
        self.send(path, body, *headers, **more)
        return (more.get("client") or self.client).read_response()

    def published(self, answer):
        """What an answer says of one message, or of several."""
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(answer.headers["content-type"], "application/json")
        said = json.loads(answer.body)
        return said["published"] if "published" in said else said

    def assert_published(self, answer, topic, subscribers):
        said = self.published(answer)
        self.assertEqual((said["topic"], said["subscribers"]), (topic, subscribers))
        self.assertRegex(said["id"], "^[0-9a-f]{16}-[1-9][0-9]*$")
        return said["id"]

    def assert_refused(self, answer, status, *words):
        self.assertEqual(answer.status, status, answer.body)
        for word in words:
            self.assertIn(word, answer.body.decode())

    def assert_ended(self, client):
        self.assertTrue(client.has_ended())


class Messages(Publish):
    def test_text_reaches_a_websocket_as_text(self):
        listener = self.open("/hear/a")
        self.assert_published(self.post("/publish/a", "hällo"), "a", 1)
        self.assertEqual(listener.read_frame(), Frame(TEXT, "hällo".encode()))

    def test_binary_reaches_a_websocket_as_binary(self):
        listener = self.open("/hear/b")
        body = bytes(range(256))
        self.assert_published(self.post("/publish/b", body, "content-type: Application/OCTET-stream; x=\"y;z\""), "b", 1)
        self.assertEqual(listener.read_frame(), Frame(BINARY, body))

    def test_any_other_type_is_text(self):
        listener = self.open("/hear/c")
        self.published(self.post("/publish/c", "{}", "Content-Type: application/json"))
        self.assertEqual(listener.read_frame(), Frame(TEXT, b"{}"))

    def test_put_and_empty_messages(self):
        listener = self.open("/hear/d")
        self.published(self.post("/publish/d", b"", method="PUT"))
        self.published(self.post("/publish/d", b"", "Content-Type: application/octet-stream"))
        self.assertEqual(listener.read_frame(), Frame(TEXT, b""))
        self.assertEqual(listener.read_frame(), Frame(BINARY, b""))

    def test_ids_grow_by_one(self):
        self.open("/hear/e")
        ids = [self.published(self.post("/publish/e", str(i)))["id"] for i in range(5)]
        epoch, first = ids[0].split("-")
        self.assertEqual(ids, [f"{epoch}-{int(first) + i}" for i in range(5)])

    def test_text_has_to_be_utf8(self):
        listener = self.open("/hear/f")
        self.assert_refused(self.post("/publish/f", b"abc\xffdef"), 400, "UTF-8", "octet 3")
        self.assert_refused(self.post("/publish/f", b"ab\xc3("), 400, "octet 3")
        self.assert_refused(self.post("/publish/f", b"ab\xe2\x82"), 400, "ends within a character")
        self.assert_refused(self.post("/publish/f", b"x" * 50000 + b"\x80"), 400, "octet 50000")
        self.published(self.post("/publish/f", "after"))  # the connection goes on
        self.assertEqual(listener.read_frame().payload, b"after")

    def test_subscribers_are_counted_over_all_reactors(self):
        listeners = [self.open("/hear/many") for _ in range(12)]  # the kernel spreads them
        # The topic's home hears of those on other reactors a turn later.
        wait_until(lambda: self.published(self.post("/publish/many", "x"))["subscribers"] == len(listeners), "all are counted")
        self.assert_published(self.post("/publish/many", "y"), "many", len(listeners))
        for listener in listeners:
            self.assertEqual(listener.read_frame().payload, b"x")
            while (payload := listener.read_frame().payload) == b"x":
                pass
            self.assertEqual(payload, b"y")

    def test_several_topics(self):
        one, other = self.open("/hear/chat/a"), self.open("/hear/chat/b")
        said = self.published(self.post("/both/a/b", "both"))
        self.assertEqual([(each["topic"], each["subscribers"]) for each in said], [("chat/a", 1), ("chat/b", 1)])
        self.assertEqual(one.read_frame().payload, b"both")
        self.assertEqual(other.read_frame().payload, b"both")
        said = self.published(self.post("/both/a/a", "once"))
        self.assertEqual([each["topic"] for each in said], ["chat/a"])
        self.post("/publish/chat/a", "end")
        self.assertEqual([one.read_frame().payload for _ in range(2)], [b"once", b"end"])

    def test_a_large_message_in_several_topics(self):
        one, other = self.open("/hear/chat/large-a"), self.open("/hear/chat/large-b")
        body = os.urandom(400_000)
        self.published(self.post("/both/large-a/large-b", body, "Content-Type: application/octet-stream"))
        self.assertEqual(one.read_frame().payload, body)
        self.assertEqual(other.read_frame().payload, body)

    def test_paths_that_make_no_topic(self):
        for path in ("/publish/", "/publish/a//b", "/publish/a/*", "/publish/" + "x" * 256):
            self.assert_refused(self.post(path, "x", client=self.connect()), 400, "the path makes no topic")


class Framing(Publish):
    def test_chunks(self):
        listener = self.open("/hear/chunks")
        head = self.client.request_head("/publish/chunks", "Transfer-Encoding: chunked", method="POST")
        whole = head + b"3;ext=\"v\"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
        self.client.send(whole)
        self.published(self.client.read_response())
        self.client.trickle(whole)
        self.published(self.client.read_response())
        for _ in range(2):
            self.assertEqual(listener.read_frame().payload, b"abc0123456789")
        self.client.send(head + b"0\r\n\r\n")
        self.published(self.client.read_response())
        self.assertEqual(listener.read_frame(), Frame(TEXT, b""))

    def test_expect(self):
        self.client.send(self.client.request_head("/publish/x", "Content-Length: 2", "Expect: 100-continue", method="POST"))
        self.assertEqual(self.client.read_response().status, 100)
        self.client.send(b"hi")
        self.published(self.client.read_response())
        self.client.send(self.client.request_head("/publish/x", "Content-Length: 999999", "Expect: 100-continue", method="POST"))
        self.assert_refused(self.client.read_response(), 413)  # without a 100
        self.assert_ended(self.client)

    def test_pipelined_requests_keep_their_order(self):
        listener = self.open("/hear/order")
        burst = b""
        for i in range(500):
            body = str(i).encode()
            burst += self.client.request_head("/publish/order", f"Content-Length: {len(body)}", method="POST") + body
            if i % 50 == 0:
                batch = lines({"topic": "order", "data": f"{i}a"}, {"topic": "elsewhere", "data": "-"},
                              {"topic": "order", "data": f"{i}b"})
                burst += self.client.request_head("/publish/", f"Content-Length: {len(batch)}", NDJSON, method="POST") + batch
        self.client.send(burst)
        ids, wanted = [], []
        for i in range(500):
            ids.append(self.published(self.client.read_response())["id"])
            wanted.append(str(i))
            if i % 50 == 0:
                said = self.published(self.client.read_response())
                ids += [said[0]["id"], said[2]["id"]]
                wanted += [f"{i}a", f"{i}b"]
        self.assertEqual([listener.read_frame().payload.decode() for _ in wanted], wanted)
        offsets = [int(each.split("-")[1]) for each in ids]
        self.assertEqual(offsets, list(range(offsets[0], offsets[0] + len(ids))))

    def test_http_client_of_python(self):
        client = http.client.HTTPConnection(*self.daemon.address, timeout=10)
        for body in ("text", iter([b"in ", b"chunks"]), b"x" * 60000):
            client.request("POST", "/publish/python", body, encode_chunked=False)
            answer = client.getresponse()
            self.assertEqual(answer.status, 200)
            self.assertEqual(json.load(answer)["topic"], "python")
        client.close()

    def test_http_1_0_and_close(self):
        self.client.send(b"POST /publish/old HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi")
        self.published(self.client.read_response())
        self.assert_ended(self.client)
        client = self.connect()
        self.published(self.post("/publish/old", "hi", "Connection: close", client=client))
        self.assert_ended(client)

    def test_a_client_that_has_said_all_is_answered(self):
        self.send("/publish/end", "x")
        self.send("/publish/end", "y")
        self.client.socket.shutdown(socket.SHUT_WR)
        self.published(self.client.read_response())
        self.published(self.client.read_response())
        self.assert_ended(self.client)

    def test_sizes(self):
        self.published(self.post("/publish/size", b"x" * 65536))
        self.assert_refused(self.post("/publish/size", b"x" * 65537), 413)
        self.assert_ended(self.client)
        client = self.connect()
        client.send(client.request_head("/publish/size", "Transfer-Encoding: chunked", method="POST") + b"10001\r\n")
        client.send(b"x" * 65537)
        self.assert_refused(client.read_response(), 413)
        client = self.connect()
        client.send(client.request_head("/publish/size", method="POST"))
        self.assert_refused(client.read_response(), 411, "Content-Length")

    def test_what_cannot_be_read(self):
        self.assert_refused(self.post("/publish/x", "x", "Content-Type: text", client=self.connect()), 400, "Content-Type")
        answer = self.post("/publish/x", "x", "Content-Encoding: gzip", client=self.connect())
        self.assert_refused(answer, 415)
        self.assertEqual(answer.headers["accept-encoding"], "identity")
        answer = self.post("/publish/x", "x", "Content-Type: text/plain; charset=latin1", client=self.connect())
        self.assert_refused(answer, 415, "UTF-8")
        self.assertNotIn("accept-encoding", answer.headers)


class Refusals(Publish):
    def test_methods(self):
        for method in ("GET", "DELETE", "PATCH", "HEAD"):
            client = self.connect()
            answer = client.request("/publish/x", method=method)
            self.assertEqual((answer.status, answer.headers["allow"]), (405, "POST, PUT"))

    def test_a_listed_page_sees_why_it_is_refused(self):
        origin = "https://" + "a" * 487 + ".app.example.com"  # as long as one may be
        page, token = f"Origin: {origin}", "Authorization: Bearer sesame"
        chunks = b"401\r\n" + b"x" * 1025 + b"\r\n0\r\n\r\n"
        for status, method, path, headers, body in (
                (401, "POST", "/locked/a", ("Content-Length: 1",), b"x"),
                (401, "POST", "/locked/a", ("Content-Length: 1", "Authorization: Bearer wrong"), b"x"),
                (405, "GET", "/locked/a", (token,), b""),
                (411, "POST", "/locked/a", (token,), b""),
                (415, "POST", "/locked/a", (token, "Content-Length: 1", "Content-Encoding: gzip"), b"x"),
                (400, "POST", "/locked/a//b", (token, "Content-Length: 1"), b"x"),
                (413, "POST", "/locked/a", (token, "Content-Length: 1025"), b"x" * 1025),
                (413, "POST", "/locked/a", (token, "Transfer-Encoding: chunked"), chunks),
                (400, "POST", "/locked/a", (token, "Transfer-Encoding: chunked"), b"x\r\n")):
            with self.subTest(status=status, method=method, path=path, headers=headers):
                client = self.connect()
                client.send(client.request_head(path, page, *headers, method=method) + body)
                answer = client.read_response()
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.headers["access-control-allow-origin"], origin)
        for path in ("/locked/a", "/secret/a", "/hear/a"):
            answer = self.connect().request(path, "Origin: https://evil.example", method="POST")
            self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_tokens(self):
        for headers in ((), ("Authorization: Bearer wrong",)):
            answer = self.post("/secret/x", "x", *headers, client=self.connect())
            self.assertEqual(answer.status, 401)
            self.assertTrue(answer.headers["www-authenticate"].startswith("Bearer"))
        for _ in range(2):
            self.published(self.post("/secret/x", "x", "Authorization: Bearer sesame"))

    def test_origins(self):
        own = "http://{}:{}".format(*self.daemon.address)
        for headers, status in (((), 200), ((f"Origin: {own}",), 200), (("Origin: https://app.example.com",), 200),
                                (("Origin: https://evil.example",), 403), (("Origin: null",), 403)):
            self.assertEqual(self.post("/page/x", "x", *headers, client=self.connect()).status, status)

    def test_rate(self):
        for _ in range(5):
            self.published(self.post("/paced/x", "x"))
        answer = self.post("/paced/x", "x")
        self.assert_refused(answer, 429)
        self.assertEqual(answer.headers["retry-after"], "1")
        self.assertIsNotNone(self.daemon.log.wait_for("message_rate: .* on route paced"))
        client = self.connect()
        body = lines(*[{"data": "x"}] * 6)
        self.assert_refused(self.post("/paced/x", body, NDJSON, client=client), 429)
        self.assertEqual(len(self.published(self.post("/paced/x", lines(*[{"data": "x"}] * 5), NDJSON, client=client))), 5)


class Batches(Publish):
    def batch(self, path, body, **more):
        return self.post(path, body, NDJSON, **more)

    def test_a_batch_is_answered_in_the_order_of_its_lines(self):
        one, other = self.open("/hear/one"), self.open("/hear/other/one")
        body = lines({"topic": "one", "data": "ä\n"}, {"base64": base64.b64encode(b"\0\xff").decode(), "topic": "other/one"},
                     {"topic": "nobody", "data": ""}, {"topic": "one", "data": "last"})
        said = self.published(self.batch("/publish/", b"\n" + body[:-1]))
        self.assertEqual([(each["topic"], each["subscribers"]) for each in said],
                         [("one", 1), ("other/one", 1), ("nobody", 0), ("one", 1)])
        self.assertEqual([one.read_frame(), one.read_frame()], [Frame(TEXT, "ä\n".encode()), Frame(TEXT, b"last")])
        self.assertEqual(other.read_frame(), Frame(BINARY, b"\0\xff"))
        self.assertEqual(self.published(self.batch("/publish/", b"")), [])

    def test_all_or_nothing(self):
        listener = self.open("/hear/all")
        good = {"topic": "all", "data": "x"}
        for bad, why in ((b"nonsense", "not JSON"), (b'{"topic":"all"}', "neither"),
                         (b'{"topic":"all","data":"x","data":"y"}', "twice"),
                         (b'{"topic":"all","data":"x","more":1}', "a key besides"),
                         (b'{"topic":"all/","data":"x"}', "no topic"), (b'{"topic":"all","data":1}', "no string"),
                         (b'{"topic":"all","base64":"AAE"}', "base64"), (b'{"topic":"all","data":"\\ud800"}', "line 1002"),
                         (b'{"topic":"all","data":"' + b"x" * 65537 + b'"}', "65537 bytes")):
            body = lines(*[good] * 1000) + b"\n" + bad + b"\n" + lines(good)
            self.assert_refused(self.batch("/publish/", body), 400, "line 1002: ", why)
        self.published(self.post("/publish/all", "only this"))
        self.assertEqual(listener.read_frame().payload, b"only this")

    def test_what_the_path_leaves_open(self):
        self.assertEqual(self.published(self.batch("/publish/a/b", lines({"data": "x"})))[0]["topic"], "a/b")
        self.published(self.batch("/publish/a/", lines({"topic": "a/b", "data": "x"}, {"topic": "a/b/c", "data": "x"})))
        self.assert_refused(self.batch("/publish/a/", lines({"topic": "b", "data": "x"})), 400, "line 1: ", "path")
        self.assert_refused(self.batch("/publish/a", lines({"topic": "b", "data": "x"})), 400, "line 1: ", "path")
        self.assert_refused(self.batch("/publish/", lines({"data": "x"})), 400, "line 1: ", "topic")
        self.published(self.batch("/tenant/acme/", lines({"topic": "tenants/acme/x", "data": "x"})))
        self.assert_refused(self.batch("/tenant/acme/", lines({"topic": "tenants/other/x", "data": "x"})), 400, "line 1: ")
        self.published(self.batch("/tenant/*/", lines({"topic": "tenants/other/x", "data": "x"})))
        self.published(self.batch("/both/*/b", lines({"topic": "chat/x", "data": "x"}, {"topic": "chat/b", "data": "x"})))

    def test_size(self):
        self.published(self.batch("/publish/", lines({"topic": "a", "data": "x" * 60000}) * 4))
        self.assert_refused(self.batch("/publish/", b" " * (256 * 1024 + 1)), 413)

    def test_a_large_batch_holds_nobody_up(self):
        listener = self.open("/hear/large")
        count = 5000
        body = lines(*[{"topic": "large" if i % 5 == 0 else f"t/{i}", "data": str(i)} for i in range(count)])
        self.send("/publish/", body, NDJSON)
        other = self.connect()
        self.published(self.post("/publish/other", "x", client=other))
        said = self.published(self.client.read_response())
        self.assertEqual(len(said), count)
        self.assertEqual([each["topic"] for each in said[:3]], ["large", "t/1", "t/2"])
        self.assertEqual([int(listener.read_frame().payload) for _ in range(count // 5)], list(range(0, count, 5)))


class Life(Publish):
    def test_curl(self):
        done = subprocess.run(["curl", "-sS", "-d", "hello", f"http://{self.daemon.host}/publish/chat/lobby"],
                              capture_output=True, text=True, timeout=20, check=True)
        self.assertEqual(json.loads(done.stdout)["topic"], "chat/lobby")

    def test_draining(self):
        daemon = Daemon(CONFIG, prepare=self.prepare)
        self.addCleanup(daemon.stop)
        client = Client(daemon.address)
        self.addCleanup(client.close)
        client.send(client.request_head("/publish/x", "Content-Length: 4", method="POST") + b"ab")
        time.sleep(0.4)
        daemon.terminate()
        daemon.log.wait_for("asked to stop")
        time.sleep(0.4)  # until the reactors know
        client.send(b"cd")
        answer = client.read_response()
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.headers["connection"], "close")
        self.assertTrue(client.has_ended())
        self.assertEqual(daemon.wait(), 0)
