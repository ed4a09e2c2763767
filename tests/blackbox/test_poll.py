# SPDX-License-Identifier: Apache-2.0
"""Long polls."""

import base64
import threading
import time
import unittest

from support import TEXT, Client, Daemon, wait_until
from support.events import poll, read_polled
from support.listening import CONFIG, ID, ListeningCase


class Polls(ListeningCase):
    def test_history_is_answered_at_once(self):
        self.publish(self.publisher("history"), "one", "two\n\"lines\"", b"\x00\xff")
        got = self.poll("/room/history?last=10")
        self.assertEqual(got.status, 200)
        self.assertEqual(got.headers["content-type"], "application/json")
        self.assertEqual(got.headers["cache-control"], "no-store")
        self.assertEqual([set(message) for message in got.messages],
                         [{"id", "topic", "data"}] * 2 + [{"id", "topic", "base64"}])
        self.assertEqual(got.data[:2], ["one", "two\n\"lines\""])
        self.assertEqual(base64.b64decode(got.messages[2]["base64"]), b"\x00\xff")
        self.assertEqual({message["topic"] for message in got.messages}, {"room/history"})
        self.assertEqual((got.next, got.gap), (got.messages[2]["id"], False))
        got = self.poll(f"/room/history?since={got.messages[0]['id']}")
        self.assertEqual(len(got.messages), 2)

    def test_nothing_for_as_long_as_it_may_wait(self):
        client, begin = self.connect(), time.monotonic()
        got = poll(client, "/room/nothing?wait=300ms")
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)
        self.assertEqual((got.status, got.headers["cache-control"]), (204, "no-store"))
        self.assertNotIn("content-length", got.headers)
        self.assertRegex(got.next, ID)
        for wait in ("0s", "0"):
            self.assertEqual(poll(client, f"/room/nothing?wait={wait}").next, got.next)

    def test_the_first_message_is_the_answer(self):
        publisher = self.publisher("first")
        client = self.connect()
        position = poll(client, "/room/first?wait=0s").next
        client.send(client.request_head(f"/room/first?since={position}"))
        self.publish(publisher, "news")
        got = read_polled(client)
        self.assertEqual((got.data, got.next), (["news"], self.next_id(position, 1)))

    def test_what_comes_between_two_polls_comes_with_the_next(self):
        publisher, client = self.publisher("between"), self.connect()
        position, heard = poll(client, "/room/between?wait=0").next, []
        for number in range(30):
            publisher.send_frame(TEXT, f"{number}")
            if number % 3 == 0:
                got = poll(client, f"/room/between?since={position}")
                heard, position = heard + got.data, got.next
        while len(heard) < 30:
            got = poll(client, f"/room/between?since={position}")
            heard, position = heard + got.data, got.next
        self.assertEqual(heard, [f"{number}" for number in range(30)])

    def test_a_gap_is_said(self):
        self.publish(self.publisher("gap"), *map(str, range(150)))
        ids, _ = self.ids("gap")
        for stale in (self.next_id(ids[0], -2), "0123456789abcdef-3"):
            got = self.poll(f"/room/gap?since={stale}")
            self.assertEqual((got.gap, got.data[0]), (True, "50"))
        self.assertFalse(self.poll(f"/room/gap?since={self.next_id(ids[0], -1)}").gap)
        got = self.poll("/room/emptygap?since=0123456789abcdef-3")
        self.assertEqual((got.status, got.messages, got.gap), (200, [], True))
        self.assertEqual(self.poll(f"/room/emptygap?since={got.next}&wait=0").status, 204)

    def test_a_large_history_comes_in_pages(self):
        self.publish(self.publisher("pages"), *(f"{number}" for number in range(100)))
        client, heard, pages = self.connect(), [], 0
        got = poll(client, "/room/pages?last=100")
        while got.status == 200:
            heard, pages = heard + got.data, pages + 1
            self.assertFalse(got.gap)
            got = poll(client, f"/room/pages?since={got.next}&wait=0")
        self.assertEqual(heard, [f"{number}" for number in range(100)])
        self.assertGreater(pages, 1)

    def test_an_answer_is_bounded_whatever_is_published(self):
        publisher, client = self.publisher("flood"), self.connect()
        position, heard = poll(client, "/room/flood?wait=0").next, []
        blob = "x" * 100_000
        flood = threading.Thread(target=lambda: [self.publish(publisher, *(f"{n + m} {blob}" for m in range(8)))
                                                 for n in range(0, 40, 8)])
        flood.start()
        while len(heard) < 40:
            got = poll(client, f"/room/flood?since={position}")
            self.assertLessEqual(sum(map(len, got.data)), (256 << 10) + 100_100)
            heard, position = heard + got.data, got.next
        flood.join()
        self.assertEqual([message.split()[0] for message in heard], [f"{n}" for n in range(40)])

    def test_pipelined_polls_and_others_are_answered_in_order(self):
        publisher, client = self.publisher("pipeline"), self.connect()
        head = client.request_head
        client.send(head("/room/pipeline?last=1&wait=50ms") + head("/nowhere") + head("/room/pipeline?wait=50ms") +
                    head("/sockets"))
        statuses = [client.read_response().status for _ in range(4)]
        self.assertEqual(statuses, [204, 404, 204, 426])
        self.publish(publisher, "a")
        client.send(head("/room/pipeline?last=1") * 20)
        self.assertEqual([read_polled(client).data for _ in range(20)], [["a"]] * 20)

    def test_a_connection_that_polled_may_become_anything(self):
        publisher, client = self.publisher("becomes"), self.connect()
        self.publish(publisher, "a")
        self.assertEqual(poll(client, "/room/becomes?last=1").data, ["a"])
        self.assertEqual(client.upgrade("/room/becomes?last=1").status, 101)
        self.assertEqual(client.read_message(), b"a")
        client.send_frame(TEXT, "b")
        self.assertEqual(client.read_message(), b"b")

    def test_a_poll_without_replay_of_its_own_gets_that_of_the_route(self):
        self.publish(self.publisher("recent"), "1", "2", "3")
        self.assertEqual(self.poll("/recent/recent").data, ["2", "3"])
        self.assertEqual(self.poll("/recent/recent?last=0&wait=0").status, 204)

    def test_several_topics(self):
        a, b = self.publisher("sa"), self.publisher("sb")
        self.publish(a, "a1")
        self.publish(b, "b1", "b2")
        got = self.poll("/both/sa/sb?last=5")
        self.assertEqual(sorted(got.data), ["a1", "b1", "b2"])
        self.assertRegex(got.next, r"^[0-9a-f]{16}-\d+\.\d+$")
        self.publish(a, "a2")
        got = self.poll(f"/both/sa/sb?since={got.next}")
        self.assertEqual((got.data, got.messages[0]["topic"], got.gap), (["a2"], "room/sa", False))
        self.assertEqual(self.poll(f"/both/sa/sb?since={got.next}&wait=0").next, got.next)

    def test_a_wildcard_waits_and_cannot_resume(self):
        publisher, client = self.publisher("wild"), self.connect()
        client.send(client.request_head("/choice?topic=room/**"))
        time.sleep(0.4)
        self.publish(publisher, "seen")
        got = read_polled(client)
        self.assertEqual((got.data, got.gap), (["seen"], False))
        begin = time.monotonic()
        got = poll(client, f"/choice?topic=room/**&since={got.next}&wait=200ms")
        self.assertEqual((got.status, got.messages, got.gap), (200, [], True))
        self.assertGreaterEqual(time.monotonic() - begin, 0.2)

    def test_a_malformed_request_is_refused(self):
        for query in ("wait=x", "wait=5", "wait=-1s", "wait=301s", "wait=6m", "since=x", "last=x", "last=1&since=x"):
            with self.subTest(query):
                self.assertEqual(self.connect().request("/room/malformed?" + query).status, 400)
        self.assertEqual(self.connect().request("/both/a/b?since=0123456789abcdef-1").status, 400)

    def test_a_client_that_leaves_is_forgotten(self):
        keeper = self.connect()
        poll(keeper, "/room/leaving?wait=0")
        before = self.daemon.descriptors()
        clients = [self.connect() for _ in range(50)]
        for number, client in enumerate(clients):
            client.send(client.request_head("/room/leaving"))
        for number, client in enumerate(clients):
            client.reset() if number % 2 else client.close()
        wait_until(lambda: self.daemon.descriptors() <= before, "all are forgotten")

    def test_a_client_that_leaves_is_noticed_behind_its_next_request(self):
        keeper = self.connect()
        poll(keeper, "/room/behind?wait=0")
        before = self.daemon.descriptors()
        clients = [self.connect() for _ in range(20)]
        for client in clients:
            client.send(client.request_head("/room/behind?wait=5m") + client.request_head("/room/behind"))
        for number, client in enumerate(clients):
            client.reset() if number % 2 else client.close()
        wait_until(lambda: self.daemon.descriptors() <= before, "all are forgotten")

    def test_a_client_that_ends_its_side_gets_nothing_more(self):
        client = self.connect()
        client.send(client.request_head("/room/halfway"))
        client.socket.shutdown(1)
        self.assertTrue(client.has_ended())  # at once, before anything is published

    def test_a_listed_page_may_read_the_answer(self):
        for wait, status in (("0", 204), ("25s&last=1", 200)):
            got = self.poll(f"/room/cors?wait={wait}", "Origin: https://app.example")
            self.assertEqual((got.status, got.headers["access-control-allow-origin"]), (status, "https://app.example"))
            self.assertEqual(got.headers["access-control-expose-headers"], "Peal-Next")
            self.publish(self.publisher("cors"), "for the next")


class Drain(unittest.TestCase):
    def test_a_drain_answers_who_waits(self):
        daemon = Daemon(CONFIG)
        self.addCleanup(daemon.stop)
        clients = [Client(daemon.address) for _ in range(10)]
        for client in clients:
            poll(client, "/room/drain?wait=0")
            client.send(client.request_head("/room/drain"))
        with Client(daemon.address) as last:
            poll(last, "/room/drain?wait=0")  # the others' requests are in by now, or will be soon
            time.sleep(0.4)
        begin = time.monotonic()
        daemon.terminate()
        for client in clients:
            got = read_polled(client)
            self.assertEqual((got.status, got.headers["connection"]), (204, "close"))
            self.assertRegex(got.next, ID)
            client.close()
        self.assertEqual(daemon.wait(), 0)
        self.assertLess(time.monotonic() - begin, 3)
