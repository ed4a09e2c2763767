# SPDX-License-Identifier: Apache-2.0
"""The Debian packages: what is in them, and their life in a Debian of its own."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time
import unittest

from guest import NOTHING, ROOT, SYSTEMD, Guest, wait_until

sys.path.insert(0, str(ROOT / "tests/blackbox/support"))
from wire import Client  # noqa: E402

PACKAGES = pathlib.Path(os.environ.get("PEAL_PACKAGES", ROOT / "build/deb"))
CONFIG = "/etc/peal/peal.toml"
SERVER = ("127.0.0.1", 8080)


def package(name):
    (found,) = PACKAGES.glob(f"{name}_*.deb")
    return found


def bumped(folder):
    """peald of a later version, with another configuration as it comes."""
    tree = f"{folder}/tree"
    subprocess.run(["dpkg-deb", "--raw-extract", package("peald"), tree], check=True)
    control = pathlib.Path(tree, "DEBIAN/control")
    control.write_text(re.sub(r"(?m)^Version: (.*)$", r"Version: \g<1>+later", control.read_text()))
    config = pathlib.Path(tree + CONFIG)
    config.write_text(config.read_text() + "\n# What comes with the later version.\n")
    sums = pathlib.Path(tree, "DEBIAN/md5sums")
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if not line.endswith(CONFIG[1:] + "\n")))
    later = f"{folder}/peald-later.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", tree, later], check=True, stdout=subprocess.DEVNULL)
    return later


class Packages(unittest.TestCase):
    def test_lintian_finds_nothing(self):
        (changes,) = PACKAGES.glob("peal_*.changes")
        done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning", changes],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_what_is_in_them(self):
        listed = {name: subprocess.run(["dpkg-deb", "--contents", package(name)], stdout=subprocess.PIPE, text=True,
                                       check=True).stdout for name in ("peald", "peal-load")}
        for name, files in {
            "peald": "/etc/peal/peal.toml /lib/systemd/system/peald.service /lib/systemd/system/peald.socket /usr/bin/peald "
                     "/usr/lib/sysusers.d/peal.conf /usr/lib/tmpfiles.d/peal.conf /usr/share/man/man5/peal.toml.5.gz "
                     "/usr/share/man/man8/peald.8.gz /usr/share/doc/peald/docs/OPERATIONS.md /usr/share/doc/peald/copyright "
                     "/usr/share/doc/peald/examples/peal.toml /usr/share/doc/peald/examples/haproxy.cfg",
            "peal-load": "/usr/bin/peal-load /usr/share/man/man1/peal-load.1.gz",
        }.items():
            for file in files.split():
                self.assertIn(f" .{file}\n", listed[name])
        for line in "".join(listed.values()).splitlines():
            self.assertRegex(line, r"^\S+ root/root ")
            self.assertNotRegex(line, r"/tests/|/build|node_modules|\.pyc")


class Installed(unittest.TestCase):
    """A guest with the packages; `init` says whether systemd is there."""

    init = NOTHING

    def setUp(self):
        self.guest = Guest(self.init)
        self.addCleanup(self.guest.stop)
        self.guest.start()
        folder = tempfile.TemporaryDirectory(prefix="peal-package-")
        self.addCleanup(folder.cleanup)
        self.later = bumped(folder.name)
        self.guest.update_lists()
        self.install(package("peald"), package("peal-load"))

    def install(self, *files):
        inside = []
        for file in map(pathlib.Path, files):
            (self.guest.path("/tmp") / file.name).write_bytes(file.read_bytes())
            inside.append(f"/tmp/{file.name}")
        return self.guest.run("apt-get", "install", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confdef",
                              "-o", "Dpkg::Options::=--force-confold", *inside)

    def configure(self, change):
        path = self.guest.path(CONFIG)
        path.write_text(change(path.read_text()))

    def client(self, address=SERVER):
        with self.guest.network():
            client = Client(address)
        self.addCleanup(client.close)
        return client

    def answers(self, path, status=200, address=SERVER):
        """Whether a GET is answered so; an address where nobody listens answers nothing."""
        try:
            with self.client(address) as client:
                return client.request(path).status == status
        except OSError:
            return False

    def websocket(self, path="/chat/lobby", address=SERVER):
        client = self.client(address)
        self.assertEqual(client.upgrade(path).status, 101)
        return client

    def kill(self, name, pid):
        self.guest.run("sh", "-c", f"kill -s {name} {pid}")

    def unit(self, key):
        text = self.guest.path("/lib/systemd/system/peald.service").read_text()
        return re.search(rf"(?m)^{key}=(.*)$", text)[1]

    def assert_nothing_is_left(self):
        self.guest.run("apt-get", "purge", "-q", "-y", "peald", "peal-load")
        # The user stays, as users of packages do: files elsewhere may be its own.
        left = self.guest.run("find", "/", "-xdev", "-name", "*peal*", "-not", "-path", "/tmp/*", "-not", "-path", "/proc/*")
        self.assertEqual(left, "")
        self.assertEqual(self.guest.call("dpkg", "--list", "peald").count("ii "), 0)


class WithoutSystemd(Installed):
    def test_the_life_of_a_package(self):
        self.look_at_files()
        self.ask_peald()
        self.ask_as_root_for_peal()
        self.serve()
        self.upgrade()
        self.guest.run("apt-get", "remove", "-q", "-y", "peald")
        self.assertFalse(self.guest.path("/usr/bin/peald").exists())
        self.assertIn("# edited", self.guest.path(CONFIG).read_text())
        self.assert_nothing_is_left()

    def look_at_files(self):
        self.assertEqual(self.guest.run("dpkg", "--verify", "peald", "peal-load"), "")
        self.assertIn(CONFIG, self.guest.run("dpkg-query", "-W", "-f", "${Conffiles}", "peald"))
        self.assertRegex(self.guest.run("getent", "passwd", "peal"), r"^peal:x:\d+:\d+:peal WebSocket server:/:\S*nologin$")
        self.assertEqual(self.guest.run("stat", "-c", "%U:%G %a", "/etc/peal/secrets"), "root:peal 750\n")

    def ask_peald(self):
        version = re.search(r"peald_([\d.]+)", package("peald").name)[1]
        self.assertEqual(self.guest.run("peald", "--version"), f"peald {version}\n")
        self.guest.run("peald", "--check")
        self.guest.run("peald", "--check", "-c", "/usr/share/doc/peald/examples/peal.toml")
        self.guest.run("peal-load", "--help")
        found = self.guest.call("peald", "--check-host")
        self.assertIn(self.guest.status, (0, 1))
        self.assertRegex(found, rf"^{CONFIG}: \d+ connections ")

    def ask_as_root_for_peal(self):
        secret = "/etc/peal/secrets/publish"
        self.guest.path(secret).write_text("token\n")
        command = ("peald", "--check-host", "--set", f"route.health.auth.bearer_file={secret}")
        self.guest.run("chmod", "600", secret)
        self.assertIn(f"\nnot readable for peal: {secret}; ", self.guest.call(*command))
        self.guest.run("chgrp", "peal", secret)
        self.guest.run("chmod", "640", secret)
        self.assertNotIn("not readable", self.guest.call(*command))

    def serve(self):
        """As the unit does it."""
        with self.guest.network():
            pathlib.Path("/proc/sys/net/core/somaxconn").write_text("65535")
        words = shlex.split(self.unit("ExecStart"))
        command = self.guest.command("runuser", "-u", self.unit("User"), "--", *words)
        command.insert(3, "-n")
        daemon = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.addCleanup(daemon.stderr.close)
        self.addCleanup(daemon.kill)
        wait_until(lambda: self.answers("/healthz"), "peald answers")
        listening = subprocess.run(["nsenter", "-t", str(self.guest.pid), "-n", "ss", "-Hlnt"], stdout=subprocess.PIPE,
                                   text=True, check=True).stdout
        self.assertRegex(listening, r"(?m)^LISTEN +\d+ +65535 +127\.0\.0\.1:8080 ")  # the whole queue that the kernel gives
        client = self.websocket()
        (pid,) = self.guest.run("pidof", "peald").split()
        self.assertEqual(self.guest.run("stat", "-c", "%U", f"/proc/{pid}"), "peal\n")
        self.kill("TERM", pid)
        self.kill("TERM", pid)  # the second one waits for nobody
        self.assertEqual(daemon.wait(20), 0)
        client.close()

    def upgrade(self):
        self.configure(lambda text: text + "# edited\n")
        self.install(self.later)
        self.assertRegex(self.guest.run("dpkg-query", "-W", "-f", "${Version}", "peald"), r"\+later$")
        self.assertTrue(self.guest.path(CONFIG).read_text().endswith("# edited\n"))
        self.assertIn("later version", self.guest.path(CONFIG + ".dpkg-dist").read_text())


class WithSystemd(Installed):
    init = SYSTEMD

    def show(self, key, unit="peald.service"):
        return self.guest.run("systemctl", "show", "--value", "-p", key, unit).strip()

    def journal(self):
        return self.guest.run("journalctl", "-q", "-u", "peald", "-o", "cat")

    def test_the_life_of_a_service(self):
        self.start()
        self.reload()
        self.crash()
        self.refuse_a_wrong_configuration()
        self.analyse()
        self.activate_by_socket()
        self.upgrade()
        self.stop()
        self.assert_nothing_is_left()
        self.assertEqual(self.guest.call("pidof", "peald"), "")

    def start(self):
        """Installing has enabled and started it."""
        self.assertEqual(self.guest.run("systemctl", "is-enabled", "peald.service"), "enabled\n")
        self.assertEqual(self.guest.call("systemctl", "is-enabled", "peald.socket"), "disabled\n")
        self.assertEqual(self.show("ActiveState"), "active")  # Type=notify: it has said READY
        self.assertTrue(self.answers("/healthz"))
        wait_until(lambda: re.match(r"\d+ connections? on \d+ reactors?", self.show("StatusText")), "there is a status")
        self.assertEqual(self.guest.run("stat", "-c", "%U", f"/proc/{self.show('MainPID')}"), "peal\n")

    def reload(self):
        client = self.websocket()
        pid = self.show("MainPID")
        self.configure(lambda text: text + '\n[drain]\nover = "1s"\n\n[route.echo]\npath = "/echo"\ntype = "echo"\n')
        self.guest.run("systemctl", "reload", "peald")
        wait_until(lambda: self.answers("/echo", 426), "the new route answers")
        self.assertEqual(self.show("MainPID"), pid)
        client.send_frame(0x9, b"still there?")
        self.assertEqual(client.read_frame().payload, b"still there?")
        client.close()

    def crash(self):
        pid = self.show("MainPID")
        self.kill("KILL", pid)
        wait_until(lambda: self.show("MainPID") not in ("0", pid) and self.show("ActiveState") == "active", "it is back")
        self.assertTrue(self.answers("/healthz"))
        self.assertEqual(self.show("NRestarts"), "1")

    def refuse_a_wrong_configuration(self):
        good = self.guest.path(CONFIG).read_text()
        self.configure(lambda text: text + "nonsense = 1\n")
        self.guest.run("systemctl", "reload", "peald")
        wait_until(lambda: "nonsense" in self.journal(), "the journal tells of it")
        self.assertTrue(self.answers("/healthz"))
        self.guest.call("systemctl", "restart", "peald")
        self.assertNotEqual(self.guest.status, 0)
        self.assertEqual(self.show("ExecMainStatus"), "78")
        time.sleep(2)  # longer than RestartSec=
        self.assertEqual(self.show("ActiveState"), "failed")
        self.configure(lambda _: good)
        self.guest.run("systemctl", "restart", "peald")

    def analyse(self):
        self.guest.run("systemd-analyze", "security", "--threshold=15", "--no-pager", "peald.service")

    def activate_by_socket(self):
        self.configure(lambda text: text.replace('"127.0.0.1:8080"', '"systemd:public"'))
        self.guest.run("systemctl", "stop", "peald")
        self.guest.run("systemctl", "enable", "--now", "peald.socket")
        self.assertEqual(self.show("ActiveState"), "inactive")
        public = ("127.0.0.1", 80)
        waiting = self.client(public)  # its coming starts peald
        self.assertEqual(waiting.request("/healthz").status, 200)
        self.assertEqual(self.show("ActiveState"), "active")
        self.guest.run("systemctl", "stop", "peald")
        self.assertFalse(self.answers("/healthz"))
        restart = subprocess.Popen(self.guest.command("systemctl", "restart", "peald"))
        for _ in range(20):
            self.assertTrue(self.answers("/healthz", address=public))  # nobody is refused meanwhile
        self.assertEqual(restart.wait(30), 0)
        self.address = public

    def upgrade(self):
        pid = self.show("MainPID")
        self.install(self.later)
        self.assertNotIn(self.show("MainPID"), ("0", pid))
        self.assertEqual(self.show("ActiveState"), "active")
        self.assertIn("[route.echo]", self.guest.path(CONFIG).read_text())
        self.assertTrue(self.answers("/echo", 426, self.address))

    def stop(self):
        client = self.websocket(address=self.address)
        self.guest.run("systemctl", "stop", "peald.socket", "peald.service")
        self.assertEqual(client.read_close()[0], 1001)
        self.assertEqual((self.show("Result"), self.show("ExecMainStatus")), ("success", "0"))
