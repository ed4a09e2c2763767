# SPDX-License-Identifier: Apache-2.0
"""Running out of file descriptors: sockets go aside where the back end can, and then accepting pauses
and resumes; nobody who is in notices."""

import time
import unittest

from support import CLOSE, IO, TEXT, Client, DaemonCase, close_payload, wait_until
from support.wire import Ended

CONFIG = """
[server]
threads = 2

[limits]
connections = 1000000
handshake_timeout = "30s"

[route.echo]
path = "/echo"
type = "echo"

[route.live]
path = "/live"
type = "pubsub"
topics = ["live"]
publish = "anyone"
"""


class Crowded(DaemonCase):
    config = CONFIG

    def status(self):
        """What a new client is told; None when its connection is just closed."""
        with Client(self.daemon.address) as client:
            try:
                return client.upgrade("/echo").status
            except (Ended, ConnectionError):
                return None

    def wait_for_room(self):
        """A client may be told 503 as long as those who leave are not gone yet."""
        wait_until(lambda: self.status() == 101, "there is room again")


class FewDescriptors(Crowded):
    nofile = 64

    def crowd(self, size):
        """More clients than there are descriptors, so that accepting pauses."""
        clients = [self.connect() for _ in range(size)]
        wait_until(lambda: self.daemon.descriptors() >= 56, "the crowd takes what descriptors there are")
        return clients

    def test_accepting_pauses_and_resumes(self):
        inside = [self.open("/echo") for _ in range(4)]
        crowd = self.crowd(260)
        for number, client in enumerate(inside):
            self.assertEqual(client.echo(b"%d" % number).payload, b"%d" % number)
        before = self.daemon.cpu_seconds()
        time.sleep(1)  # the stretch that is measured
        self.assertLess(self.daemon.cpu_seconds() - before, 0.2, "peald spins while it cannot accept")

        for client in crowd:
            client.close()
        self.wait_for_room()
        for client in inside:
            self.assertEqual(client.echo(b"still in").payload, b"still in")

    def test_who_waits_is_answered_when_others_leave(self):
        crowd = self.crowd(260)
        late = self.connect()
        late.send(late.upgrade_head("/echo"))
        for client in crowd:
            client.close()
        self.assertIn(late.read_response().status, (101, 503))
        self.wait_for_room()


@unittest.skipUnless(IO == "io_uring", "epoll needs descriptors")
class Aside(Crowded):
    """With 64 files there are 48 connections that have one; the rest lies in the rings' own tables."""
    nofile = 64

    def test_whoever_has_no_descriptor_is_served_like_the_others(self):
        crowd = [self.open("/echo") for _ in range(60)]
        clients = [self.open("/live") for _ in range(60)]
        self.assertLess(self.daemon.descriptors(), 60)
        for number, client in enumerate(crowd):
            self.assertEqual(client.echo(b"%d" % number).payload, b"%d" % number)
        clients[-1].send_frame(TEXT, b"to all")
        for client in clients[:-1]:
            self.assertEqual(client.read_frame().payload, b"to all")
        large = bytes(range(256)) * 2048
        self.assertEqual(crowd[-1].echo(large).payload, large)

    def test_they_leave_in_every_way_and_others_take_their_places(self):
        for _ in range(3):
            crowd = [self.open("/echo") for _ in range(110)]
            for client in crowd[::3]:
                client.reset()
            for client in crowd[1::3]:
                client.send_frame(CLOSE, close_payload(1000))
                self.assertEqual(client.read_close()[0], 1000)
                client.read_to_end()
                client.close()  # or the server keeps its place for a while
            for client in crowd[2::3]:
                client.close()
            wait_until(lambda: self.daemon.descriptors() < 40, "they are gone")

    def test_plain_requests_end_as_they_should(self):
        crowd = [self.open("/echo") for _ in range(60)]
        for _ in range(5):
            with Client(self.daemon.address) as client:
                client.send(b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                self.assertEqual(client.read_response().status, 404)
                self.assertEqual(client.read_to_end(), b"")
        self.assertEqual(crowd[-1].echo(b"undisturbed").payload, b"undisturbed")


class ConnectionLimit(Crowded):
    config = CONFIG.replace("1000000", "10")

    def test_one_more_is_refused_until_one_leaves(self):
        inside = [self.open("/echo") for _ in range(10)]
        self.assertEqual(self.status(), 503)
        inside.pop().close()
        self.wait_for_room()
        for client in inside:
            self.assertEqual(client.echo(b"undisturbed").payload, b"undisturbed")
