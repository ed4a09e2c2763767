# SPDX-License-Identifier: Apache-2.0
"""Event streams (WHATWG HTML, section 9.2)."""

import base64
import json
import time
import unittest

from support import TEXT, Client, Daemon, wait_until
from support.events import EventStream
from support.listening import CONFIG, ID, ListeningCase


class Streams(ListeningCase):
    def test_a_stream_begins_with_its_position(self):
        stream = self.stream("/room/head")
        self.assertEqual(stream.status, 200)
        self.assertEqual(stream.headers["content-type"], "text/event-stream")
        self.assertEqual(stream.headers["cache-control"], "no-store")
        self.assertEqual(stream.headers["x-accel-buffering"], "no")
        self.assertEqual(stream.headers["connection"], "close")
        self.assertNotIn("content-length", stream.headers)
        self.assertRegex(stream.read_position(), ID)
        self.assertEqual(stream.retry, 3000)

    def test_events_are_what_was_published(self):
        stream, publisher = self.stream("/room/events"), self.publisher("events")
        start = stream.read_position()
        self.publish(publisher, "one", "two\nlines", "", b"\x00\xff")
        event = stream.read_event()
        self.assertEqual((event.type, event.data, event.id), ("message", "one", self.next_id(start, 1)))
        self.assertEqual(stream.read_event().data, "two\nlines")
        self.assertEqual(stream.read_line(), "id: " + self.next_id(start, 3))
        self.assertEqual([stream.read_line() for _ in range(3)], ["event: message", "data: ", ""])
        event = stream.read_event()
        self.assertEqual((event.type, base64.b64decode(event.data)), ("binary", b"\x00\xff"))
        self.assertEqual(event.id, self.next_id(start, 4))

    def test_last_event_id_goes_before_the_query(self):
        self.publish(self.publisher("header"), "1", "2", "3", "4")
        ids, _ = self.ids("header")
        stream = self.stream("/room/header?last=4", f"Last-Event-ID: {ids[2]}")
        self.assertEqual(stream.read_event().data, "4")
        for header in ([], ["Last-Event-ID:"]):
            stream = self.stream(f"/room/header?since={ids[1]}", *header)
            self.assertEqual([stream.read_event().data for _ in range(2)], ["3", "4"])
        stream = self.stream("/room/header?last=1")
        self.assertEqual(stream.read_event().data, "4")

    def test_a_position_before_anything_was_said_is_good(self):
        position = self.stream("/room/quiet").read_position()
        self.publish(self.publisher("quiet"), "first")
        stream = self.stream("/room/quiet", f"Last-Event-ID: {position}")
        self.assertEqual(stream.read_event().data, "first")

    def test_a_gap_is_an_event_before_the_messages(self):
        publisher = self.publisher("gap")
        self.publish(publisher, *map(str, range(150)))
        ids, _ = self.ids("gap")
        for stale in (self.next_id(ids[0], -2), "0123456789abcdef-3", "of some other server"):
            stream = self.stream("/room/gap", f"Last-Event-ID: {stale}")
            event = stream.read_event()
            before = self.next_id(ids[0], -1)
            self.assertEqual((event.type, event.id), ("gap", before))
            self.assertEqual(json.loads(event.data), {"topic": "room/gap", "next": before})
            self.assertEqual([stream.read_event().data for _ in range(100)], list(map(str, range(50, 150))))
        stream = self.stream("/room/gap", f"Last-Event-ID: {self.next_id(ids[0], -1)}")
        self.assertEqual(stream.read_event().type, "message")

    def test_without_history_a_stream_that_missed_something_is_told(self):
        publisher = self.publisher("bare", "plain")
        stream = self.stream("/plain/bare")
        position = stream.read_position()
        again = self.stream("/plain/bare", f"Last-Event-ID: {position}")
        self.publish(publisher, "live")
        self.assertEqual(again.read_event().type, "message")
        late = self.stream("/plain/bare", f"Last-Event-ID: {position}")
        self.assertEqual(late.read_event().type, "gap")

    def test_a_malformed_query_is_refused(self):
        for query in ("since=x", "since=", "last=x", "last=-1", "last=1000001", "last=1&last=2",
                      "since=0123456789abcdef-1&last=1", "since=0123456789abcdef-1.2"):
            with self.subTest(query):
                self.assertEqual(self.stream("/room/malformed?" + query).status, 400)

    def test_head_has_no_body_and_keeps_the_connection(self):
        client = self.connect()
        for _ in range(2):
            answer = client.request("/room/head", "Accept: text/event-stream", method="HEAD")
            self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/event-stream"))

    def test_http_1_0(self):
        stream, publisher = self.stream("/room/old", version="1.0"), self.publisher("old")
        self.assertEqual(stream.status, 200)
        stream.read_position()
        self.publish(publisher, "to an old client")
        self.assertEqual(stream.read_event().data, "to an old client")

    def test_a_client_that_leaves_is_forgotten(self):
        first = self.stream("/room/leaving0")
        before = self.daemon.descriptors()
        streams = [self.stream(f"/room/leaving{i % 3}") for i in range(50)]
        for number, stream in enumerate(streams):
            stream.reset() if number % 2 else stream.close()
        wait_until(lambda: self.daemon.descriptors() <= before, "all are forgotten")
        publisher = self.publisher("leaving0")
        self.publish(publisher, "still here")
        self.assertEqual(first.read_event().data, "still here")


class SeveralTopics(ListeningCase):
    def test_ids_have_an_offset_for_each_topic(self):
        stream, a, b = self.stream("/both/ida/idb"), self.publisher("ida"), self.publisher("idb")
        epoch, _, start = stream.read_position().partition("-")
        first, second = map(int, start.split("."))
        self.publish(a, "a1", "a2")
        heard = [stream.read_event(), stream.read_event()]
        self.publish(b, "b1")  # only now, as nothing says in what order topics come
        heard.append(stream.read_event())
        said = [json.loads(event.data) for event in heard]
        self.assertEqual([(each["topic"], each["data"]) for each in said],
                         [("room/ida", "a1"), ("room/ida", "a2"), ("room/idb", "b1")])
        self.assertEqual([each["id"] for each in said],
                         [f"{epoch}-{first + 1}", f"{epoch}-{first + 2}", f"{epoch}-{second + 1}"])
        self.assertEqual([event.id for event in heard], [
            f"{epoch}-{first + 1}.{second}", f"{epoch}-{first + 2}.{second}", f"{epoch}-{first + 2}.{second + 1}"])
        again = self.stream("/both/ida/idb", f"Last-Event-ID: {heard[0].id}")
        self.assertEqual(sorted(json.loads(again.read_event().data)["data"] for _ in range(2)), ["a2", "b1"])
        self.assertEqual(again.last_id, heard[2].id)

    def test_two_topics_that_a_path_makes_one_are_named_all_the_same(self):
        stream = self.stream("/both/same/same")
        self.assertNotIn(".", stream.read_position())
        self.publish(self.publisher("same"), b"\x00")
        data = json.loads(stream.read_event().data)
        self.assertEqual((data["topic"], data["base64"]), ("room/same", "AA=="))

    def test_topics_of_the_query_are_told_apart(self):
        stream, a = self.stream("/choice?topic=room/qa&topic=room/qb"), self.publisher("qa")
        self.publish(a, "hello")
        event = stream.read_event()
        data = json.loads(event.data)
        self.assertEqual((data["topic"], data["data"]), ("room/qa", "hello"))
        self.assertEqual(event.id.split("-")[1].split(".")[0], data["id"].split("-")[1])
        one = self.stream(f"/choice?topic=room/qa&since={self.next_id(data['id'], -1)}").read_event()
        self.assertEqual((one.id, json.loads(one.data)), (data["id"], data))

    def test_a_wildcard_hears_all_and_cannot_resume(self):
        stream, one, two = self.stream("/choice?topic=room/**"), self.publisher("w1"), self.publisher("w2")
        position = stream.read_position()
        self.publish(one, "1")
        self.publish(two, "2")
        heard = [stream.read_event() for _ in range(2)]
        # Between two topics there is no order.
        self.assertEqual(sorted(json.loads(event.data)["topic"] for event in heard), ["room/w1", "room/w2"])
        self.assertEqual([event.id for event in heard], [position] * 2)
        again = self.stream("/choice?topic=room/**", f"Last-Event-ID: {position}")
        event = again.read_event()
        self.assertEqual((event.type, json.loads(event.data)), ("gap", {"topic": "room/**"}))
        self.publish(one, "3")
        self.assertEqual(json.loads(again.read_event().data)["data"], "3")

    def test_a_topic_and_a_wildcard(self):
        path = "/choice?topic=room/mixed&topic=room/other/*"
        stream, publisher = self.stream(path), self.publisher("mixed")
        stream.read_position()
        self.publish(publisher, "1", "2")
        first = stream.read_event()
        again = self.stream(path, f"Last-Event-ID: {first.id}")
        self.assertEqual(again.read_event().type, "gap")
        self.assertEqual(json.loads(again.read_event().data)["data"], "2")


class ManyTopics(ListeningCase):
    """A position has room in the head of the request that comes back with it."""

    config = CONFIG.replace("[route.choice]", "[route.choice]\nmax_topics = 1024")
    options = ("--set", "limits.header_size=4KiB")

    def path(self, count):
        return "/choice?" + "&".join(f"topic=room/{number}" for number in range(count))

    def last_id(self, count):
        return "Last-Event-ID: 0123456789abcdef-" + ".".join(["9" * 16] * count)

    def test_a_position_of_the_greatest_size_comes_back(self):
        most = max(count for count in range(1, 300) if self.stream(self.path(count)).status == 200)
        self.assertGreater(most, 100)
        stream = self.stream(self.path(most), self.last_id(most))
        self.assertEqual(stream.status, 200)
        self.assertEqual(stream.read_event().type, "gap")
        polled = self.poll(self.path(most) + f"&since={self.last_id(most)[15:]}&wait=0")
        self.assertEqual((polled.status, polled.gap), (200, True))

    def test_more_topics_than_that_are_refused_at_once(self):
        for headers in (["Accept: text/event-stream"], []):
            client = self.connect()
            answer = client.request(self.path(200), *headers)
            self.assertEqual(answer.status, 400)
            self.assertRegex(answer.body, rb"^no room to come back: with a position of up to 3416 octets")


class Rules(ListeningCase):
    ALLOWED = "Origin: https://app.example"

    def test_the_transport_follows_accept(self):
        for accept, kind in (("text/event-stream", "text/event-stream"),
                             ("text/html;q=0.5, Text/Event-Stream", "text/event-stream"),
                             ("text/event-stream;q=0, */*", None), ("*/*", None), ("text/html, */*;q=0.1", None),
                             ("application/json, text/event-stream;q=0.5", None)):
            with self.subTest(accept):
                answer = self.connect().request("/room/accept", f"Accept: {accept}", method="HEAD")
                self.assertEqual(answer.headers["content-type"], kind or "application/json")

    def test_what_a_route_does_not_have_is_said(self):
        stream = ("Accept: text/event-stream",)
        self.assertEqual(self.connect().request("/sockets", *stream).status, 426)
        self.assertEqual(self.connect().request("/sockets").status, 426)
        answer = self.connect().request("/polls", *stream)
        self.assertEqual((answer.status, answer.body), (
            406, b"this route has long polls (Accept: application/json)\n"))
        self.assertEqual(self.connect().request("/streams", "Accept: application/json").status, 406)
        self.assertEqual(self.stream("/streams", "Accept: */*").status, 200)
        for path in ("/streams", "/polls"):
            answer = self.connect().upgrade(path)
            self.assertEqual((answer.status, answer.headers["connection"]), (400, "close"))
            self.assertIn(b"this route has", answer.body)

    def test_other_methods_are_refused(self):
        answer = self.connect().request("/room/methods", method="DELETE")
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET, HEAD, OPTIONS"))
        answer = self.connect().request("/room/methods", method="OPTIONS")
        self.assertEqual((answer.status, answer.headers["allow"]), (204, "GET, HEAD, OPTIONS"))

    def cross_origin(self, path, origin):
        headers = self.stream(path, f"Origin: {origin}").headers
        return {name: value for name, value in headers.items() if name.startswith("access-") or name == "vary"}

    def test_listed_pages_may_read_the_answer(self):
        for origin in ("https://app.example", "https://eu.app.example"):
            self.assertEqual(self.cross_origin("/room/cors", origin), {
                "access-control-allow-origin": origin, "access-control-allow-credentials": "true",
                "access-control-expose-headers": "Peal-Next", "vary": "Origin"})
        self.assertEqual(self.cross_origin("/plain/cors", "https://anywhere.example"), {
            "access-control-allow-origin": "*", "access-control-expose-headers": "Peal-Next"})
        self.assertEqual(self.cross_origin("/room/cors", f"http://{self.daemon.host}"), {})

    def test_others_are_refused_by_every_transport(self):
        for origin in ("https://evil.example", "http://app.example", "null", "https://" + "a" * 600 + ".app.example"):
            header = f"Origin: {origin}"
            self.assertEqual(self.connect().upgrade("/room/cors", header).status, 403)
            for accept in ("text/event-stream", "*/*"):
                answer = self.connect().request("/room/cors", header, f"Accept: {accept}")
                self.assertEqual(answer.status, 403)
                self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_a_listed_page_may_read_why_it_is_refused(self):
        answer = self.connect().request("/room/cors?since=x", self.ALLOWED)
        self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]), (400, "https://app.example"))

    def test_preflights(self):
        asks = ("Access-Control-Request-Method: GET", "Access-Control-Request-Headers: last-event-id")
        answer = self.connect().request("/room/cors", self.ALLOWED, *asks, method="OPTIONS")
        self.assertEqual(answer.status, 204)
        self.assertEqual(answer.headers["access-control-allow-origin"], "https://app.example")
        self.assertEqual(answer.headers["access-control-allow-methods"], "GET, HEAD")
        self.assertEqual(answer.headers["access-control-allow-headers"], "Authorization, Content-Type, Last-Event-ID")
        self.assertEqual(answer.headers["access-control-max-age"], "7200")
        for path in ("/room/cors", "/publish/room/cors"):
            answer = self.connect().request(path, "Origin: https://evil.example", *asks, method="OPTIONS")
            self.assertEqual(answer.status, 403)

    def test_pages_that_publish(self):
        answer = self.connect().request("/publish/room/cors", self.ALLOWED, "Access-Control-Request-Method: PUT",
                                        method="OPTIONS")
        self.assertEqual((answer.status, answer.headers["access-control-allow-methods"]), (204, "POST, PUT"))
        for body, status in ((b"ok", 200), (b"\xff", 400)):
            client = self.connect()
            client.send(client.request_head("/publish/room/cors", self.ALLOWED, f"Content-Length: {len(body)}",
                                            method="POST") + body)
            answer = client.read_response()
            self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]),
                             (status, "https://app.example"))


class Ends(unittest.TestCase):
    def start(self, *options):
        daemon = Daemon(CONFIG, *options)
        self.addCleanup(daemon.stop)
        return daemon

    def stream(self, daemon, path, **options):
        stream = EventStream(daemon.address, path, **options)
        self.addCleanup(stream.close)
        return stream

    def test_a_drain_ends_streams_cleanly(self):
        daemon = self.start()
        streams = [self.stream(daemon, "/room/drain") for _ in range(5)]
        for stream in streams:
            stream.read_position()
        daemon.terminate()
        retries = set()
        for stream in streams:
            retry = stream.read_to_end().decode().split("retry: ")[1]
            self.assertTrue(retry.endswith("\n\n"))
            retries.add(int(retry))
            stream.close()
        self.assertTrue(all(1000 <= retry <= 5000 for retry in retries))
        self.assertGreater(len(retries), 1)
        self.assertEqual(daemon.wait(), 0)

    def test_comments_keep_a_quiet_stream_alive(self):
        daemon = self.start("--set", "limits.ping_interval=100ms")
        stream = self.stream(daemon, "/room/quiet")
        stream.read_position()
        begin = time.monotonic()
        self.assertEqual([stream.read_line() for _ in range(5)], ["", ":", "", ":", ""])
        self.assertGreater(time.monotonic() - begin, 0.15)

    def test_a_client_that_does_not_read_is_ended_and_named(self):
        daemon = self.start("--set", "limits.queue_size=64KiB", "--set", "limits.message_size=64KiB")
        stream = self.stream(daemon, "/both/slow/other", receive_buffer=4096)
        stream.read_position()
        with Client(daemon.address) as publisher:
            publisher.upgrade("/room/slow")
            for _ in range(200):
                publisher.send_frame(TEXT, "x" * 60_000)
                publisher.read_message()
        self.assertTrue(daemon.log.wait_for(r"slow_client: 127\.0\.0\.1 on route both \(SSE\) reads too slowly, "
                                            r"its queue is full: closed\n"))
