# SPDX-License-Identifier: Apache-2.0
"""Resuming: what a subscriber missed, then what follows, on every transport."""

import json
import random
import signal
import threading
import unittest

from support import CLOSE, TEXT, Client, Daemon, close_payload, frame
from support.daemon import free_port
from support.events import EventStream, poll
from support.listening import CONFIG, ListeningCase


class WebSockets(ListeningCase):
    def messages(self, client, count):
        return [client.read_message().decode() for _ in range(count)]

    def test_since_an_id(self):
        publisher = self.publisher("since")
        self.publish(publisher, *map(str, range(90)))
        ids = self.ids("since")[0]
        client = self.open(f"/room/since?since={ids[9]}")
        self.publish(publisher, "live")
        self.assertEqual(self.messages(client, 81), [*map(str, range(10, 90)), "live"])

    def test_the_newest(self):
        publisher = self.publisher("newest")
        self.publish(publisher, *map(str, range(10)))
        for path, expected in (("/room/newest?last=3", ["7", "8", "9"]), ("/recent/newest", ["8", "9"]),
                               ("/recent/newest?last=0", []), ("/room/newest", [])):
            client = self.open(path)
            self.publish(publisher, "live")
            self.assertEqual(self.messages(client, len(expected) + 1), [*expected, "live"])
            self.publish(publisher, *map(str, range(10)))

    def test_several_topics(self):
        a, b = self.publisher("ra"), self.publisher("rb")
        self.publish(a, "a1", "a2")
        self.publish(b, "b1", "b2")
        epoch, _, offset_a = self.ids("ra")[0][0].partition("-")
        offset_b = self.ids("rb")[0][1].split("-")[1]
        client = self.open(f"/both/ra/rb?since={epoch}-{offset_a}.{offset_b}")
        self.assertEqual(self.messages(client, 1), ["a2"])
        self.publish(b, "b3")
        self.assertEqual(self.messages(client, 1), ["b3"])

    def test_a_gap_closes_with_4000_before_anything(self):
        self.publish(self.publisher("gone"), *map(str, range(120)))
        ids = self.ids("gone")[0]
        epoch, offset = ids[0].split("-")
        for path in (f"/room/gone?since={self.next_id(ids[0], -2)}", "/room/gone?since=0123456789abcdef-7",
                     f"/room/gone?since={self.next_id(ids[-1], 100)}", f"/both/gone/fresh?since={epoch}-{offset}.77777",
                     f"/choice?topic=room/**&since={epoch}-0"):
            with self.subTest(path):
                client = self.open(path)
                self.assertEqual(client.read_close(), (4000, "gap"))
                client.send_frame(CLOSE, close_payload(4000))
                self.assertTrue(client.has_ended())

    def test_what_came_with_the_handshake_does_not_hold_the_close_up(self):
        client = self.connect()
        client.send(client.upgrade_head("/room/eager?since=0123456789abcdef-7") + frame(TEXT, "unheard") +
                    frame(CLOSE, close_payload(1000)))
        self.assertEqual(client.read_response().status, 101)
        self.assert_closes(client, 4000)

    def test_a_malformed_position_is_refused(self):
        for query in ("since=x", "since=0123456789abcdef-1.2", "last=x", "last=1&since=0123456789abcdef-1"):
            self.assertEqual(self.connect().upgrade(f"/room/bad?{query}").status, 400)


class Races(ListeningCase):
    """Publishing goes on while subscribers come, leave and come back."""

    MESSAGES = 600

    def speak(self, name, go):
        with Client(self.daemon.address) as publisher:
            publisher.upgrade(f"/room/{name}")
            for number in range(self.MESSAGES):
                publisher.send_frame(TEXT, f"{number}")
                if number % 10 == 9:
                    for _ in range(10):
                        publisher.read_message()
                    go.acquire()  # no further ahead of the listeners than the history reaches

    def listen_by_stream(self, name, position, go, seed):
        dice, heard = random.Random(seed), []
        while len(heard) < self.MESSAGES:
            with EventStream(self.daemon.address, f"/room/{name}", f"Last-Event-ID: {position}") as stream:
                for _ in range(min(dice.randint(1, 80), self.MESSAGES - len(heard))):
                    event = stream.read_event()
                    self.assertEqual(event.type, "message", event)
                    heard.append(event.data)
                    position = event.id
                    if len(heard) % 10 == 0:
                        go.release()
        return heard

    def listen_by_poll(self, name, position, go, seed):
        dice, heard, client = random.Random(seed), [], Client(self.daemon.address)
        while len(heard) < self.MESSAGES:
            if dice.random() < 0.1:
                client.close()
                client = Client(self.daemon.address)
            got = poll(client, f"/room/{name}?since={position}&wait=5s")
            self.assertFalse(got.gap)
            for data in got.data:
                heard.append(data)
                if len(heard) % 10 == 0:
                    go.release()
            position = got.next
        client.close()
        return heard

    def run_race(self, listen, name):
        seed = random.randrange(1 << 32)
        with self.subTest(seed=seed):
            position = poll(self.connect(), f"/room/{name}?wait=0").next
            go = threading.Semaphore(4)
            speaker = threading.Thread(target=self.speak, args=(name, go))
            speaker.start()
            heard = listen(name, position, go, seed)
            speaker.join()
            self.assertEqual(heard, [f"{number}" for number in range(self.MESSAGES)])

    def test_streams_that_reconnect(self):
        self.run_race(self.listen_by_stream, "racestream")

    def test_polls(self):
        self.run_race(self.listen_by_poll, "racepoll")


class KilledAndRestarted(unittest.TestCase):
    """As by a supervisor, on the same address: histories are gone, and whoever resumes hears of it."""

    def start(self, address):
        daemon = Daemon(CONFIG, address=address)
        self.addCleanup(daemon.stop)
        return daemon

    def publish(self, daemon, count):
        """Returns the id of the last of so many messages."""
        with Client(daemon.address) as client:
            for number in range(count):
                client.send(client.request_head("/publish/room/a", "Content-Length: 1", method="POST") + b"x")
                published = json.loads(client.read_response().body)
        return published["id"]

    def test_everybody_is_told_of_the_gap(self):
        address = f"127.0.0.1:{free_port()}"
        daemon = self.start(address)
        position = self.publish(daemon, 5)
        with Client(daemon.address) as client:
            self.assertFalse(poll(client, f"/room/a?since={position}&wait=0").gap)
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait(10)

        daemon = self.start(address)
        fresh = self.publish(daemon, 7)  # the offset that was is there again, under another epoch
        self.assertNotEqual(fresh.split("-")[0], position.split("-")[0])
        with Client(daemon.address) as client:
            polled = poll(client, f"/room/a?since={position}&wait=0")
            self.assertTrue(polled.gap)
            self.assertEqual(len(polled.messages), 7)
        with EventStream(daemon.address, "/room/a", f"Last-Event-ID: {position}") as stream:
            self.assertEqual(stream.read_event().type, "gap")
            self.assertEqual(stream.read_event().type, "message")
        with Client(daemon.address) as client:
            self.assertEqual(client.upgrade(f"/room/a?since={position}").status, 101)
            self.assertEqual(client.read_close(), (4000, "gap"))
