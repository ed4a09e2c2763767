# SPDX-License-Identifier: Apache-2.0
"""What peald does and says without serving: --check, --print-config, --explain, and its refusals."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from support import PEALD
from support.daemon import ROOT

GOOD = """\
[listen.public]
address = "127.0.0.1:0"

[limits]
message_size = "64KiB"

[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"

[route.echo]
path = "/echo"
type = "echo"
"""

BAD = """\
[listen.public]
address = "127.0.0.1:99999"

[limits]
message_sise = "64KiB"
pong_timeout = "15 parsecs"

[route.chat]
path = "/chat/{room}"
type = "pubsbu"
topics = ["chat/{room}"]

[route.one]
path = "/same/{a}"
type = "echo"

[route.two]
path = "/same/{b}"
type = "echo"
"""


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, text, name="peal.toml"):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def run_peald(self, *arguments):
        return subprocess.run([PEALD, *arguments], capture_output=True, text=True, timeout=20)

    def test_version_and_help(self):
        done = self.run_peald("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^peald \d+\.\d+\.\d+")
        done = self.run_peald("--help")
        self.assertEqual(done.returncode, 0)
        for option in ("--check", "--check-host", "--explain", "--print-config", "--set", "--version"):
            self.assertIn(option, done.stdout)

    def test_output_that_cannot_be_written_is_1(self):
        small = ["--set", "limits.connections=10", "--set", "server.threads=1", "--set", "server.io=epoll"]
        file = ["-c", self.file(GOOD), *small]
        for arguments in (["--version"], ["--help"], [*file, "--check"], [*file, "--print-config"],
                          [*file, "--check-host"], [*file, "--explain", "GET", "/echo"]):
            with self.subTest(arguments), open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run(
                    [PEALD, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=20)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, "^standard output cannot be written(: No space left on device)?\n$")

    def test_wrong_usage_is_2(self):
        for arguments in (["--chekc"], ["--set"], ["-c"], ["serve"], ["--explain"], ["--check", "--check-host"]):
            with self.subTest(arguments):
                done = self.run_peald(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertTrue(done.stderr)

    def test_a_host_that_holds_nothing_back(self):
        small = ["--set", "limits.connections=10", "--set", "server.threads=1", "--set", "server.io=epoll"]
        done = self.run_peald("-c", self.file(GOOD), "--check-host", *small)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r": 10 connections on 1 reactor, \d+ MiB\nnothing on this machine holds it back\n$")

    def test_a_host_that_holds_a_configuration_back(self):
        command = ["prlimit", "--nofile=500:500", PEALD, "-c", self.file(GOOD), "--check-host"]
        done = subprocess.run([*command, "--set", "limits.connections=1000"], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^the hard limit of open files is 500; wanted: at least \d+; do: .*; why: .*$")
        done = subprocess.run([*command, "--set", "limits.nonsense=1"], capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 78)

    def test_a_good_file_passes_the_check(self):
        done = self.run_peald("-c", self.file(GOOD), "--check")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_the_demo_configuration_passes_the_check(self):
        done = self.run_peald("-c", str(ROOT / "config/peal.toml"), "--check")
        self.assertEqual(done.returncode, 0, done.stderr)

    def assert_all_problems(self, done, path):
        self.assertEqual(done.returncode, 78)
        for line in (2, 5, 6, 10):
            self.assertRegex(done.stderr, rf"(?m)^{re.escape(path)}:{line}:\d+: error: ")
        self.assertRegex(done.stderr, r'message_sise.*did you mean "message_size"\?')
        self.assertRegex(done.stderr, r'pubsbu.*did you mean "pubsub"\?')
        self.assertRegex(done.stderr, r"(?m)error: route\.(one|two)")

    def test_all_problems_are_told_at_once(self):
        path = self.file(BAD)
        self.assert_all_problems(self.run_peald("-c", path, "--check"), path)

    def test_serving_a_bad_file_is_refused_in_the_same_words(self):
        path = self.file(BAD)
        self.assert_all_problems(self.run_peald("-c", path), path)

    def test_a_syntax_error(self):
        path = self.file('[limits]\nmessage_size = "64KiB\n')
        done = self.run_peald("-c", path, "--check")
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr, rf"^{re.escape(path)}:2:\d+: error: ")

    def test_a_file_that_is_not_there(self):
        done = self.run_peald("-c", str(self.folder / "none.toml"), "--check")
        self.assertEqual(done.returncode, 78)
        self.assertIn("none.toml", done.stderr)

    def test_set_is_checked_like_the_file(self):
        path = self.file(GOOD)
        for setting, words in (("limits.message_size=64KiX", "64KiX"), ("limits.mesage_size=1KiB", "message_size"),
                               ("nonsense", "nonsense"), ("log.level=loud", "loud")):
            with self.subTest(setting):
                done = self.run_peald("-c", path, "--check", "--set", setting)
                self.assertIn(done.returncode, (2, 78))
                self.assertIn(words, done.stderr)

    def test_print_config_comes_back_the_same(self):
        first = self.run_peald("-c", self.file(GOOD), "--print-config")
        self.assertEqual(first.returncode, 0, first.stderr)
        second = self.run_peald("-c", self.file(first.stdout, "printed.toml"), "--print-config")
        self.assertEqual(second.returncode, 0, second.stderr)
        self.assertEqual(second.stdout, first.stdout)

    def test_print_config_has_defaults_and_overrides(self):
        done = self.run_peald("-c", self.file(GOOD), "--print-config", "--set", "limits.queue_size=3MiB")
        self.assertRegex(done.stdout, r'(?m)^queue_size *= *"3MiB"')
        self.assertRegex(done.stdout, r'(?m)^ping_interval *= *"25s"')
        self.assertRegex(done.stdout, r'(?m)^message_size *= *"64KiB"')

    def test_explain_a_route(self):
        path = self.file(GOOD)
        done = self.run_peald("-c", path, "--explain", "GET", "/chat/lobby")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("chat", "/chat/{room}", "chat/lobby", "64KiB", f"{os.path.basename(path)}:5", "default"):
            self.assertIn(words, done.stdout)

    def test_explain_nothing(self):
        done = self.run_peald("-c", self.file(GOOD), "--explain", "GET", "/nowhere")
        self.assertIn("404", done.stdout)

    def test_explain_a_foreign_origin(self):
        done = self.run_peald(
            "-c", self.file(GOOD), "--explain", "GET", "http://localhost/echo", "-H", "Upgrade: websocket",
            "-H", "Connection: Upgrade", "-H", "Origin: http://evil.example")
        self.assertIn("403", done.stdout)
