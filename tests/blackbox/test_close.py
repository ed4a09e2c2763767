# SPDX-License-Identifier: Apache-2.0
"""The closing handshake, RFC 6455 section 7, and the ends that TCP knows."""

import socket

from support import BINARY, CLOSE, PING, TEXT, DaemonCase, close_payload, frame, wait_until

CONFIG = """
[limits]
close_timeout = "500ms"

[route.echo]
path = "/echo"
type = "echo"
"""


class Close(DaemonCase):
    config = CONFIG

    def test_the_code_is_echoed(self):
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4000, 4999):
            with self.subTest(code):
                client = self.open("/echo")
                client.send_frame(CLOSE, close_payload(code, "a reason"))
                self.assert_closes(client, code)

    def test_a_close_without_a_code(self):
        client = self.open("/echo")
        client.send_frame(CLOSE)
        self.assertIn(client.read_close()[0], (None, 1000))
        self.assertTrue(client.has_ended())

    def test_the_longest_reason(self):
        client = self.open("/echo")
        client.send_frame(CLOSE, close_payload(1000, "é" * 61 + "x"))
        self.assert_closes(client, 1000)

    def test_messages_before_the_close_are_answered_first(self):
        client = self.open("/echo")
        client.send(frame(TEXT, "one") + frame(TEXT, "two") + frame(CLOSE, close_payload(1000)))
        self.assertEqual(client.read_message(), b"one")
        self.assertEqual(client.read_message(), b"two")
        self.assert_closes(client, 1000)

    def test_nothing_after_the_close_is_answered(self):
        client = self.open("/echo")
        client.send(frame(CLOSE, close_payload(1000)) + frame(TEXT, "late") + frame(PING, "late"))
        self.assert_closes(client, 1000)

    def test_a_half_close_after_sending_still_gets_the_answers(self):
        client = self.open("/echo")
        payload = b"x" * 500_000
        client.send(frame(BINARY, payload) + frame(TEXT, "last"))
        client.socket.shutdown(socket.SHUT_WR)
        self.assertTrue(client.read_message() == payload)
        self.assertEqual(client.read_message(), b"last")
        client.read_to_end()

    def test_a_peer_that_ignores_our_close_is_dropped(self):
        client = self.open("/echo", timeout=5)
        client.send_frame(TEXT, "x", key=None)
        self.assertEqual(client.read_close()[0], 1002)
        self.assertTrue(client.has_ended())

    def test_clients_that_vanish_leave_nothing(self):
        before = self.daemon.descriptors()
        for number in range(60):
            client = self.open("/echo")
            client.send(frame(BINARY, b"x" * 1000, length=5000))
            client.reset() if number % 2 else client.close()
        wait_until(lambda: self.daemon.descriptors() <= before, "descriptors of vanished clients are closed")

    def test_a_reset_amid_a_big_answer_leaves_nothing(self):
        before = self.daemon.descriptors()
        for _ in range(20):
            client = self.open("/echo")
            client.send_frame(BINARY, b"x" * 1_000_000)
            client.reset()
        wait_until(lambda: self.daemon.descriptors() <= before, "descriptors of reset clients are closed")
