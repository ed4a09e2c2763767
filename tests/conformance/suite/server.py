# SPDX-License-Identifier: Apache-2.0
"""The peald that all cases talk to, and what a single case sees of it."""

import random
import ssl
import tempfile

from support.daemon import SANITIZED, Daemon

from . import certificates
from .peer import Cutter, Peer, TlsLayer

TIMEOUT = 30.0 if SANITIZED else 6.0  # seconds that a client waits for anything
MESSAGE_SIZE = 4 << 20
SMALL = 1000  # bytes: the limit of /small

CONFIG = f"""
[server]
threads = 2

[limits]
message_size = {MESSAGE_SIZE}
queue_size = {2 * MESSAGE_SIZE}
header_size = "8KiB"
close_timeout = "1s"
connections = 2000

[route.echo]
path = "/echo"
type = "echo"

[route.small]
path = "/small"
type = "echo"
limits = {{ message_size = {SMALL} }}

[route.listed]
path = "/listed"
type = "echo"
origins = ["https://app.example.com"]

[route.spoken]
path = "/spoken"
type = "echo"
subprotocols = ["v2.example", "v1.example"]

[route.room]
path = "/room/{{name}}"
type = "pubsub"
topics = ["room/{{name}}"]
publish = "anyone"

[route.mute]
path = "/mute"
type = "pubsub"
topics = ["mute"]

[route.health]
path = "/healthz"
type = "health"

[route.site]
path = "/{{path...}}"
type = "files"
root = "site"

[compression]
min_size = 0

[route.plain]
path = "/plain"
type = "echo"
compression = false
"""

NAMES = ("site.example", "other.example")  # of certificates: the first is for who names neither
ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


def make_certificates(folder):
    """Those of NAMES."""
    certificates.make(folder, "site.example", "DNS:site.example", "DNS:localhost", "IP:127.0.0.1")
    certificates.make(folder, "other.example", "DNS:other.example", "DNS:*.wild.example")


def listen(certificate_folder):
    """The listener; an encrypted one when there is a folder with certificates."""
    text = '[listen.public]\naddress = "127.0.0.1:0"\n'
    if certificate_folder:
        cert, key = ([f"{certificate_folder}/{name}.{kind}" for name in NAMES] for kind in ("crt", "key"))
        text += f"tls = {{ cert = {cert}, key = {key} }}\n"
    return text


def make_site(folder):
    """The files that /{path...} serves."""
    site = folder / "site"
    (site / "folder").mkdir(parents=True)
    (site / "abc.txt").write_bytes(ALPHABET)
    (site / "index.html").write_bytes(b"<!doctype html><title>home</title>")
    (site / "empty.txt").write_bytes(b"")
    (site / "large.bin").write_bytes(bytes(1_000_000))
    (site / "folder/index.html").write_bytes(b"folder")


class Target:
    """The peald under test, and a second one that keeps the context of compression between messages."""

    def __init__(self, tls):
        self.tls = tls
        self._certificates = tempfile.TemporaryDirectory(prefix="peal-") if tls else None
        folder = self._certificates.name if tls else None
        if tls:
            make_certificates(folder)
        config = listen(folder) + CONFIG
        self.daemon = Daemon(config, prepare=make_site)
        self.takeover = Daemon(config, "--set", "compression.context_takeover=true", prepare=make_site)
        self.usual_context = self.context() if tls else None

    def context(self):
        """How a well-meaning client of today sets up TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for name in NAMES:
            context.load_verify_locations(f"{self._certificates.name}/{name}.crt")
        context.set_alpn_protocols(["http/1.1"])
        return context

    def stop(self):
        """What is wrong with the ends: a list of texts."""
        problems = []
        for daemon in (self.daemon, self.takeover):
            code = daemon.stop()
            if code != 0:
                problems.append(f"peald ended with {code}:\n{daemon.log.text()}")
        if self._certificates:
            self._certificates.cleanup()
        return problems


class Server:
    """What a case sees: ways to connect, and a record of what was exchanged.

    `takeover`, where a case may give it: the connection is to a second peald, which keeps the context
    of compression from one message to the next.
    """

    def __init__(self, target, seed=None):
        self.target = target
        self.tls = target.tls
        self.scheme = "https" if target.tls else "http"
        self.host = target.daemon.host
        self.seed = seed
        self.random = random.Random(seed)
        self.transcript = []
        self._peers = []
        self._connections = 0

    def connect(self, *, takeover=False, context=None, server_name="localhost", session=None):
        layer = TlsLayer(context or self.target.usual_context, server_name, session) if self.tls else None
        daemon = self.target.takeover if takeover else self.target.daemon
        return self._connect(daemon.address, layer)

    def connect_tcp(self):
        """A connection on which no TLS is spoken, whatever the listener."""
        return self._connect(self.target.daemon.address, None)

    def _connect(self, address, layer):
        self._connections += 1
        cutter = Cutter(None if self.seed is None else random.Random(f"{self.seed}/{self._connections}"))
        peer = Peer(address, TIMEOUT, cutter, layer, self._note(self._connections))
        self._peers.append(peer)
        return peer

    def open(self, path="/echo", *fields):
        """A WebSocket."""
        peer = self.connect()
        peer.open(path, *fields)
        return peer

    def get(self, path, *fields):
        """The answer to one GET on a connection of its own."""
        return self.connect().get(path, *fields)

    def ask(self, *lines):
        return self.connect().ask(*lines)

    def note_of_new_peer(self):
        """Where a client that is not ours records what it exchanges."""
        self._connections += 1
        return self._note(self._connections)

    def _note(self, number):
        return lambda direction, data: self.transcript.append((number, direction, bytes(data)))

    def close(self):
        for peer in self._peers:
            peer.close()
