# SPDX-License-Identifier: Apache-2.0
"""What peal-load says when a run cannot be, is cut short, or meets a server that is none."""

import json
import pathlib
import tempfile
import unittest

from test_load import load, setUpModule  # noqa: F401, as the whole file is skipped where that is

NOBODY = "ws://127.0.0.1:1/"


class Results(unittest.TestCase):
    """Files for the result are opened before the first connection."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_what_cannot_be_written_is_told_before_the_run(self):
        for name, why in (("/nowhere/x", "No such file or directory"), (self.folder, "Is a directory"),
                          ("/dev/full", "No space left on device")):
            for option in "--json", "--html":
                with self.subTest(option, name=name):
                    done = load("echo", NOBODY, option, name)
                    self.assertEqual((done.code, done.out, done.err), (1, "", f"peal-load: {name}: {why}\n"))

    def test_a_run_that_does_not_begin_leaves_files_as_they_were(self):
        old, new = self.folder / "old.json", self.folder / "new.html"
        old.write_text("what was there")
        done = load("echo", NOBODY, "--json", old, "--html", new, "--server-pid", 2**31 - 1)
        self.assertEqual((done.code, old.read_text(), new.exists()), (1, "what was there", False))

    def test_what_was_there_is_replaced(self):
        old = self.folder / "old.json"
        old.write_text("x" * 100_000)
        self.assertIn("connection", load("echo", NOBODY, "--connections", 1, "--json", old).err)
        self.assertTrue(old.read_text().startswith("{") and old.read_text().endswith("}\n"))

    def test_pipes(self):
        for name in "-", "/dev/stdout":
            with self.subTest(name):
                done = load("echo", NOBODY, "--connections", 1, "--quiet", "--json", name)
                self.assertFalse(done.json["good"])

    def test_no_file_takes_the_place_of_a_closed_standard_output(self):
        told = self.folder / "a.json"
        load("echo", NOBODY, "--connections", 1, "--json", told, wrap=("sh", "-c", 'exec "$@" >&-', "sh"))
        self.assertFalse(json.loads(told.read_text())["good"])
