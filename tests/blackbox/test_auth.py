# SPDX-License-Identifier: Apache-2.0
"""Bearer tokens (RFC 6750): who gets in, what the others are told, and files that change meanwhile."""

import os
import pathlib
import resource
import subprocess
import tempfile
import unittest

from support import PEALD, Daemon, DaemonCase, wait_until

CONFIG = """
[limits]
close_timeout = "1s"

[route.echo]
path = "/echo"
type = "echo"
auth = { bearer_file = "tokens" }

[route.news]
path = "/news"
type = "pubsub"
topics = ["news"]
auth = { bearer_file = "tokens" }

[route.site]
path = "/site/{path...}"
type = "files"
root = "site"
auth = { bearer_file = "tokens" }

[route.health]
path = "/healthz"
type = "health"
auth = { bearer_file = "tokens" }

[route.open]
path = "/open"
type = "echo"
"""

TOKENS = "# for the tests\nsesame-1\n\nsesame-2==\n"
ANY = "authorization: bearer sesame-2=="
CHALLENGE = 'Bearer realm="peal"'
INVALID = 'Bearer realm="peal", error="invalid_token"'


def prepare(folder):
    (folder / "tokens").write_text(TOKENS)
    (folder / "site").mkdir()
    (folder / "site/page.html").write_text("the page")


class AuthCase(DaemonCase):
    config = CONFIG
    options = ("--set", "log.level=trace")
    prepare = staticmethod(prepare)

    def status(self, *headers, path="/echo"):
        with self.connect() as client:
            return client.upgrade(path, *headers).status


class Access(AuthCase):
    def test_every_type_of_route_asks_for_a_token(self):
        client = self.connect()
        for path in ("/echo", "/news", "/site/page.html", "/healthz"):
            with self.subTest(path):
                answer = client.request(path)
                self.assertEqual((answer.status, answer.headers["www-authenticate"]), (401, CHALLENGE))
                answer = client.request(path, "Authorization: Bearer sesame-3")
                self.assertEqual((answer.status, answer.headers["www-authenticate"]), (401, INVALID))
        self.assertEqual(client.request("/site/page.html", ANY).body, b"the page")
        self.assertEqual(client.request("/healthz", ANY).status, 200)
        self.assertEqual(client.request("/healthz", method="HEAD").status, 401)

    def test_a_websocket_with_each_token(self):
        for token in ("sesame-1", "sesame-2=="):
            for path in ("/echo", "/news"):
                self.open(path, f"Authorization: Bearer {token}")
        self.assertEqual(self.status(path="/open"), 101)

    def test_what_is_no_token(self):
        for field in ("Basic c2VzYW1lLTE6", "sesame-1", "Bearer", "Bearer # for the tests", "Bearer sesame-1 x",
                      "Bearer SESAME-1", "Bearer " + "x" * 8000):
            with self.subTest(field[:40]):
                self.assertEqual(self.status(f"Authorization: {field}"), 401)
        self.assertEqual(self.status("Authorization: Bearer sesame-1", "Authorization: Bearer sesame-1"), 400)

    def test_the_token_is_asked_for_before_anything_else_is_told(self):
        page = "Origin: https://elsewhere.example"
        self.assertEqual(self.status(page), 401)
        self.assertEqual(self.status(page, ANY), 403)
        client = self.connect()
        self.assertEqual(client.request("/site/nothing").status, 401)
        self.assertEqual(client.request("/site/nothing", ANY).status, 404)

    def test_the_log_says_who_was_refused_but_no_token(self):
        self.status("Authorization: Bearer sesame-wrong")
        self.status(ANY)
        self.assertTrue(self.daemon.log.wait_for(r"warning: auth: 127\.0\.0\.1 on route \w+ showed "))
        self.assertNotIn("sesame", self.daemon.log.text())


class ChangingFile(AuthCase):
    """Each test leaves the file with TOKENS in it."""

    def setUp(self):
        self.tokens = self.daemon.folder / "tokens"
        self.addCleanup(self.replace, TOKENS, "sesame-1")

    def replace(self, text, token):
        """Puts a new file in the place of the old one, and waits until `token` lets in."""
        fresh = self.daemon.folder / "fresh"
        fresh.write_text(text)
        os.replace(fresh, self.tokens)
        self.wait_for(101, token)

    def wait_for(self, status, token):
        wait_until(lambda: self.status(f"Authorization: Bearer {token}") == status, f"{token}: {status}")

    def test_a_file_that_is_replaced(self):
        inside = self.open("/echo", ANY)
        self.replace("another\n", "another")
        self.assertEqual(self.status(ANY), 401)
        self.assertEqual(inside.echo(b"who is in stays").payload, b"who is in stays")

    def test_a_file_that_is_written_in_place(self):
        self.tokens.write_text("written\n")
        self.wait_for(101, "written")
        self.assertEqual(self.status(ANY), 401)

    def test_links_that_are_swapped(self):
        for name in ("v1", "v2"):
            (self.daemon.folder / name).mkdir()
            (self.daemon.folder / name / "tokens").write_text(name + "\n")
        (self.daemon.folder / "data").symlink_to("v1")
        self.tokens.unlink()
        self.tokens.symlink_to("data/tokens")
        self.wait_for(101, "v1")
        (self.daemon.folder / "new").symlink_to("v2")
        os.replace(self.daemon.folder / "new", self.daemon.folder / "data")
        self.wait_for(101, "v2")
        self.assertEqual(self.status("Authorization: Bearer v1"), 401)

    def test_a_bad_file_changes_nothing(self):
        self.tokens.write_text("sesame-1\nnot a-token\n")
        self.assertTrue(self.daemon.log.wait_for(r"error: route echo: \S+/tokens: line 2 is no token"))
        self.assertEqual(self.status(ANY), 101)
        self.assertNotIn("a-token", self.daemon.log.text())

    def test_a_file_that_is_gone_changes_nothing(self):
        self.tokens.unlink()
        self.assertTrue(self.daemon.log.wait_for(r"error: route echo: \S+/tokens: No such file"))
        self.assertEqual(self.status(ANY), 101)

    def test_a_file_that_cannot_be_read_for_a_moment_is_read_later(self):
        self.assertEqual(self.status(ANY), 101)
        pid = self.daemon.process.pid
        usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (10, usual[1]))  # it has more already
        try:
            self.tokens.write_text("another\n")
            self.assertTrue(self.daemon.log.wait_for(r"error: route echo: \S+/tokens: Too many open files"))
        finally:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
        self.wait_for(101, "another")
        self.assertEqual(self.status(ANY), 401)
        self.assertEqual(self.daemon.log.text().count("route echo: {}: Too many".format(self.tokens)), 1)

    def test_an_empty_file_lets_nobody_in(self):
        self.tokens.write_text("# nobody\n")
        self.wait_for(401, "sesame-1")
        self.assertTrue(self.daemon.log.wait_for("warning: route echo: .* holds no token: nobody gets in"))


class CommandLine(unittest.TestCase):
    def run_peald(self, tokens, *options):
        daemon_folder = self.enterContext(TemporaryConfig(tokens))
        return subprocess.run([PEALD, "-c", str(daemon_folder / "peal.toml"), *options], capture_output=True,
                              text=True, timeout=20)

    def test_a_line_that_is_no_token_is_a_problem_of_the_configuration(self):
        done = self.run_peald("sesame-1\nsesame 2\n", "--check")
        self.assertEqual(done.returncode, 78)
        self.assertRegex(done.stderr, r"peal\.toml:8:\d+: error: route\.echo\.auth\.bearer_file: .*line 2 is no token")
        self.assertNotIn("sesame", done.stderr)

    def test_no_token_is_printed(self):
        for options in (("--print-config",), ("--explain", "GET", "ws://localhost/echo", "-H", ANY)):
            done = self.run_peald(TOKENS, *options)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("/tokens", done.stdout)
            self.assertNotIn("sesame", done.stdout + done.stderr)

    def test_explain_judges_the_token(self):
        url = ("--explain", "GET", "ws://localhost/echo")
        self.assertRegex(self.run_peald(TOKENS, *url).stdout, r"answer +401")
        self.assertRegex(self.run_peald(TOKENS, *url, "-H", "Authorization: Bearer x").stdout, r"answer +401")
        self.assertRegex(self.run_peald(TOKENS, *url, "-H", ANY).stdout, r"answer +101")

    def test_an_empty_file_is_told_at_the_start(self):
        daemon = Daemon(CONFIG, prepare=lambda folder: (prepare(folder), (folder / "tokens").write_text("")))
        self.addCleanup(daemon.stop)
        self.assertTrue(daemon.log.wait_for("holds no token: nobody gets in"))


class TemporaryConfig:
    """A folder with CONFIG and its files."""

    def __init__(self, tokens):
        self._tokens = tokens

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="peal-")
        folder = pathlib.Path(self._folder.name)
        prepare(folder)
        (folder / "tokens").write_text(self._tokens)
        (folder / "peal.toml").write_text(CONFIG + '\n[listen.public]\naddress = "127.0.0.1:0"\n')
        return folder

    def __exit__(self, *_):
        self._folder.cleanup()
