# SPDX-License-Identifier: Apache-2.0
"""Running out of file descriptors: accepting pauses and resumes, nobody who is in notices."""

import time

from support import TEXT, Client, DaemonCase, wait_until
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
"""


class FewDescriptors(DaemonCase):
    config = CONFIG
    nofile = 64

    def test_accepting_pauses_and_resumes(self):
        inside = [self.open("/echo") for _ in range(4)]
        crowd = [Client(self.daemon.address) for _ in range(150)]

        wait_until(lambda: self.daemon.descriptors() >= 56, "the crowd takes what descriptors there are")
        for number, client in enumerate(inside):
            self.assertEqual(client.echo(b"%d" % number).payload, b"%d" % number)
        before = self.daemon.cpu_seconds()
        time.sleep(1)  # the stretch that is measured
        self.assertLess(self.daemon.cpu_seconds() - before, 0.2, "peald spins while it cannot accept")

        for client in crowd:
            client.close()
        self.assertEqual(self.open("/echo").echo(b"back").payload, b"back")
        for client in inside:
            self.assertEqual(client.echo(b"still in").payload, b"still in")

    def test_who_waited_is_served_when_others_leave(self):
        crowd = [Client(self.daemon.address) for _ in range(100)]
        try:
            wait_until(lambda: self.daemon.descriptors() >= 56, "the crowd takes what descriptors there are")
            late = self.connect()
            late.send(late.upgrade_head("/echo"))
            for client in crowd:
                client.close()
            self.assertEqual(late.read_response().status, 101)
            self.assertEqual(late.echo(b"at last", TEXT).payload, b"at last")
        finally:
            for client in crowd:
                client.close()


class ConnectionLimit(DaemonCase):
    config = CONFIG.replace("1000000", "10")

    def refused(self):
        """True when a further connection is told 503, or closed."""
        with Client(self.daemon.address) as client:
            try:
                answer = client.upgrade("/echo")
            except (Ended, OSError):
                return True
            return answer.status == 503

    def test_one_more_is_refused_until_one_leaves(self):
        inside = [self.open("/echo") for _ in range(10)]
        wait_until(self.refused, "the limit applies")
        inside.pop().close()

        def admitted():
            with Client(self.daemon.address) as client:
                try:
                    return client.upgrade("/echo").status == 101
                except (Ended, OSError):
                    return False

        wait_until(admitted, "a place that became free is given away")
        for client in inside:
            self.assertEqual(client.echo(b"undisturbed").payload, b"undisturbed")
