# SPDX-License-Identifier: Apache-2.0
"""Which route answers: by path, by host, by listener. The sub-protocol names the route that did."""

import re

from support import Client, DaemonCase


def echo_route(name, path, more=""):
    return f'[route.{name}]\npath = "{path}"\ntype = "echo"\nsubprotocols = ["{name}"]\n{more}\n'


CONFIG = """
[listen.public]
address = "127.0.0.1:0"

[listen.inner]
address = "127.0.0.1:0"
""" + "".join([
    echo_route("rest", "/{path...}"),
    echo_route("main", "/room/main"),
    echo_route("room", "/room/{name}"),
    echo_route("desk", "/room/{name}/desk"),
    echo_route("admin", "/site", 'hosts = ["admin.example.com"]'),
    echo_route("tenant", "/site", 'hosts = ["*.example.com"]'),
    echo_route("private", "/private", 'listen = ["inner"]'),
])

NAMES = "rest, main, room, desk, admin, tenant, private"


class Routing(DaemonCase):
    config = CONFIG

    def route_of(self, path, host=None, address=None):
        with Client(address or self.daemon.address) as client:
            answer = client.upgrade(path, f"Sec-WebSocket-Protocol: {NAMES}", host=host)
            self.assertEqual(answer.status, 101)
            return answer.headers["sec-websocket-protocol"]

    def test_the_most_specific_path_wins(self):
        paths = {
            "/room/main": "main", "/room/m%61in": "main", "/room/other": "room", "/room/main/desk": "desk",
            "/room/other/chair": "rest", "/room": "rest", "/": "rest", "/a/b/c": "rest", "/room/Main": "room",
        }
        for path, name in paths.items():
            with self.subTest(path):
                self.assertEqual(self.route_of(path), name)

    def test_the_most_specific_host_wins(self):
        hosts = {
            "admin.example.com": "admin", "ADMIN.example.com:8080": "admin", "a.example.com": "tenant",
            "a.b.example.com": "tenant", "example.com": "rest", "evilexample.com": "rest", "127.0.0.1": "rest",
        }
        for host, name in hosts.items():
            with self.subTest(host):
                self.assertEqual(self.route_of("/site", host=host), name)

    def test_a_host_without_that_path_falls_back(self):
        self.assertEqual(self.route_of("/room/main", host="admin.example.com"), "main")

    def test_a_route_may_belong_to_one_listener(self):
        found = re.findall(r"listening on (\S+):(\d+)", self.daemon.log.wait_for(r"(?s)(listening on .*){2}")[0])
        routes = {self.route_of("/private", address=(host, int(port))) for host, port in found}
        self.assertEqual(len(found), 2)
        self.assertEqual(routes, {"private", "rest"})
