# SPDX-License-Identifier: Apache-2.0
"""The service manager's side: what it is told, its watchdog, and the units."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from support import IO, PEALD, SANITIZED, TEXT, Client, Daemon, wait_until
from support.daemon import ROOT
from support.stopped import Stopped, reactors

CONFIG = """
[server]
threads = 2

[limits]
close_timeout = "20s"

[route.echo]
path = "/echo"
type = "echo"

[route.files]
path = "/files/{path...}"
type = "files"
root = "."

[route.news]
path = "/news"
type = "pubsub"
topics = ["news"]
publish = "anyone"
"""

WATCHDOG = 0.8  # seconds


class Manager:
    """Listens as systemd does on $NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = f"{folder}/notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self.messages = []  # (time, text)
        threading.Thread(target=self._gather, daemon=True).start()

    def _gather(self):
        try:
            while text := self._socket.recv(1 << 16).decode():
                self.messages.append((time.monotonic(), text))
        except OSError:
            pass

    def count(self, text, since=0.0):
        return sum(1 for when, message in list(self.messages) if message == text and when >= since)

    def wait_for(self, pattern, timeout=10.0):
        def found():
            return next((match for _, text in list(self.messages) if (match := re.search(pattern, text))), None)
        return wait_until(found, f"{pattern} is told", timeout)

    def close(self):
        self._socket.close()


class Notified(unittest.TestCase):
    def start(self, *environment):
        folder = tempfile.TemporaryDirectory(prefix="peal-")
        self.addCleanup(folder.cleanup)
        self.manager = Manager(folder.name)
        self.addCleanup(self.manager.close)
        self.daemon = Daemon(CONFIG, wrap=["env", f"NOTIFY_SOCKET={self.manager.path}", *environment])
        self.addCleanup(self.daemon.stop)

    def test_ready_status_and_stopping(self):
        self.start()
        ready = self.manager.wait_for(r"READY=1\nMAINPID=(\d+)$")
        self.assertEqual(int(ready[1]), self.daemon.process.pid)
        self.assertEqual(Client(self.daemon.address).request("/files/peal.toml").status, 200)
        self.manager.wait_for(r"^STATUS=\d+ connections? on 2 reactors, (io_uring|epoll)$")
        self.assertEqual(self.manager.count("STOPPING=1"), 0)
        client = Client(self.daemon.address)
        self.addCleanup(client.close)
        self.assertEqual(client.upgrade("/echo").status, 101)
        self.daemon.terminate()
        self.manager.wait_for("^STOPPING=1$")  # before the last client has gone
        self.manager.wait_for("^STATUS=draining: 1 connection on 2 reactors, ")
        self.assertEqual(client.read_close()[0], 1001)
        self.assertEqual(self.manager.count("WATCHDOG=1"), 0)

    def told(self):
        """Of its life."""
        texts = [text for _, text in list(self.manager.messages)]
        return [text.partition("=")[0] for text in texts if text.startswith(("READY=", "RELOADING=", "STOPPING="))]

    def reload(self, outcome):
        """What a reload tells, but for the first line of it."""
        before, asked = len(self.told()), time.monotonic_ns() // 1000
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(self.told()) == before + 2, "a reload and its end are told")
        self.assertEqual(self.told()[before:], ["RELOADING", "READY"])
        self.assertTrue(self.daemon.log.wait_for(outcome))
        begins = [text for _, text in self.manager.messages if text.startswith("RELOADING=")]
        began = re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", begins[-1])
        self.assertTrue(asked <= int(began[1]) <= time.monotonic_ns() // 1000, begins)

    def test_reloads_and_the_end_are_told_in_their_order(self):
        self.start()
        wait_until(lambda: self.told() == ["READY"], "it is ready")
        self.reload("reloaded: nothing has changed")
        self.daemon.config.write_text("nonsense = 1\n")
        self.reload("not reloaded")  # its end is told all the same: the service manager waits for it
        self.daemon.terminate()
        self.assertEqual(self.daemon.wait(), 0)
        wait_until(lambda: self.told() == ["READY", *["RELOADING", "READY"] * 2, "STOPPING"], "the end is told")

    def test_the_status_has_live_figures(self):
        self.start(f"WATCHDOG_USEC={int(WATCHDOG * 1e6)}")  # told as often as that, or every 5 s
        clients = [Client(self.daemon.address) for _ in range(7)]
        self.manager.wait_for("^STATUS=7 connections ")
        for client in clients:
            client.close()

    def test_the_watchdog_hears_of_reactors_that_turn(self):
        self.start(f"WATCHDOG_USEC={int(WATCHDOG * 1e6)}")
        begin = time.monotonic()
        wait_until(lambda: self.manager.count("WATCHDOG=1") >= 4, "the watchdog is told, again and again")
        self.assertLess(time.monotonic() - begin, 4 * WATCHDOG / 2 + 2)  # idle ones turn for it

    def test_one_reactor_that_is_stuck_is_enough_for_silence(self):
        if SANITIZED:
            self.skipTest("a sanitizer's threads are not to be traced")
        self.start(f"WATCHDOG_USEC={int(WATCHDOG * 1e6)}")
        for thread in reactors(self.daemon):
            wait_until(lambda: self.manager.count("WATCHDOG=1") > 0, "the watchdog is told")
            with Stopped(thread):
                stuck = time.monotonic()
                time.sleep(1.2 * WATCHDOG)
                self.assertEqual(self.manager.count("WATCHDOG=1", since=stuck + WATCHDOG / 2), 0)
                again = time.monotonic()
            wait_until(lambda: self.manager.count("WATCHDOG=1", since=again) > 0, "it is told when that goes on")

    def test_a_watchdog_of_another_process_is_not_told(self):
        self.start(f"WATCHDOG_USEC={int(WATCHDOG * 1e5)}", "WATCHDOG_PID=1")
        self.manager.wait_for("READY=1")
        time.sleep(WATCHDOG / 2)
        self.assertEqual(self.manager.count("WATCHDOG=1"), 0)


SERVICE = ROOT / "systemd/peald.service.in"


class Units(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="peal-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.service = cls.folder / "peald.service"
        bindir = str(pathlib.Path(PEALD).resolve().parent)
        cls.service.write_text(SERVICE.read_text().replace("@bindir@", bindir).replace("@sysconfdir@", "/etc"))
        shutil.copy(ROOT / "systemd/peald.socket", cls.folder)

    def run_tool(self, *words):
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_systemd_understands_them(self):
        output = self.run_tool("systemd-analyze", "verify", "--man=no", self.service, self.folder / "peald.socket")
        self.assertNotIn("peal", output)  # whatever it says of others

    def test_the_exposure_is_at_most_1_5(self):
        output = self.run_tool("systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager",
                               self.service)
        self.assertRegex(output, r"Overall exposure level for peald\.service: (0\.\d|1\.[0-5]) ")

    def test_users_and_folders(self):
        root = self.folder / "root"
        (root / "etc").mkdir(parents=True)
        (root / "etc/passwd").touch()
        (root / "etc/group").touch()
        self.run_tool("systemd-sysusers", f"--root={root}", str(ROOT / "systemd/sysusers.conf"))
        self.assertRegex((root / "etc/passwd").read_text(), r"(?m)^peal:x:\d+:\d+:peal WebSocket server:/:")
        (root / "etc/group").write_text("root:x:0:\n" + (root / "etc/group").read_text())
        (root / "etc/passwd").write_text("root:x:0:0::/:\n" + (root / "etc/passwd").read_text())
        if os.getuid() == 0:
            self.run_tool("systemd-tmpfiles", f"--root={root}", "--create", str(ROOT / "systemd/tmpfiles.conf"))
            self.assertEqual((root / "etc/peal/secrets").stat().st_mode & 0o777, 0o750)

    def allowed_calls(self):
        """What SystemCallFilter= of the unit comes to."""
        def expand(names):
            calls = set()
            for name in names:
                if not name.startswith("@"):
                    calls.add(name)
                    continue
                lines = self.run_tool("systemd-analyze", "--no-pager", "syscall-filter", name).splitlines()[1:]
                calls |= expand(line.strip() for line in lines if line.strip() and "#" not in line)
            return calls
        allowed = set()
        for line in re.findall(r"(?m)^SystemCallFilter=(.*)$", self.service.read_text()):
            if line.startswith("~"):
                allowed -= expand(line[1:].split())
            else:
                allowed |= expand(line.split())
        return allowed

    def test_every_system_call_of_a_working_day_is_allowed(self):
        if SANITIZED:
            self.skipTest("a sanitizer has system calls of its own")
        allowed = self.allowed_calls()
        self.assertTrue({"io_uring_setup", "io_uring_enter", "io_uring_register"} <= allowed)
        self.assertFalse({"mount", "reboot", "init_module", "ptrace", "setuid"} & allowed)
        trace = self.folder / "trace"
        path = str(self.folder / "peal.sock")
        daemon = Daemon(CONFIG, "--set", f"listen.local.address=unix:{path}", "--set", "log.level=debug",
                        wrap=["strace", "-f", "-qq", "-o", str(trace), "-e", "signal=none"])
        self.addCleanup(daemon.stop)
        for address in (daemon.address, path):
            client = Client(address)
            self.assertEqual(client.request("/files/peal.toml").status, 200)
            self.assertEqual(client.upgrade("/news").status, 101)
            client.send_frame(TEXT, b"hello")
            self.assertEqual(client.read_message(), b"hello")
            client.close()
        pid = int(pathlib.Path(f"/proc/{daemon.process.pid}/task/{daemon.process.pid}/children").read_text())
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(daemon.process.wait(20), 0)
        calls = set(re.findall(r"(?m)^\d+ +(\w+)\(", trace.read_text()))
        self.assertGreater(len(calls), 20)
        self.assertIn("io_uring_enter" if IO == "io_uring" else "epoll_pwait2", calls)
        self.assertEqual(calls - allowed, set())
