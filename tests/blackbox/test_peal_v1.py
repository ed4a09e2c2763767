# SPDX-License-Identifier: Apache-2.0
"""The sub-protocol peal.v1: what is told of messages, and what clients may ask for."""

import base64
import json
import re
import unittest

import websockets

from support import BINARY, CLOSE, TEXT, DaemonCase, close_payload, frame, wait_until

CONFIG = """
[server]
threads = 2

[limits]
close_timeout = "200ms"

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
subprotocols = ["chat", "peal.v2"]

[route.others]
path = "/others/{room}"
type = "pubsub"
topics = ["chat/{room}"]
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

[route.newest]
path = "/newest/{room}"
type = "pubsub"
topics = ["chat/{room}"]
replay = { last = 2 }

[route.live]
path = "/live/{room}"
type = "pubsub"
select = "query"
topics = ["chat/{room}", "news/**"]
wildcards = true
max_topics = 3
publish = "anyone"
publish_to = "news/{room}"

[route.both]
path = "/both/{a}/{b}"
type = "pubsub"
topics = ["chat/{a}", "chat/{b}"]

[route.slow]
path = "/slow/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
limits = { message_rate = "5/s", message_size = "64KiB" }

[topic.chat]
match = "chat/**"
history = { size = 4 }
"""

PEAL_V1 = "Sec-WebSocket-Protocol: peal.v1"
ID = re.compile(r"[0-9a-f]{16}-\d+")


class PealCase(DaemonCase):
    config = CONFIG

    def peal(self, path, **options):
        """A WebSocket that speaks peal.v1."""
        client = self.connect(**options)
        answer = client.upgrade(path, PEAL_V1)
        self.assertEqual((answer.status, answer.headers.get("sec-websocket-protocol")), (101, "peal.v1"), answer.body)
        return client

    def subscribed(self, path, topic):
        """The same, past the announcement of its topic."""
        client = self.peal(path)
        self.assertEqual(self.hear(client)["subscribed"], topic)
        return client

    def hear(self, client):
        got = client.read_frame()
        self.assertEqual(got.opcode, TEXT)
        return json.loads(got.payload)

    def ask(self, client, **command):
        client.send_frame(TEXT, json.dumps(command))

    def publish(self, client, *texts):
        """The ids of those texts."""
        ids = []
        for text in texts:
            self.ask(client, data=text, ref=9)
            while "published" not in (said := self.hear(client)):
                pass
            ids.append(said["id"])
        return ids

    def assert_hears_nothing_but(self, client, *said):
        client.send_frame(CLOSE, close_payload(1000))
        heard = []
        while (got := client.read_frame()).opcode != CLOSE:
            heard.append(json.loads(got.payload))
        self.assertEqual(heard, list(said))


class Agreement(PealCase):
    def test_it_is_known_on_every_route_with_topics_and_wins(self):
        for offers, chosen in (("peal.v1", "peal.v1"), ("chat, peal.v1", "peal.v1"), ("chat", "chat"), ("Peal.V1", None),
                               ("peal.v2", "peal.v2"), ("other", None)):
            with self.subTest(offers):
                answer = self.connect().upgrade("/chat/a", f"Sec-WebSocket-Protocol: {offers}")
                self.assertEqual((answer.status, answer.headers.get("sec-websocket-protocol")), (101, chosen))

    def test_who_does_not_ask_for_it_gets_payloads(self):
        plain, peal = self.open("/chat/both"), self.subscribed("/chat/both", "chat/both")
        plain.send_frame(TEXT, '{"data":"no command"}')
        self.assertEqual(plain.read_message(), b'{"data":"no command"}')
        self.assertEqual(self.hear(peal)["data"], '{"data":"no command"}')
        self.ask(peal, data="a command")
        self.assertEqual(plain.read_message(), b"a command")


class Messages(PealCase):
    def test_a_topic_is_announced_and_its_messages_follow_by_id(self):
        client, plain = self.peal("/chat/ids"), self.open("/chat/ids")
        ready = self.hear(client)
        self.assertEqual(ready, {"subscribed": "chat/ids", "next": ready["next"]})
        epoch, offset = ready["next"].split("-")
        for i, text in enumerate(("one", "é\n\"\\\0", ""), 1):
            plain.send_frame(TEXT, text)
            self.assertEqual(self.hear(client),
                             {"id": f"{epoch}-{int(offset) + i}", "topic": "chat/ids", "data": text})

    def test_binary_comes_as_base64_and_may_be_sent_so(self):
        client, plain = self.subscribed("/chat/bytes", "chat/bytes"), self.open("/chat/bytes")
        for size in range(5):
            octets = bytes(range(250, 250 + size))
            plain.send_frame(BINARY, octets)
            said = self.hear(client)
            self.assertEqual((base64.b64decode(said["base64"]), "data" in said), (octets, False))
            self.assertEqual(plain.read_frame().payload, octets)
            self.ask(client, base64=base64.b64encode(octets).decode())
            got = plain.read_frame()
            self.assertEqual((got.opcode, got.payload), (BINARY, octets))
            self.hear(client)

    def test_the_newest_are_sent_where_the_route_says_so(self):
        speaker = self.subscribed("/chat/newest", "chat/newest")
        ids = self.publish(speaker, "1", "2", "3")
        client = self.peal("/newest/newest")
        self.assertEqual(self.hear(client), {"subscribed": "chat/newest", "next": ids[0]})
        self.assertEqual([self.hear(client)["id"] for _ in range(2)], ids[1:])

    def test_long_messages(self):
        client, plain = self.subscribed("/chat/long", "chat/long"), self.open("/chat/long")
        for size in (100_000, 500_000, 10):
            self.ask(client, data="x" * size)
            self.assertEqual(len(plain.read_message()), size)
            self.assertEqual(self.hear(client)["data"], "x" * size)


class Compressed(unittest.IsolatedAsyncioTestCase, PealCase):
    async def test_messages_are_compressed_and_answers_stand_between_them(self):
        async with (websockets.connect(self.daemon.url("/chat/small"), subprotocols=["peal.v1"]) as client,
                    websockets.connect(self.daemon.url("/listen/small"), subprotocols=["peal.v1"]) as other):
            self.assertIn("permessage-deflate", client.response_headers["Sec-WebSocket-Extensions"])
            for heard in (await client.recv(), await other.recv()):
                self.assertEqual(json.loads(heard)["subscribed"], "chat/small")
            for i in range(20):
                text = f"{i} " * 500
                await client.send(json.dumps({"data": text, "ref": i}))
                self.assertEqual(json.loads(await other.recv())["data"], text)
                said = [json.loads(await client.recv()) for _ in range(2)]
                self.assertCountEqual(["published" in one for one in said], [True, False])


class Publishing(PealCase):
    def test_who_gives_a_ref_is_told_the_id_and_how_many_hear_it(self):
        client = self.subscribed("/chat/told", "chat/told")
        others = [self.open("/listen/told") for _ in range(4)]
        said = {}

        def all_are_counted():  # a topic's home hears of those on other reactors a turn later
            self.ask(client, publish="chat/told", data="hello", ref=2147483647)
            for one in (self.hear(client), self.hear(client)):
                said["published" if "published" in one else "message"] = one
            return said["published"]["subscribers"] == 5

        wait_until(all_are_counted, "five hear it")
        self.assertEqual(said["published"], {"published": "chat/told", "id": said["message"]["id"], "subscribers": 5,
                                             "ref": 2147483647})
        for other in others:
            self.assertEqual(other.read_message(), b"hello")
        self.ask(client, data="without")
        self.assertEqual(self.hear(client)["data"], "without")
        self.assert_hears_nothing_but(client)

    def test_without_include_sender_the_sender_is_told_only(self):
        client, other = self.subscribed("/others/x", "chat/x"), self.open("/listen/x")
        self.ask(client, data="hello", ref=0)
        self.assertEqual(self.hear(client)["ref"], 0)
        self.assertEqual(other.read_message(), b"hello")
        self.assert_hears_nothing_but(client)

    def test_who_may_not_is_told_so_and_goes_on(self):
        for path in ("/listen/mute", "/deaf/mute"):
            client = self.subscribed(path, "chat/mute")
            self.ask(client, data="let me speak", ref=4)
            error = self.hear(client)
            self.assertEqual((error["error"], error["ref"]), ("forbidden", 4))
            self.open("/chat/mute").send_frame(TEXT, "first")
            self.assertEqual(self.hear(client)["data"], "first")
        client = self.subscribed("/chat/mute", "chat/mute")
        self.ask(client, publish="chat/other", data="elsewhere")
        self.assertEqual(self.hear(client)["error"], "forbidden")

    def test_order_is_kept(self):
        client, other = self.subscribed("/chat/order", "chat/order"), self.open("/listen/order")
        client.send(b"".join(frame(TEXT, json.dumps({"data": str(i), "ref": i})) for i in range(500)))
        self.assertEqual([other.read_message() for _ in range(500)], [b"%d" % i for i in range(500)])
        said = [self.hear(client) for _ in range(1000)]
        self.assertEqual([one["ref"] for one in said if "ref" in one], list(range(500)))
        self.assertEqual([one["data"] for one in said if "data" in one], [str(i) for i in range(500)])


class Subscribing(PealCase):
    def test_topics_come_and_go_on_an_open_connection(self):
        client, lobby = self.peal("/live/lobby"), self.open("/chat/lobby")
        self.ask(client, subscribe="chat/lobby", ref=1)
        ready = self.hear(client)
        self.assertEqual(ready, {"subscribed": "chat/lobby", "next": ready["next"], "ref": 1})
        lobby.send_frame(TEXT, "heard")
        self.assertEqual(self.hear(client)["data"], "heard")
        self.ask(client, unsubscribe="chat/lobby", ref=2)
        self.assertEqual(self.hear(client), {"unsubscribed": "chat/lobby", "ref": 2})
        lobby.send_frame(TEXT, "not heard")
        for _ in range(2):
            lobby.read_message()
        self.ask(client, subscribe="chat/lobby", last=1)
        self.hear(client)
        self.assertEqual(self.hear(client)["data"], "not heard")
        self.assert_hears_nothing_but(client)

    def test_topics_of_the_request_and_of_commands(self):
        client = self.peal("/live/x?topic=news/a")
        self.assertEqual(self.hear(client)["subscribed"], "news/a")
        self.ask(client, subscribe="news/b/**", ref=0)
        self.assertEqual(self.hear(client), {"subscribed": "news/b/**", "ref": 0})
        self.ask(client, publish="news/x", data="nobody here hears it")
        for room in ("a", "b"):
            self.ask(self.peal(f"/live/{room}"), data=f"of {room}")
            self.assertEqual(self.hear(client)["topic"], f"news/{room}")
        self.assert_hears_nothing_but(client)

    def test_since_goes_on_where_it_was(self):
        speaker = self.subscribed("/chat/since", "chat/since")
        ids = self.publish(speaker, *"123456")
        client = self.peal("/live/since")
        self.ask(client, subscribe="chat/since", since=ids[3])
        self.assertEqual(self.hear(client), {"subscribed": "chat/since", "next": ids[3]})
        self.assertEqual([self.hear(client)["id"] for _ in range(2)], ids[4:])
        self.assert_hears_nothing_but(client)

    def test_a_gap_is_told(self):
        speaker = self.subscribed("/chat/gap", "chat/gap")
        ids = self.publish(speaker, *"123456")
        for since in (ids[0], "0123456789abcdef-5", ids[0].split("-")[0] + "-1000"):
            client = self.peal("/live/gap")
            self.ask(client, subscribe="chat/gap", since=since, ref=7)
            self.assertEqual(self.hear(client), {"subscribed": "chat/gap", "next": ids[1], "ref": 7})
            self.assertEqual(self.hear(client), {"gap": True, "topic": "chat/gap", "next": ids[1]})
            self.assertEqual([self.hear(client)["id"] for _ in range(4)], ids[2:])
            self.assert_hears_nothing_but(client)

    def test_what_does_not_go_is_told_by_name(self):
        client = self.peal("/live/x?topic=news")
        self.hear(client)
        for command, code in (({"subscribe": "chat/y"}, "forbidden"), ({"subscribe": "chat/*"}, "forbidden"),
                              ({"subscribe": "news//x"}, "bad_topic"), ({"subscribe": "news/**/x"}, "bad_topic"),
                              ({"subscribe": "news/**", "last": 1}, "bad_command"),
                              ({"subscribe": "news"}, "already_subscribed"), ({"unsubscribe": "chat/x"}, "not_subscribed"),
                              ({"unsubscribe": "**"}, "not_subscribed"), ({"subscribe": "news", "since": "x"}, "bad_command"),
                              ({"date": "x"}, "bad_command"), ({}, "bad_command")):
            with self.subTest(command):
                self.ask(client, **command, ref=3)
                error = self.hear(client)
                self.assertEqual((error["error"], error["ref"]), (code, 3))
                self.assertTrue(error["message"])
        for topic in ("news/1", "news/2"):
            self.ask(client, subscribe=topic)
            self.assertEqual(self.hear(client)["subscribed"], topic)
        self.ask(client, subscribe="news/3")
        self.assertEqual(self.hear(client)["error"], "too_many_topics")
        self.ask(client, unsubscribe="news/1")
        self.hear(client)
        self.ask(client, subscribe="news/3")
        self.assertEqual(self.hear(client)["subscribed"], "news/3")

    def test_where_the_route_says_what_is_heard_nobody_else_does(self):
        client = self.subscribed("/chat/fixed", "chat/fixed")
        for command in ({"subscribe": "chat/other"}, {"unsubscribe": "chat/fixed"}):
            self.ask(client, **command)
            self.assertEqual(self.hear(client)["error"], "forbidden")


class Resuming(PealCase):
    def hear_by_topic(self, client, count):
        heard = {}
        for _ in range(count):
            said = self.hear(client)
            heard.setdefault(said.get("subscribed") or said["topic"], []).append(said)
        return heard

    def test_a_position_has_an_offset_for_each_topic(self):
        one = self.publish(self.subscribed("/chat/one", "chat/one"), *"123")
        two = self.publish(self.subscribed("/chat/two", "chat/two"), *"123456")
        epoch, offset = one[1].split("-")
        since = f"{epoch}-{two[4].split('-')[1]}.{offset}"
        route = "/both/two/one"
        heard = self.hear_by_topic(self.peal(f"{route}?since={since}"), 4)
        self.assertEqual(heard["chat/one"], [{"subscribed": "chat/one", "next": one[1]},
                                             {"id": one[2], "topic": "chat/one", "data": "3"}])
        self.assertEqual(heard["chat/two"], [{"subscribed": "chat/two", "next": two[4]},
                                             {"id": two[5], "topic": "chat/two", "data": "6"}])
        heard = self.hear_by_topic(self.peal(f"{route}?since={epoch}-0.{offset}"), 8)
        self.assertEqual(heard["chat/two"][:2], [{"subscribed": "chat/two", "next": two[1]},
                                                 {"gap": True, "topic": "chat/two", "next": two[1]}])
        self.assertEqual([said["id"] for said in heard["chat/two"][2:]], two[2:])
        self.assertEqual(len(heard["chat/one"]), 2)
        self.assertEqual(self.connect().upgrade(f"{route}?since={epoch}-1", PEAL_V1).status, 400)

    def test_who_comes_back_knows_its_own_by_the_ids_it_was_told(self):
        other = self.subscribed("/others/own", "chat/own")
        client = self.subscribed("/others/own", "chat/own")
        mine = self.publish(client, "a", "b")
        theirs = self.publish(other, "c")
        self.assertEqual(self.hear(client)["id"], theirs[0])  # and nothing of its own before
        client.close()
        epoch, offset = mine[0].split("-")
        back = self.peal(f"/others/own?since={epoch}-{int(offset) - 1}")
        self.assertIn("subscribed", self.hear(back))
        heard = [self.hear(back)["id"] for _ in range(3)]
        self.assertEqual([said for said in heard if said not in mine], theirs)
        self.assertEqual(len(heard), 3)
        self.assert_hears_nothing_but(back)

    def test_who_comes_back_with_a_pattern_is_told_of_a_gap(self):
        client = self.peal("/live/x?topic=news/**&since=0123456789abcdef-0")
        self.assertEqual(self.hear(client), {"subscribed": "news/**"})
        self.assertEqual(self.hear(client), {"gap": True, "topic": "news/**"})

    def test_the_last_ones(self):
        ids = self.publish(self.subscribed("/chat/last", "chat/last"), *"123")
        client = self.peal("/chat/last?last=2")
        self.assertEqual(self.hear(client)["next"], ids[0])
        self.assertEqual([self.hear(client)["id"] for _ in range(2)], ids[1:])


class Trouble(PealCase):
    def test_binary_closes(self):
        client = self.subscribed("/chat/binary", "chat/binary")
        client.send_frame(BINARY, b'{"data":"x"}')
        self.assert_closes(client, 1003)

    def test_the_third_message_that_is_no_object_closes(self):
        client = self.subscribed("/chat/garbled", "chat/garbled")
        for i, text in enumerate(("hello", '{"data":', "[]")):
            self.ask(client, date=i)
            self.assertEqual(self.hear(client)["error"], "bad_command")
            client.send_frame(TEXT, text)
            self.assertEqual(self.hear(client)["error"], "not_json")
        self.assert_closes(client, 1008)

    def test_commands_count_as_messages(self):
        client = self.subscribed("/slow/rate", "chat/rate")
        client.send(frame(TEXT, '{"data":"x"}') * 10)
        heard = 0
        while (got := client.read_frame()).opcode != CLOSE:
            heard += 1
        self.assertEqual((got.payload[:2], heard <= 6), (b"\x03\xf0", True))
        client = self.subscribed("/slow/size", "chat/size")
        self.ask(client, data="x" * 70_000)
        self.assert_closes(client, 1009)

    def test_who_asks_without_reading_is_not_listened_to(self):
        client = self.peal("/live/deaf", receive_buffer=4096)
        client.socket.settimeout(1)
        flood = frame(TEXT, '{"unsubscribe":"news/nothing","ref":1}') * 1000
        with self.assertRaises(TimeoutError):
            for _ in range(2000):
                client.send(flood)
        client.socket.settimeout(10)
        for _ in range(1000):
            self.assertEqual(self.hear(client)["error"], "not_subscribed")

    def test_who_leaves_in_the_middle_of_it_is_not_missed(self):
        for i in range(50):
            client = self.peal("/live/leaves?topic=news")
            client.send(frame(TEXT, '{"subscribe":"chat/leaves","ref":1}') + frame(TEXT, '{"data":"x","ref":2}') * 10)
            client.reset() if i % 2 else client.close()
        self.subscribed("/chat/leaves", "chat/leaves")


if __name__ == "__main__":
    unittest.main()
