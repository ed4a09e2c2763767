# SPDX-License-Identifier: Apache-2.0
"""Clients that hear a topic on one of three transports, come back whenever their connection ends, and check what they hear.

Messages are "TOPIC:NUMBER:TIME": the number grows by one with each message of the topic, whatever node it is heard from.
"""

import enum
import errno
import json
import random
import re
import select
import socket
import ssl
import time

from support.wire import BINARY, CLOSE, KEY, PONG, TEXT, close_payload, frame

MESSAGE = re.compile(rb'\{"id":"([0-9a-f]{16}-\d+)","topic":"[^"]*","data":"([^"]*)"\}')
EVENT = re.compile(rb"id: ([0-9a-f]{16}-\d+)\nevent: message\ndata: (.*)")
GAP = re.compile(rb'event: gap\ndata: .*"next":"([0-9a-f]{16}-\d+)"')
EPOCH = 16  # octets at the front of an id

# What must not happen, by the attributes of a Book.
FAULTS = {
    "lost": "messages that never came",
    "duplicated": "messages that came twice",
    "reordered": "messages that came late",
    "silent": "another epoch without a gap told",
    "needless": "gaps told within an epoch",
    "foreign": "messages of other topics",
    "dropped": "connections that ended when none was to end",
    "refused": "requests that were refused",
}


class Latencies:
    """How many messages took how long: buckets of a quarter of a power of two, in microseconds."""

    def __init__(self):
        self.counts = [0] * 160
        self.most = 0

    def note(self, nanoseconds):
        self.most = max(self.most, nanoseconds)
        time_taken = max(4, nanoseconds // 1000)
        bits = time_taken.bit_length()
        self.counts[min(159, 4 * bits + (time_taken >> bits - 3 & 3))] += 1

    def quantile(self, share):
        """In seconds, the upper bound of the bucket."""
        left = share * sum(self.counts)
        for index, count in enumerate(self.counts):
            left -= count
            if count and left <= 0:
                bits, quarter = divmod(index, 4)
                return (5 + quarter) / 4 * 2 ** (bits - 1) / 1e6
        return 0.0


class Book:
    """What the listeners of one transport, by one door, have met with."""

    def __init__(self, transport, door):
        self.transport, self.door = transport, door
        self.clients = self.heard = self.repeated = self.missed = self.gaps = self.breaks = self.sent_away = 0
        self.latencies, self.latencies_of_drains = Latencies(), Latencies()
        for fault in FAULTS:
            setattr(self, fault, 0)


class Door:
    """Where listeners come in: addresses of a balancer, or of one node. `moves`: to another node, when theirs goes.
    Who does not move waits for it, and may miss what was published meanwhile, but not without being told."""

    def __init__(self, name, address, context=None, moves=True):
        self.name, self.address, self.context, self.moves = name, address, context, moves


class Stage(enum.Enum):
    AWAY = enum.auto()
    CONNECTING = enum.auto()
    SECURING = enum.auto()
    CONNECTED = enum.auto()


class Link:
    """A connection in the crowd's epoll that never waits."""

    def __init__(self, crowd, address, context=None):
        self.crowd, self.address, self.context = crowd, address, context
        self.stage, self.socket, self.buffer = Stage.AWAY, None, bytearray()

    def open(self):
        self.buffer.clear()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.stage = Stage.CONNECTING
        error = self.socket.connect_ex(self.address)
        if error not in (0, errno.EINPROGRESS):
            return self.on_refused(error)
        self.crowd.watch(self, select.EPOLLOUT)

    def close(self):
        if self.socket:
            self.crowd.forget(self)
            self.socket.close()
        self.stage, self.socket = Stage.AWAY, None

    def on_event(self):
        if self.stage is Stage.CONNECTED:
            return self.receive()
        try:
            if self.stage is Stage.CONNECTING:
                error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    return self.on_refused(error)
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self.stage = Stage.SECURING
                self.crowd.watch_again(self, select.EPOLLIN)
                if self.context:
                    self.socket = self.context.wrap_socket(
                        self.socket, server_hostname=self.address[0], do_handshake_on_connect=False)
            if self.context:
                self.socket.do_handshake()
        except ssl.SSLWantReadError:
            return
        except OSError as error:
            return self.on_end(f"while it began: {error}")
        self.stage = Stage.CONNECTED
        self.on_connected()

    def receive(self):
        own = self.socket
        while self.socket is own:
            try:
                data = own.recv(1 << 16)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError as error:
                return self.on_end(str(error))
            if not data:
                return self.on_end("ended")
            self.buffer += data
            self.take()
            if not self.context and len(data) < 1 << 16:
                return

    def send(self, data):
        try:
            self.socket.sendall(data)  # what is sent here always fits
        except OSError as error:
            self.on_end(f"while sending: {error}")

    def take_head(self):
        """Status and the rest of the head of a response; None as long as it is not whole."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = bytes(self.buffer[:end]).lower()
        del self.buffer[:end + 4]
        return int(head[9:12]), head


class Listener(Link):
    """Hears one topic. Subclasses speak a transport."""

    def __init__(self, crowd, book, topic, door):
        super().__init__(crowd, door.address, door.context)
        self.book, self.topic, self.moves = book, topic, door.moves
        self.prefix = f"{topic}:".encode()
        self.position = None  # text of an id
        self.epoch = None
        self.at = 0  # number of the message at `position`; None: unknown, as a gap was told
        self.last = 0  # newest number that was dealt with
        self.ready = False  # hears
        self.farewell = False  # the server has said that it ends
        book.clients += 1

    def head(self, *lines, **parameters):
        if self.position:
            parameters["since"] = self.position
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return "\r\n".join([f"GET /topic/{self.topic}{'?' + query if query else ''} HTTP/1.1",
                            "Host: {}:{}".format(*self.address), *lines, "", ""]).encode()

    def open(self):
        self.farewell = False
        super().open()

    def close(self):
        if self.ready:
            self.ready = False
            self.crowd.ready -= 1
        super().close()

    def on_ready(self):
        if not self.ready:
            self.ready = True
            self.crowd.ready += 1

    def leave(self):
        """Breaks off by itself, and comes back."""
        self.book.breaks += 1
        self.close()
        self.open()

    def on_refused(self, error):
        self.close()
        if self.moves:
            self.fault("refused", f"connect: {errno.errorcode.get(error, error)}")
        self.crowd.after(random.uniform(0.1, 0.4), self.open)

    def on_answer_refused(self, status):
        """Not the answer that was asked for; whoever moves is served by somebody at any time."""
        self.close()
        if self.moves or status != 503:
            self.fault("refused", f"HTTP {status}")
        self.crowd.after(random.uniform(0.1, 0.4), self.open)

    def on_end(self, why):
        self.close()
        if self.farewell and self.crowd.draining:
            self.book.sent_away += 1
        elif self.moves or not self.crowd.draining:
            self.fault("dropped", why)
        self.open()

    def fault(self, name, what, count=1):
        setattr(self.book, name, getattr(self.book, name) + count)
        kind = (self.book.transport, self.book.door, name, what if name in ("dropped", "refused") else "")
        self.crowd.note_fault(kind, f"{self.book.transport}, {self.book.door}, topic {self.topic}: {name}: {what}")

    def on_position(self, position):
        """The first one, before any message."""
        if self.position is None:
            self.position, self.epoch = position, position[:EPOCH]

    def on_gap(self, position):
        """What follows comes after `position`, and messages before it are missing."""
        self.book.gaps += 1
        if position[:EPOCH] == self.epoch:
            self.fault("needless", f"after {self.position}, it goes on after {position}")
        self.position, self.epoch, self.at = position, position[:EPOCH], None

    def hear(self, position, text):
        topic, number, sent = text.split(":")
        number = int(number)
        if topic != self.topic:
            self.fault("foreign", text)
        if position[:EPOCH] != self.epoch:
            self.fault("silent", f"{position} after {self.position}")
            self.epoch, self.at = position[:EPOCH], None
        if self.at is None:
            if number > self.last + 1:
                self.miss(number)
        elif number > self.at + 1:
            self.fault("lost", f"{number} after {self.at}, {position} after {self.position}", number - self.at - 1)
        elif number <= self.at:
            self.fault("duplicated" if number == self.at else "reordered", f"{number} after {self.at}")
        self.position, self.at = position, number
        if number <= self.last:
            self.book.repeated += 1
            return
        self.last = number
        self.book.heard += 1
        latencies = self.book.latencies_of_drains if self.crowd.draining else self.book.latencies
        latencies.note(time.monotonic_ns() - int(sent))

    def miss(self, number):
        """Of what it missed it was told."""
        count = number - self.last - 1
        if self.moves:
            self.fault("lost", f"{number} after {self.last}, although the other node has them", count)
        else:
            self.book.missed += count


class WebSocket(Listener):
    """Speaks peal.v1."""

    def on_connected(self):
        self.past_head = False
        self.send(self.head("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                            f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Protocol: peal.v1"))

    def take(self):
        if not self.past_head:
            head = self.take_head()
            if not head:
                return
            if head[0] != 101:
                return self.on_answer_refused(head[0])
            self.past_head = True
        buffer, at = self.buffer, 0
        while len(buffer) - at >= 2:  # a ping is no longer
            size, begin = buffer[at + 1], at + 2
            if size == 126:
                begin = at + 4
                size = int.from_bytes(buffer[at + 2:begin], "big") if len(buffer) >= begin else 0
            if len(buffer) < begin + size:
                break
            opcode, payload = buffer[at] & 0x0f, bytes(buffer[begin:begin + size])
            at = begin + size
            if not self.take_frame(opcode, payload):
                return
        del buffer[:at]

    def take_frame(self, opcode, payload):
        """False at the end of the connection."""
        if opcode == TEXT:
            if match := MESSAGE.fullmatch(payload):
                self.hear(match[1].decode(), match[2].decode())
            else:
                self.on_words(json.loads(payload))
        elif opcode == CLOSE:
            self.farewell = payload[:2] == close_payload(1001)
            self.send(frame(CLOSE, payload[:2]))
            if self.socket:
                self.on_end(f"close {payload}")
            return False
        elif opcode == BINARY:
            self.fault("foreign", "a binary message")
        else:
            self.send(frame(PONG, payload))
        return self.socket is not None

    def on_words(self, said):
        if "subscribed" in said:
            self.on_position(said["next"])
            self.on_ready()
        elif said.get("gap"):
            self.on_gap(said["next"])
        else:
            self.fault("foreign", said)


class Stream(Listener):
    """An EventSource that does not wait before it comes back."""

    def on_connected(self):
        self.past_head = False
        self.send(self.head("Accept: text/event-stream"))

    def take(self):
        if not self.past_head:
            head = self.take_head()
            if not head:
                return
            if head[0] != 200:
                return self.on_answer_refused(head[0])
            self.past_head = True
        while (end := self.buffer.find(b"\n\n")) >= 0:
            event = bytes(self.buffer[:end])
            del self.buffer[:end + 2]
            self.take_event(event)

    def take_event(self, event):
        if event.startswith(b"retry: "):  # with the first event, and at the end
            event = event.partition(b"\n")[2]
            self.farewell = self.ready
        if match := EVENT.fullmatch(event):
            self.hear(match[1].decode(), match[2].decode())
        elif match := GAP.search(event):
            self.on_gap(match[1].decode())
        elif event.startswith(b"id: "):
            position = event[4:].decode()
            self.on_position(position)
            if position[:EPOCH] != self.epoch:
                self.fault("silent", f"{position} after {self.position}")
            self.on_ready()


class Poll(Listener):
    """Long polls, one after another over one connection."""

    def on_connected(self):
        self.ask()

    def ask(self):
        self.waits_for = None
        self.send(self.head(wait="20s" if self.position else "0s"))

    def take(self):
        if not self.waits_for:
            self.waits_for = self.take_head()
            if not self.waits_for:
                return
        status, head = self.waits_for
        body = b""
        if status == 200:
            size = int(re.search(rb"\r\ncontent-length: (\d+)", head)[1])
            if len(self.buffer) < size:
                return
            body = bytes(self.buffer[:size])
            del self.buffer[:size]
        elif status != 204:
            return self.on_answer_refused(status)
        self.take_answer(head, body)
        if b"\r\nconnection: close" in head:
            self.farewell = True
            self.on_end("the last answer")
        elif self.socket:
            self.ask()

    def take_answer(self, head, body):
        following = re.search(rb"\r\npeal-next: (\S+)", head)[1].decode()
        self.on_position(following)
        self.on_ready()
        said = json.loads(body) if body else {"messages": [], "gap": False}
        if said["gap"]:
            self.on_gap(following)
        for message in said["messages"]:
            self.hear(message["id"], message["data"])
        if following[:EPOCH] != self.epoch:
            self.fault("silent", f"{following} after {self.position}")
        self.position = following


TRANSPORTS = {"WebSocket": WebSocket, "event stream": Stream, "long poll": Poll}
