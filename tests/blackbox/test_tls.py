# SPDX-License-Identifier: Apache-2.0
"""TLS as a client meets it: versions, ALPN, SNI, client certificates, resumption, endings."""

import json
import pathlib
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

from support import BINARY, CLOSE, TEXT, Client, DaemonCase, close_payload, frame, wait_until
from support import PEALD
from support.certificates import Authority
from support.wire import Ended

ROUTES = """
[route.echo]
path = "/echo"
type = "echo"

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"

[topic.chat]
match = "chat/**"
history = { size = 100 }

[route.files]
path = "/files/{path...}"
type = "files"
root = "."
"""


class SecureClient(Client):
    """The same over TLS. `session`: of an earlier client, to resume."""

    def __init__(self, address, context, name="localhost", session=None, **options):
        super().__init__(address, **options)
        self.plain = self.socket
        self.socket = context.wrap_socket(self.plain, server_hostname=name, session=session)


class TlsCase(DaemonCase):
    """A daemon with a certificate of its own authority."""

    @classmethod
    def prepare(cls, folder):
        cls.authority = Authority(folder)
        cls.authority.issue("site", "localhost", "127.0.0.1")

    def secure(self, context=None, **options):
        client = SecureClient(self.daemon.address, context or self.authority.client_context(), **options)
        self.addCleanup(client.close)
        return client

    def secure_echo(self, client):
        self.assertEqual(client.upgrade("/echo").status, 101)
        self.assertEqual(client.echo(b"over TLS").payload, b"over TLS")


class Tls(TlsCase):
    config = """
[server]
threads = 2

[listen.public]
tls = { cert = "site.crt", key = "site.key" }

[limits]
handshake_timeout = "2s"
""" + ROUTES

    def test_both_versions_echo(self):
        for version, name in (ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3"):
            with self.subTest(name):
                client = self.secure(self.authority.client_context(version=version))
                self.assertEqual(client.socket.version(), name)
                self.secure_echo(client)

    def test_an_url_has_the_scheme_of_the_connection(self):
        """RFC 9110 section 7.4."""
        client = self.secure()
        for scheme, status in ("https", 200), ("http", 421):
            url = "{}://{}:{}/files/site.crt".format(scheme, *self.daemon.address)
            self.assertEqual(client.request(url).status, status)

    def test_older_versions_are_refused(self):
        context = self.authority.client_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaisesRegex(ssl.SSLError, "PROTOCOL_VERSION"):
            self.secure(context)

    def test_alpn_is_http_1_1_or_nothing(self):
        context = self.authority.client_context()
        context.set_alpn_protocols(["h2", "http/1.1"])
        client = self.secure(context)
        self.assertEqual(client.socket.selected_alpn_protocol(), "http/1.1")
        self.secure_echo(client)
        context.set_alpn_protocols(["h2"])
        with self.assertRaisesRegex(ssl.SSLError, "no application protocol"):
            self.secure(context)

    def test_large_messages_and_many_records(self):
        client = self.secure()
        self.assertEqual(client.upgrade("/echo").status, 101)
        payload = bytes(range(256)) * 2048
        self.assertEqual(client.echo(payload).payload, payload)
        for size in (0, 1, 16383, 16384, 16385):
            self.assertEqual(client.echo(payload[:size]).payload, payload[:size])

    def test_a_file(self):
        answer = self.secure().request("/files/site.crt")
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, (self.daemon.folder / "site.crt").read_bytes())

    def test_the_same_origin_is_https(self):
        for scheme, status in ("https", 101), ("http", 403):
            with self.subTest(scheme):
                self.assertEqual(self.secure().upgrade("/echo", f"Origin: {scheme}://{self.daemon.host}").status,
                                 status)

    def test_sessions_resume_on_every_reactor(self):
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            with self.subTest(version.name):
                context = self.authority.client_context(version=version)
                first = self.secure(context)
                self.secure_echo(first)
                session = first.socket.session
                for _ in range(16):  # spread over the reactors by the kernel
                    again = self.secure(context, session=session)
                    self.secure_echo(again)
                    self.assertTrue(again.socket.session_reused)

    def test_the_end_is_told_by_close_notify(self):
        client = self.secure()
        self.secure_echo(client)
        client.send_frame(CLOSE, close_payload(1000))
        self.assertEqual(client.read_close()[0], 1000)
        self.assertEqual(client.socket.recv(1), b"")  # an SSLEOFError without close_notify
        client.socket.unwrap()

    def test_a_client_that_ends_by_close_notify_gets_ours(self):
        client = self.secure()
        self.secure_echo(client)
        client.socket.unwrap()  # raises where the answer is missing
        self.assertEqual(client.plain.fileno(), -1)

    def test_plain_http_is_told_so(self):
        client = self.connect()
        answer = client.request("/echo")
        self.assertEqual(answer.status, 400)
        self.assertIn(b"TLS", answer.body)
        self.assertTrue(self.daemon.log.wait_for(
            r"bad_request: 127\.0\.0\.1 sent .*: closed \(this port speaks TLS: use https or wss\)"))

    def test_garbage_gets_an_alert(self):
        client = self.connect()
        client.send(b"\x16\x03\x01\x00\x05hello")
        data = client.read_to_end()
        self.assertEqual(data[:1], b"\x15")

    def test_a_handshake_that_trickles_is_ended_in_time(self):
        client = self.connect()
        client.send(b"\x16\x03\x01")
        self.assertTrue(client.has_ended())

    def s_client(self, *words, stdin=""):
        return subprocess.run(
            ["openssl", "s_client", "-connect", self.daemon.host, "-CAfile", self.authority.cert, *words],
            input=stdin, capture_output=True, text=True, timeout=10)

    def test_renegotiation_is_refused(self):
        done = self.s_client("-tls1_2", stdin="R\n")
        self.assertIn("Secure Renegotiation IS supported", done.stdout)
        self.assertIn("no renegotiation", done.stderr)

    def test_no_session_is_kept_but_in_tickets(self):
        """testssl.sh takes a resumption by ticket for one by session ID, at times."""
        text = self.s_client("-tls1_2", "-no_ticket", "-reconnect").stdout
        self.assertEqual(text.count("New, TLSv1.2"), 6)
        self.assertNotIn("Reused", text)

    def test_no_early_data_is_offered(self):
        with tempfile.NamedTemporaryFile() as session:
            self.s_client("-tls1_3", "-ign_eof", "-sess_out", session.name,
                          stdin="GET /none HTTP/1.0\r\n\r\n")
            text = subprocess.run(["openssl", "sess_id", "-in", session.name, "-noout", "-text"],
                                  capture_output=True, text=True).stdout
        self.assertIn("Max Early Data: 0", text)


class Names(TlsCase):
    """Several certificates on one listener."""

    config = """
[listen.public]
tls = { cert = ["site.crt", "other.crt"], key = ["site.key", "other.key"], min_version = "1.3" }
""" + ROUTES

    @classmethod
    def prepare(cls, folder):
        super().prepare(folder)
        cls.authority.issue("other", "other.test", "*.wild.test", rsa=True)

    def subject(self, name):
        context = self.authority.client_context()
        context.check_hostname = False
        return dict(self.secure(context, name=name).socket.getpeercert()["subject"][0])["commonName"]

    def test_the_name_chooses(self):
        for name, subject in {"localhost": "site", "other.test": "other", "OTHER.test": "other",
                              "a.wild.test": "other", "a.b.wild.test": "site", "unknown.test": "site",
                              None: "site"}.items():
            with self.subTest(name):
                self.assertEqual(self.subject(name), subject)

    def test_the_least_version(self):
        with self.assertRaises(ssl.SSLError):
            self.secure(self.authority.client_context(version=ssl.TLSVersion.TLSv1_2))


class ClientCertificates(TlsCase):
    config = """
[listen.public]
tls = { cert = "site.crt", key = "site.key", client_ca = "ca.crt" }
""" + ROUTES

    @classmethod
    def prepare(cls, folder):
        super().prepare(folder)
        cls.identity = cls.authority.issue("client")
        (folder / "foreign").mkdir()
        cls.foreign = Authority(folder / "foreign").issue("client")

    def test_the_right_one_gets_in(self):
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            with self.subTest(version.name):
                self.secure_echo(self.secure(self.authority.client_context(self.identity, version)))

    def test_none_and_a_foreign_one_do_not(self):
        for identity in None, self.foreign:
            for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
                with self.subTest(version.name, identity=identity):
                    with self.assertRaises((ssl.SSLError, Ended)):
                        self.secure_echo(self.secure(self.authority.client_context(identity, version)))
        wait_until(lambda: "did not get through TLS: closed (peer did not return a certificate)" in
                   self.daemon.log.text(), "the log tells why")


class Configuration(unittest.TestCase):
    """Files that do not hold what they should are problems of the configuration."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        authority = Authority(self.folder)
        authority.issue("site", "localhost")
        authority.issue("other", "other.test")
        (self.folder / "empty.pem").write_text("")

    def check(self, tls, *words):
        (self.folder / "peal.toml").write_text(
            '[listen.public]\naddress = "127.0.0.1:0"\n' + f"tls = {{ {tls} }}\n" + ROUTES)
        return subprocess.run([PEALD, "-c", "peal.toml", *words], cwd=self.folder, capture_output=True, text=True,
                              timeout=10)

    def test_what_is_wrong_is_named_with_the_file(self):
        for tls, key, words in (
                ('cert = "site.crt", key = "other.key"', "tls.key", ["other.key", "mismatch"]),
                ('cert = "none.crt", key = "site.key"', "tls.cert", ["none.crt", "No such file"]),
                ('cert = "empty.pem", key = "site.key"', "tls.cert", ["empty.pem", "no start line"]),
                ('cert = "site.crt", key = "site.key", client_ca = "empty.pem"', "tls.client_ca", ["empty.pem"])):
            for mode in ["--check"], []:
                with self.subTest(tls, mode=mode):
                    done = self.check(tls, *mode)
                    self.assertEqual(done.returncode, 78, done.stderr)
                    self.assertRegex(done.stderr, rf"peal.toml:3:\d+: error: listen.public.{key}: ")
                    for word in words:
                        self.assertIn(word, done.stderr)

    def test_every_problem_is_told_at_once(self):
        done = self.check('cert = "none.crt", key = "site.key", client_ca = "none.ca"', "--check",
                          "--set", "limits.message_size=1 furlong")
        self.assertEqual(done.returncode, 78)
        self.assertIn("limits.message_size", done.stderr)


class Unanswered(TlsCase):
    """Close frames that no client answers."""

    config = """
[listen.public]
tls = { cert = "site.crt", key = "site.key" }

[limits]
close_timeout = "200ms"

[route.idle]
path = "/idle"
type = "echo"
limits = { idle_timeout = "200ms" }
"""

    def test_close_notify_is_sent_all_the_same(self):
        client = self.secure()
        self.assertEqual(client.upgrade("/idle").status, 101)
        self.assertEqual(client.read_close()[0], 1001)
        self.assertEqual(client.socket.recv(1), b"")  # an SSLEOFError without close_notify


class Silence(TlsCase):
    """Connections that say nothing, or next to nothing."""

    config = """
[listen.public]
tls = { cert = "site.crt", key = "site.key" }
""" + ROUTES

    def test_half_open_handshakes_leave_others_alone(self):
        before = self.daemon.resident()
        sockets = []
        for i in range(500):
            half_open = socket.create_connection(self.daemon.address)
            self.addCleanup(half_open.close)
            half_open.sendall(b"\x16\x03\x01\x02\x00\x01"[:i % 7])
            sockets.append(half_open)
        self.secure_echo(self.secure())
        self.assertLess(self.daemon.resident() - before, 32 << 20)


class Listening(TlsCase):
    """What is no WebSocket, over records."""

    config = Silence.config

    def test_an_event_stream_and_a_long_poll(self):
        url = "https://localhost:{}/chat/a".format(self.daemon.address[1])
        publisher = self.secure()
        self.assertEqual(publisher.upgrade("/chat/a").status, 101)
        context = self.authority.client_context()
        request = urllib.request.Request(url, headers={"Accept": "text/event-stream", "Last-Event-ID": ""})
        with urllib.request.urlopen(request, context=context, timeout=10) as stream:
            said = ["one", "two", "x" * 40_000]
            for message in said:
                self.assertEqual(publisher.echo(message.encode(), TEXT).payload.decode(), message)
            heard = []
            while len(heard) < len(said):
                line = stream.readline().decode().rstrip("\n")
                if line.startswith("data: "):
                    heard.append(line[6:])
            self.assertEqual(heard, said)
        with urllib.request.urlopen(url + "?last=3", context=context, timeout=10) as poll:
            self.assertEqual([message["data"] for message in json.load(poll)["messages"]], said)


class Addresses(TlsCase):
    """One address may have so many connections, half-open ones among them."""

    config = """
[listen.public]
tls = { cert = "site.crt", key = "site.key" }

[limits]
connections_per_ip = 3
""" + ROUTES

    def test_one_too_many_is_reset_before_its_handshake(self):
        inside = [self.secure(source="127.0.0.77") for _ in range(2)]
        half_open = self.connect(source="127.0.0.77")
        half_open.send(b"\x16\x03\x01")
        for client in inside:
            self.secure_echo(client)
        # Ends before a word of TLS, and without the cost of a handshake.
        with self.assertRaises((ConnectionError, ssl.SSLEOFError)):
            self.secure(source="127.0.0.77")
        self.assertTrue(self.daemon.log.wait_for(r"warning: connections_per_ip: 127\.0\.0\.77 has as many"))
        self.secure_echo(self.secure(source="127.0.0.78"))
        for client in inside:
            self.assertEqual(client.echo(b"still in").payload, b"still in")
        half_open.close()

        def gets_in():
            try:
                self.secure_echo(self.secure(source="127.0.0.77"))
            except (ConnectionError, ssl.SSLEOFError):
                return False
            return True

        wait_until(gets_in, "one may come for the one that went")


class Interplay(TlsCase):
    """Frames and records need not coincide."""

    config = Silence.config

    def test_frames_cut_anywhere(self):
        client = self.secure()
        self.assertEqual(client.upgrade("/echo").status, 101)
        octets = frame(TEXT, "one") + frame(BINARY, b"2" * 300) + frame(TEXT, "three")
        client.trickle(octets)
        self.assertEqual([client.read_frame().payload for _ in range(3)], [b"one", b"2" * 300, b"three"])
