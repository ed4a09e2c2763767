# SPDX-License-Identifier: Apache-2.0
"""Access lines: one for each connection that ends, with who, how long, how much and why."""

import contextlib
import json
import re

from support import CLOSE, TEXT, Client, DaemonCase, close_payload, wait_until
from support.daemon import ROOT
from support.events import EventStream

CONFIG = """
[log]
access = true
format = "json"

[limits]
close_timeout = "1s"

[route.echo]
path = "/echo"
type = "echo"

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"

[route.site]
path = "/site/{path...}"
type = "files"
root = "site"
"""

KEYS = ["time", "level", "thread", "message", "client", "route", "transport", "status", "requests", "duration",
        "messages_received", "messages_sent", "bytes_received", "bytes_sent", "code", "closed_by", "reason"]


def make_site(folder):
    (folder / "site").mkdir()
    (folder / "site" / "page").write_text("x" * 1000)


def lines_of(daemon):
    return [json.loads(line) for line in daemon.log.text().splitlines()]


class Access(DaemonCase):
    config = CONFIG
    prepare = staticmethod(make_site)

    @contextlib.contextmanager
    def ends(self, **expected):
        """What happens within ends one connection; its line has these values."""
        before = len(self.accesses())
        yield
        wait_until(lambda: len(self.accesses()) > before, "a line")
        lines = self.accesses()
        self.assertEqual(len(lines), before + 1)
        self.assertEqual(list(lines[-1]), KEYS)
        self.assertEqual((lines[-1]["level"], lines[-1]["client"]), ("info", "127.0.0.1"))
        self.assertEqual({key: lines[-1][key] for key in expected}, expected)
        self.last = lines[-1]

    def accesses(self):
        return [line for line in lines_of(self.daemon) if line["message"] == "access"]

    def request(self, *request, body=b"", **options):
        with Client(self.daemon.address) as client:
            client.send(client.request_head(*request, **options) + body)
            return client.read_response()

    def test_a_websocket(self):
        with self.ends(route="echo", transport="websocket", status=101, requests=1, messages_received=2,
                       messages_sent=2, code=1000, closed_by="client", reason="client"):
            client = self.open("/echo?token=hidden")
            client.echo(b"x" * 1000)
            client.echo(b"x" * 500)
            client.send_frame(CLOSE, close_payload(1000, "hidden"))
            client.read_to_end()
        self.assertGreater(self.last["bytes_received"], 1500)
        self.assertGreater(self.last["bytes_sent"], 1500)
        self.assertLess(self.last["duration"], 10)

    def test_a_websocket_that_breaks_off(self):
        with self.ends(route="echo", code=1006, closed_by="network", reason="lost"):
            self.open("/echo").reset()

    def test_a_websocket_that_is_closed(self):
        with self.ends(route="echo", code=1007, closed_by="server", reason="protocol_error"):
            client = self.open("/echo")
            client.send_frame(TEXT, b"\xff")
            client.read_to_end()

    def test_an_event_stream(self):
        with self.ends(route="chat", transport="sse", status=200, messages_sent=0, code=None, closed_by="client",
                       reason="client"):
            EventStream(self.daemon.address, "/chat/a?secret=hidden").close()

    def test_a_poll(self):
        with self.ends(route="chat", transport="poll", status=204, requests=1, code=None, reason="client"):
            self.assertEqual(self.request("/chat/b?wait=0s").status, 204)

    def test_publish_requests_of_one_connection(self):
        with self.ends(route="publish", transport="http", status=200, requests=3, messages_received=3, code=None):
            with Client(self.daemon.address) as client:
                for _ in range(3):
                    client.send(client.request_head("/publish/chat/c", "Content-Length: 1", method="POST") + b"x")
                    self.assertEqual(client.read_response().status, 200)

    def test_a_listener_counts_what_it_gets(self):
        with self.ends(route="publish"):
            client = self.open("/chat/d")
            self.request("/publish/chat/d", "Content-Length: 4", method="POST", body=b"news")
            self.assertEqual(client.read_message(), b"news")
        with self.ends(route="chat", transport="websocket", messages_received=0, messages_sent=1):
            client.reset()

    def test_a_file(self):
        with self.ends(route="site", transport="http", status=200, messages_sent=0):
            self.assertEqual(self.request("/site/page").status, 200)
        self.assertGreater(self.last["bytes_sent"], 1000)
        with self.ends(route="site", status=404):
            self.request("/site/none")

    def test_what_no_route_answers(self):
        with self.ends(route=None, transport="http", status=404):
            self.request("/hidden")
        with self.ends(route=None, status=400, requests=0, closed_by="server", reason="bad_request"):
            with Client(self.daemon.address) as client:
                client.send(b"GET /hidden HTTP/1.1\r\nhidden\r\n\r\n")
                client.read_to_end()
        with self.ends(route=None, status=None, requests=0, reason="client"):
            Client(self.daemon.address).close()

    @classmethod
    def tearDownClass(cls):
        text = cls.daemon.log.text()
        super().tearDownClass()
        assert "hidden" not in text, text


class Settings(DaemonCase):
    config = "[server]\nthreads = 1\n" + CONFIG.replace('"json"', '"text"')
    options = ("--set", "log.access_one_in=3")
    prepare = staticmethod(make_site)

    def test_one_in_three_as_text(self):
        for _ in range(9):
            with Client(self.daemon.address) as client:
                client.request("/nowhere")

        def found():
            return re.findall(r"info: access: (.*)\n", self.daemon.log.text())

        wait_until(lambda: len(found()) == 3, "three lines")
        self.assertRegex(found()[0], r"^client=127\.0\.0\.1 route=- transport=http status=404 requests=1 "
                                     r"duration=\d+\.\d{3} messages_received=0 messages_sent=0 bytes_received=\d+ "
                                     r"bytes_sent=\d+ code=- closed_by=client reason=client$")


class Documented(DaemonCase):
    config = CONFIG.replace("access = true", "access = false")
    prepare = staticmethod(make_site)

    def test_no_line_unless_asked_for_and_keys_as_documented(self):
        self.open("/echo").reset()
        with Client(self.daemon.address) as client:
            client.request("/nowhere")
        self.assertEqual(self.daemon.stop(), 0)
        lines = lines_of(self.daemon)
        self.assertGreater(len(lines), 3)
        for line in lines:
            self.assertEqual(list(line), KEYS[:4])
        text = (ROOT / "docs/CONFIGURATION.md").read_text()
        for key in KEYS:
            self.assertIn(f"`{key}`", text)

    @classmethod
    def tearDownClass(cls):
        pass  # stopped already


class LeftOpen(DaemonCase):
    config = CONFIG
    prepare = staticmethod(make_site)

    def test_the_end_of_the_server_is_the_end_of_all(self):
        client = self.open("/echo")
        self.daemon.terminate()
        client.read_to_end()
        client.close()
        self.assertEqual(self.daemon.stop(), 0)
        line, = [line for line in lines_of(self.daemon) if line["message"] == "access"]
        self.assertEqual((line["route"], line["code"], line["closed_by"], line["reason"]),
                         ("echo", 1001, "server", "server"))

    @classmethod
    def tearDownClass(cls):
        pass  # stopped already
