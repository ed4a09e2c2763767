# SPDX-License-Identifier: Apache-2.0
"""The configuration is read again while clients are connected (SIGHUP)."""

import contextlib
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import stat
import subprocess
import tempfile
import time
import unittest

from support import CLOSE, PING, SANITIZED, TEXT, Client, Daemon, close_payload, wait_until
from support.certificates import Authority
from support.daemon import PEALD, free_port
from support.stopped import Stopped, reactors
from support.wire import Ended

ROUTES = """
[route.room]
path = "/room/{name}"
type = "pubsub"
topics = ["room/{name}"]
publish = "anyone"

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"
"""
HEAD = """
[server]
threads = 2

[listen.public]
address = "127.0.0.1:0"
"""
ECHO = """
[route.echo]
path = "/echo"
type = "echo"
"""
CONFIG = HEAD + ROUTES + ECHO


class ReloadCase(unittest.TestCase):
    def start(self, config=CONFIG, *settings, prepare=None):
        options = [word for setting in settings for word in ("--set", setting)]
        self.daemon = Daemon(config, *options, prepare=prepare)
        self.addCleanup(self.stop)
        listeners = config.count("[listen.")
        wait_until(lambda: self.count("listening on") == listeners, "all listeners are there")

    def stop(self):
        if self.daemon.process.poll() is None:
            self.assertEqual(self.daemon.stop(), 0, self.daemon.log.text())

    def count(self, pattern):
        return len(re.findall(pattern, self.daemon.log.text()))

    def reload(self, config, outcome="reloaded: "):
        """Returns the line that tells what came of it."""
        pattern = r" (?:info|error): (reloaded: .*|not reloaded, .*)\n"
        before = self.count(pattern)
        self.daemon.config.write_text(config)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.count(pattern) > before, "the reload is over")
        line = re.findall(pattern, self.daemon.log.text())[before]
        self.assertTrue(line.startswith(outcome), self.daemon.log.text())
        return line

    @contextlib.contextmanager
    def reloading(self, config, sign):
        """Within, `sign` is in the log, all files are read, and no reactor has taken up what is in them."""
        if SANITIZED:
            self.skipTest("a sanitizer's threads are not to be traced")
        self.reload(self.daemon.config.read_text() + "# all reactors serve\n")
        before = self.count("reloaded: ")
        with contextlib.ExitStack() as stack:
            for thread in reactors(self.daemon):
                stack.enter_context(Stopped(thread))
            self.daemon.config.write_text(config)
            self.daemon.process.send_signal(signal.SIGHUP)
            self.assertTrue(self.daemon.log.wait_for(sign))
            yield
        wait_until(lambda: self.count("reloaded: ") > before, "the reload is over")

    def connect(self, address=None):
        client = Client(address or self.daemon.address)
        self.addCleanup(client.close)
        return client

    def open(self, path, *headers, address=None):
        client = self.connect(address)
        answer = client.upgrade(path, *headers)
        self.assertEqual(answer.status, 101, answer.body)
        return client

    def status(self, path, *headers, **more):
        with Client(self.daemon.address) as client:
            return client.request(path, *headers, **more).status

    def publish(self, topic, text, client=None):
        with Client(self.daemon.address) as own:
            client = client or own
            head = client.request_head(f"/publish/{topic}", f"Content-Length: {len(text)}", method="POST")
            client.send(head + text.encode())
            self.assertEqual(client.read_response().status, 200)

    def assert_lives(self, client, text="still here"):
        client.send_frame(TEXT, text)
        self.assertEqual(client.read_message(), text.encode())

    def assert_told_to_go(self, client):
        self.assertEqual(client.read_close()[0], 1001)
        client.send_frame(CLOSE, close_payload(1001))
        self.assertTrue(client.has_ended())


class Routes(ReloadCase):
    def test_nothing_has_changed(self):
        self.start()
        client = self.open("/echo")
        self.assertEqual(self.reload(CONFIG + "# a comment\n"), "reloaded: nothing has changed")
        self.assert_lives(client)

    def test_a_route_comes_and_goes(self):
        self.start()
        goes, stays = self.open("/echo"), self.open("/room/a")
        self.assertEqual(self.status("/other"), 404)
        self.assertEqual(self.reload(HEAD + ROUTES + ECHO.replace("echo", "other").replace('"other"', '"echo"')),
                         "reloaded: added: route.other; removed: route.echo")
        self.assert_told_to_go(goes)
        self.assert_lives(stays)
        self.assertEqual(self.status("/echo"), 404)
        self.assert_lives(self.open("/other"))

    def test_a_route_of_another_type_or_select_is_another_route(self):
        self.start()
        echo, room = self.open("/echo"), self.open("/room/a")
        other = ECHO.replace('type = "echo"', 'type = "pubsub"\ntopics = ["echo"]')
        self.reload(HEAD + ROUTES + other)
        self.assert_told_to_go(echo)
        self.assert_lives(room)
        self.reload(HEAD + ROUTES.replace('publish = "anyone"', 'select = "query"') + other)
        self.assert_told_to_go(room)

    def test_all_transports_are_told_in_their_own_way(self):
        self.start()
        stream, poll, idle = (self.connect() for _ in range(3))
        stream.send(stream.request_head("/room/a", "Accept: text/event-stream"))
        stream.read_until(b"id: ")
        self.assertEqual(poll.request("/room/a?wait=0").status, 204)
        self.assertEqual(idle.request("/nothing").status, 404)
        poll.send(poll.request_head("/room/a?wait=60s"))
        time.sleep(0.4)  # until it waits
        self.reload(HEAD + ECHO)
        self.assertRegex(stream.read_to_end(), rb"retry: \d+\n\n\Z")
        self.assertEqual(poll.read_response().status, 204)
        self.assertEqual(poll.request("/room/a?wait=60s").status, 404)
        self.assertEqual(idle.request("/room/a").status, 404)

    def test_clients_of_a_route_that_goes_are_told_one_after_another(self):
        self.start(CONFIG, "drain.over=2s")
        clients = [self.open("/echo") for _ in range(20)]
        begin = time.monotonic()
        self.reload(HEAD + ROUTES)
        self.assertLess(time.monotonic() - begin, 1.4)
        first = self.open("/room/a")
        for client in clients:
            client.socket.settimeout(5)
            client.read_close()
        self.assertGreater(time.monotonic() - begin, 1.5)
        self.assert_lives(first)

    def test_topics_that_are_not_allowed_any_more(self):
        query = """
[route.live]
path = "/live"
type = "pubsub"
select = "query"
topics = %s
wildcards = true
"""
        self.start(HEAD + ROUTES + query % '["prices/*", "news/**"]')
        prices, news = self.open("/live?topic=prices/a"), self.open("/live?topic=prices/a&topic=news/x")
        pattern = self.open("/live?topic=prices/*")
        self.reload(HEAD + ROUTES + query % '["prices/*"]')
        self.assert_told_to_go(news)
        for client in (prices, pattern):
            client.send_frame(PING)
            client.read_frame()
        self.publish("prices/a", "42")
        self.assertEqual(prices.read_message(), b"42")
        self.assertEqual(pattern.read_message(), b"42")

    def test_what_clients_may_publish(self):
        self.start()
        client, poll = self.open("/room/a"), self.connect()
        poll.send(poll.request_head("/room/a?wait=60s"))
        time.sleep(0.4)
        self.reload(CONFIG.replace('publish = "anyone"', 'publish = "ignore"'))
        client.send_frame(TEXT, "unheard")
        self.publish("room/a", "heard")
        self.assertEqual(client.read_message(), b"heard")
        self.assertIn(b"heard", poll.read_response().body)
        self.reload(CONFIG.replace('publish = "anyone"', 'publish = "anyone"\npublish_to = "other"'))
        self.assert_told_to_go(client)

    def test_a_request_that_has_begun_is_answered(self):
        self.start()
        client, listener = self.connect(), self.open("/room/a")
        client.send(client.request_head("/publish/room/a", "Content-Length: 4", method="POST") + b"ne")
        time.sleep(0.4)  # until it is read
        self.reload(HEAD + ROUTES.replace("route.publish", "route.renamed").replace("/publish/", "/renamed/"))
        client.send(b"ws")
        self.assertEqual(client.read_response().status, 200)
        self.assertEqual(listener.read_message(), b"news")
        self.assertEqual(client.request("/publish/room/a", "Content-Length: 0", method="POST").status, 404)


class Settings(ReloadCase):
    def test_limits_of_those_who_are_connected(self):
        self.start()
        client, quiet = self.open("/echo"), self.open("/room/a")
        client.echo("x" * 5000, TEXT)
        line = self.reload(CONFIG + '[limits]\nmessage_size = "1KiB"\nping_interval = "100ms"\n')
        self.assertIn("changed: limits.message_size, limits.ping_interval", line)
        self.assertEqual(quiet.read_frame().opcode, PING)
        self.assert_lives(client, "y" * 1024)
        client.send_frame(TEXT, "z" * 1025)
        with self.assertRaises(Ended) as ended:
            client.read_message()
        self.assertEqual(ended.exception.args[0][:2], close_payload(1009))

    def test_rates_of_accepting_and_of_messages(self):
        self.start()
        client = self.open("/echo")
        for accept, status in (("5/s", 101), ("0/s", 101), ("1000/s", 101)):
            self.reload(CONFIG + f'[limits]\naccept_rate = "{accept}"\nmessage_rate = "3/s"\n')
            for _ in range(3):
                self.assertEqual(self.open("/echo").echo("x").payload, b"x")
        for _ in range(6):
            client.send_frame(TEXT, "too many")
        while (frame := client.read_frame()).opcode != CLOSE:
            pass
        self.assertEqual(frame.payload[:2], b"\x03\xf0")

    def test_connections_at_once(self):
        self.start()
        first, second = self.open("/echo"), self.open("/echo")
        self.reload(CONFIG + "[limits]\nconnections = 2\n")
        self.assertEqual(self.status("/echo"), 503)
        self.reload(CONFIG + "[limits]\nconnections_per_ip = 2\n")
        self.assertEqual(self.open("/echo").echo("x").payload, b"x")  # those of before do not count
        for client in (first, second):
            self.assert_lives(client)
        self.reload(CONFIG)
        self.assertEqual(len([self.open("/echo") for _ in range(5)]), 5)

    def test_classes_of_topics(self):
        self.start()
        client = self.open("/room/a")
        self.publish("room/a", "1")
        self.reload(CONFIG + '[topic.room]\nmatch = "room/*"\nhistory = { size = 2 }\n')
        for text in ("2", "3", "4"):
            self.publish("room/a", text)
        late = self.open("/room/a?last=10")
        self.assertEqual([late.read_message() for _ in range(2)], [b"3", b"4"])
        self.assertEqual([client.read_message() for _ in range(4)], [b"1", b"2", b"3", b"4"])
        self.reload(CONFIG + '[topic.room]\nmatch = "room/*"\nrate = "1/s"\n')
        for text in ("5", "6", "7"):
            self.publish("room/a", text)
        self.assertEqual([client.read_message() for _ in range(2)], [b"5", b"7"])

    def test_tokens(self):
        def prepare(folder):
            (folder / "first").write_text("one\n")
            (folder / "second").write_text("two\n")

        guarded = HEAD + ECHO + 'auth = { bearer_file = "%s" }\n'
        self.start(guarded % "first", prepare=prepare)
        client = self.open("/echo", "Authorization: Bearer one")
        self.reload(guarded % "second")
        self.assertEqual(self.status("/echo", "Authorization: Bearer one"), 401)
        self.open("/echo", "Authorization: Bearer two")
        (self.daemon.folder / "second").write_text("three\n")
        self.assertTrue(self.daemon.log.wait_for("1 tokens read from .*second"))
        self.open("/echo", "Authorization: Bearer three")
        self.assert_lives(client)

    def test_tokens_that_change_during_a_reload(self):
        guarded = HEAD + ECHO + 'auth = { bearer_file = "tokens" }\n'
        port = free_port()
        self.start(guarded + f'[listen.other]\naddress = "127.0.0.1:{port}"\n',
                   prepare=lambda folder: (folder / "tokens").write_text("revoked\n"))
        with self.reloading(guarded, f"{port} no longer"):
            (self.daemon.folder / "fresh").write_text("valid\n")
            (self.daemon.folder / "fresh").rename(self.daemon.folder / "tokens")
        wait_until(lambda: self.status("/echo", "Authorization: Bearer revoked") == 401, "the token is revoked", 2)
        self.open("/echo", "Authorization: Bearer valid")

    def test_the_log(self):
        self.start()
        self.assertNotIn("debug", self.daemon.log.text())
        self.reload(CONFIG + '[log]\nlevel = "debug"\n')
        self.open("/echo")
        self.assertTrue(self.daemon.log.wait_for("debug: route echo: WebSocket .* opened"))

    def test_what_needs_a_restart_is_told_and_stays(self):
        self.start()
        client = self.open("/echo")
        self.reload(CONFIG.replace("threads = 2", "threads = 3\npin = false"))
        self.assertIn("warning: server.threads: 2 stays, 3 needs a restart", self.daemon.log.text())
        self.assertIn("warning: server.pin: true stays, false needs a restart", self.daemon.log.text())
        self.assert_lives(client)

    def test_a_reactor_that_takes_long_is_waited_for_the_next_time(self):
        if SANITIZED:
            self.skipTest("a sanitizer's threads are not to be traced")
        self.start()
        self.reload(CONFIG + "# all reactors serve\n")
        slow = reactors(self.daemon)[0]
        with Stopped(slow):
            self.daemon.process.send_signal(signal.SIGHUP)
            self.assertTrue(self.daemon.log.wait_for("takes long to take up what was reloaded", 15))
        wait_until(lambda: self.count("reloaded: ") == 2, "the reload is over")
        time.sleep(0.2)  # until it has taken that up
        with Stopped(slow):
            self.daemon.process.send_signal(signal.SIGHUP)
            time.sleep(0.5)
            self.assertEqual(self.count("reloaded: "), 2)
        wait_until(lambda: self.count("reloaded: ") == 3, "the next reload is over")

    def test_the_command_line_stays_in_force(self):
        self.start(CONFIG, "limits.message_size=1KiB")
        self.reload(CONFIG + '[limits]\nmessage_size = "2KiB"\n')
        client = self.open("/echo")
        client.send_frame(TEXT, "x" * 1500)
        self.assertEqual(client.read_close()[0], 1009)


class Refused(ReloadCase):
    def test_a_wrong_file_changes_nothing(self):
        self.start()
        client = self.open("/echo")
        wrong = HEAD + ROUTES.replace('"anyone"', '"anybody"') + '[limits]\nmessage_size = "1KiB"\nconections = 1\n'
        line = self.reload(wrong, "not reloaded")
        self.assertIn("2 problems", line)
        checked = subprocess.run([PEALD, "-c", str(self.daemon.config), "--check"], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 78)
        for problem in checked.stderr.splitlines():
            self.assertIn(f"error: {problem}\n", self.daemon.log.text())
        self.assert_lives(client, "x" * 2000)
        self.open("/echo")
        self.reload(CONFIG)

    def test_a_file_that_is_gone(self):
        self.start()
        self.daemon.config.unlink()
        self.daemon.process.send_signal(signal.SIGHUP)
        self.assertTrue(self.daemon.log.wait_for("not reloaded"))
        self.open("/echo")

    def test_an_address_that_is_taken(self):
        self.start()
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            line = self.reload(HEAD + ROUTES + f'[listen.other]\naddress = "127.0.0.1:{port}"\n', "not reloaded")
            self.assertIn("listen.other: cannot listen", line)
        self.open("/echo")


class Listeners(ReloadCase):
    def other(self, port, name="other"):
        return CONFIG + f'[listen.{name}]\naddress = "127.0.0.1:{port}"\n'

    def is_refused(self, port, host="127.0.0.1"):
        with socket.socket() as trial:
            return trial.connect_ex((host, port)) != 0

    def test_one_comes_and_goes(self):
        self.start()
        first = self.open("/echo")
        port = free_port()
        self.assertEqual(self.reload(self.other(port)), "reloaded: added: listen.other")
        second = [self.open("/echo", address=("127.0.0.1", port)) for _ in range(4)]
        for client in second:
            self.assert_lives(client)
        idle = self.connect(("127.0.0.1", port))
        self.assertEqual(idle.request("/nothing").status, 404)
        self.assertEqual(self.reload(CONFIG), "reloaded: removed: listen.other")
        self.assertTrue(self.is_refused(port))
        for client in second:
            self.assert_told_to_go(client)
        self.assertTrue(idle.has_ended())
        self.assert_lives(first)
        self.assertEqual(self.reload(CONFIG), "reloaded: nothing has changed")
        self.assertEqual(self.reload(self.other(port)), "reloaded: added: listen.other")
        self.assert_lives(self.open("/echo", address=("127.0.0.1", port)))

    def test_one_moves_and_keeps_its_clients(self):
        before, after = free_port(), free_port()
        self.start(self.other(before))
        client = self.open("/echo", address=("127.0.0.1", before))
        self.reload(self.other(after))
        self.assertTrue(self.is_refused(before))
        self.assert_lives(client)
        self.assert_lives(self.open("/echo", address=("127.0.0.1", after)))

    def test_one_moves_to_all_addresses_of_its_port_and_back(self):
        port = free_port()
        self.start(self.other(port))
        clients = []
        for host in ("0.0.0.0", "127.0.0.1"):
            clients.append(self.open("/echo", address=("127.0.0.1", port)))
            self.reload(self.other(port).replace(f"127.0.0.1:{port}", f"{host}:{port}"))
            clients.append(self.open("/echo", address=("127.0.0.1", port)))
            for client in clients:
                self.assert_lives(client)
        self.assertTrue(self.is_refused(port, "127.0.0.2"))

    def test_one_that_stays_is_in_the_way_of_all_addresses_of_its_port(self):
        port = free_port()
        self.start(self.other(port))
        everywhere = f'[listen.everywhere]\naddress = "0.0.0.0:{port}"\n'
        self.reload(self.other(port) + everywhere, "not reloaded")
        self.assertIn("which overlaps that of listen.other", self.daemon.log.text())

    def test_one_gets_another_name(self):
        port = free_port()
        self.start(self.other(port))
        client = self.open("/echo", address=("127.0.0.1", port))
        self.reload(self.other(port, "renamed"))
        self.assert_lives(client)
        self.assert_lives(self.open("/echo", address=("127.0.0.1", port)))

    def wait_in_the_queue(self, address, change, config):
        """Status that each client gets of those who have come, but are not accepted, when the configuration changes."""
        if SANITIZED:
            self.skipTest("a sanitizer's threads are not to be traced")
        self.reload(self.daemon.config.read_text() + "# all reactors serve\n")
        with contextlib.ExitStack() as stack:
            for thread in reactors(self.daemon):
                stack.enter_context(Stopped(thread))
            clients = [self.connect(address) for _ in range(40)]
            for client in clients:
                client.send(client.upgrade_head("/echo"))
            self.daemon.config.write_text(config)
            self.daemon.process.send_signal(signal.SIGHUP)
            self.assertTrue(self.daemon.log.wait_for(change))
        return [client.read_response().status for client in clients]

    def test_who_waits_to_be_accepted_is_served(self):
        before = free_port()
        self.start(self.other(before))
        statuses = self.wait_in_the_queue(("127.0.0.1", before), f"{before} no longer", self.other(free_port()))
        self.assertEqual(statuses, [101] * 40)

    def test_who_waits_where_nobody_listens_any_more_is_answered(self):
        port = free_port()
        self.start(self.other(port))
        statuses = self.wait_in_the_queue(("127.0.0.1", port), f"{port} no longer", CONFIG)
        self.assertLessEqual(set(statuses), {101, 404})  # some may have been accepted before

    def test_routes_of_a_listener(self):
        port = free_port()
        self.start(self.other(port))
        echo, room = (self.open(path, address=("127.0.0.1", port)) for path in ("/echo", "/room/a"))
        self.reload(self.other(port) + 'routes = ["room"]\n')
        self.assert_told_to_go(echo)
        self.assert_lives(room)


class UnixSockets(ReloadCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="peal-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = str(self.folder / "one")

    def local(self, *lines, path=None, name="local"):
        return CONFIG + "\n".join([f"[listen.{name}]", f'address = "unix:{path or self.path}"', *lines, ""])

    def mode(self):
        return stat.S_IMODE(os.stat(self.path).st_mode)

    def test_who_may_connect_changes(self):
        self.start(self.local())
        client = self.open("/echo", address=self.path)
        self.assertEqual(self.mode(), 0o660)
        self.reload(self.local("mode = '0606'"))
        self.assertEqual(self.mode(), 0o606)
        self.reload(self.local())
        self.assertEqual(self.mode(), 0o660)
        self.assert_lives(client)
        self.assert_lives(self.open("/echo", address=self.path))

    def test_owner_and_group_change(self):
        if os.getuid() != 0:
            self.skipTest("takes root")
        self.start(self.local("group = 'daemon'"))
        self.assertEqual((os.stat(self.path).st_uid, os.stat(self.path).st_gid), (0, 1))
        self.reload(self.local("owner = 'daemon'"))
        self.assertEqual((os.stat(self.path).st_uid, os.stat(self.path).st_gid), (1, 0))
        self.reload(self.local())
        self.assertEqual((os.stat(self.path).st_uid, os.stat(self.path).st_gid), (0, 0))

    def test_what_cannot_be_changed_is_refused(self):
        self.start(self.local())
        other = self.folder / "other"
        other.touch(0o600)
        other.rename(self.path)
        line = self.reload(self.local("mode = '0606'"), "not reloaded")
        self.assertIn("listen.local", line)
        self.assertEqual(self.mode(), 0o600)

    def test_one_whose_file_was_removed_is_opened_anew(self):
        self.start(self.local())
        client = self.open("/echo", address=self.path)
        os.unlink(self.path)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            more = f'[listen.taken]\naddress = "127.0.0.1:{taken.getsockname()[1]}"\n'
            self.reload(self.local() + more, "not reloaded")
        self.reload(self.local("mode = '0606'"))
        self.assertEqual(self.mode(), 0o606)
        self.assert_lives(client)
        self.assert_lives(self.open("/echo", address=self.path))
        self.reload(CONFIG)
        self.assertFalse(os.path.lexists(self.path))

    def test_a_refused_reload_leaves_the_sockets_as_they_were(self):
        other = str(self.folder / "other")
        self.start(self.local())
        with socket.create_server(("127.0.0.1", 0)) as taken:
            more = f'[listen.taken]\naddress = "127.0.0.1:{taken.getsockname()[1]}"\n'
            self.reload(self.local(path=other) + more, "not reloaded")
        self.assert_lives(self.open("/echo", address=self.path))
        self.assertFalse(os.path.lexists(other))

    def test_the_file_goes_whatever_the_name_of_its_listener_was(self):
        self.start(self.local())
        self.reload(self.local(name="renamed"))
        self.assert_lives(self.open("/echo", address=self.path))
        self.reload(CONFIG)
        self.assertFalse(os.path.lexists(self.path))

    def test_one_moves(self):
        other = str(self.folder / "other")
        self.start(self.local())
        client = self.open("/echo", address=self.path)
        self.reload(self.local(path=other))
        self.assertFalse(os.path.lexists(self.path))
        self.assert_lives(client)
        self.assert_lives(self.open("/echo", address=other))


class Certificates(ReloadCase):
    CONFIG = CONFIG + '[listen.secure]\naddress = "127.0.0.1:%d"\ntls = { cert = "site.crt", key = "site.key" }\n'

    def setUp(self):
        def prepare(folder):
            self.authority = Authority(folder)
            self.authority.issue("site", "127.0.0.1")

        self.port = free_port()
        self.start(self.CONFIG % self.port, prepare=prepare)
        self.context = self.authority.client_context(version=ssl.TLSVersion.TLSv1_2)

    def secure(self, session=None):
        """A WebSocket, and the serial number of the certificate that was shown."""
        client = self.connect(("127.0.0.1", self.port))
        client.socket = self.context.wrap_socket(client.socket, server_hostname="127.0.0.1", session=session)
        self.assertEqual(client.upgrade("/echo").status, 101)
        return client, client.socket.getpeercert()["serialNumber"]

    def replace(self, name):
        """Puts the certificate of that name in the place of the site's, as tools do."""
        for end in ("crt", "key"):
            (self.daemon.folder / f"{name}.{end}").rename(self.daemon.folder / f"site.{end}")

    def test_files_that_change_are_loaded_again(self):
        old, serial = self.secure()
        session = old.socket.session
        self.authority.issue("new", "127.0.0.1")
        self.replace("new")
        self.assertTrue(self.daemon.log.wait_for("certificates loaded again"))
        new, other = self.secure()
        self.assertNotEqual(serial, other)
        resumed, _ = self.secure(session)
        self.assertTrue(resumed.socket.session_reused)
        for client in (old, new, resumed):
            self.assert_lives(client)

    def test_bad_ones_change_nothing(self):
        _, serial = self.secure()
        (self.daemon.folder / "bad.crt").write_text("no certificate")
        (self.daemon.folder / "bad.crt").rename(self.daemon.folder / "site.crt")
        self.assertTrue(self.daemon.log.wait_for("the certificates loaded before stay"))
        self.assertIn(" error: listen.secure.tls.cert: expected a certificate in PEM", self.daemon.log.text())
        self.assertNotIn(".toml:1:1", self.daemon.log.text())
        self.assertEqual(self.secure()[1], serial)
        self.authority.issue("new", "127.0.0.1")
        self.replace("new")
        self.assertTrue(self.daemon.log.wait_for("certificates loaded again"))
        self.assertNotEqual(self.secure()[1], serial)

    def test_what_cannot_be_read_for_a_moment_is_loaded_later(self):
        self.secure()
        pid = self.daemon.process.pid
        usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        self.authority.issue("new", "127.0.0.1")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (10, usual[1]))  # it has more already
        try:
            self.replace("new")
            self.assertTrue(self.daemon.log.wait_for("Too many open files"))
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        self.assertTrue(self.daemon.log.wait_for("certificates loaded again"))
        self.assertEqual(self.count("the certificates loaded before stay"), 1)

    def test_pipes_are_not_waited_for(self):
        self.secure()
        key = self.daemon.folder / "site.key"
        os.mkfifo(self.daemon.folder / "pipe")
        (self.daemon.folder / "pipe").rename(key)
        self.assertTrue(self.daemon.log.wait_for("site.key\": is a pipe"))
        self.daemon.config.unlink()
        os.mkfifo(self.daemon.config)
        self.daemon.process.send_signal(signal.SIGHUP)
        self.assertTrue(self.daemon.log.wait_for("not reloaded, .* is a pipe"))

    def test_a_handshake_that_has_begun_goes_on(self):
        client = self.connect(("127.0.0.1", self.port))
        time.sleep(0.4)  # until it is accepted
        self.authority.issue("new", "127.0.0.1")
        self.replace("new")
        self.assertTrue(self.daemon.log.wait_for("certificates loaded again"))
        client.socket = self.context.wrap_socket(client.socket, server_hostname="127.0.0.1")
        self.assertEqual(client.upgrade("/echo").status, 101)

    def test_other_files_by_a_reload(self):
        old, serial = self.secure()
        session = old.socket.session
        self.authority.issue("other", "127.0.0.1")
        self.reload((self.CONFIG % self.port).replace("site.", "other."))
        new, other = self.secure()
        self.assertNotEqual(serial, other)
        resumed, _ = self.secure(session)
        self.assertTrue(resumed.socket.session_reused)
        for client in (old, new, resumed):
            self.assert_lives(client)

    def test_files_that_change_during_a_reload(self):
        port = free_port()
        config = self.CONFIG % self.port
        self.reload(config + f'[listen.other]\naddress = "127.0.0.1:{port}"\n')
        serial = self.secure()[1]
        self.authority.issue("new", "127.0.0.1")
        with self.reloading(config, f"{port} no longer"):
            self.replace("new")
        self.assertTrue(self.daemon.log.wait_for("certificates loaded again", 2))
        self.assertNotEqual(self.secure()[1], serial)

    def test_who_came_without_a_certificate_goes_when_one_is_asked_for(self):
        client, _ = self.secure()
        strict = (self.CONFIG % self.port).replace('key = "site.key"', 'key = "site.key", client_ca = "ca.crt"')
        self.reload(strict)
        self.assert_told_to_go(client)

    def test_who_came_with_a_certificate_stays_when_none_is_asked_for(self):
        strict = (self.CONFIG % self.port).replace('key = "site.key"', 'key = "site.key", client_ca = "ca.crt"')
        self.reload(strict)
        self.context = self.authority.client_context(self.authority.issue("me"), ssl.TLSVersion.TLSv1_2)
        client, _ = self.secure()
        self.assertEqual(self.reload(self.CONFIG % self.port), "reloaded: changed: listen.secure.tls.client_ca")
        self.assert_lives(client)
        self.reload(strict)
        self.assert_told_to_go(client)  # as nobody knows any more how it came


if __name__ == "__main__":
    unittest.main()
