# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping, and what is in the way of it."""

import os
import pathlib
import random
import resource
import signal
import socket
import time
import unittest

from support import CLOSE, TEXT, Client, Daemon, close_payload, frame, wait_until
from support.daemon import SANITIZED

CONFIG = """
[server]
threads = 2

[limits]
close_timeout = "20s"

[route.echo]
path = "/echo"
type = "echo"

[route.health]
path = "/healthz"
type = "health"
"""


class Stopping(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(CONFIG, "--set", "listen.public.defer_accept=false")  # some say nothing
        self.addCleanup(self.daemon.stop)

    def open(self):
        client = Client(self.daemon.address)
        self.addCleanup(client.close)
        self.assertEqual(client.upgrade("/echo").status, 101)
        return client

    def refuses(self):
        try:
            Client(self.daemon.address).close()
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:
            pass  # met a listener that was just closing; the other may be open still
        return False

    def test_without_clients(self):
        self.daemon.terminate()
        self.assertEqual(self.daemon.wait(5), 0)

    def test_sigint_does_the_same(self):
        self.daemon.process.send_signal(signal.SIGINT)
        self.assertEqual(self.daemon.wait(5), 0)

    def test_clients_are_told_1001(self):
        clients = [self.open() for _ in range(20)]
        self.daemon.terminate()
        for client in clients:
            code, _ = client.read_close()
            self.assertEqual(code, 1001)
            client.send_frame(CLOSE, close_payload(code))
            self.assertTrue(client.has_ended())
            client.close()
        self.assertEqual(self.daemon.wait(5), 0)

    def test_a_second_signal_breaks_a_crowd_off(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        crowd = [Client(self.daemon.address) for _ in range(5000)]  # more than a ring takes at once
        try:
            self.daemon.wait_for_descriptors(5000)
            self.daemon.terminate()
            self.daemon.log.wait_for("asked to stop")
            self.daemon.terminate()
            self.assertEqual(self.daemon.wait(10), 0)
        finally:
            for client in crowd:
                client.close()

    def test_requests_do_not_keep_a_stopping_daemon_up(self):
        client = Client(self.daemon.address)
        self.addCleanup(client.close)
        client.send(b"GET /x HTTP/1.1\r\n")
        time.sleep(0.4)  # until half a head is there
        self.daemon.terminate()
        wait_until(self.refuses, "no reactor accepts any more")
        client.send(f"Host: {self.daemon.host}\r\n\r\n".encode())
        answer = client.read_response()
        self.assertEqual(answer.headers.get("connection"), "close")
        client.close()
        self.assertEqual(self.daemon.wait(5), 0)

    def test_a_client_that_hangs_up_in_turn_does_not_delay(self):
        client = self.open()
        self.daemon.terminate()
        client.read_close()
        client.close()
        self.assertEqual(self.daemon.wait(5), 0)

    def test_plain_connections_are_ended(self):
        silent, kept = Client(self.daemon.address), Client(self.daemon.address)
        self.assertEqual(kept.request("/healthz").status, 200)
        self.daemon.terminate()
        for client in (silent, kept):
            self.assertTrue(client.has_ended())
            client.close()
        self.assertEqual(self.daemon.wait(5), 0)

    def test_nobody_new_gets_in(self):
        client = self.open()
        self.daemon.terminate()
        self.assertEqual(client.read_close()[0], 1001)
        wait_until(self.refuses, "no reactor accepts any more")
        client.send_frame(CLOSE, close_payload(1001))
        client.close()
        self.assertEqual(self.daemon.wait(5), 0)

    def test_messages_on_their_way_are_answered_before(self):
        client = self.open()
        client.send(frame(TEXT, "last words"))
        self.assertEqual(client.read_message(), b"last words")
        self.daemon.terminate()
        self.assertEqual(client.read_close()[0], 1001)

    def test_a_second_signal_stops_at_once(self):
        client = self.open()
        self.daemon.terminate()
        self.assertEqual(client.read_close()[0], 1001)  # and never answers, for 20 s
        begin = time.monotonic()
        self.daemon.terminate()
        self.daemon.wait(5)
        self.assertLess(time.monotonic() - begin, 3)


class ClosingTakesTooLong(unittest.TestCase):
    def test_a_client_that_ignores_1001_is_dropped_after_close_timeout(self):
        daemon = Daemon(CONFIG, "--set", "limits.close_timeout=500ms")
        self.addCleanup(daemon.stop)
        with Client(daemon.address) as client:
            self.assertEqual(client.upgrade("/echo").status, 101)
            daemon.terminate()
            self.assertEqual(client.read_close()[0], 1001)
            self.assertTrue(client.has_ended())
            self.assertEqual(daemon.wait(5), 0)


class Starting(unittest.TestCase):
    def assert_fails(self, daemon, *words):
        self.addCleanup(daemon.stop)
        self.assertEqual(daemon.process.wait(10), 1)
        daemon.log.join()
        for word in words:
            self.assertIn(word, daemon.log.text())
        self.assertNotIn("listening on", daemon.log.text())

    def test_an_address_in_use_by_another_program(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            host = "{}:{}".format(*other.getsockname())
            self.assert_fails(Daemon(CONFIG, address=host, wait=False), host, "in use")

    def test_an_address_that_is_free_a_moment_later(self):
        """As of a peald that was killed: its io_uring, and so its sockets, end after it."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            daemon = Daemon(CONFIG, address="{}:{}".format(*other.getsockname()), wait=False)
            self.addCleanup(daemon.stop)
            self.assertTrue(daemon.log.wait_for("in use"))
        self.assertTrue(daemon.log.wait_for("listening on"), daemon.log.text())
        self.assertEqual(daemon.stop(), 0)

    def test_an_address_in_use_by_another_peald(self):
        first = Daemon(CONFIG)
        self.addCleanup(first.stop)
        self.assert_fails(Daemon(CONFIG, address=first.host, wait=False), first.host, "in use")
        with Client(first.address) as client:
            self.assertEqual(client.request("/healthz").status, 200)

    def test_an_address_that_is_not_ours(self):
        self.assert_fails(Daemon(CONFIG, address="192.0.2.1:8080", wait=False), "192.0.2.1:8080")

    @unittest.skipIf(os.geteuid(), "takes root to become another user")
    @unittest.skipIf(SANITIZED, "sanitizers take a thread of their own")
    def test_threads_that_there_may_not_be(self):
        user = str(random.randrange(100_000, 1_000_000))  # has no other processes
        for limit, who in (1, "the log's thread"), (2, "the metrics' thread"), (3, "a reactor"), (4, "a reactor"):
            with self.subTest(limit=limit):
                daemon = Daemon(CONFIG, wait=False, prepare=lambda folder: folder.chmod(0o755), wrap=(
                    "setpriv", "--reuid", user, "--clear-groups", "prlimit", f"--nproc={limit}:{limit}"))
                self.addCleanup(daemon.stop)
                self.assertEqual(daemon.process.wait(10), 1)
                daemon.log.join()
                self.assertRegex(daemon.log.text(), f"{who} cannot be .*: Resource temporarily unavailable\n$")

    def test_without_descriptors_enough(self):
        self.assert_fails(Daemon(CONFIG, nofile=5, wait=False), "signalfd: Too many open files")

    @unittest.skipIf(SANITIZED, "sanitizers take more memory")
    def test_without_memory_enough(self):
        """What is too little differs between machines: about there, each start serves or says why not."""
        codes = []
        for megabytes in (60, 90, 220, 2000):
            with self.subTest(megabytes=megabytes):
                daemon = Daemon(CONFIG, wait=False, wrap=("prlimit", f"--as={megabytes << 20}"))
                self.addCleanup(daemon.stop)
                self.assertTrue(daemon.log.wait_for(r"listening on|error: .*\b(memory|unavailable)"), daemon.log.text())
                daemon.terminate()
                codes.append(daemon.process.wait(10))
                daemon.log.join()
                self.assertIn(codes[-1], (0, 1), daemon.log.text())
        self.assertEqual((codes[0], codes[-1]), (1, 0))

    def test_again_on_the_same_port_at_once(self):
        first = Daemon(CONFIG)
        with Client(first.address) as client:
            self.assertEqual(client.request("/healthz").status, 200)
            first.stop()
        second = Daemon(CONFIG, address=first.host)
        self.addCleanup(second.stop)
        with Client(second.address) as client:
            self.assertEqual(client.request("/healthz").status, 200)

    def test_ipv6(self):
        if not pathlib.Path("/proc/net/if_inet6").exists():
            self.skipTest("no IPv6 here")
        daemon = Daemon(CONFIG, address="[::1]:0")
        self.addCleanup(daemon.stop)
        self.assertEqual(daemon.address[0], "[::1]")
        with socket.create_connection(("::1", daemon.address[1]), 5) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: [::1]\r\n\r\n")
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 200"))
