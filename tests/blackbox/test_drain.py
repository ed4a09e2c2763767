# SPDX-License-Identifier: Apache-2.0
"""How a peald that is asked to stop lets its clients go."""

import selectors
import signal
import struct
import time
import unittest

from support import CLOSE, SANITIZED, TEXT, Client, Daemon, close_payload, frame, wait_until
from support.stopped import Stopped, reactors

CONFIG = """
[server]
threads = 2

[route.room]
path = "/room/{name}"
type = "pubsub"
topics = ["room/{name}"]
publish = "anyone"

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"

[route.health]
path = "/healthz"
type = "health"
"""

STREAM = "Accept: text/event-stream"


class Drain(unittest.TestCase):
    def start(self, *settings):
        options = [word for setting in settings for word in ("--set", setting)]
        daemon = Daemon(CONFIG, *options)
        self.addCleanup(daemon.stop)
        return daemon

    def connect(self, daemon):
        client = Client(daemon.address)
        self.addCleanup(client.close)
        return client

    def open(self, daemon, path="/room/a"):
        client = self.connect(daemon)
        self.assertEqual(client.upgrade(path).status, 101)
        return client

    def stream(self, daemon):
        client = self.connect(daemon)
        client.send(client.request_head("/room/a", STREAM))
        client.read_until(b"id: ")
        return client

    def health(self, daemon):
        with Client(daemon.address) as client:
            answer = client.request("/healthz")
            return answer.status, answer.body

    def is_refused(self, daemon):
        try:
            Client(daemon.address).close()
        except (ConnectionRefusedError, ConnectionResetError):
            return True
        return False

    def test_clients_are_told_one_after_another(self):
        daemon = self.start("drain.over=4s")
        count = 200
        watched = selectors.DefaultSelector()
        for i in range(count):
            kind = i % 4
            if kind == 3:
                client = self.connect(daemon)
                client.send(client.request_head("/room/a?wait=30s"))
            else:
                client = self.stream(daemon) if kind == 2 else self.open(daemon)
            watched.register(client.socket, selectors.EVENT_READ, (client, kind))
        time.sleep(0.5)  # until the polls wait
        begin = time.monotonic()
        daemon.terminate()
        times = []
        while watched.get_map():
            for key, _ in watched.select(5):
                client, kind = key.data
                watched.unregister(client.socket)
                times.append(time.monotonic() - begin)
                if kind < 2:
                    self.assertEqual(client.read_close()[0], 1001)
                    client.send_frame(CLOSE, close_payload(1001))
                    self.assertTrue(client.has_ended())
                elif kind == 2:
                    self.assertRegex(client.read_to_end(), rb"retry: \d+\n\n\Z")
                else:
                    answer = client.read_response()
                    self.assertEqual((answer.status, answer.headers["connection"]), (204, "close"))
                client.close()
        self.assertEqual(len(times), count)
        for quarter in range(4):
            told = sum(quarter <= at < quarter + 1 for at in times)
            self.assertTrue(25 <= told <= 80, (quarter, told))
        self.assertEqual(daemon.wait(), 0)

    def test_a_pause_lets_balancers_notice(self):
        daemon = self.start("drain.pause=1s", "log.access=true")
        early = self.open(daemon)
        self.assertEqual(self.health(daemon), (200, b'{"status":"ok"}'))
        begin = time.monotonic()
        daemon.terminate()
        daemon.log.wait_for("asked to stop")
        wait_until(lambda: self.health(daemon)[0] == 503, "health tells of the drain")
        self.assertEqual(self.health(daemon)[1], b'{"status":"draining"}')
        self.assertTrue(daemon.log.wait_for("route=health transport=http status=503", 1))
        late = self.open(daemon)  # who comes meanwhile is served like anybody else
        late.send_frame(TEXT, "hello")
        self.assertEqual(early.read_message(), b"hello")
        self.assertEqual(late.read_message(), b"hello")
        self.assertEqual(early.read_close()[0], 1001)
        self.assertGreater(time.monotonic() - begin, 0.9)
        self.assertEqual(late.read_close()[0], 1001)
        wait_until(lambda: self.is_refused(daemon), "the listeners are closed")
        for client in (early, late):
            client.send_frame(CLOSE, close_payload(1001))
            client.close()
        self.assertEqual(daemon.wait(), 0)

    def test_a_reload_is_refused_and_told(self):
        daemon = self.start("drain.pause=1h")
        daemon.terminate()
        daemon.log.wait_for("asked to stop")
        daemon.process.send_signal(signal.SIGHUP)
        self.assertTrue(daemon.log.wait_for("error: not reloaded, .*: it is about to stop", 3), daemon.log.text())

    def test_tokens_may_change_in_a_pause(self):
        guarded = CONFIG.replace('auth = "none"', 'auth = { bearer_file = "tokens" }')
        daemon = Daemon(guarded, "--set", "drain.pause=1h",
                        prepare=lambda folder: (folder / "tokens").write_text("revoked\n"))
        self.addCleanup(daemon.stop)

        def status(token):
            with Client(daemon.address) as client:
                fields = f"Authorization: Bearer {token}", "Content-Length: 0"
                return client.request("/publish/room/a", *fields, method="POST").status

        self.assertEqual(status("revoked"), 200)
        daemon.terminate()
        wait_until(lambda: self.health(daemon)[0] == 503, "health tells of the drain")
        (daemon.folder / "fresh").write_text("valid\n")
        (daemon.folder / "fresh").rename(daemon.folder / "tokens")
        wait_until(lambda: status("revoked") == 401, "the token is revoked", 3)
        self.assertEqual(status("valid"), 200)

    def test_who_is_not_told_yet_is_served(self):
        daemon = self.start("drain.over=1h", "server.threads=1")
        first, second = self.open(daemon), self.open(daemon)
        kept, asked = self.connect(daemon), self.connect(daemon)
        streams = [self.connect(daemon) for _ in range(3)]
        for client in (kept, asked, *streams):
            self.assertEqual(client.request("/healthz").status, 200)
        daemon.terminate()
        wait_until(lambda: self.is_refused(daemon), "the listener is closed")
        first.send_frame(TEXT, "still here")
        self.assertEqual(second.read_message(), b"still here")
        kept.send(kept.request_head("/publish/room/a", "Content-Length: 4", method="POST") + b"news")
        answer = kept.read_response()
        self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
        self.assertEqual(second.read_message(), b"news")
        answer = asked.upgrade("/room/a")  # nobody comes to stay
        self.assertEqual((answer.status, "retry-after" in answer.headers), (503, True))
        self.assertEqual(streams[0].request("/room/a", STREAM, method="HEAD").status, 503)
        self.assertEqual(streams[1].request("/room/a", STREAM, "Origin: https://else.example").status, 403)
        answer = streams[2].request("/room/a", STREAM)  # after a 503 a browser would not come back
        self.assertEqual((answer.status, answer.headers["content-type"], answer.headers["connection"]),
                         (200, "text/event-stream", "close"))
        self.assertRegex(answer.body, rb"^retry: [1-5]\d\d\d\n$")
        daemon.terminate()
        self.assertEqual(daemon.wait(), 0)

    def test_it_ends_with_the_last_client(self):
        daemon = self.start("drain.over=60s")
        client = self.open(daemon)
        daemon.terminate()
        wait_until(lambda: self.is_refused(daemon), "the listeners are closed")
        client.send_frame(CLOSE, close_payload(1000))
        client.close()
        self.assertEqual(daemon.wait(5), 0)

    def test_who_does_not_go_is_broken_off(self):
        daemon = self.start("drain.timeout=1s", "limits.close_timeout=60s")
        client = self.open(daemon)
        daemon.terminate()
        self.assertEqual(client.read_close()[0], 1001)
        self.assertEqual(daemon.wait(5), 0)
        self.assertIn("some clients do not go", daemon.log.text())

    def test_who_waits_to_be_accepted_is_answered(self):
        if SANITIZED:
            self.skipTest("a sanitizer's threads are not to be traced")
        daemon = self.start("server.threads=1", "listen.public.defer_accept=false")
        self.assertEqual(self.health(daemon)[0], 200)  # it serves
        count = 60  # more than are accepted in a turn
        with Stopped(*reactors(daemon, 1)):
            clients = [self.connect(daemon) for _ in range(count)]
            for i, client in enumerate(clients):
                if i % 3 == 0:
                    client.send(client.request_head("/healthz"))
                elif i % 3 == 1:
                    client.send(client.request_head("/publish/room/a", "Content-Length: 4", method="POST") + b"news")
                else:
                    client.send(client.upgrade_head("/room/a"))
            silent = self.connect(daemon)
            daemon.terminate()
            daemon.log.wait_for("asked to stop")
        statuses = [client.read_response().status for client in clients]
        self.assertEqual(statuses, [503, 200, 503] * (count // 3))
        self.assertTrue(all(client.has_ended() for client in clients))
        self.assertTrue(silent.has_ended())  # is not waited for, but for a moment
        for client in (*clients, silent):
            client.close()
        self.assertEqual(daemon.wait(), 0)

    def test_what_is_queued_is_sent_first(self):
        daemon = self.start("limits.queue_size=64MiB", "limits.close_timeout=20s")
        slow = Client(daemon.address, receive_buffer=4096)
        self.addCleanup(slow.close)
        self.assertEqual(slow.upgrade("/room/slow").status, 101)
        publisher = self.open(daemon, "/room/slow")
        count = 200
        for i in range(count):
            publisher.send(frame(TEXT, struct.pack("!I", i).hex() + "x" * 20_000))
            publisher.read_message()
        daemon.terminate()
        for i in range(count):
            self.assertEqual(int(slow.read_message()[:8], 16), i)
        self.assertEqual(slow.read_close()[0], 1001)
        for client in (slow, publisher):
            client.send_frame(CLOSE, close_payload(1001))
            client.close()
        self.assertEqual(daemon.wait(), 0)


if __name__ == "__main__":
    unittest.main()
