# SPDX-License-Identifier: Apache-2.0
"""A test case with a daemon for all its tests."""

import unittest

from .daemon import Daemon
from .wire import Client


class DaemonCase(unittest.TestCase):
    """Starts a Daemon of `config` and `options` for the class; it must still end with exit code 0 afterwards."""

    config = ""
    options = ()
    nofile = None
    prepare = None  # a static method that takes the folder of the configuration

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon(cls.config, *cls.options, prepare=cls.prepare, nofile=cls.nofile)

    @classmethod
    def tearDownClass(cls):
        code = cls.daemon.stop()
        if code != 0:
            raise AssertionError(f"peald ended with {code}:\n" + cls.daemon.log.text())

    def connect(self, **options):
        client = Client(self.daemon.address, **options)
        self.addCleanup(client.close)
        return client

    def open(self, path, *headers, **options):
        """A WebSocket."""
        client = self.connect(**options)
        answer = client.upgrade(path, *headers)
        self.assertEqual(answer.status, 101, answer.body)
        return client

    def assert_closes(self, client, code):
        """The server closes with `code`; after the answer the connection ends."""
        self.assertEqual(client.read_close()[0], code)
        self.assertTrue(client.has_ended())
