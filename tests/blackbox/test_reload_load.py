# SPDX-License-Identifier: Apache-2.0
"""A hundred reloads while numbered messages are published: nobody misses one."""

import json
import signal
import threading
import time
import unittest

from support import CLOSE, PING, PONG, SANITIZED, Client, Daemon, close_payload, wait_until
from support.wire import Ended

HEAD = """
[server]
threads = 2

[listen.public]
address = "127.0.0.1:0"

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"

[route.stays]
path = "/stays/{name}"
type = "pubsub"
topics = ["room/{name}"]
limits = { queue_size = "16MiB" }
"""
# A route that is there every other time.
TIDE = """
[route.tide]
path = "/tide/{name}"
type = "pubsub"
topics = ["room/{name}"]
"""
OTHERS = """
[listen.other]
address = "127.0.0.1:0"

[route.other]
path = "/other"
type = "echo"

[topic.default]
match = "**"
history = { size = 10 }
"""
ROOM = '[topic.room]\nmatch = "room/*"\nhistory = { size = %d }\n'
CONFIGS = [HEAD + TIDE + ROOM % 100_000, HEAD + OTHERS + ROOM % 200_000]
RELOADS = 10 if SANITIZED else 100


class Reader(threading.Thread):
    """Hears "room/a" and takes note of the numbers."""

    def __init__(self, address, path):
        super().__init__(daemon=True)
        self.address, self.path = address, path
        self.numbers = []
        self.position = None  # where to go on
        self.connections = 0
        self.failure = None
        self.last = None  # the number that ends it

    def run(self):
        try:
            while not self.is_done():
                with Client(self.address) as client:
                    try:
                        self.listen(client)
                    except Ended:
                        pass
        except Exception as failure:  # told by the test
            self.failure = failure

    def is_done(self):
        return self.last is not None and self.numbers and self.numbers[-1] >= self.last

    def target(self, *parameters):
        since = [f"since={self.position}"] if self.position else []
        query = "&".join([*parameters, *since])
        return f"/{self.path}/a" + ("?" + query if query else "")

    def wait_for_the_tide(self):
        time.sleep(0.01)


class WebSocket(Reader):
    def listen(self, client):
        answer = client.upgrade(self.target(), "Sec-WebSocket-Protocol: peal.v1")
        if answer.status != 101:
            assert answer.status == 404, answer
            return self.wait_for_the_tide()
        self.connections += 1
        while not self.is_done():
            frame = client.read_frame()
            if frame.opcode == CLOSE:
                assert frame.payload[:2] == close_payload(1001), frame
                client.send_frame(CLOSE, frame.payload[:2])
                return
            if frame.opcode == PING:
                client.send_frame(PONG, frame.payload)
                continue
            said = json.loads(frame.payload)
            assert not said.get("gap"), said
            if "data" in said:
                self.numbers.append(int(said["data"]))
                self.position = said["id"]
            elif "subscribed" in said:
                self.position = said["next"]


class Stream(Reader):
    def listen(self, client):
        client.send(client.request_head(self.target(), "Accept: text/event-stream"))
        if not client.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200"):
            return self.wait_for_the_tide()
        self.connections += 1
        position = self.position
        while not self.is_done():
            line = client.read_until(b"\n").decode().strip()
            field, _, value = line.partition(": ")
            assert (field, value) != ("event", "gap")
            if field == "id":
                position = value
            elif field == "data":
                self.numbers.append(int(value))
            elif not line:
                self.position = position


class Poll(Reader):
    def listen(self, client):
        self.connections += 1
        while not self.is_done():
            answer = client.request(self.target("wait=10s" if self.position else "wait=0"))
            if answer.status == 404:
                return self.wait_for_the_tide()
            assert answer.status in (200, 204), answer
            if answer.status == 200:
                said = json.loads(answer.body)
                assert not said["gap"], said
                self.numbers += [int(each["data"]) for each in said["messages"]]
            self.position = answer.headers["peal-next"]


class Publisher(threading.Thread):
    """Says numbers until it is told to stop; a batch at a time."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.client = Client(address)
        self.next = 1
        self.stop = False
        self.failure = None

    def run(self):
        try:
            while not self.stop:
                lines = "".join(f'{{"data":"{self.next + i}"}}\n' for i in range(20))
                self.client.send(self.client.request_head(
                    "/publish/room/a", "Content-Type: application/x-ndjson", f"Content-Length: {len(lines)}",
                    method="POST") + lines.encode())
                answer = self.client.read_response()
                assert answer.status == 200, answer
                self.next += 20
                time.sleep(0.005)
        except Exception as failure:
            self.failure = failure


class Reloads(unittest.TestCase):
    def test_nobody_misses_a_message(self):
        daemon = Daemon(CONFIGS[0])
        self.addCleanup(daemon.stop)
        readers = [kind(daemon.address, path) for path in ("stays", "tide") for kind in (WebSocket, Stream, Poll)
                   for _ in range(2)]
        for reader in readers:
            reader.start()
        wait_until(lambda: all(reader.position for reader in readers), "all know where they are")
        publisher = Publisher(daemon.address)
        publisher.start()
        for number in range(1, RELOADS + 1):
            daemon.config.write_text(CONFIGS[number % 2])
            daemon.process.send_signal(signal.SIGHUP)
            wait_until(lambda: daemon.log.text().count("reloaded: ") == number, "the reload is over")
        publisher.stop = True
        publisher.join(10)
        last = publisher.next - 1
        for reader in readers:
            reader.last = last
        wait_until(lambda: all(reader.is_done() or reader.failure for reader in readers), "all have heard the last", 30)
        self.assertIsNone(publisher.failure)
        self.assertGreater(last, 20 * RELOADS / 10)
        for reader in readers:
            self.assertIsNone(reader.failure, reader)
            self.assertEqual(reader.numbers, list(range(1, last + 1)), reader)
            if reader.path == "stays":
                self.assertEqual(reader.connections, 1, reader)
            elif not isinstance(reader, Poll):
                self.assertGreater(reader.connections, 1, reader)
        self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main()
