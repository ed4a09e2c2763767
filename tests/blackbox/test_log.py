# SPDX-License-Identifier: Apache-2.0
"""The log: one event a line, whatever clients write into it."""

import json
import unittest

from support import CLOSE, TEXT, Client, Daemon, close_payload

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

    def test_json_is_one_object_a_line(self):
        lines = [json.loads(line) for line in self.noisy_log("--set", "log.format=json").splitlines()]
        self.assertTrue(any("listening on" in str(line) for line in lines))
