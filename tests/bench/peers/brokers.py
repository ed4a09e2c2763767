#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Fan-out through brokers that speak a protocol of their own over WebSocket: MQTT 3.1.1 and NATS.

    brokers.py mqtt|nats PORT --subscribers N --size BYTES [--server-pid PID]... --json FILE

One client publishes, all get it, then the next is published, as peal-load does it; each delivery is looked for
by its content. Python is slower than peal-load, so only the server's CPU time means anything: it is taken
while the server works, however long the client needs to look.
"""

import argparse
import base64
import json
import os
import resource
import select
import socket
import struct
import sys
import time

TOPIC = b"chat"


def masked_frame(payload):
    """A binary message as a client sends it (RFC 6455 section 5)."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x82, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", 0x82, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", 0x82, 0x80 | 127, size)
    key = os.urandom(4)
    mask = int.from_bytes((key * (size // 4 + 1))[:size], "big")
    return head + key + (int.from_bytes(payload, "big") ^ mask).to_bytes(size, "big")


class Mqtt:
    """MQTT 3.1.1, quality of service 0."""

    subprotocol = "mqtt"
    steps = 2  # answers until it is subscribed: CONNACK, SUBACK

    @staticmethod
    def packet(kind, body):
        size, length = len(body), bytearray()
        while True:
            size, digit = divmod(size, 128)
            length.append(digit | (0x80 if size else 0))
            if not size:
                return bytes([kind]) + length + body

    @staticmethod
    def text(value):
        return struct.pack("!H", len(value)) + value

    def hello(self, number):
        connect = self.text(b"MQTT") + struct.pack("!BBH", 4, 2, 0) + self.text(b"c%d" % number)
        subscribe = struct.pack("!H", 1) + self.text(TOPIC) + b"\0"
        return [self.packet(0x10, connect), self.packet(0x82, subscribe)]

    def is_answer(self, step, data):
        return (b"\x20\x02\0\0", b"\x90\x03\0\x01\0")[step] in data

    def publish(self, payload):
        return self.packet(0x30, self.text(TOPIC) + payload)


class Nats:
    """NATS's text protocol."""

    subprotocol = None
    steps = 1

    def hello(self, number):
        options = {"verbose": False, "pedantic": False, "echo": True, "name": f"c{number}"}
        return [b"CONNECT " + json.dumps(options).encode() + b"\r\nSUB " + TOPIC + b" 1\r\nPING\r\n"]

    def is_answer(self, step, data):
        return b"PONG\r\n" in data

    def publish(self, payload):
        return b"PUB " + TOPIC + b" %d\r\n" % len(payload) + payload + b"\r\n"


PROTOCOLS = {"mqtt": Mqtt, "nats": Nats}


def read_until(client, done):
    data = b""
    while not done(data):
        piece = client.recv(65536)
        if not piece:
            raise ConnectionError(f"the server closed after {data[:80]!r}")
        data += piece
    return data


BATCH = 1000  # clients that open side by side: mosquitto looks at its WebSockets ten times a second


def connect(port, number):
    client = socket.socket()
    client.settimeout(20)
    # From several addresses, as there may be more clients than one address has ports.
    client.setsockopt(socket.SOL_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    client.bind((f"127.0.0.{1 + number // 5000}", 0))
    client.connect(("127.0.0.1", port))
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def upgrade_request(protocol, port):
    request = [
        "GET / HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
    ]
    if protocol.subprotocol:
        request.append(f"Sec-WebSocket-Protocol: {protocol.subprotocol}")
    return "\r\n".join([*request, "", ""]).encode()


def open_clients(protocol, port, numbers):
    clients = [connect(port, number) for number in numbers]
    for client in clients:
        client.sendall(upgrade_request(protocol, port))
    for client in clients:
        answer = read_until(client, lambda data: b"\r\n\r\n" in data)
        if not answer.startswith(b"HTTP/1.1 101 "):
            raise ConnectionError(f"the answer was {answer[:80]!r}")
    for step in range(protocol.steps):
        for number, client in zip(numbers, clients):
            client.sendall(masked_frame(protocol.hello(number)[step]))
        for client in clients:
            read_until(client, lambda data, step=step: protocol.is_answer(step, data))
    for client in clients:
        client.setblocking(False)
    return clients


def cpu_time(pids):
    """Seconds of user and system time (the clock of clock_getcpuclockid(3))."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def own_time():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Audience:
    """All clients; each gets what is published."""

    def __init__(self, protocol, port, count):
        self.protocol = protocol
        self.clients = {}
        self.poll = select.epoll()
        for first in range(0, count, BATCH):
            for client in open_clients(protocol, port, range(first, min(first + BATCH, count))):
                self.clients[client.fileno()] = client
                self.poll.register(client.fileno(), select.EPOLLIN)
        self.publisher = next(iter(self.clients.values()))
        self.sent = 0

    def broadcast(self, size):
        """Publishes one message and waits until everybody has it."""
        self.sent += 1
        payload = (b"%016x" % self.sent).ljust(size, b"x")
        self.publisher.sendall(masked_frame(self.protocol.publish(payload)))
        missing = set(self.clients)
        pieces = {}
        deadline = time.monotonic() + 10
        while missing:
            if time.monotonic() > deadline:
                raise ConnectionError(f"{len(missing)} clients have not got message {self.sent} after 10 s")
            for fd, _ in self.poll.poll(1, 1024):
                data = self.clients[fd].recv(65536)
                if not data:
                    raise ConnectionError("the server closed a connection")
                if fd in pieces:
                    data = pieces.pop(fd) + data
                if payload in data and fd in missing:
                    missing.remove(fd)
                else:
                    pieces[fd] = data

    def broadcast_for(self, seconds, size):
        """Returns the deliveries and the time they took."""
        begin = time.monotonic()
        first = self.sent
        while time.monotonic() - begin < seconds:
            self.broadcast(size)
        return (self.sent - first) * len(self.clients), time.monotonic() - begin


def bytes_of(text):
    for suffix, factor in (("KiB", 1 << 10), ("MiB", 1 << 20)):
        if text.endswith(suffix):
            return int(text.removesuffix(suffix)) * factor
    return int(text)


def measure(options):
    audience = Audience(PROTOCOLS[options.protocol](), options.port, options.subscribers + 1)
    audience.broadcast_for(options.warmup, options.size)
    server, own = cpu_time(options.server_pid), own_time()
    deliveries, seconds = audience.broadcast_for(options.duration, options.size)
    server, own = cpu_time(options.server_pid) - server, own_time() - own
    return {
        "connections": {"opened": len(audience.clients), "compressed": 0},
        "messages": {"received": deliveries, "seconds": seconds, "per_second": deliveries / seconds},
        "server_cpu": {"us_per_unit": server / deliveries * 1e6, "total_s": server},
        "own_cpu": {"us_per_unit": own / deliveries * 1e6, "total_s": own},
    }


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("protocol", choices=PROTOCOLS)
    parser.add_argument("port", type=int)
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument("--publishers", type=int, choices=[1], default=1)
    parser.add_argument("--size", type=bytes_of, default=64)
    parser.add_argument("--duration", type=float, default=2)
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--server-pid", type=int, action="append", default=[])
    parser.add_argument("--json", required=True)
    options = parser.parse_args()
    try:
        findings = measure(options)
    except OSError as error:
        print(f"brokers: {error}", file=sys.stderr)
        return 1
    with open(options.json, "w") as file:
        json.dump(findings, file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
