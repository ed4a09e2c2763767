# SPDX-License-Identifier: Apache-2.0
"""examples/haproxy.cfg and nginx.conf as they are, but for addresses, with a client of every kind behind them."""

import json
import pathlib
import re
import subprocess
import tempfile

from support import TEXT, Client, DaemonCase, wait_until
from support.certificates import Authority
from support.daemon import ROOT, free_port
from support.events import EventStream, poll

CONFIG = """
[server]
threads = 2

[listen.public]
address = "127.0.0.1:0"
forwarded = { header = "X-Forwarded-For", trust = ["127.0.0.1"] }

[listen.passed]
address = "127.0.0.1:0"
tls = { cert = "site.crt", key = "site.key" }
proxy = { protocol = "any", trust = ["127.0.0.1"] }

[route.news]
path = "/news"
type = "pubsub"
topics = ["news"]
publish = "anyone"

[route.locked]
path = "/locked"
type = "echo"
auth = { bearer_file = "tokens" }

[route.health]
path = "/healthz"
type = "health"

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"

[topic.news]
match = "news"
history = { size = 10 }
"""

CLIENT = "127.0.0.66"


class Front:
    """`name` of the examples in front of peal at `plain` and `secure`, (host, port) each."""

    def __init__(self, name, plain, secure, authority):
        self._folder = tempfile.TemporaryDirectory(prefix="peal-")
        folder = pathlib.Path(self._folder.name)
        self.https, self.passed = ("127.0.0.1", free_port()), ("127.0.0.1", free_port())
        cert, key = (authority.folder / f"site.{kind}" for kind in ("crt", "key"))
        (folder / "site.pem").write_text(cert.read_text() + key.read_text())
        text = (ROOT / "examples" / name).read_text()
        text = re.sub(r"(?m)^#.*\n", "", text)  # peal's own configuration
        for node in ("10.0.0.11", "10.0.0.12"):
            text = text.replace(f"{node}:8080", "{}:{}".format(*plain))
            text = text.replace(f"{node}:8443", "{}:{}".format(*secure))
            text = text.replace(f"addr {node} port 8080", "addr {} port {}".format(*plain))
        for file in ("/etc/haproxy/site.pem", "/etc/nginx/site.crt", "/etc/nginx/site.key"):
            text = text.replace(file, str(folder / "site.pem"))
        assert "10.0.0" not in text and "/site.c" not in text, text
        if name == "nginx.conf":
            temporary = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            text = text.replace("http {", "http {" + "".join(f"{kind}_temp_path {folder};" for kind in temporary), 1)
            text = text.replace("listen 443 ", "listen {}:{} ".format(*self.https))
            text = text.replace("listen 8443", "listen {}:{}".format(*self.passed))
            text = re.sub(r"(worker_rlimit_nofile|worker_connections) \d+;", r"\1 1000;", text)
            command = ["/usr/sbin/nginx", "-e", "stderr", "-g",
                       f"daemon off; master_process off; pid {folder}/pid; error_log stderr;", "-c"]
        else:
            text = text.replace("bind :443 ", "bind {}:{} ".format(*self.https))
            text = text.replace("bind :8443", "bind {}:{}".format(*self.passed))
            text = text.replace("maxconn 200000", "maxconn 1000")
            command = ["/usr/sbin/haproxy", "-db", "-f"]
        file = folder / "configuration"
        file.write_text(text)
        self._errors = open(folder / "errors", "w+")
        self._process = subprocess.Popen([*command, str(file)], stdin=subprocess.DEVNULL, stdout=self._errors,
                                         stderr=self._errors)
        try:
            wait_until(self._listens, f"{name} listens")
        except AssertionError as error:
            self._errors.seek(0)
            raise AssertionError(f"{error}:\n" + self._errors.read()) from None
        finally:
            if self._process.poll() is not None:
                self.stop()

    def _listens(self):
        if self._process.poll() is not None:
            raise AssertionError("it has ended")
        try:
            for address in (self.https, self.passed):
                Client(address).close()
            return True
        except ConnectionRefusedError:
            return False

    def stop(self):
        self._process.terminate()
        self._process.wait(10)
        self._errors.close()
        self._folder.cleanup()


class Behind:
    """What holds in front of `example`, by the `line` that it has to peal: its https or passed."""

    config = CONFIG
    example = line = None

    @classmethod
    def prepare(cls, folder):
        (folder / "tokens").write_text("secret\n")
        cls.authority = Authority(folder)
        cls.authority.issue("site", "localhost")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        secure = cls.daemon.log.wait_for(r"listening on 127\.0\.0\.1:(\d+), TLS")
        cls.front = Front(cls.example, cls.daemon.address, ("127.0.0.1", int(secure[1])), cls.authority)

    @classmethod
    def tearDownClass(cls):
        cls.front.stop()
        super().tearDownClass()

    def client(self, make=Client):
        context = self.authority.client_context()

        class Secure(make):
            """Speaks TLS from the first byte it sends."""

            def send(self, data):
                if not hasattr(self.socket, "version"):
                    self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
                super().send(data)

        self.address = getattr(self.front, self.line)
        options = {"source": CLIENT, "timeout": 10}
        client = Secure(self.address, "/news", **options) if make is EventStream else Secure(self.address, **options)
        self.addCleanup(client.close)
        return client

    def socket(self):
        client = self.client()
        origin = "Origin: https://{}:{}".format(*getattr(self.front, self.line))  # a page of its own
        self.assertEqual(client.upgrade("/news", origin).status, 101)
        return client

    def test_a_websocket(self):
        client = self.socket()
        for text in (b"hello", b"x" * 100_000):
            client.send_frame(TEXT, text)
            self.assertEqual(client.read_message(), text)
        client.send_frame(0x8, b"\x03\xe8")
        self.assertEqual(client.read_close()[0], 1000)

    def test_an_event_stream(self):
        stream = self.client(EventStream)
        self.assertEqual(stream.status, 200)
        stream.read_position()
        publisher = self.socket()
        for text in (b"one", b"two"):
            publisher.send_frame(TEXT, text)
            self.assertEqual(stream.read_event().data.encode(), text)  # at once, not when a buffer is full

    def test_a_long_poll(self):
        publisher = self.socket()
        publisher.send_frame(TEXT, b"before")
        publisher.read_message()
        client = self.client()
        newest = poll(client, "/news?last=1")
        self.assertEqual(newest.data, ["before"])
        client.send(client.request_head(f"/news?since={newest.next}&wait=10s"))
        publisher.send_frame(TEXT, b"after")
        answer = client.read_response()
        self.assertEqual([message["data"] for message in json.loads(answer.body)["messages"]], ["after"])

    def test_a_large_batch(self):
        body = 3000 * (json.dumps({"data": "x" * 1000}) + "\n").encode()
        client = self.client()
        client.send(client.request_head("/publish/batch", "Content-Type: application/x-ndjson",
                                        f"Content-Length: {len(body)}", method="POST") + body)
        answer = client.read_response()
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(len(json.loads(answer.body)["published"]), 3000)

    def test_the_log_has_the_address_of_the_client(self):
        self.assertEqual(self.client().upgrade("/locked", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1").status, 401)
        self.assertEqual(self.daemon.log.wait_for(r"auth: (\S+) on route locked")[1], CLIENT)


class HaProxyEndsTls(Behind, DaemonCase):
    example, line = "haproxy.cfg", "https"


class HaProxyPassesTls(Behind, DaemonCase):
    example, line = "haproxy.cfg", "passed"
    config = CONFIG.replace('protocol = "any"', 'protocol = "v2"')


class NginxEndsTls(Behind, DaemonCase):
    example, line = "nginx.conf", "https"


class NginxPassesTls(Behind, DaemonCase):
    example, line = "nginx.conf", "passed"
    config = CONFIG.replace('protocol = "any"', 'protocol = "v1"')
