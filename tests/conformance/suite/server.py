# SPDX-License-Identifier: Apache-2.0
"""The one peald that all cases talk to, and what a single case sees of it."""

import random
import ssl
import subprocess

from support.daemon import IO, PEALD, SANITIZED, Daemon

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
"""

COMPRESSION = """
[compression]
min_size = 0

[route.plain]
path = "/plain"
type = "echo"
compression = false

[route.takeover]
path = "/takeover"
type = "echo"
compression = { context_takeover = true }
"""

TLS_FILES = 'tls = { cert = "site.example.crt", key = "site.example.key" }'

ALPHABET = b"abcdefghijklmnopqrstuvwxyz"


def prepare(folder):
    site = folder / "site"
    (site / "folder").mkdir(parents=True)
    (site / "abc.txt").write_bytes(ALPHABET)
    (site / "index.html").write_bytes(b"<!doctype html><title>home</title>")
    (site / "empty.txt").write_bytes(b"")
    (site / "folder/index.html").write_bytes(b"folder")
    certificates.make(folder, "site.example", "DNS:site.example", "DNS:localhost", "IP:127.0.0.1")


def supports(setting):
    """Whether this peald knows a key yet."""
    done = subprocess.run([PEALD, "--check", "-c", "/dev/null", "--set", setting], capture_output=True, text=True)
    return "--set: error" not in done.stderr


class Target:
    """A running peald. `tls`: whether its listener is an encrypted one."""

    def __init__(self, tls):
        self.tls = tls
        self.daemon = Daemon(CONFIG + (COMPRESSION if supports("compression.enabled=true") else ""), *self._options(), prepare=prepare)
        self.address = self.daemon.address

    def _options(self):
        return ("--set", f"listen.public.{TLS_FILES}") if self.tls else ()

    def context(self):
        """How a well-meaning client of today sets up TLS."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.daemon.folder / "site.example.crt")
        context.set_alpn_protocols(["http/1.1"])
        return context

    def stop(self):
        return self.daemon.stop()


class Server:
    """What a case sees: ways to connect, and a record of what was exchanged."""

    def __init__(self, target, seed=None):
        self.target = target
        self.tls = target.tls
        self.scheme = "https" if target.tls else "http"
        self.host = target.daemon.host
        self.seed = seed
        self.random = random.Random(seed)
        self.transcript = []
        self._peers = []

    def connect(self, context=None, server_name="localhost", session=None):
        layer = TlsLayer(context or self.target.context(), server_name, session) if self.tls else None
        number = len(self._peers) + 1
        cutter = Cutter(None if self.seed is None else random.Random(f"{self.seed}/{number}"))
        peer = Peer(self.target.address, TIMEOUT, cutter, layer, self._note(number))
        self._peers.append(peer)
        return peer

    def connect_tcp(self):
        """A connection on which no TLS is spoken, whatever the listener."""
        peer = Peer(self.target.address, TIMEOUT, Cutter(), None, self._note(len(self._peers) + 1))
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

    def _note(self, number):
        return lambda direction, data: self.transcript.append((number, direction, bytes(data)))

    def close(self):
        for peer in self._peers:
            peer.close()
