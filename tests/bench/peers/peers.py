# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured: how each is made, started, and what it can.

Each serves ws://127.0.0.1:PORT/echo, where what comes goes back, and /chat, where what one client
sends all get, on one thread. PORT, TLS_CERT and TLS_KEY (PEM files; unset: plain) and COMPRESS=1
(permessage-deflate; unset: none) are in its environment.
"""

import dataclasses
import functools
import os
import re
import resource
import shlex
import shutil
import subprocess

from paths import BUILD, HERE, PEALD, ROOT, WORK
from servers import Failure, free_port

SOURCES = HERE / "servers"
BINARIES = WORK / "peers"
GO_SOURCES = "/usr/share/gocode"  # where Debian's golang-*-dev packages are
NGINX_MODULES = "/usr/lib/nginx/modules"
ALL = frozenset({"echo", "chat", "tls", "compress"})
HOW_TO_INSTALL = "`make bench-setup` installs it"


class Missing(Exception):
    """A peer is not on this machine; says what would bring it."""


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    return done.returncode, done.stdout


def output_of(*command):
    """The first line that a command prints; empty where it fails."""
    try:
        status, text = run(command)
    except OSError:
        return ""
    return text.strip().split("\n")[0] if status == 0 else ""


def debian_version(package):
    return output_of("dpkg-query", "-W", "-f=${source:Upstream-Version}", package)


@functools.cache
def certificate():
    """A self-signed certificate for P-256 and its key, the same for all servers: two paths."""
    folder = WORK / "tls"
    cert, key = folder / "site.crt", folder / "site.key"
    if not (cert.exists() and key.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        status, text = run([
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "3650", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ])
        if status:
            raise Failure(f"openssl made no certificate: {text}")
    return str(cert), str(key)


def environment(port, scenario):
    env = {"PORT": str(port)}
    if scenario.tls:
        env["TLS_CERT"], env["TLS_KEY"] = certificate()
    if scenario.compress:
        env["COMPRESS"] = "1"
    return env


def compile_if_older(target, source, command, **more):
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and target.stat().st_mtime > source.stat().st_mtime:
        return
    print(f"  building {target.relative_to(ROOT)}", flush=True)
    status, text = run(command, **more)
    if status:
        raise Missing(f"{source.name} did not compile: {text.strip()[:400]}")


@dataclasses.dataclass
class Peer:
    """A server that is started by one command."""

    name: str
    label: str
    can: frozenset = ALL
    command: tuple = ()
    client: str = ""  # the protocol of brokers.py's client; empty: peal-load
    processes: int = 1  # that it consists of

    def prepare(self):
        """Makes it ready to be started, and returns its version. Raises Missing."""
        return ""

    def start(self, port, scenario):
        return list(self.command), environment(port, scenario)

    def able_to(self, scenario):
        return scenario.needs <= self.can and (scenario.kind == "fanout" or not self.client)


class Floor(Peer):
    def prepare(self):
        self.command = (str(BUILD / "tests/bench/peers/floor"),)
        if not os.access(self.command[0], os.X_OK):
            raise Missing("it is not built: ninja -C build tests/bench/peers/floor")
        return ""


@dataclasses.dataclass
class Peald(Peer):
    io: str = "io_uring"
    program: str = str(PEALD)

    def prepare(self):
        if not os.access(self.program, os.X_OK):
            raise Missing(f"it is not built: {self.program}")
        return output_of(self.program, "--version").removeprefix("peald ")

    def start(self, port, scenario):
        settings = [f"listen.bench.address=127.0.0.1:{port}", f"server.io={self.io}", "server.pin=false"]
        if scenario.tls:
            cert, key = certificate()
            settings += [f"listen.bench.tls.cert={cert}", f"listen.bench.tls.key={key}"]
        options = [word for setting in settings for word in ("--set", setting)]
        return [self.program, "-c", str(SOURCES / "peald.toml"), *options], {}


class Bun(Peer):
    def prepare(self):
        # Its binary comes in a package for the processor; npm's install script may have moved it.
        modules = HERE / "node_modules"
        found = [*modules.glob("bun/bin/bun*"), *modules.glob("@oven/bun-linux-*/bin/bun"), shutil.which("bun")]
        program = next((str(each) for each in found if each and output_of(str(each), "--version")), None)
        if not program:
            raise Missing(f"npm's bun is not here; {HOW_TO_INSTALL}")
        self.command = (program, str(SOURCES / "bun.mjs"))
        return output_of(program, "--version")


class NodeWs(Peer):
    def prepare(self):
        node, module = shutil.which("node"), HERE / "node_modules/ws/package.json"
        if not node or not module.exists():
            raise Missing(f"node or npm's ws is not here; {HOW_TO_INSTALL}")
        self.command = (node, str(SOURCES / "ws.mjs"))
        version = re.search(r'"version": "([^"]+)"', module.read_text())[1]
        return f"{version}, Node {output_of(node, '--version').removeprefix('v')}"


@dataclasses.dataclass
class Go(Peer):
    package: str = ""
    imported: str = ""

    def prepare(self):
        if not shutil.which("go") or not os.path.isdir(f"{GO_SOURCES}/src/{self.imported}"):
            raise Missing(f"Go or {self.package} is not here; {HOW_TO_INSTALL}")
        source, target = SOURCES / f"{self.name}.go", BINARIES / self.name
        env = {"GO111MODULE": "off", "GOPATH": GO_SOURCES, "GOCACHE": str(WORK / "go"), "GOFLAGS": ""}
        compile_if_older(
            target, source, ["go", "build", "-o", str(target), str(source)], env={**os.environ, **env}
        )
        self.command = (str(target),)
        version = re.search(r"go([\d.]+)", output_of("go", "version"))[1]
        return f"{debian_version(self.package)}, Go {version}"


@dataclasses.dataclass
class Cpp(Peer):
    package: str = ""
    header: str = ""
    standard: str = ""
    libraries: tuple = ()

    def prepare(self):
        if not os.path.exists(f"/usr/include/{self.header}"):
            raise Missing(f"{self.package} is not here; {HOW_TO_INSTALL}")
        source, target = SOURCES / f"{self.name}.cc", BINARIES / self.name
        flags = [f"-std={self.standard}", "-O2", "-DNDEBUG"]
        compiler = shlex.split(os.environ.get("CXX", "g++"))
        compile_if_older(target, source, [*compiler, *flags, str(source), "-o", str(target), *self.libraries])
        self.command = (str(target),)
        return debian_version(self.package)


class Nchan(Peer):
    def prepare(self):
        if not shutil.which("nginx") or not os.path.exists(f"{NGINX_MODULES}/ngx_nchan_module.so"):
            raise Missing(f"nginx or nchan is not here; {HOW_TO_INSTALL}")
        nginx = output_of("nginx", "-v").rpartition("/")[2].split()[0]
        return f"{debian_version('libnginx-mod-nchan')}, nginx {nginx}"

    def start(self, port, scenario):
        folder = WORK / "nchan"
        folder.mkdir(parents=True, exist_ok=True)
        cert, key = certificate() if scenario.tls else ("", "")
        values = {
            "PORT": str(port),
            "FOLDER": str(folder),
            "MODULES": NGINX_MODULES,
            "FILES": str(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
            "TLS": "ssl" if scenario.tls else "",
            "CERTIFICATE": f"ssl_certificate {cert}; ssl_certificate_key {key};" if scenario.tls else "",
            "COMPRESS": "nchan_deflate_message_for_websocket on;" if scenario.compress else "",
        }
        text = re.sub("@([A-Z]+)@", lambda match: values[match[1]], (SOURCES / "nchan.conf").read_text())
        file = folder / "nginx.conf"
        file.write_text(text)
        return ["nginx", "-p", str(folder), "-c", str(file)], {}


class Nats(Peer):
    def prepare(self):
        if not shutil.which("nats-server"):
            raise Missing(f"nats-server is not here; {HOW_TO_INSTALL}")
        return output_of("nats-server", "--version").rpartition("v")[2]

    def start(self, port, scenario):
        file = WORK / "nats.conf"
        file.write_text(
            "listen: 127.0.0.1:-1\nmax_connections: 100000\n"
            f"websocket {{ listen: 127.0.0.1:{port}, no_tls: true }}\n"
        )
        return ["nats-server", "-c", str(file)], {}


class Mosquitto(Peer):
    def prepare(self):
        if not shutil.which("mosquitto"):
            raise Missing(f"mosquitto is not here; {HOW_TO_INSTALL}")
        return debian_version("mosquitto")

    def start(self, port, scenario):
        file = WORK / "mosquitto.conf"
        # With no listener but those for WebSockets it says that it has none, and ends.
        file.write_text(
            f"listener {free_port()} 127.0.0.1\nallow_anonymous true\n"
            f"listener {port} 127.0.0.1\nprotocol websockets\nsocket_domain ipv4\nallow_anonymous true\n"
            "max_queued_messages 0\nset_tcp_nodelay true\nlog_type error\n"
        )
        return ["mosquitto", "-c", str(file)], {}


class Other(Peer):
    """Whatever PEER names. It may be able to do anything: a scenario that it is not up to fails."""

    def prepare(self):
        return ""


REFERENCE = "peal-io_uring"  # what others are compared with


def ours():
    return [
        Floor("floor", "floor", frozenset({"echo", "chat"})),
        Peald(REFERENCE, "peal, io_uring"),
        Peald("peal-epoll", "peal, epoll", io="epoll"),
    ]


def theirs():
    return [
        Bun("bun", "Bun"),
        NodeWs("ws", "npm ws"),
        Go("gorilla", "gorilla/websocket", package="golang-github-gorilla-websocket-dev",
           imported="github.com/gorilla/websocket"),
        Go("xnet", "x/net/websocket", ALL - {"compress"}, package="golang-golang-x-net-dev",
           imported="golang.org/x/net/websocket"),
        Cpp("beast", "Boost.Beast", package="libboost-dev", header="boost/beast.hpp", standard="c++17",
            libraries=("-lssl", "-lcrypto", "-lpthread")),
        Cpp("lws", "libwebsockets", package="libwebsockets-dev", header="libwebsockets.h", standard="c++20",
            libraries=("-lwebsockets",)),
        Nchan("nchan", "nginx, nchan", ALL - {"echo"}, processes=2),
        Nats("nats", "NATS", frozenset({"chat"}), client="nats"),
        Mosquitto("mosquitto", "mosquitto", frozenset({"chat"}), client="mqtt"),
    ]  # fmt: skip


def others(text):
    """The servers of PEER="name=command", several divided by ";". Raises ValueError."""
    found = []
    for item in filter(None, (part.strip() for part in text.split(";"))):
        name, sign, command = item.partition("=")
        if not sign or not re.fullmatch(r"[\w.-]+", name) or not command.strip():
            raise ValueError(f'PEER: expected "name=command", not "{item}"')
        found.append(Other(name, name, command=tuple(shlex.split(command))))
    return found


def chosen(names, more):
    """All peers, or those named and those of PEER (`more`). An unknown name raises ValueError."""
    extra = others(more)
    known = [*ours(), *theirs(), *extra]
    unknown = set(names) - {peer.name for peer in known}
    if unknown:
        raise ValueError(f"no peer {', '.join(sorted(unknown))}; there are {' '.join(each.name for each in known)}")
    return [peer for peer in known if not names or peer.name in names or peer in extra]
