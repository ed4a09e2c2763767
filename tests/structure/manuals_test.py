#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages: roff has no complaint, and peal.toml(5) has every key that CONFIGURATION.md has. And links of
documents to each other lead somewhere.

    manuals_test.py BUILD     a meson build directory, for the page that it writes
"""

import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CONFIGURATION = (ROOT / "docs/CONFIGURATION.md").read_text()
sys.path.insert(0, str(ROOT / "config"))
sys.dont_write_bytecode = True

from manual import manual  # noqa: E402

FOLDERS = [".", "docs", "examples", "systemd", "tests/*", "tests/bench/*"]  # that have documents
PAGES = [ROOT / "server/peald.8", ROOT / "loadtest/peal-load.1"]


def rendered(text):
    """The page as man(1) shows it, and what it complains of."""
    done = subprocess.run(
        ["man", "--warnings", "--local-file", "-"], input=text, capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8"})
    return done.stdout, done.stderr


def documented():
    """(table, key, default) of every row of the document's tables of keys."""
    table = ""
    for line in CONFIGURATION.splitlines():
        if match := re.match(r"##+ \[(.*)\]$", line):
            table = match[1]
        elif match := re.match(r"\| `(\w+)` \|[^|]*\| ([^|]*) \|", line):
            yield table, match[1], match[2].replace("`", "")


def anchors(document):
    """Of its headings, as GitHub makes them."""
    text = re.sub(r"(?ms)^```.*?^```$", "", document.read_text())
    headings = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in re.findall(r"(?m)^#+ (.*)$", text)]
    return {heading.replace(" ", "-") for heading in headings}


class Links(unittest.TestCase):
    def test_they_lead_somewhere(self):
        documents = [document for folder in FOLDERS for document in ROOT.glob(f"{folder}/*.md")]
        self.assertGreater(len(documents), 10)
        for document in documents:
            for target in re.findall(r"\]\(([^)\s:]+)\)", document.read_text()):
                with self.subTest(document=document.name, target=target):
                    path, _, anchor = target.partition("#")
                    file = document.parent / path if path else document
                    self.assertTrue(file.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(file))


class Manuals(unittest.TestCase):
    def test_roff_has_no_complaint(self):
        for page in PAGES:
            with self.subTest(page.name):
                self.assertEqual(rendered(page.read_text())[1], "")
        self.assertEqual(rendered(manual(CONFIGURATION, "1.2.3"))[1], "")

    def test_every_key_with_its_default(self):
        text, _ = rendered(manual(CONFIGURATION, "1.2.3"))
        keys = list(documented())
        self.assertGreater(len(keys), 60)
        for table, key, default in keys:
            with self.subTest(f"{table}.{key}"):
                part = text.split(f"[{table}]\n", 1)[1]
                self.assertRegex(part, rf"(?m)^ +{key}( = {re.escape(default)}| \({re.escape(default)}\))$")

    def test_nothing_is_lost(self):
        """Each word of the document's text is in the page."""
        def words(text):
            return {word.strip(".") for word in re.findall(r"[\w.]+", text.lower())}
        rows = re.sub(r"(?m)^\| key .*$", "", CONFIGURATION)
        prose = re.sub(r"\]\([^)]*\)|```.*?```", " ", rows, flags=re.S).replace("`", "").replace("*", "")
        page, _ = rendered(manual(CONFIGURATION, "1.2.3"))
        self.assertEqual(words(prose) - words(page), set())

    def test_the_build_writes_that_page(self):
        version = re.search(r"version: '([\d.]+)'", (ROOT / "meson.build").read_text())[1]
        self.assertEqual((BUILD / "config/peal.toml.5").read_text(), manual(CONFIGURATION, version))

    def test_a_mark_that_the_page_cannot_have_is_refused(self):
        for text in ("> a quotation", "1. a list with numbers", "![an image](a.png)"):
            with self.subTest(text), self.assertRaises(ValueError):
                manual(text, "1")

    def test_options_of_the_manual_are_those_of_the_help(self):
        shown = subprocess.run([BUILD / "server/peald", "--help"], capture_output=True, text=True, check=True).stdout
        options = set(re.findall(r"(?m)^ +(?:-\w,)?(--?[\w-]+)", shown))
        text, _ = rendered((ROOT / "server/peald.8").read_text())
        self.assertGreater(len(options), 6)
        self.assertEqual({option for option in options if not re.search(rf"(?m)^ +(-h, )?{option}\b", text)}, set())


class Package(unittest.TestCase):
    def test_its_version_is_that_of_the_build(self):
        changelog = (ROOT / "debian/changelog").read_text()
        self.assertIn(f"version: '{re.match(r'peal [(](.*?)[)]', changelog)[1]}'", (ROOT / "meson.build").read_text())

    def test_what_it_is_built_with_is_what_a_build_installs(self):
        control = (ROOT / "debian/control").read_text()
        depends = set(re.findall(r"(?m)^ *([a-z0-9+.-]+)", control.partition("Build-Depends:")[2].partition("Standards")[0]))
        builds = set(re.findall(r"(?m)^build +(\S+)", (ROOT / ".ci/packages").read_text()))
        # meson brings ninja; doctest is for tests, and what makes packages is another group's.
        self.assertEqual(builds - depends, {"ninja-build", "doctest-dev"})
        self.assertEqual(depends - builds, {"dh-sequence-installsysusers", "debhelper-compat"})


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    result = unittest.main(exit=False, verbosity=2).result
    bad = len({str(test) for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(0 if result.wasSuccessful() else 1)
