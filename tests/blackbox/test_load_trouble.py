# SPDX-License-Identifier: Apache-2.0
"""What peal-load says when a run cannot be, is cut short, or meets a server that is none."""

import contextlib
import json
import pathlib
import queue
import signal
import socket
import struct
import tempfile
import threading
import time
import unittest

from support import wait_until
from test_load import Garbling, Outcome, begin, load, setUpModule  # noqa: F401, to skip where that is skipped


class Raw:
    """Takes what comes, keeps each request, and answers with these octets; None: with nothing; RESET: by breaking the
    connection."""

    RESET = object()

    def __init__(self, answer=None):
        self._answer = answer
        self._kept = []
        self._heads = queue.SimpleQueue()

    def __enter__(self):
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (self._socket, *self._kept):
            each.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                self._kept.append(client)
                self._heads.put(client.recv(65536).decode("latin-1"))
                if self._answer is Raw.RESET:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    client.close()
                elif self._answer is not None:
                    client.sendall(self._answer)

    def lines(self):
        """Of the next request."""
        return self._heads.get(timeout=10).split("\r\n")


NOBODY = "ws://127.0.0.1:1/"


class Results(unittest.TestCase):
    """Files for the result are opened before the first connection."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_what_cannot_be_written_is_told_before_the_run(self):
        for name, why in (("/nowhere/x", "No such file or directory"), (self.folder, "Is a directory"),
                          ("/dev/full", "No space left on device")):
            for option in "--json", "--html":
                with self.subTest(option, name=name):
                    done = load("echo", NOBODY, option, name)
                    self.assertEqual((done.code, done.out, done.err), (1, "", f"peal-load: {name}: {why}\n"))

    def test_a_run_that_does_not_begin_leaves_files_as_they_were(self):
        old, new = self.folder / "old.json", self.folder / "new.html"
        old.write_text("what was there")
        done = load("echo", NOBODY, "--json", old, "--html", new, "--server-pid", 2**31 - 1)
        self.assertEqual((done.code, old.read_text(), new.exists()), (1, "what was there", False))

    def test_what_was_there_is_replaced(self):
        old = self.folder / "old.json"
        old.write_text("x" * 100_000)
        self.assertIn("connection", load("echo", NOBODY, "--connections", 1, "--json", old).err)
        self.assertTrue(old.read_text().startswith("{") and old.read_text().endswith("}\n"))

    def test_files_are_written_though_nobody_reads_the_table(self):
        told = self.folder / "a.json"
        load("echo", NOBODY, "--connections", 1, "--json", told, wrap=("sh", "-c", '"$@" | true', "sh"))
        self.assertFalse(json.loads(told.read_text())["good"])

    def test_pipes(self):
        for name in "-", "/dev/stdout":
            with self.subTest(name):
                done = load("echo", NOBODY, "--connections", 1, "--quiet", "--json", name)
                self.assertFalse(done.json["good"])

    def test_no_file_takes_the_place_of_a_closed_standard_output(self):
        told = self.folder / "a.json"
        load("echo", NOBODY, "--connections", 1, "--json", told, wrap=("sh", "-c", 'exec "$@" >&-', "sh"))
        self.assertFalse(json.loads(told.read_text())["good"])


class Interrupts(unittest.TestCase):
    def interrupted(self, scenario, *words, present):
        """The outcome of a run that is interrupted with so many connections."""
        with Garbling() as server:
            process = begin(scenario, f"ws://127.0.0.1:{server.port}/honest", *words)
            wait_until(lambda: server.present == present, f"{present} are connected")
            time.sleep(0.5)  # for the client to hear of it
            process.send_signal(signal.SIGINT)
            return Outcome(process)

    def test_while_connections_are_opened(self):
        for scenario in "connect", "echo":
            with self.subTest(scenario):
                done = self.interrupted(scenario, "--connections", 50, "--ramp-up", "1h", present=1)
                self.assertEqual((done.code, done.err), (1, "interrupted when 1 of 50 connections were open\n"))
                self.assertIn("interrupted while connections were opened\n", done.out)
                self.assertIn("FAILED, see below\n", done.out)

    def test_while_connections_are_held(self):
        done = self.interrupted("connect", "--connections", 2, "--duration", "1h", present=2)
        self.assertEqual((done.code, done.err), (0, ""))
        self.assertRegex(done.out, r"\n  held for \d\S* s, interrupted\n")
        self.assertIn("every connection opened and stayed until the interruption\n", done.out)

    def test_while_it_warms_up(self):
        done = self.interrupted("echo", "--connections", 2, "--warmup", "1h", present=2)
        self.assertEqual((done.code, done.err), (1, "no message came while it was measured, as it was interrupted\n"))

    @contextlib.contextmanager
    def held(self, *words):
        """A server that answers when it is told to, and an echo with two connections to it."""
        with Garbling() as server:
            process = begin("echo", f"ws://127.0.0.1:{server.port}/held", "--connections", 2, "--json", "-", *words)
            try:
                wait_until(lambda: server.present == 2, "both are connected")
                yield server, process
            finally:
                process.kill()
                server.release()

    def test_what_comes_after_it_is_not_measured(self):
        with self.held("--warmup", "800ms", "--duration", "1h") as (server, process):
            time.sleep(0.4)  # for the client to hear of it
            process.send_signal(signal.SIGINT)
            time.sleep(0.6)  # what was to be measured would have begun
            server.release()
            done = Outcome(process)
        self.assertEqual((done.code, done.json["messages"]["received"]), (1, 0))

    def test_while_the_last_messages_are_awaited(self):
        with self.held("--warmup", "0s", "--duration", "100ms", "--timeout", "40s") as (_, process):
            time.sleep(1)
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            done = Outcome(process)
            self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual((done.code, done.json["interrupted"]), (1, True))
        self.assertEqual(done.json["messages"]["faults"]["missing"], 2)

    def test_a_second_one_of_either_kind_ends_it_at_once(self):
        with self.held("--duration", "1h", "--timeout", "1h") as (_, process):
            time.sleep(0.3)  # for it to send
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)  # for it to hear
            process.send_signal(signal.SIGINT)
            self.assertEqual(Outcome(process).code, -signal.SIGINT)

    def test_nothing_of_it_where_there_was_none(self):
        with Garbling() as server:
            done = load("connect", f"ws://127.0.0.1:{server.port}/honest", "--connections", 2, "--duration", "200ms")
        self.assertRegex(done.out, r"\n  held for \d\S* s\n")
        self.assertNotIn("interrupt", done.out)


class Headers(unittest.TestCase):
    def test_host_replaces_ours(self):
        for words in (), ("--transport", "sse"):
            with self.subTest(words), Raw(b"no") as server:
                load("connect", f"ws://127.0.0.1:{server.port}/", "--connections", 1, "--header", "host: foo.example",
                     "--header", "X: y", "--timeout", "5s", *words)
                lines = server.lines()
                self.assertEqual([line for line in lines if line.lower().startswith("host:")], ["Host: foo.example"])
                self.assertIn("X: y", lines)

    def test_the_handshake_is_not_to_be_chosen(self):
        done = load("echo", NOBODY, "--header", "Upgrade: x")
        self.assertEqual((done.code, done.out), (2, ""))
        self.assertIn("--header: Upgrade cannot be chosen", done.err)


class NoServers(unittest.TestCase):
    """What is there, and does not open a WebSocket."""

    def reason(self, port, *words, scheme="ws", timeout="300ms"):
        done = load("connect", f"{scheme}://127.0.0.1:{port}/", "--connections", 1, "--timeout", timeout, *words)
        self.assertEqual(done.code, 1)
        return done.err.removeprefix("1 connection failed: ").rstrip("\n")

    def test_one_that_does_not_take_the_connection(self):
        with contextlib.ExitStack() as stack:
            server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
            for _ in range(4):  # the queue is full then
                client = stack.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(server.getsockname())
            reason = self.reason(server.getsockname()[1])
        self.assertRegex(reason, r"^connect: Connection timed out \(the server may be at a limit .*somaxconn")

    def test_one_that_says_nothing(self):
        with Raw() as server:
            for words in (), ("--transport", "sse"):
                self.assertEqual(self.reason(server.port, *words),
                                 "connected, but no answer to the handshake within 300ms")
            self.assertEqual(self.reason(server.port, "--insecure", scheme="wss"),
                             "connected, but the TLS handshake was not done within 300ms")

    def test_one_that_speaks_no_http(self):
        with Raw(b"SSH-2.0-OpenSSH_9.2\r\n") as server:
            for words in (), ("--transport", "sse"):
                self.assertEqual(self.reason(server.port, *words, timeout="1h"),
                                 "the answer was no HTTP but: SSH-2.0-OpenSSH_9.2")

    def test_one_that_has_a_page_there(self):
        with Raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<!doctype html>") as server:
            self.assertEqual(self.reason(server.port, "--transport", "sse", scheme="http", timeout="1h"),
                             "the answer was no event stream but: HTTP/1.1 200 OK")

    def test_one_that_breaks_connections_holds_up_no_others(self):
        with Raw(Raw.RESET) as server:
            done = load("connect", f"ws://127.0.0.1:{server.port}/", "--connections", 300, "--timeout", "1h",
                        "--json", "-")
        self.assertEqual((done.code, sum(done.json["connections"]["failures"].values())), (1, 300))

    def test_one_that_tells_who_came_to_go(self):
        with Garbling() as server:
            done = load("connect", f"ws://127.0.0.1:{server.port}/go", "--connections", 10, "--ramp-up", "500ms",
                        "--duration", "100ms", "--json", "-")
        self.assertEqual((done.code, done.json["connections"]["opened"]), (1, 10))

    def test_one_that_answers_another_key(self):
        with Raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n") as server:
            self.assertEqual(self.reason(server.port, timeout="1h"),
                             "the answer was 101, but Sec-WebSocket-Accept does not answer the key")


class Numbers(unittest.TestCase):
    def test_none_is_below_one(self):
        for scenario, option in (("connect", "--connections"), ("echo", "--threads"), ("echo", "--depth"),
                                 ("fanout", "--subscribers"), ("fanout", "--publishers")):
            for number in 0, -1:
                with self.subTest(option, number=number):
                    done = load(scenario, NOBODY, option, number)
                    self.assertEqual((done.code, done.err), (2, f"peal-load: {option}: at least 1, not {number}\n"))


class FullOutput(unittest.TestCase):
    """As coreutils do, it fails when nobody got what it said."""

    def said(self, *words, to=">/dev/full"):
        done = load(*words, wrap=("sh", "-c", f'exec "$@" {to}', "sh"))
        return done.code, done.err

    def test_help_and_version(self):
        for words in ("--help",), ("--version",), ("echo", "--help"):
            with self.subTest(words):
                self.assertEqual(self.said(*words), (1, "peal-load: standard output: No space left on device\n"))

    def test_the_table(self):
        with Garbling() as server:
            words = "connect", f"ws://127.0.0.1:{server.port}/honest", "--connections", 1, "--duration", "100ms"
            self.assertEqual(self.said(*words), (1, "peal-load: standard output: No space left on device\n"))
            self.assertEqual(self.said(*words, to=">&-"), (1, "peal-load: standard output: Bad file descriptor\n"))
            self.assertEqual(self.said(*words, "--quiet"), (0, ""))
