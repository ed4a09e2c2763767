# SPDX-License-Identifier: Apache-2.0
"""The log: one event a line, whatever clients write into it."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from support import CLOSE, TEXT, Client, Daemon, close_payload, wait_until
from support.daemon import IO, PEALD, free_port

CONFIG = """
[route.echo]
path = "/echo"
type = "echo"
"""

FORGED = "\n[forged] line\r\n\x1b[31mred"


def make_noise(daemon):
    """Writes what would be a line of its own wherever a client has a say."""
    with Client(daemon.address) as client:
        client.upgrade("/echo")
        client.send_frame(CLOSE, close_payload(4000, FORGED))
        client.read_to_end()
    for path in ("/%0a[forged]%20line", "/%1b[31mred"):
        with Client(daemon.address) as client:
            client.request(path)
    with Client(daemon.address) as client:
        client.upgrade("/echo", "Origin: http://\t[forged]")
    with Client(daemon.address) as client:
        client.upgrade("/echo?token=hidden", "Authorization: Bearer hidden")
        client.send_frame(TEXT, b"\xff hidden")
        client.read_to_end()
    with Client(daemon.address) as client:
        client.send(b"GET /hidden HTTP/1.1\r\nhidden\r\n\r\n")
        client.read_to_end()


class Log(unittest.TestCase):
    def noisy_log(self, *options):
        daemon = Daemon(CONFIG, "--set", "log.level=trace", *options)
        self.addCleanup(daemon.stop)
        make_noise(daemon)
        self.assertEqual(daemon.stop(), 0)
        return daemon.log.text()

    def test_a_client_cannot_forge_a_line(self):
        log = self.noisy_log()
        self.assertIn("listening on", log)
        self.assertNotIn("\x1b", log)
        for line in log.splitlines():
            self.assertFalse(line.startswith("[forged]"), line)

    def test_what_may_be_secret_is_not_told(self):
        log = self.noisy_log()
        self.assertIn("protocol_error: 127.0.0.1 on route echo ", log)
        self.assertIn("bad_request: 127.0.0.1 ", log)
        self.assertNotIn("hidden", log)

    def test_what_is_wrong_with_a_request_is_told(self):
        log = self.noisy_log()
        self.assertRegex(log, r"bad_request: 127\.0\.0\.1 sent a request that is not taken: closed \(\w[^()]+\)\n")

    def test_what_is_wrong_with_a_websocket_is_told(self):
        log = self.noisy_log()
        self.assertRegex(log, r"protocol_error: 127\.0\.0\.1 on route echo \(WebSocket\) .+ \(\w[^()]+\)\n")

    def test_json_is_one_object_a_line(self):
        lines = [json.loads(line) for line in self.noisy_log("--set", "log.format=json").splitlines()]
        self.assertTrue(any("listening on" in str(line) for line in lines))


class LogFile(unittest.TestCase):
    def start(self, *options):
        daemon = Daemon(CONFIG, "--set", "log.access=true", "--set", "log.file=peal.log", *options, wait=False)
        self.addCleanup(daemon.stop)
        self.file = daemon.folder / "peal.log"
        found = wait_until(lambda: self.file.exists() and
                           re.search(r"listening on (\S+):(\d+)", self.file.read_text()), "it listens")
        daemon.address = found[1], int(found[2])
        return daemon

    def leave_a_line(self, daemon, path="/nowhere"):
        with Client(daemon.address) as client:
            client.request(path)

    def test_it_is_opened_anew_at_sigusr1(self):
        daemon = self.start()
        old = daemon.folder / "peal.log.1"
        self.file.rename(old)
        self.leave_a_line(daemon)
        wait_until(lambda: "access: " in old.read_text(), "the old file is written to until then")
        for _ in range(3):
            daemon.process.send_signal(signal.SIGUSR1)
        before = old.read_text()

        def new_line():
            self.leave_a_line(daemon)
            return self.file.exists() and "access: " in self.file.read_text()

        wait_until(new_line, "a line in the new file")
        self.assertIsNone(daemon.process.poll())
        self.assertLessEqual(len(old.read_text()) - len(before), 1000)
        self.file.unlink()
        self.file.mkdir()
        daemon.process.send_signal(signal.SIGUSR1)
        self.leave_a_line(daemon)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.log.text(), "")

    def test_without_a_file_sigusr1_changes_nothing(self):
        daemon = Daemon(CONFIG)
        self.addCleanup(daemon.stop)
        daemon.process.send_signal(signal.SIGUSR1)
        with Client(daemon.address) as client:
            self.assertEqual(client.upgrade("/echo").status, 101)
        self.assertEqual(daemon.stop(), 0)

    def test_a_file_that_cannot_be(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = folder.name + "/peal.log"
        taken = socket.socket(socket.AF_UNIX)  # nobody may open one
        self.addCleanup(taken.close)
        taken.bind(path)
        for file, code, text in (("/nowhere/peal.log", 78, "log.file: expected a file in a folder that exists"),
                                 (path, 1, f"log.file: {path}: ")):
            with self.subTest(file):
                daemon = Daemon(CONFIG, "--set", f"log.file={file}", wait=False)
                self.assertEqual(daemon.wait(), code)
                self.assertIn(text, daemon.log.text())


class Journal(unittest.TestCase):
    def log(self, *options, stream='$(stat -L -c %d:%i /proc/self/fd/2)'):
        daemon = Daemon(CONFIG, "--set", "log.level=debug", *options,
                        wrap=("sh", "-c", f'JOURNAL_STREAM={stream} exec "$@"', "sh"))
        self.addCleanup(daemon.stop)
        make_noise(daemon)
        self.assertEqual(daemon.stop(), 0)
        return daemon.log.text().splitlines()

    def test_lines_have_priorities(self):
        lines = self.log()
        for line in lines:
            self.assertRegex(line, r"^<[3467]>(?!\d{4}-|<)")
        for start in ("<6>listening on ", "<4>protocol_error: ", "<7>route echo: WebSocket "):
            self.assertTrue(any(line.startswith(start) for line in lines), start)

    def test_json_has_them_too(self):
        for line in self.log("--set", "log.format=json"):
            self.assertRegex(line, "^<[3467]>")
            self.assertEqual(list(json.loads(line[3:])), ["time", "level", "thread", "message"])

    def test_not_when_it_is_another_stream(self):
        for line in self.log(stream="1:2"):
            self.assertRegex(line, r"^\d{4}-")


class SlowDisk(unittest.TestCase):
    def start(self):
        """A daemon whose log goes into a pipe, and where it listens."""
        folder = tempfile.TemporaryDirectory(prefix="peal-")
        self.addCleanup(folder.cleanup)
        config = pathlib.Path(folder.name, "peal.toml")
        config.write_text(CONFIG)
        process = subprocess.Popen(
            [PEALD, "-c", str(config), "--set", f"server.io={IO}", "--set", "log.access=true", "--set",
             "listen.public.address=127.0.0.1:0"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        while not (found := re.search(rb"listening on (\S+):(\d+)", process.stderr.readline())):
            self.assertIsNone(process.poll())
        return process, (found[1].decode(), int(found[2]))

    def test_nobody_waits_for_a_log_that_is_not_taken(self):
        process, address = self.start()
        for _ in range(600):  # some 150 KB of lines, where a pipe takes 64
            with Client(address) as client:
                client.request("/nowhere")
        begin = time.monotonic()
        with Client(address) as client:
            client.upgrade("/echo")
            self.assertEqual(client.echo(b"x").payload, b"x")
        self.assertLess(time.monotonic() - begin, 2)
        process.terminate()
        _, log = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        self.assertEqual(log.count(b" status=404 "), 600)

    def test_a_log_that_nobody_takes_keeps_peald_from_nothing(self):
        process, address = self.start()
        fcntl.fcntl(process.stderr, fcntl.F_SETPIPE_SZ, 4096)
        for _ in range(60):
            with Client(address) as client:
                client.request("/nowhere")
        process.send_signal(signal.SIGHUP)
        with Client(address) as client:
            client.upgrade("/echo")
            self.assertEqual(client.echo(b"x").payload, b"x")
        process.terminate()
        self.assertEqual(process.wait(20), 0)


class NoStream(unittest.TestCase):
    def test_no_socket_becomes_standard_error(self):
        address = "127.0.0.1", free_port()
        folder = tempfile.TemporaryDirectory(prefix="peal-")
        self.addCleanup(folder.cleanup)
        config = pathlib.Path(folder.name, "peal.toml")
        config.write_text(CONFIG)
        process = subprocess.Popen(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", PEALD, "-c", str(config), "--set", f"server.io={IO}", "--set",
             "listen.public.address={}:{}".format(*address)])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def is_there():
            with contextlib.suppress(OSError):
                socket.create_connection(address).close()
                return True

        wait_until(is_there, "it listens")
        for stream in range(3):
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{stream}"), "/")
        process.terminate()
        self.assertEqual(process.wait(20), 0)
