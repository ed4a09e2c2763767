# SPDX-License-Identifier: Apache-2.0
"""A Debian of its own, in namespaces of this machine's kernel."""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = ROOT / "build/package"
MIRROR = "http://deb.debian.org/debian"
RELEASE = "bookworm"
LISTS_LAST = 6 * 3600  # seconds

SYSTEMD = ("/lib/systemd/systemd", "--log-target=journal")
NOTHING = ("/bin/sleep", "infinity")

# What the guest's first process does before it becomes its init: $1 root, $2 upper,
# $3 work, $4 base, $5 a name, $6 what is kept of apt.
PREPARE = r"""
set -e
mount -t overlay overlay -o "lowerdir=$4,upperdir=$2,workdir=$3" "$1"
cd "$1"
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys       # the settings are those of the machine
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs dev
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
ln -s /proc/self/fd dev/fd
mkdir dev/pts
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t sysfs -o ro sysfs sys
mount --bind "$6/archives" var/cache/apt/archives
mount --bind "$6/lists" var/lib/apt/lists
ip link set lo up
# A group of its own, at whose root it then sees itself.
mount -t cgroup2 cgroup2 sys/fs/cgroup
mkdir -p "sys/fs/cgroup/$5"
echo 0 >"sys/fs/cgroup/$5/cgroup.procs"
umount sys/fs/cgroup
shift 6
exec unshare --cgroup sh -ec '
  mount -t cgroup2 cgroup2 sys/fs/cgroup
  mkdir .old
  pivot_root . .old
  umount -l .old
  exec env -i container=peal PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' init "$@"
"""

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def base():
    """The folder of a minimal system; made once, which takes minutes."""
    folder = CACHE / RELEASE
    if not folder.exists():
        fresh = CACHE / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=systemd-sysv,dbus", RELEASE, fresh, MIRROR], check=True)
        fresh.rename(folder)
    return folder


class Guest:
    """Runs from `start()` to `stop()`; what it changes is gone then. Its network is a loopback of its own."""

    def __init__(self, init):
        self.init = init
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="peal-guest-"))
        self.group = self.folder.name
        self.pid = 0  # of its init, as this machine sees it
        self.process = None

    def start(self):
        below = base()
        for name in ("root", "upper", "work"):
            (self.folder / name).mkdir()
        for name in ("archives", "lists"):
            (CACHE / name / "partial").mkdir(parents=True, exist_ok=True)
        folders = [str(self.folder / name) for name in ("root", "upper", "work")]
        with open(self.folder / "init.log", "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net",
                 "--propagation", "private", "sh", "-c", PREPARE, "prepare", *folders, str(below), self.group,
                 str(CACHE), *self.init],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        wait_until(self._is_up, "the guest is up", 60)

    def _is_up(self):
        if self.process.poll() is not None:
            raise AssertionError((self.folder / "init.log").read_text())
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        if not children:
            return False
        self.pid = int(children[0])
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{self.pid}/exe").endswith(self.init[0].rpartition("/")[2]):
                return self.init is NOTHING or self.call("systemctl", "is-system-running") in ("running\n", "degraded\n")
        return False

    def command(self, *words):
        # The network stays that of the machine: apt needs it.
        return ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-C", "env", "-i", "LC_ALL=C.UTF-8",
                "DEBIAN_FRONTEND=noninteractive", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *map(str, words)]

    def update_lists(self):
        """Of packages that there are; those of the last hours do as well."""
        if not any(path.stat().st_mtime > time.time() - LISTS_LAST for path in (CACHE / "lists").glob("*Packages*")):
            self.run("apt-get", "update", "-q")
            for path in (CACHE / "lists").glob("*Packages*"):
                os.utime(path)

    def call(self, *words):
        """What it prints, whatever comes of it."""
        done = subprocess.run(self.command(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=600)
        self.status = done.returncode
        return done.stdout

    def run(self, *words):
        """What it prints; it must succeed."""
        output = self.call(*words)
        if self.status:
            raise AssertionError(f"{' '.join(map(str, words))} ended with {self.status}:\n{output}")
        return output

    @contextlib.contextmanager
    def network(self):
        """Sockets that this thread opens meanwhile are in the guest's network."""
        with open("/proc/thread-self/ns/net") as here, open(f"/proc/{self.pid}/ns/net") as there:
            if libc.setns(there.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                yield
            finally:
                libc.setns(here.fileno(), CLONE_NEWNET)

    def path(self, name):
        """A file of the guest, for reading and writing from here."""
        return pathlib.Path(f"/proc/{self.pid}/root{name}")

    def stop(self):
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)  # and with it all that runs there
        if self.process:
            self.process.kill()
            self.process.wait()
        self._remove_group()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_group(self):
        mounts = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        groups = [pathlib.Path(words[1], self.group) for words in mounts if words[2] == "cgroup2"]

        def gone():  # the last process takes a moment to go
            for group in groups:
                for folder, _, _ in os.walk(group, topdown=False):
                    with contextlib.suppress(OSError):
                        os.rmdir(folder)
            return not any(group.exists() for group in groups)
        wait_until(gone, "the guest's group is gone")


def wait_until(condition, what, timeout=20.0):
    """The first true value of `condition()`."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s in vain: {what}")
        time.sleep(0.05)
    return value
