# SPDX-License-Identifier: Apache-2.0
"""Metrics: each counter moves when its cause happens, and Prometheus takes them."""

import contextlib
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.request

from support import BINARY, CLOSE, IO, TEXT, Client, DaemonCase, close_payload, wait_until
from support.daemon import ROOT, Daemon, free_port
from support.events import EventStream
from support.metrics import Scrape
from support.wire import Ended

CONFIG = """
[server]
threads = 2

[limits]
close_timeout = "1s"
message_size = "64KiB"
queue_size = "64KiB"
history_memory = "1MiB"

[route.echo]
path = "/echo"
type = "echo"

[route.paced]
path = "/paced"
type = "echo"
limits = { message_rate = "1/s", message_fragments = 2 }

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"

[route.closing]
path = "/closing/{room}"
type = "pubsub"
topics = ["chat/{room}"]

[route.dropping]
path = "/dropping/{room}"
type = "pubsub"
topics = ["chat/{room}"]
limits = { slow_client = "drop" }

[route.latest]
path = "/latest/{room}"
type = "pubsub"
topics = ["chat/{room}"]
limits = { slow_client = "latest" }

[route.pace]
path = "/paced-topic"
type = "pubsub"
topics = ["paced/a"]

[route.closed]
path = "/closed"
type = "echo"
auth = { bearer_file = "tokens" }

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"

[route.metrics]
path = "/metrics"
type = "metrics"

[route.secret]
path = "/secret-metrics"
type = "metrics"
auth = { bearer_file = "tokens" }

[topic.chat]
match = "chat/*"

[topic.kept]
match = "kept/*"
history = { size = 1 }

[topic.paced]
match = "paced/*"
rate = "1/s"
"""


def make_tokens(folder):
    (folder / "tokens").write_text("open-sesame\n")


class MetricsCase(DaemonCase):
    config = CONFIG
    prepare = staticmethod(make_tokens)

    def scrape(self):
        return Scrape(self.daemon.address)

    def publish(self, topic, body=b"news", client=None):
        with contextlib.ExitStack() as stack:
            client = client or stack.enter_context(Client(self.daemon.address))
            client.send(client.request_head(f"/publish/{topic}", f"Content-Length: {len(body)}", method="POST") + body)
            self.assertEqual(client.read_response().status, 200)

    @contextlib.contextmanager
    def moves(self, name, by=1, at_least=False, **labels):
        """What happens within adds `by` to a series."""
        before = self.scrape().get(name, **labels)
        yield
        moved = lambda: self.scrape().get(name, **labels) - before  # noqa: E731
        enough = (lambda: moved() >= by) if at_least else (lambda: moved() == by)
        try:
            wait_until(enough, name)
        except AssertionError:
            self.fail(f"{name}{labels} moved by {moved()}, not by {by}")


class Causes(MetricsCase):
    def test_connections_by_route_and_transport(self):
        def gauge(route, transport):
            return self.scrape().get("peal_connections", route=route, transport=transport)

        socket_ = self.open("/echo")
        stream = EventStream(self.daemon.address, "/chat/a")
        self.addCleanup(stream.close)
        poll = self.connect()
        poll.send(poll.request_head("/chat/a?wait=30s"))
        for key in (("echo", "websocket"), ("chat", "sse"), ("chat", "poll")):
            wait_until(lambda: gauge(*key) == 1, f"{key} is there")
        self.assertGreaterEqual(self.scrape().get("peal_open_connections"), 4)
        self.assertEqual(self.scrape().get("peal_subscriptions"), 2)
        self.publish("chat/a")
        self.assertEqual(poll.read_response().status, 200)
        wait_until(lambda: gauge("chat", "poll") == 0, "the poll is answered")
        again = self.connect()
        again.send(again.request_head("/chat/a?wait=30s"))
        wait_until(lambda: gauge("chat", "poll") == 1, "another one waits")
        again.close()
        stream.close()
        socket_.close()
        for key in (("echo", "websocket"), ("chat", "sse"), ("chat", "poll")):
            wait_until(lambda: gauge(*key) == 0, f"{key} is gone")

    def test_messages_and_bytes(self):
        client = self.open("/echo")
        with self.moves("peal_messages_received_total", 3, route="echo"), \
                self.moves("peal_messages_sent_total", 3, route="echo"), \
                self.moves("peal_bytes_received_total", 3000, at_least=True), \
                self.moves("peal_bytes_sent_total", 3000, at_least=True):
            for _ in range(3):
                client.echo(b"x" * 1000)
        listener = self.open("/chat/b")
        with self.moves("peal_publishes_total", topic_class="chat"), \
                self.moves("peal_messages_received_total", route="publish"), \
                self.moves("peal_messages_sent_total", route="chat"), \
                self.moves("peal_http_responses_total", route="publish", code="200"), \
                self.moves("peal_fanout_seconds_count", at_least=True):
            self.publish("chat/b")
            self.assertEqual(listener.read_message(), b"news")
        with self.moves("peal_publishes_total", topic_class="default"):
            self.publish("nobody/listens")

    def test_handshakes(self):
        with self.moves("peal_handshakes_total", route="echo", result="accepted"), \
                self.moves("peal_handshake_seconds_count"), \
                self.moves("peal_connections_accepted_total", at_least=True):
            self.open("/echo")
        with self.moves("peal_handshakes_total", route="chat", result="accepted"):
            EventStream(self.daemon.address, "/chat/c").close()
        with self.moves("peal_handshakes_total", route="echo", result="forbidden"):
            self.connect().upgrade("/echo", "Origin: http://elsewhere.example")
        with self.moves("peal_handshakes_total", route="echo", result="refused"):
            self.connect().request("/echo", "Upgrade: websocket", "Connection: Upgrade")
        with self.moves("peal_handshakes_total", route="closed", result="unauthorized"), \
                self.moves("peal_limit_hits_total", limit="auth"):
            self.connect().upgrade("/closed")
        with self.moves("peal_http_responses_total", route="", code="404"):
            self.connect().request("/nowhere")

    def test_requests_that_are_refused_before_they_are_whole(self):
        for status, route, request in ((400, "", b"no HTTP\r\n\r\n"),
                                       (414, "", b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n"),
                                       (505, "", b"GET / HTTP/2.0\r\nHost: x\r\n\r\n"),
                                       (413, "publish", b"POST /publish/a HTTP/1.1\r\nHost: x\r\n"
                                                        b"Content-Length: 65537\r\n\r\n"),
                                       (400, "publish", b"POST /publish/a HTTP/1.1\r\nHost: x\r\n"
                                                        b"Transfer-Encoding: chunked\r\n\r\nx\r\n")):
            with self.subTest(status=status, route=route), \
                    self.moves("peal_http_responses_total", route=route, code=str(status)):
                client = self.connect()
                client.send(request)
                self.assertEqual(client.read_response().status, status)

    def test_closes_and_ends(self):
        with self.moves("peal_closes_total", code="4xxx"), \
                self.moves("peal_connections_ended_total", reason="client", at_least=True):
            client = self.open("/echo")
            client.send_frame(CLOSE, close_payload(4321))
            client.read_to_end()
        with self.moves("peal_closes_total", code="1006"), \
                self.moves("peal_connections_ended_total", reason="lost"):
            self.open("/echo").reset()

    def test_limits(self):
        def break_protocol(client):
            client.send_frame(TEXT, b"\xff")

        def send_too_much(client):
            client.send_frame(BINARY, b"x" * (65 << 10))

        def send_too_often(client):
            for _ in range(3):
                client.send_frame(TEXT, b"x")

        def send_in_pieces(client):
            for i in range(3):
                client.send_frame(TEXT if i == 0 else 0, b"x", fin=False)

        for limit, code, path, attack in (("protocol_error", 1007, "/echo", break_protocol),
                                          ("message_size", 1009, "/echo", send_too_much),
                                          ("message_rate", 1008, "/paced", send_too_often),
                                          ("message_fragments", 1008, "/paced", send_in_pieces)):
            with self.subTest(limit), self.moves("peal_limit_hits_total", limit=limit), \
                    self.moves("peal_connections_ended_total", reason=limit), \
                    self.moves("peal_closes_total", code=str(code)):
                client = self.open(path)
                with contextlib.suppress(Ended, OSError):
                    attack(client)
                client.read_to_end()
                client.close()
        with self.moves("peal_limit_hits_total", limit="bad_request"):
            with Client(self.daemon.address) as client:
                client.send(b"no HTTP\r\n\r\n")
                client.read_to_end()

    def test_slow_clients(self):
        for route, action in (("closing", "disconnect"), ("dropping", "drop"), ("latest", "latest")):
            with self.subTest(action), \
                    self.moves("peal_slow_clients_total", at_least=True, route=route, action=action):
                client = self.open(f"/{route}/{action}", receive_buffer=4096)
                with Client(self.daemon.address) as publisher:
                    before = self.scrape().get("peal_slow_clients_total", route=route, action=action)
                    for _ in range(20):
                        for _ in range(20):
                            self.publish(f"chat/{action}", b"x" * 60_000, publisher)
                        seen = self.scrape()
                        waits = seen.get("peal_queue_bytes") > 0
                        # The kernel may take at any time what waited, as its buffers grow.
                        if seen.get("peal_slow_clients_total", route=route, action=action) > before and \
                                (waits or action != "drop"):
                            break
                if action == "drop":
                    self.assertTrue(waits, "something waits in a queue")
                client.reset()
        wait_until(lambda: self.scrape().get("peal_queue_bytes") < 60_000, "nothing waits any more")

    def test_histories(self):
        with self.moves("peal_limit_hits_total", at_least=True, limit="history_memory"):
            with Client(self.daemon.address) as publisher:
                for i in range(40):
                    self.publish(f"kept/{i}", b"x" * 50_000, publisher)
        self.assertGreater(self.scrape().get("peal_history_bytes"), 0)
        self.assertGreater(self.scrape().get("peal_topics"), 0)

    def test_rates_of_topics(self):
        with Client(self.daemon.address) as publisher, EventStream(self.daemon.address, "/paced-topic") as stream, \
                self.moves("peal_messages_paced_total", at_least=True):
            for _ in range(3):
                self.publish("paced/a", client=publisher)
            self.assertEqual(stream.read_event().data, "news")


class Scrapes(MetricsCase):
    def test_promtool_finds_nothing(self):
        self.open("/echo").echo(b"x")
        self.publish("chat/e")
        done = subprocess.run(["promtool", "check", "metrics"], input=self.scrape().text, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_it_is_a_route_like_others(self):
        client = self.connect()
        self.assertEqual(client.request("/secret-metrics").status, 401)
        self.assertEqual(client.request("/secret-metrics", "Authorization: Bearer open-sesame").status, 200)
        head = client.request("/metrics", method="HEAD")
        self.assertEqual(head.status, 200)
        self.assertGreater(int(head.headers["content-length"]), 1000)
        self.assertEqual(head.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8")
        self.assertEqual(client.request("/metrics").status, 200)
        refused = client.request("/metrics", "Content-Length: 0", method="POST")
        self.assertEqual((refused.status, refused.headers["allow"]), (405, "GET, HEAD"))

    def test_many_at_once(self):
        clients = [self.connect() for _ in range(30)]
        for client in clients:
            client.send(2 * client.request_head("/metrics"))
        for client in clients[:5]:
            client.reset()
        for client in clients[5:]:
            for _ in range(2):
                self.assertIn(b"\npeal_open_connections ", client.read_response().body)

    def test_half_a_connection_gets_its_answer(self):
        client = self.connect()
        client.send(client.request_head("/metrics"))
        client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(client.read_response().status, 200)

    def test_examples_use_what_there_is(self):
        self.open("/echo").echo(b"x")
        self.publish("chat/f")
        there = self.scrape().names()
        for name in ("alerts.yml", "grafana-dashboard.json"):
            text = (ROOT / "examples" / name).read_text()
            used = set(re.findall(r"\b(?:peal|process)_\w+", text)) - {"peal_instance"}
            self.assertGreater(len(used), 5)
            self.assertEqual(used - there, set(), name)
        dashboard = json.loads((ROOT / "examples/grafana-dashboard.json").read_text())
        rows = [panel["title"] for panel in dashboard["panels"] if panel["type"] == "row"]
        self.assertEqual(rows, ["Connections", "Messages", "Latency", "Slow clients", "Reactors", "Memory"])
        self.assertEqual(len({panel["id"] for panel in dashboard["panels"]}), len(dashboard["panels"]))

    def test_alert_rules(self):
        done = subprocess.run(["promtool", "check", "rules", str(ROOT / "examples/alerts.yml")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


@unittest.skipIf(IO == "epoll", "once is enough")
class Prometheus(MetricsCase):
    """A real one, with the alert rules of the examples."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="peal-prometheus-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "token").write_text("open-sesame")
        (self.folder / "prometheus.yml").write_text(f"""
global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}
rule_files: [{ROOT}/examples/alerts.yml]
scrape_configs:
  - job_name: peal
    metrics_path: /secret-metrics
    authorization: {{ credentials_file: {self.folder}/token }}
    static_configs: [{{ targets: ["{self.daemon.host}"] }}]
""")
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/api/v1/query?query="
        log = open(self.folder / "log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], stdout=log, stderr=log)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.terminate)

    def query(self, expression):
        """The value; None while there is none."""
        try:
            with urllib.request.urlopen(self.url + urllib.request.quote(expression), timeout=5) as answer:
                found = json.load(answer)["data"]["result"]
        except OSError:
            return None
        return float(found[0]["value"][1]) if found else None

    def test_scrapes(self):
        client = self.open("/echo")
        for _ in range(5):
            client.echo(b"x")
        wait_until(lambda: self.query("up") == 1, "prometheus has scraped", timeout=30)
        wait_until(lambda: self.query('peal_messages_received_total{route="echo"}') == 5, "it has the messages", timeout=30)
        self.assertEqual(self.query("peal_build_info"), 1)


class HiddenProc(unittest.TestCase):
    """/proc as the unit has it (ProcSubset=pid)."""

    WRAP = ("unshare", "--mount", "sh", "-c", 'mount -t proc -o subset=pid proc /proc && exec "$@"', "sh")

    def setUp(self):
        if subprocess.run([*self.WRAP, "true"], stderr=subprocess.DEVNULL).returncode:
            self.skipTest("nothing can be mounted here")

    def test_the_process_tells_when_it_began(self):
        before = time.time()
        daemon = Daemon(CONFIG, prepare=make_tokens, wrap=self.WRAP)
        self.addCleanup(daemon.stop)
        scrape = Scrape(daemon.address)
        self.assertGreater(scrape.get("process_threads"), 3)
        # A clock that is set meanwhile moves it.
        self.assertAlmostEqual(scrape.get("process_start_time_seconds"), before, delta=60)
