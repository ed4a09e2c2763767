# SPDX-License-Identifier: Apache-2.0
"""Who a client is behind a balancer: the PROXY protocol and fields of a request, byte by byte."""

import re
import signal
import socket
import struct
import unittest

from support import TEXT, Client, Daemon, DaemonCase
from support.certificates import Authority

ROUTES = """
[server]
threads = 2

[route.echo]
path = "/echo"
type = "echo"

[route.health]
path = "/healthz"
type = "health"

[route.locked]
path = "/locked"
type = "echo"
auth = { bearer_file = "tokens" }
"""

PROXY = """
[listen.public]
address = "127.0.0.1:0"
proxy = { protocol = "any", trust = ["127.0.0.1", "unix"] }
""" + ROUTES

FORWARDED = """
[listen.public]
address = "127.0.0.1:0"
forwarded = { header = "X-Forwarded-For", trust = ["127.0.0.0/30", "10.0.0.0/8"] }
""" + ROUTES

STRANGER = "127.0.0.66"  # an address of this machine that is not trusted


def make_tokens(folder):
    (folder / "tokens").write_text("secret\n")


def v1(client, family="TCP4"):
    server = "::1" if family == "TCP6" else "127.0.0.1"
    return f"PROXY {family} {client} {server} 4711 443\r\n".encode()


def v2(client, fields=b"", command=0x21):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    block = socket.inet_pton(family, client) * 2 + struct.pack("!HH", 4711, 443) + fields
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", command, 0x21 if ":" in client else 0x11, len(block)) + block


CLIENT_CAME_BY_TLS = struct.pack("!BHB4x", 0x20, 5, 1)


class Behind(unittest.TestCase):
    """Each test has a daemon of its own, as the log tells only the first of a kind."""

    config = None

    def start(self, *options, **more):
        self.daemon = Daemon(self.config, *options, prepare=make_tokens, **more)
        self.addCleanup(self.daemon.stop)

    def client(self, header=b"", **options):
        client = Client(self.daemon.address, **options)
        self.addCleanup(client.close)
        client.send(header)
        return client

    def refused(self, client, *fields):
        """The address that the log has of a client without a token."""
        self.assertEqual(client.upgrade("/locked", *fields).status, 401)
        found = self.daemon.log.wait_for(r"auth: (\S+) on route locked")
        return found and found[1]


class ProxyProtocol(Behind):
    config = PROXY

    def test_the_client_is_whom_the_header_names(self):
        for header, client in ((v1("203.0.113.7"), "203.0.113.7"), (v2("203.0.113.8"), "203.0.113.8"),
                               (v1("2001:db8:1:2::3", "TCP6"), "2001:db8:1:2::/64"),
                               (v2("2001:db8:1:2::3", CLIENT_CAME_BY_TLS), "2001:db8:1:2::/64"),
                               (b"PROXY UNKNOWN\r\n", "127.0.0.1"), (v2("203.0.113.7", command=0x20), "127.0.0.1")):
            with self.subTest(header):
                self.start()
                self.assertEqual(self.refused(self.client(header)), client)

    def test_it_may_trickle_in(self):
        self.start()
        client = self.client()
        client.trickle(v2("203.0.113.7") + client.upgrade_head("/echo"))
        self.assertEqual(client.read_response().status, 101)
        self.assertEqual(client.echo(b"hello", TEXT).payload, b"hello")

    def test_a_trusted_peer_must_send_it(self):
        self.start()
        client = self.client(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(client.has_ended())
        self.assertTrue(self.daemon.log.wait_for("proxy_protocol: 127.0.0.1 is trusted as a proxy and sent no"))

    def test_whoever_is_not_trusted_is_a_client_of_its_own(self):
        self.start()
        self.assertEqual(self.client(source=STRANGER).request("/healthz").status, 200)
        liar = self.client(v1("203.0.113.7"), source=STRANGER)
        self.assertEqual(liar.request("/healthz").status, 400)
        self.assertTrue(self.daemon.log.wait_for(f"bad_request: {STRANGER} sent"))

    def test_a_health_check_that_is_reset_at_once_is_no_bad_request(self):
        """As HAProxy does it: by the time it is accepted, nothing says from whom it came."""
        self.start("--set", "log.access=true")
        self.daemon.process.send_signal(signal.SIGSTOP)
        for _ in range(3):
            self.client(v2("203.0.113.7", command=0x20)).reset()
        self.daemon.process.send_signal(signal.SIGCONT)
        self.assertTrue(self.daemon.log.wait_for(r"(?s)(access: .*?){3}"))
        self.assertEqual(re.findall(r"reason=(\w+)", self.daemon.log.text()), ["lost"] * 3)
        self.assertNotIn("bad_request", self.daemon.log.text())

    def test_only_the_version_that_is_configured(self):
        self.start("--set", "listen.public.proxy.protocol=v2")
        self.assertTrue(self.client(v1("203.0.113.7")).has_ended())
        self.assertEqual(self.client(v2("203.0.113.7")).request("/healthz").status, 200)

    def test_silence_and_halves_end_by_handshake_timeout(self):
        self.start("--set", "limits.handshake_timeout=300ms")
        for header in (b"", v1("203.0.113.7")[:10], v2("203.0.113.7")[:20]):
            self.assertTrue(self.client(header).has_ended())

    def test_connections_are_counted_by_whom_it_names(self):
        self.start("--set", "limits.connections_per_ip=2")
        mine = [self.client(v1("203.0.113.7")) for _ in range(2)]
        for client in mine:
            self.assertEqual(client.request("/healthz").status, 200)
        self.assertEqual(self.client(v1("203.0.113.7")).request("/echo").status, 503)
        self.assertEqual(self.client(v1("203.0.113.8")).request("/healthz").status, 200)
        self.assertTrue(self.daemon.log.wait_for("connections_per_ip: 203.0.113.7 has"))

    def test_the_origin_rule_compares_how_the_client_came(self):
        self.start()
        for fields, scheme in ((b"", "http"), (CLIENT_CAME_BY_TLS, "https")):
            for page in ("http", "https"):
                client = self.client(v2("203.0.113.7", fields))
                answer = client.upgrade("/echo", f"Origin: {page}://{self.daemon.host}")
                self.assertEqual(answer.status, 101 if page == scheme else 403)


class ProxyProtocolOverTls(DaemonCase):
    config = PROXY.replace("proxy =", 'tls = { cert = "site.crt", key = "site.key" }\nproxy =')

    @classmethod
    def prepare(cls, folder):
        make_tokens(folder)
        cls.authority = Authority(folder)
        cls.authority.issue("site", "localhost")

    def test_it_comes_before_tls(self):
        for trickle in (False, True):
            client = self.connect()
            (client.trickle if trickle else client.send)(v2("203.0.113.7"))
            client.socket = self.authority.client_context().wrap_socket(client.socket, server_hostname="localhost")
            self.assertEqual(client.upgrade("/echo", f"Origin: https://{self.daemon.host}").status, 101)
            self.assertEqual(client.echo(b"hello", TEXT).payload, b"hello")

    def test_the_hello_may_come_with_it(self):
        """In one piece, as a balancer sends them that has read the hello already."""
        import ssl
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.authority.client_context().wrap_bio(coming, going, server_hostname="localhost")
        client = self.connect()
        with self.assertRaises(ssl.SSLWantReadError):
            tls.do_handshake()
        client.send(v1("203.0.113.7") + going.read())
        while True:
            coming.write(client.socket.recv(1 << 16))
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                pass
        self.assertEqual(tls.version(), "TLSv1.3")

    def test_tls_without_it_is_broken_off(self):
        client = self.connect()
        client.send(b"\x16\x03\x01\x00\x05hello")
        self.assertTrue(client.has_ended())


class ForwardedFields(Behind):
    config = FORWARDED

    def test_the_client_is_the_nearest_that_is_not_trusted(self):
        for value, client in (("203.0.113.7", "203.0.113.7"), ("192.0.2.1, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
                              ("[2001:db8:1:2::3]:4711", "2001:db8:1:2::/64"), ("10.0.0.9, 10.0.0.8", "10.0.0.9"),
                              ("unknown", "127.0.0.1")):
            with self.subTest(value):
                self.start()
                self.assertEqual(self.refused(self.client(), f"X-Forwarded-For: {value}"), client)

    def test_the_other_field_and_who_is_not_trusted_mean_nothing(self):
        self.start()
        self.assertEqual(self.refused(self.client(), "Forwarded: for=203.0.113.7"), "127.0.0.1")
        self.start()
        stranger = self.client(source=STRANGER)
        self.assertEqual(self.refused(stranger, "X-Forwarded-For: 203.0.113.7"), STRANGER)

    def test_forwarded(self):
        self.start("--set", "listen.public.forwarded.header=Forwarded")
        fields = ("Forwarded: for=192.0.2.1, for=203.0.113.7;proto=https", "X-Forwarded-For: 192.0.2.2")
        self.assertEqual(self.refused(self.client(), *fields), "203.0.113.7")
        origin = f"Origin: https://{self.daemon.host}"
        self.assertEqual(self.client().upgrade("/echo", origin, *fields).status, 101)

    def test_each_request_of_a_line_is_of_its_own_client(self):
        self.start("--set", "limits.connections_per_ip=1")
        line = self.client()
        for last in range(10):
            self.assertEqual(line.request("/healthz", f"X-Forwarded-For: 203.0.113.{last % 3}").status, 200)
        others = [self.client() for _ in range(10)]  # lines that wait count for nobody
        for other in others:
            self.assertEqual(other.request("/healthz", "X-Forwarded-For: 203.0.113.7").status, 200)
        self.assertEqual(line.upgrade("/echo", "X-Forwarded-For: 203.0.113.7").status, 101)
        self.assertEqual(others[0].request("/echo", "X-Forwarded-For: 203.0.113.7").status, 503)
        self.assertEqual(others[1].request("/healthz", "X-Forwarded-For: 203.0.113.8").status, 200)
        self.assertEqual(line.echo(b"hello", TEXT).payload, b"hello")

    def test_the_origin_rule_compares_how_the_client_came(self):
        self.start()
        for scheme in ("http", "https"):
            for page in ("http", "https"):
                answer = self.client().upgrade("/echo", f"Origin: {page}://{self.daemon.host}",
                                               f"X-Forwarded-Proto: {scheme}")
                self.assertEqual(answer.status, 101 if page == scheme else 403)
        stranger = self.client(source=STRANGER)
        answer = stranger.upgrade("/echo", f"Origin: https://{self.daemon.host}", "X-Forwarded-Proto: https")
        self.assertEqual(answer.status, 403)

    def test_a_scheme_is_not_kept_for_the_next_request(self):
        self.start()
        line = self.client()
        self.assertEqual(line.request("/healthz", "X-Forwarded-Proto: https").status, 200)
        self.assertEqual(line.upgrade("/echo", f"Origin: https://{self.daemon.host}").status, 403)
