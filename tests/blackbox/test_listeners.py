# SPDX-License-Identifier: Apache-2.0
"""Where connections come in besides an IP address: Unix sockets, and sockets that systemd has opened."""

import os
import pathlib
import re
import signal
import socket
import stat
import tempfile
import time
import unittest

from support import TEXT, Client, Daemon, wait_until
from support.daemon import free_port

CONFIG = """
[server]
threads = 2

[route.echo]
path = "/echo"
type = "echo"

[route.health]
path = "/healthz"
type = "health"

[route.metrics]
path = "/metrics"
type = "metrics"
"""


class Deferred(unittest.TestCase):
    """A connection is accepted when something has come on it."""

    def start(self, *options):
        self.daemon = Daemon(CONFIG, *options)
        self.addCleanup(self.daemon.stop)
        self.asker = self.client()

    def client(self):
        client = Client(self.daemon.address)
        self.addCleanup(client.close)
        return client

    def accepted(self):
        """How many have been, but for who asks."""
        text = self.asker.request("/metrics").body.decode()
        return int(re.search(r"^peal_connections_accepted_total (\d+)", text, re.M)[1]) - 1

    def assert_accepts_at_once(self):
        """Or one of several, as this machine may be busy; the kernel's second is never shorter."""
        times = []
        for count in range(1, 6):
            begin = time.monotonic()
            self.client()
            wait_until(lambda: self.accepted() == count, "it is accepted")
            times.append(time.monotonic() - begin)
        self.assertLess(min(times), 0.9)

    def test_who_is_silent_waits_outside_for_a_moment(self):
        self.start()
        begin = time.monotonic()
        silent, late = self.client(), self.client()
        self.assertEqual(self.client().request("/healthz").status, 200)
        accepted = self.accepted()
        if time.monotonic() - begin < 0.5:  # else the moment may be over
            self.assertEqual(accepted, 1)
        self.assertEqual(silent.request("/healthz").status, 200)
        wait_until(lambda: self.accepted() == 3, "the one that is silent all the same is accepted")
        self.assertEqual(late.request("/healthz").status, 200)

    def test_not_where_that_is_not_wanted(self):
        self.start("--set", "listen.public.defer_accept=false")
        self.assert_accepts_at_once()

    def test_a_reload_changes_it(self):
        self.start()
        self.daemon.config.write_text(CONFIG + "[listen.public]\naddress = '127.0.0.1:0'\ndefer_accept = false\n")
        self.daemon.process.send_signal(signal.SIGHUP)
        self.assertTrue(self.daemon.log.wait_for("reloaded: changed: listen.public.defer_accept"))
        self.assert_accepts_at_once()


class UnixSocket(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="peal-")
        self.addCleanup(folder.cleanup)
        self.path = str(pathlib.Path(folder.name) / "peal.sock")

    def start(self, *options, config=CONFIG, listens=True):
        daemon = Daemon(config, *options, address=f"unix:{self.path}", wait=False)
        self.addCleanup(daemon.stop)
        if listens:
            self.assertTrue(daemon.log.wait_for(f"listening on unix:{self.path}"), daemon.log.text())
        return daemon

    def client(self):
        client = Client(self.path)
        self.addCleanup(client.close)
        return client

    def assert_fails(self, daemon, *words):
        self.assertEqual(daemon.process.wait(10), 1)
        daemon.log.join()
        for word in words:
            self.assertIn(word, daemon.log.text())

    def test_clients_are_served(self):
        self.start()
        client = self.client()
        self.assertEqual(client.request("/healthz").status, 200)
        self.assertEqual(client.upgrade("/echo").status, 101)
        for text in (b"hello", b"x" * 200_000):
            self.assertEqual(client.echo(text, TEXT).payload, text)

    def test_the_mode_is_the_one_asked_for_and_0660_else(self):
        daemon = self.start()
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o660)
        self.assertEqual(daemon.stop(), 0)
        self.start("--set", "listen.public.mode='0606'")
        self.assertEqual(stat.S_IMODE(os.stat(self.path).st_mode), 0o606)

    def test_another_group(self):
        if os.getuid() != 0:
            self.skipTest("takes root")
        self.start("--set", "listen.public.group=daemon")
        self.assertEqual(os.stat(self.path).st_gid, 1)

    def test_the_file_goes_with_the_daemon(self):
        daemon = self.start()
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(os.path.lexists(self.path))

    def test_a_file_that_a_killed_one_left_is_replaced(self):
        first = self.start()
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(10)
        self.assertTrue(os.path.lexists(self.path))
        self.start()
        self.assertEqual(self.client().request("/healthz").status, 200)

    def test_a_second_peald_is_refused_and_the_first_stays(self):
        self.start()
        self.assert_fails(self.start(listens=False), self.path, "in use")
        self.assertEqual(self.client().request("/healthz").status, 200)

    def test_another_file_is_not_replaced(self):
        pathlib.Path(self.path).write_text("mine")
        self.assert_fails(self.start(listens=False), self.path, "exists")
        self.assertEqual(pathlib.Path(self.path).read_text(), "mine")

    def test_the_log_says_unix_and_limits_by_address_do_not_hold(self):
        daemon = self.start("--set", "limits.connections_per_ip=1")
        clients = [self.client() for _ in range(5)]
        for client in clients:
            self.assertEqual(client.request("/healthz").status, 200)
        clients[0].send(b"no request\r\n\r\n")
        self.assertTrue(daemon.log.wait_for("bad_request: unix sent"), daemon.log.text())


class SocketActivation(unittest.TestCase):
    """With systemd-socket-activate(1), which starts peald when somebody comes."""

    def start(self, name, *passed, names=None, config=CONFIG):
        names = names or ":".join("public" for _ in passed)
        wrap = ["systemd-socket-activate", *(f"--listen={address}" for address in passed), f"--fdname={names}"]
        daemon = Daemon(config, address=f"systemd:{name}", wait=False, wrap=wrap)
        self.addCleanup(daemon.stop)
        self.assertTrue(daemon.log.wait_for("Listening on"), daemon.log.text())
        return daemon

    def client(self, address):
        client = Client(address)
        self.addCleanup(client.close)
        return client

    def test_whoever_came_first_is_served_and_everybody_after(self):
        port = free_port()
        daemon = self.start("public", str(port))
        first = self.client(("127.0.0.1", port))
        self.assertEqual(first.request("/healthz").status, 200)
        self.assertTrue(daemon.log.wait_for(f'{port}, from systemd as "public"'), daemon.log.text())
        for _ in range(10):
            client = self.client(("127.0.0.1", port))
            self.assertEqual(client.upgrade("/echo").status, 101)
            self.assertEqual(client.echo(b"hello", TEXT).payload, b"hello")
        self.assertEqual(daemon.stop(), 0)

    def test_several_sockets_of_one_name(self):
        with tempfile.TemporaryDirectory(prefix="peal-") as folder:
            port, path = free_port(), f"{folder}/s"
            daemon = self.start("public", str(port), path)
            self.assertEqual(self.client(("127.0.0.1", port)).request("/healthz").status, 200)
            self.assertEqual(self.client(path).request("/healthz").status, 200)
            self.assertEqual(daemon.stop(), 0)
            self.assertTrue(os.path.exists(path))  # it is systemd's

    def test_a_name_that_is_not_there(self):
        port = free_port()
        daemon = self.start("public", str(port), str(free_port()), names="web:admin")
        with socket.create_connection(("127.0.0.1", port)):
            self.assertEqual(daemon.process.wait(10), 1)
        daemon.log.join()
        self.assertIn('listen.public: systemd has passed no socket of the name "public" (FileDescriptorName=), '
                      'only "web", "admin"', daemon.log.text())

    def test_without_systemd(self):
        daemon = Daemon(CONFIG, address="systemd:public", wait=False)
        self.addCleanup(daemon.stop)
        self.assertEqual(daemon.process.wait(10), 1)
        daemon.log.join()
        self.assertIn('no socket of the name "public" (FileDescriptorName=), none at all', daemon.log.text())

    def test_a_socket_that_nobody_names_is_told(self):
        port = free_port()
        daemon = self.start("public", str(port), str(free_port()), names="public:lost")
        self.assertEqual(self.client(("127.0.0.1", port)).request("/healthz").status, 200)
        self.assertTrue(daemon.log.wait_for('systemd has passed the socket "lost", .*, but no listener has'))

    def test_a_socket_that_a_reload_leaves_to_nobody_is_told(self):
        port, other = free_port(), '[listen.other]\naddress = "systemd:other"\n'
        daemon = self.start("public", str(port), str(free_port()), names="public:other", config=CONFIG + other)
        self.assertEqual(self.client(("127.0.0.1", port)).request("/healthz").status, 200)
        daemon.config.write_text(CONFIG)
        daemon.process.send_signal(signal.SIGHUP)
        self.assertTrue(daemon.log.wait_for('systemd has passed the socket "other", .*, but no listener has'))

    def test_sockets_for_another_process_are_not_taken(self):
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        wrap = ["env", "LISTEN_PID=1", "LISTEN_FDS=1", "LISTEN_FDNAMES=public"]
        daemon = Daemon(CONFIG, address="systemd:public", wait=False, wrap=wrap)
        self.addCleanup(daemon.stop)
        self.assertEqual(daemon.process.wait(10), 1)
