# SPDX-License-Identifier: Apache-2.0
"""peal-load against the real daemon, and against servers that get it wrong."""

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import unittest

import websockets

from support import IO, PEALD, SANITIZED, Daemon, DaemonCase, wait_until
from support.certificates import Authority

BESIDE = pathlib.Path(PEALD).parents[1] / "loadtest/peal-load"  # of the same build, where that has one
BUILT = pathlib.Path(__file__).resolve().parents[2] / "build/loadtest/peal-load"
PEAL_LOAD = os.environ.get("PEAL_LOAD", str(BESIDE if BESIDE.exists() else BUILT))


def setUpModule():
    if SANITIZED and IO == "epoll":
        raise unittest.SkipTest("once is enough where all is slow")


CONFIG = """
[limits]
message_size = "2MiB"
queue_size = "4MiB"
connections_per_ip = 80

[route.echo]
path = "/echo"
type = "echo"

[route.room]
path = "/room/{name}"
type = "pubsub"
topics = ["room/{name}"]
publish = "anyone"

[route.silent]
path = "/silent"
type = "pubsub"
topics = ["silent"]
publish = "ignore"

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = { bearer_file = "tokens" }
"""


def begin(*words, wrap=()):
    return subprocess.Popen([*wrap, PEAL_LOAD, *map(str, words)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Outcome:
    def __init__(self, process):
        self.out, self.err = process.communicate(timeout=60)
        self.code = process.returncode

    @property
    def json(self):
        return json.loads(self.out)


def load(*words, wrap=()):
    """Runs peal-load to its end."""
    return Outcome(begin(*words, wrap=wrap))


def quick(scenario, url, *words, duration="300ms"):
    """A short run that tells its result as JSON."""
    warmup = () if scenario == "connect" else ("--warmup", "50ms")
    return load(scenario, url, "--io", IO, "--duration", duration, *warmup, "--json", "-", *words)


class AgainstPeald(DaemonCase):
    config = CONFIG

    @staticmethod
    def prepare(folder):
        (folder / "tokens").write_text("secret\n")

    def assert_good(self, outcome):
        self.assertEqual((outcome.code, outcome.err), (0, ""), outcome.out)
        return outcome.json

    def test_echo(self):
        told = self.assert_good(quick("echo", self.daemon.url("/echo"), "--connections", 8, "--depth", 2,
                                      "--server-pid", self.daemon.process.pid, duration="1s"))
        messages = told["messages"]
        self.assertGreater(messages["received"], 100)
        self.assertGreaterEqual(messages["sent"], messages["received"])
        self.assertEqual(messages["payload_bytes"], 64 * messages["received"])
        # With those that were on their way when the measured time was over.
        self.assertLessEqual(sum(times for _, times in messages["latency_buckets_us"]) - messages["received"], 16)
        self.assertEqual((messages["seconds"], told["options"]["io"]), (1.0, IO))
        self.assertGreater(told["server_cpu"]["us_per_unit"], 0)
        self.assertGreater(told["own_cpu"]["us_per_unit"], 0)
        self.assertGreater(told["server_memory_open"]["rss"], 1 << 20)
        self.assertEqual(told["server"], "peald")
        self.assertGreater(len(told["series"]), 5)

    def test_sizes_threads_and_text(self):
        told = self.assert_good(quick("echo", self.daemon.url("/echo"), "--connections", 5, "--threads", 2, "--text",
                                      "--size", "0,1,31,32,33,125,126,5000,70000,1MiB", "--depth", 3,
                                      duration="1s"))
        self.assertEqual(told["options"]["threads"], 2)

    def test_compressed_echo(self):
        told = self.assert_good(quick("echo", self.daemon.url("/echo"), "--connections", 4, "--compress",
                                      "--size", "64:3,1KiB:2,100KiB:1", duration="1s"))
        self.assertEqual(told["connections"]["compressed"], 4)

    def test_open_loop(self):
        told = self.assert_good(quick("echo", self.daemon.url("/echo"), "--connections", 20, "--rate", "500/s",
                                      "--threads", 2, duration="1s"))
        self.assertEqual(told["messages"]["sent"], 525)  # in the time before what is measured, too
        self.assertEqual(told["messages"]["lag_us"]["count"], 525)

    def test_more_than_anybody_can_do(self):
        messages = quick("echo", self.daemon.url("/echo"), "--connections", 1, "--rate", 1_000_000_000, "--depth", 1,
                         "--timeout", "3s").json["messages"]
        self.assertEqual(messages["sent"] + messages["unsent"], 350_000_000)

    def test_more_than_the_server_can_do_is_told(self):
        done = quick("echo", self.daemon.url("/echo"), "--connections", 1, "--rate", 5_000_000, "--depth", 1,
                     "--timeout", "5s")
        self.assertIn("messages were due and could not be sent in time: ", done.err)
        self.assertGreater(done.json["messages"]["unsent"], 1000)
        self.assertEqual(sum(done.json["messages"]["faults"].values()), 0)

    def test_fanout(self):
        told = self.assert_good(quick("fanout", self.daemon.url("/room/a"), "--subscribers", 20, "--publishers", 3,
                                      "--depth", 2, "--threads", 2, "--size", "32,64,20KiB", duration="1s"))
        self.assertGreater(told["messages"]["received"], 100)
        # Publishers are subscribers of the room as well.
        self.assertGreater(told["messages"]["received_by_publishers"], 10)

    def test_fanout_to_more_than_a_turn_has_time_for(self):
        config = CONFIG.replace("connections_per_ip = 80\n", "")
        daemon = Daemon(config, "--set", "server.threads=2", prepare=self.prepare)
        self.addCleanup(daemon.stop)
        told = self.assert_good(quick("fanout", daemon.url("/room/many"), "--subscribers", 1200, "--publishers", 3,
                                      "--depth", 4, "--threads", 2, duration="1s"))
        self.assertGreater(told["messages"]["received"], 5 * 1200)

    def test_fanout_compressed_in_an_open_loop(self):
        told = self.assert_good(quick("fanout", self.daemon.url("/room/b"), "--subscribers", 10, "--rate", 100,
                                      "--compress", "--size", "1KiB", duration="500ms"))
        self.assertEqual(told["messages"]["sent"], 55)

    def test_event_streams_and_posts(self):
        url = f"http://{self.daemon.host}/publish/room/c"
        told = self.assert_good(quick("fanout", f"http://{self.daemon.host}/room/c", "--subscribers", 10,
                                      "--publishers", 2, "--transport", "sse", "--size", "64,30000",
                                      "--publish-url", url, "--publish-header", "Authorization: Bearer secret",
                                      duration="1s"))
        self.assertGreater(told["messages"]["received"], 20)
        self.assertEqual(told["messages"]["received_by_publishers"], 0)
        done = quick("fanout", f"http://{self.daemon.host}/room/c", "--subscribers", 2, "--publish-url", url,
                     "--timeout", "1s")
        self.assertEqual(done.code, 1)
        self.assertIn("publications were answered with 401", done.err)

    def test_connect(self):
        for transport in ("websocket", "sse"):
            told = self.assert_good(quick("connect", self.daemon.url("/room/d"), "--connections", 30, "--transport",
                                          transport, "--ramp-up", "200ms", "--server-pid", self.daemon.process.pid))
            self.assertEqual(told["connections"]["opened"], 30)
            self.assertGreaterEqual(told["connections"]["seconds"], 0.1)  # the first one may come late
            self.assertIn("pss", told["server_memory_per_connection"])
            self.assertNotIn("messages", told)

    def test_source_addresses(self):
        """The daemon takes 80 connections of one address."""
        url = self.daemon.url("/echo")
        done = quick("connect", url, "--connections", 90)
        self.assertEqual((done.code, done.json["connections"]["opened"]), (1, 80))
        self.assertIn("connections failed", done.err)
        told = self.assert_good(quick("echo", url, "--connections", 90, "--source", "127.0.0.2-127.0.0.3",
                                      "--source", "127.0.0.9"))
        self.assertEqual(told["connections"]["opened"], 90)

    def test_what_is_printed(self):
        url = self.daemon.url("/echo")
        with tempfile.TemporaryDirectory() as folder:
            page, result = pathlib.Path(folder) / "a.html", pathlib.Path(folder) / "a.json"
            done = load("echo", url, "--duration", "200ms", "--warmup", "0s", "--html", page, "--json", result)
            self.assertEqual((done.code, done.err), (0, ""))
            for line in ("messages", "latency", "own CPU", "every message: count, order, content"):
                self.assertIn(line, done.out)
            self.assertIn(f'"url": "{url}"', page.read_text())
            self.assertTrue(json.loads(result.read_text())["good"])
            done = load("echo", url, "--duration", "100ms", "--warmup", "0s", "--quiet")
            self.assertEqual((done.code, done.out, done.err), (0, "", ""))
            done = load("echo", url, "--duration", "100ms", "--warmup", "0s", "--quiet", "--json", "/nowhere/x")
            self.assertEqual((done.code, done.err), (1, "peal-load: /nowhere/x: No such file or directory\n"))

    def test_an_interrupt_ends_it_with_a_result(self):
        before = self.daemon.cpu_seconds()
        process = begin("echo", self.daemon.url("/echo"), "--duration", "1h", "--warmup", "0s", "--json", "-")
        wait_until(lambda: self.daemon.cpu_seconds() > before + 0.05, "the daemon works")
        process.send_signal(signal.SIGINT)
        done = Outcome(process)
        self.assertTrue(done.json["interrupted"])
        self.assertEqual(sum(done.json["messages"]["faults"].values()), 0)

    def test_a_route_that_does_not_echo(self):
        done = quick("echo", self.daemon.url("/room/e"), "--connections", 5)
        self.assertEqual(done.code, 1)
        faults = done.json["messages"]["faults"]
        self.assertGreater(faults["wrong"] + faults["out_of_order"] + faults["unexpected"], 0)
        done = quick("echo", self.daemon.url("/silent"), "--connections", 5, "--depth", 2, "--timeout", "1s")
        self.assertEqual((done.code, done.json["messages"]["faults"]["missing"]), (1, 10))

    def test_no_websocket_there(self):
        done = quick("echo", self.daemon.url("/nope"))
        self.assertEqual(done.code, 1)
        self.assertIn("the answer was no WebSocket but: HTTP/1.1 404 Not Found", done.err)

    def test_too_few_files(self):
        done = load("connect", self.daemon.url("/echo"), "--connections", 100,
                    wrap=("prlimit", "--nofile=60:60", "--"))
        self.assertEqual(done.code, 1)
        for words in ("open files, but the hard limit of this process is 60", "`ulimit -Hn 128`", "fs.nr_open"):
            self.assertIn(words, done.err)

    def test_wrong_usage(self):
        url = self.daemon.url("/echo")
        for words in ((), ("echo",), ("juggle", url), ("echo", url, "--size", "big"), ("echo", "nonsense"),
                      ("connect", url, "--depth", "2"), ("fanout", url, "--size", "8"), ("echo", url, "--nope")):
            with self.subTest(words):
                self.assertEqual(load(*words).code, 2)
        self.assertEqual(load("--help").code, 0)
        self.assertRegex(load("--version").out, r"^peal-load \d+\.\d+\.\d+\n$")


class Elsewhere(unittest.TestCase):
    def test_nobody_listens(self):
        done = quick("echo", "ws://127.0.0.1:1/", "--connections", 2)
        self.assertEqual(done.code, 1)
        self.assertIn("2 connections failed: connect: Connection refused (nobody listens there", done.err)

    def test_no_such_host(self):
        self.assertEqual(load("echo", "ws://no.such.host.invalid/").code, 1)

    def test_no_such_process(self):
        done = load("echo", "ws://127.0.0.1:1/", "--server-pid", 2**31 - 1)
        self.assertEqual((done.code, done.err), (1, "peal-load: --server-pid: there is no process 2147483647\n"))

    def test_a_server_that_dies(self):
        daemon = Daemon(CONFIG, prepare=AgainstPeald.prepare)
        process = begin("echo", daemon.url("/echo"), "--connections", 4, "--duration", "1h", "--json", "-")
        started = daemon.cpu_seconds()
        wait_until(lambda: daemon.cpu_seconds() > started + 0.5, "all of them are served")
        daemon.process.kill()
        done = Outcome(process)
        daemon.wait()
        self.assertEqual(done.code, 1)
        self.assertEqual(sum(done.json["connections"]["failures"].values()), 4, done.err)


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        def prepare(folder):
            cls.authority = Authority(folder)
            cls.authority.issue("site", "localhost")
            AgainstPeald.prepare(folder)

        cls.daemon = Daemon(CONFIG, "--set", 'listen.public.tls={ cert = "site.crt", key = "site.key" }', prepare=prepare)
        cls.url = f"wss://localhost:{cls.daemon.address[1]}/echo"

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def test_echo(self):
        for trust in (("--ca", self.authority.cert), ("--insecure",)):
            done = quick("echo", self.url, "--connections", 4, "--size", "64:5,100KiB:1", "--depth", 2, *trust,
                         duration="1s")
            self.assertEqual((done.code, done.err), (0, ""))
            self.assertTrue(done.json["options"]["tls"])

    def test_a_certificate_that_nobody_vouches_for(self):
        done = quick("echo", self.url)
        self.assertEqual(done.code, 1)
        self.assertIn("TLS: unable to get local issuer certificate", done.err)


class Garbling:
    """An echo server that does what its path says to every tenth message; /held answers when it is told to,
    /go tells everybody to go. /room is for all who are there, but for one who is told to go after 20; /early as well, each message claiming a later time."""

    def __enter__(self):
        self._room = []
        self._crossed = None
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(self._start())
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        self._loop.run_until_complete(self._server.wait_closed())
        self._loop.close()

    @property
    def present(self):
        """How many are there."""
        return len(self._room)

    def release(self):
        self._loop.call_soon_threadsafe(self._released.set)

    async def _start(self):
        self._released = asyncio.Event()
        return await websockets.serve(self._serve, "127.0.0.1", 0, compression=None, max_size=None)

    async def _serve(self, socket, path):
        with contextlib.suppress(websockets.ConnectionClosed):  # whoever is told to go may reset it
            await self._echo(socket, path)

    async def _echo(self, socket, path):
        if path == "/go":
            return
        count, held = 0, None
        self._room.append(socket)
        async for message in socket:
            count += 1
            if path == "/held":
                await self._released.wait()
            if path == "/early":  # 2 s, in the eighth character of the time
                message = message[:23] + bytes([message[23] ^ 8]) + message[24:]
            if path in ("/room", "/early"):
                for other in self._room:
                    await other.send(message)
                if count == 20 and path == "/room":
                    leaver = next(other for other in self._room if other is not socket)
                    self._room.remove(leaver)
                    await leaver.close(1013, "no room")
                continue
            if path == "/cross":  # every second message is another's, who waits for ours
                if count % 2 == 0:
                    other, self._crossed = self._crossed, (socket, message)
                    if other:
                        self._crossed = None
                        await socket.send(other[1])
                        await other[0].send(message)
                    continue
            tenth = count % 10 == 0
            if tenth and path == "/flip":
                message = message[:-1] + bytes([message[-1] ^ 1])
            elif tenth and path == "/shorten":
                message = message[:-1]
            elif tenth and path == "/lengthen":
                message += b"x"
            elif tenth and path == "/text":
                message = message.decode("ascii")
            elif tenth and path == "/drop":
                continue
            elif tenth and path == "/twice":
                await socket.send(message)
            elif tenth and path == "/swap":
                held = message
                continue
            await socket.send(message)
            if held:
                await socket.send(held)
                held = None


class AgainstGarblers(unittest.TestCase):
    def test_the_time_that_a_message_of_fanout_tells_is_verified(self):
        for words in (), ("--rate", 20):
            with self.subTest(words), Garbling() as server:
                done = quick("fanout", f"ws://127.0.0.1:{server.port}/early", "--subscribers", 2, "--threads", 2,
                             "--timeout", "500ms", *words)
                self.assertEqual(done.code, 1)
                self.assertGreater(done.json["messages"]["faults"]["wrong"], 0)
                self.assertEqual(done.json["messages"]["received"], 0)

    def test_short_messages_of_another_connection_are_found(self):
        for size in 1, 8:
            with self.subTest(size=size), Garbling() as server:
                done = quick("echo", f"ws://127.0.0.1:{server.port}/cross", "--connections", 2, "--size", size,
                             "--timeout", "500ms")
                self.assertEqual(done.code, 1)
                self.assertGreater(done.json["messages"]["faults"]["wrong"], 0)

    def test_a_closed_loop_goes_on_without_a_subscriber_that_is_lost(self):
        for threads in 1, 2:
            with self.subTest(threads=threads), Garbling() as server:
                done = quick("fanout", f"ws://127.0.0.1:{server.port}/room", "--subscribers", 3, "--threads", threads,
                             "--timeout", "2s", duration="1s")
                self.assertEqual(done.code, 1)
                self.assertIn("the server closed with 1013 (no room)", done.err)
                self.assertGreater(done.json["messages"]["sent"], 40)
                self.assertGreater(done.json["messages"]["faults"]["missing"], 0)

    def test_each_kind_is_found(self):
        kinds = {"flip": "wrong", "shorten": "wrong", "lengthen": "wrong", "text": "wrong", "drop": "out_of_order",
                 "twice": "out_of_order", "swap": "out_of_order"}
        with Garbling() as server:
            for path, fault in kinds.items():
                with self.subTest(path):
                    for duration in "200ms", "1s", "5s":  # a busy machine may not come to the one that is wrong
                        done = quick("echo", f"ws://127.0.0.1:{server.port}/{path}", "--connections", 2, "--depth", 4,
                                     "--timeout", "500ms", duration=duration)
                        if done.json["messages"]["faults"][fault] > 0:
                            break
                    self.assertEqual(done.code, 1)
                    self.assertGreater(done.json["messages"]["faults"][fault], 0, done.json["messages"]["faults"])
            done = quick("echo", f"ws://127.0.0.1:{server.port}/honest", "--connections", 2, duration="200ms")
            self.assertEqual((done.code, done.err), (0, ""))
