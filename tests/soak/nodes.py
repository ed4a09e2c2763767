# SPDX-License-Identifier: Apache-2.0
"""Two nodes of peald that are reloaded and drained, and the balancer in front of them."""

import re
import signal
import ssl

from support import Client, Daemon, wait_until
from support.certificates import Authority
from support.daemon import free_port

CONFIG = """
[server]
threads = 2

[listen.public]
address = "127.0.0.1:{public}"

[listen.secure]
address = "127.0.0.1:{secure}"
tls = {{ cert = "{folder}/site.crt", key = "{folder}/site.key" }}

[route.topic]
path = "/topic/{{name}}"
type = "pubsub"
topics = ["soak/{{name}}"]

[route.publish]
path = "/publish/{{topic...}}"
type = "publish"
topics = ["{{topic}}"]
auth = "none"

[route.health]
path = "/healthz"
type = "health"

[topic.soak]
match = "soak/*"
history = {{ size = {history} }}
"""
# What is different every other time. No connection may notice.
OTHER = """
[listen.other]
address = "127.0.0.1:{other}"

[limits]
queue_size = "2MiB"
ping_interval = "20s"

[compression]
min_size = 32

[drain]
jitter = 0.5

[route.other]
path = "/other/{{name}}"
type = "pubsub"
topics = ["other/{{name}}"]
"""
HISTORY = (30, 45)  # messages of a topic that are kept

HAPROXY = """
global
    nbthread 1
    maxconn 9000
    stats socket {folder}/stats
defaults
    maxconn 9000
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
    timeout check 5s
    retries 2
    option redispatch
    option httpchk GET /healthz
    default-server check inter 100ms fall 2 rise 1
listen plain
    mode http
    bind 127.0.0.1:{plain}
    server first 127.0.0.1:{first.public}
    server second 127.0.0.1:{second.public} backup
listen passed
    mode tcp
    bind 127.0.0.1:{passed}
    server first 127.0.0.1:{first.secure} port {first.public}
    server second 127.0.0.1:{second.secure} port {second.public} backup
"""


class Node:
    """A place for a peald. `pause` and `over`: of its drain, in seconds."""

    def __init__(self, name, folder, pause, over):
        self.name = name
        self.public, self.secure, self.other = free_port(), free_port(), free_port()
        self._folder, self._pause, self._over = folder, pause, over
        self._edition = 0
        self.daemon = None
        self.reloads = 0

    def _text(self):
        text = CONFIG + (OTHER if self._edition % 2 else "")
        return text.format(folder=self._folder, history=HISTORY[self._edition % 2], public=self.public,
                           secure=self.secure, other=self.other)

    def start(self):
        self.daemon = Daemon(
            self._text(), "--set", f"drain.pause={int(1000 * self._pause)}ms",
            "--set", f"drain.over={int(1000 * self._over)}ms", address=f"127.0.0.1:{self.public}")
        self.reloads = 0

    def reload(self):
        self._edition += 1
        self.reloads += 1
        self.daemon.config.write_text(self._text())
        self.daemon.process.send_signal(signal.SIGHUP)
        self.wait_for(r"reloaded: [^\n]*listen\.other", self.reloads)

    def wait_for(self, pattern, times):
        """Until the log has said that so often."""
        wait_until(lambda: len(re.findall(pattern, self.daemon.log.text())) == times, f"{self.name} says {pattern}")

    def serial(self, context):
        """Number of the certificate that it shows."""
        client = Client(("127.0.0.1", self.secure))
        with context.wrap_socket(client.socket, server_hostname="127.0.0.1") as secured:
            return secured.getpeercert()["serialNumber"]

    def memory(self):
        """Resident, in bytes."""
        return self.daemon.resident()


class Certificates:
    """The one that both nodes show, and those that take its place."""

    def __init__(self, folder, count):
        self._folder = folder
        self._authority = Authority(folder)
        self._left = [f"number{index}" for index in range(count)]
        for name in ["site", *self._left]:
            self._authority.issue(name, "127.0.0.1")
        self.swaps = 0

    def context(self, version=None):
        return self._authority.client_context(version=version)

    def swap(self, nodes):
        """As tools do; returns when all `nodes` show the next one."""
        context = self.context(ssl.TLSVersion.TLSv1_3)
        before = {node: node.serial(context) for node in nodes}
        name = self._left.pop()
        for end in ("key", "crt"):
            (self._folder / f"{name}.{end}").rename(self._folder / f"site.{end}")
        self.swaps += 1
        for node in nodes:
            node.wait_for("certificates loaded again", self.swaps)
            assert node.serial(context) != before[node], f"{node.name} shows the certificate of before"
