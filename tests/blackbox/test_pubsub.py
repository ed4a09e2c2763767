# SPDX-License-Identifier: Apache-2.0
"""Topics: who hears what, in which order, and who may speak."""

import asyncio
import collections
import unittest

import websockets

from support import BINARY, CLOSE, CONTINUATION, TEXT, DaemonCase, close_payload, frame

CONFIG = """
[server]
threads = 2

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"

[route.others]
path = "/others/{room}"
type = "pubsub"
topics = ["others/{room}"]
publish = "anyone"
include_sender = false

[route.listen]
path = "/listen/{room}"
type = "pubsub"
topics = ["chat/{room}"]

[route.deaf]
path = "/deaf/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "ignore"

[route.ticker]
path = "/ticker"
type = "pubsub"
topics = ["ticker"]
publish = "anyone"
publish_to = "answers"

[route.feed]
path = "/feed"
type = "pubsub"
topics = ["answers"]
publish = "anyone"
publish_to = "ticker"

[route.both]
path = "/both/{a}/{b}"
type = "pubsub"
topics = ["chat/{a}", "chat/{b}"]
publish = "anyone"

[route.choice]
path = "/choice/{room}"
type = "pubsub"
select = "query"
topics = ["chat/{room}/*", "news/**"]
max_topics = 2

[route.echo]
path = "/echo"
type = "echo"

[route.deep]
path = "/deep/{topic...}"
type = "pubsub"
topics = ["{topic}"]
publish = "anyone"
"""


class Topics(DaemonCase):
    config = CONFIG

    def assert_hears_nothing_but(self, client, *messages):
        """`client` gets `messages` and no other before the answer to its close."""
        heard = [client.read_message() for _ in messages]  # they may come by another reactor
        client.send_frame(CLOSE, close_payload(1000))
        while True:
            got = client.read_frame()
            if got.opcode == CLOSE:
                break
            heard.append(got.payload)
        self.assertEqual(heard, list(messages))

    def test_everyone_in_the_room_hears_the_sender_included(self):
        clients = [self.open("/chat/lobby") for _ in range(8)]
        clients[3].send_frame(TEXT, "hello, room")
        for client in clients:
            got = client.read_frame()
            self.assertEqual((got.opcode, got.payload), (TEXT, b"hello, room"))

    def test_without_include_sender_the_sender_does_not(self):
        speaker, listener = self.open("/others/a"), self.open("/others/a")
        speaker.send_frame(TEXT, "one")
        self.assertEqual(listener.read_message(), b"one")
        listener.send_frame(TEXT, "two")
        self.assertEqual(speaker.read_message(), b"two")
        self.assert_hears_nothing_but(speaker)
        self.assert_hears_nothing_but(listener)

    def test_rooms_are_apart(self):
        red, blue = self.open("/chat/red"), self.open("/chat/blue")
        red.send_frame(TEXT, "for red")
        self.assertEqual(red.read_message(), b"for red")
        blue.send_frame(TEXT, "for blue")
        self.assertEqual(blue.read_message(), b"for blue")

    def test_text_stays_text_and_binary_binary(self):
        speaker, listener = self.open("/chat/kinds"), self.open("/listen/kinds")
        for opcode, payload in ((TEXT, b"text"), (BINARY, b"\xff\0"), (TEXT, b""), (BINARY, b"x" * 70_000)):
            speaker.send_frame(opcode, payload)
            got = listener.read_frame()
            self.assertEqual((got.opcode, got.payload), (opcode, payload))

    def test_fragments_arrive_as_one_message(self):
        speaker, listener = self.open("/chat/pieces"), self.open("/listen/pieces")
        speaker.send(frame(TEXT, "in ", fin=False) + frame(CONTINUATION, "pieces"))
        self.assertEqual(listener.read_frame().payload, b"in pieces")

    def test_a_room_is_its_decoded_name(self):
        one, two = self.open("/chat/caf%C3%A9%20bar"), self.open("/chat/%63af%c3%a9%20bar")
        one.send_frame(TEXT, "same room")
        self.assertEqual(two.read_message(), b"same room")

    def test_a_parameter_never_brings_a_slash(self):
        for path in ("/chat/a%2Fb", "/chat/a%2fb", "/chat/a/b", "/chat/", "/chat", "/chat/..", "/chat/%2e%2e",
                     "/chat/%00", "/chat/%ff", "/chat/%"):
            with self.subTest(path):
                self.assertIn(self.connect().upgrade(path).status, (400, 404))

    def test_a_path_that_makes_no_topic_is_answered_with_the_reason(self):
        paths = {"/chat/*": b"stands for others", "/chat/" + "x" * 251: b"255 octets", "/deep/": b"is empty",
                 "/deep/a//b": b"empty segment", "/deep/a/**": b"stands for others", "/choice/*?topic=news": b"wildcard"}
        for path, reason in paths.items():
            with self.subTest(path):
                answer = self.connect().upgrade(path)
                self.assertEqual(answer.status, 400)
                self.assertIn(reason, answer.body)
        self.open("/chat/" + "x" * 250)

    def test_a_client_chooses_of_what_the_route_has(self):
        one = self.open("/choice/a?topic=chat/a/b&topic=news/x%2Fy&topic=chat/a/b")
        other = self.open("/choice/a?topic=news")
        for path, message in (("/deep/news", "to the other"), ("/deep/chat/a/c", "to nobody"), ("/deep/chat/a/b", "first"),
                              ("/deep/news/x/y", "second")):
            speaker = self.open(path)
            speaker.send_frame(TEXT, message)
            self.assertEqual(speaker.read_message(), message.encode())
        self.assert_hears_nothing_but(one, b"first", b"second")
        self.assert_hears_nothing_but(other, b"to the other")

    def test_a_client_chooses_nothing_else(self):
        statuses = {"": 400, "?topic=": 400, "?topic=chat/a/b&topic=chat/b/b": 403, "?topic=chat/a": 403,
                    "?topic=news/*": 403, "?topic=news/%ff": 400, "?topic=news/1&topic=news/2&topic=news/3": 400}
        for query, status in statuses.items():
            with self.subTest(query):
                self.assertEqual(self.connect().upgrade("/choice/a" + query).status, status)

    def test_who_may_not_publish_is_closed(self):
        listener, room = self.open("/listen/mute"), self.open("/chat/mute")
        listener.send_frame(TEXT, "let me speak")
        self.assertEqual(listener.read_close()[0], 1008)
        room.send_frame(TEXT, "first")
        self.assertEqual(room.read_message(), b"first")

    def test_what_is_ignored_is_heard_by_nobody(self):
        deaf, room = self.open("/deaf/shh"), self.open("/chat/shh")
        deaf.send(frame(TEXT, "psst") * 3)
        room.send_frame(TEXT, "first")
        self.assertEqual(room.read_message(), b"first")
        self.assertEqual(deaf.read_message(), b"first")
        self.assert_hears_nothing_but(deaf)

    def test_publish_to_another_topic(self):
        feeder, pages = self.open("/feed"), [self.open("/ticker") for _ in range(3)]
        feeder.send_frame(TEXT, '{"price":101.25}')
        for page in pages:
            self.assertEqual(page.read_message(), b'{"price":101.25}')
            page.send_frame(TEXT, "Message received.")
        for _ in pages:
            self.assertEqual(feeder.read_message(), b"Message received.")
        for client in [feeder, *pages]:
            self.assert_hears_nothing_but(client)

    def test_a_client_may_hear_several_topics(self):
        both, a, b = self.open("/both/left/right"), self.open("/chat/left"), self.open("/chat/right")
        a.send_frame(TEXT, "from the left")
        self.assertEqual(both.read_message(), b"from the left")
        b.send_frame(TEXT, "from the right")
        self.assertEqual(both.read_message(), b"from the right")
        both.send_frame(TEXT, "to the first")
        self.assertEqual(a.read_message(), b"from the left")
        self.assertEqual(a.read_message(), b"to the first")
        self.assert_hears_nothing_but(b, b"from the right")

    def test_a_topic_named_twice_delivers_once(self):
        both, room = self.open("/both/same/same"), self.open("/chat/same")
        room.send_frame(TEXT, "once")
        self.assertEqual(both.read_message(), b"once")
        self.assert_hears_nothing_but(both)

    def test_who_left_is_not_missed(self):
        stays = self.open("/chat/leaving")
        for turn in range(20):
            leaves = self.open("/chat/leaving")
            leaves.send_frame(TEXT, f"{turn}")
            self.assertEqual(stays.read_message(), f"{turn}".encode())
            leaves.reset() if turn % 2 else leaves.close()
        stays.send_frame(TEXT, "alone")
        self.assertEqual(stays.read_message(), b"alone")

    def test_a_message_published_with_the_handshake_is_heard_by_its_sender(self):
        client = self.connect()
        client.send(client.upgrade_head("/chat/early") + frame(TEXT, "early"))
        self.assertEqual(client.read_response().status, 101)
        self.assertEqual(client.read_message(), b"early")

    def test_a_topic_without_subscribers_swallows(self):
        feeder = self.open("/feed")
        feeder.send(frame(TEXT, "nobody hears") * 100)
        self.assert_hears_nothing_but(feeder)


class Order(unittest.IsolatedAsyncioTestCase, DaemonCase):
    """Several publishers at once, subscribers on every reactor."""

    config = CONFIG
    subscribers = 12
    publishers = 6
    messages = 150

    async def listen(self, client):
        return [await client.recv() for _ in range(self.publishers * self.messages)]

    async def publish(self, client, number):
        for i in range(self.messages):
            await client.send(f"{number} {i}")
            if i % 10 == number:
                await asyncio.sleep(0)

    async def test_all_subscribers_see_one_order(self):
        listeners = [await websockets.connect(self.daemon.url("/listen/order")) for _ in range(self.subscribers)]
        speakers = [await websockets.connect(self.daemon.url("/chat/order")) for _ in range(self.publishers)]
        hearing = [asyncio.create_task(self.listen(client)) for client in listeners + speakers]
        await asyncio.gather(*(self.publish(client, number) for number, client in enumerate(speakers)))
        heard = await asyncio.wait_for(asyncio.gather(*hearing), 30)

        for other in heard[1:]:
            self.assertTrue(other == heard[0], "two subscribers saw two orders")
        by_publisher = collections.defaultdict(list)
        for message in heard[0]:
            number, i = message.split()
            by_publisher[int(number)].append(int(i))
        self.assertEqual(dict(by_publisher), {n: list(range(self.messages)) for n in range(self.publishers)})
        await asyncio.gather(*(client.close() for client in listeners + speakers))
