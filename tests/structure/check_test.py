#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plants a violation of each rule in a small tree and sees that check.py names the place."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

CHECK = pathlib.Path(__file__).with_name("check.py")
SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
HEADER = SPDX + "#pragma once\n"

# A house in order. Line 3 of each file is free for what a test plants.
SOURCES = {
    "core/base/bytes.h": HEADER + "\nstruct Bytes {};\n",
    "core/base/bytes.cc": SPDX + '#include "core/base/bytes.h"\n',
    "core/http/request.h": HEADER + '\n#include "core/base/bytes.h"\nstruct Request { Bytes head; };\n',
    "core/http/request.cc": SPDX + '#include "core/http/request.h"\n// try to catch: "throw"\n',
    "core/ws/handshake.cc": SPDX + '#include "core/http/request.h"\n',
    "config/config.h": HEADER + "\nstruct Config {};\n",
    "config/config.cc": SPDX + '#include "config/config.h"\n',
    "config/load.cc": SPDX + '#include "config/config.h"\nvoid load() { try { throw 1; } catch (int) {} }\n',
    "server/main.cc": SPDX + '#include "config/config.h"\n\nint main() {}\n',
    "tests/unit/main.cc": SPDX + "#include <doctest/doctest.h>\n",
}
CORE_FLAGS = "-fno-exceptions -fno-rtti"


class SoundTree(unittest.TestCase):
    """A copy of the sound tree, and check.py run on it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.flags = {}
        self.unbuilt = set()
        self.more_commands = []
        self.compiles_headers = False  # else it is as if the build had seen each
        for file, text in SOURCES.items():
            self.write(file, text)

    def write(self, file, text):
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def write_object(self, file, age=-3600):
        self.write(file, "")
        when = time.time() - age
        os.utime(self.root / file, (when, when))

    def plant(self, file, line):
        """Makes `line` the third of the file."""
        lines = (self.root / file).read_text().splitlines()
        self.write(file, "\n".join(lines[:2] + [line] + lines[3:]) + "\n")

    def command(self, file, flags, output):
        command = f"g++ -std=c++23 {flags} -o {output} -c {file}"
        return {"directory": str(self.root), "file": file, "output": output, "command": command}

    def check(self):
        sources = [str(path.relative_to(self.root)) for path in self.root.rglob("*.cc")]
        commands = [
            self.command(file, self.flags.get(file, CORE_FLAGS), f"{file}.o")
            for file in sources
            if file not in self.unbuilt
        ]
        if not self.compiles_headers:
            for file in sources:
                self.write_object(f"{file}.o")
        (self.root / "compile_commands.json").write_text(json.dumps(commands + self.more_commands))
        return subprocess.run(
            [sys.executable, CHECK, self.root, self.root],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def assert_sound(self):
        done = self.check()
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn(" passed, 0 failed", done.stdout)

    def assert_refused(self, *messages):
        """Exactly one check fails, and its output holds each of the messages."""
        done = self.check()
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(" passed, 1 failed", done.stdout)
        for message in messages:
            self.assertIn(message, done.stdout)


class CheckTest(SoundTree):
    def test_sound_tree_passes(self):
        self.compiles_headers = True
        self.assert_sound()

    def test_missing_licence_line(self):
        self.write("core/base/bytes.cc", '#include "core/base/bytes.h"\n')
        self.assert_refused("core/base/bytes.cc:1: the first line is not the SPDX")

    def test_include_relative_to_the_own_folder(self):
        self.plant("core/http/request.cc", '#include "request.h"')
        self.assert_refused('core/http/request.cc:3: "request.h" is no path')

    def test_own_header_in_angle_brackets(self):
        self.plant("core/http/request.cc", "#include <core/base/bytes.h>")
        self.assert_refused("core/http/request.cc:3: <core/base/bytes.h> is ours")

    def test_include_of_a_higher_layer(self):
        self.write("core/hub/topic.h", HEADER)
        self.plant("core/http/request.h", '#include "core/hub/topic.h"')
        self.assert_refused("core/http/request.h:3: core/http may not include core/hub")

    def test_include_of_a_neighbour_of_the_same_rank(self):
        self.write("core/io/reactor.h", HEADER)
        self.plant("core/http/request.h", '#include "core/io/reactor.h"')
        self.assert_refused("core/http/request.h:3: core/http may not include core/io")

    def test_include_of_the_configuration_in_core(self):
        self.plant("core/ws/handshake.cc", '#include "config/config.h"')
        self.assert_refused("core/ws/handshake.cc:3: core/ws may not include config: core knows only core")

    def test_include_of_the_tests_in_the_product(self):
        self.write("tests/support/client.h", HEADER)
        self.plant("server/main.cc", '#include "tests/support/client.h"')
        self.assert_refused("server/main.cc:3: server may not include tests/support")

    def test_tests_may_include_all(self):
        self.plant("tests/unit/main.cc", '#include "core/http/request.h"')
        self.assert_sound()

    def test_folder_without_a_rank(self):
        self.write("core/utils/misc.h", HEADER)
        self.assert_refused("core/utils/misc.h:1: core/utils has no rank")

    def test_cycle_of_files(self):
        self.write("core/http/target.h", HEADER + '#include "core/http/request.h"\n')
        self.plant("core/http/request.h", '#include "core/http/target.h"')
        self.assert_refused(
            "core/http/request.h:3: a cycle of files", "core/http/request.h -> core/http/target.h -> core/http/request.h"
        )

    def test_cycle_of_folders(self):
        # No cycle of files; the direction is refused as well.
        self.write("core/base/check.h", HEADER)
        self.write("core/http/method.h", HEADER)
        self.plant("core/base/bytes.cc", '#include "core/http/method.h"')
        done = self.check()
        self.assertIn("core/base/bytes.cc:3: a cycle of folders: core/base -> core/http -> core/base", done.stdout)
        self.assertIn(" passed, 2 failed", done.stdout)

    def test_third_parties_away_from_home(self):
        for header, name, file in (
            ("liburing.h", "liburing", "core/ws/handshake.cc"),
            ("linux/io_uring.h", "liburing", "server/main.cc"),
            ("openssl/sha.h", "OpenSSL", "core/http/request.cc"),
            ("toml.hpp", "toml11", "server/main.cc"),
            ("spdlog/spdlog.h", "spdlog", "server/main.cc"),
            ("CLI/CLI.hpp", "CLI11", "server/main.cc"),
            ("doctest/doctest.h", "doctest", "server/main.cc"),
            ("nlohmann/json.hpp", "nlohmann-json", "server/main.cc"),
        ):
            with self.subTest(header):
                self.setUp()
                self.plant(file, f"#include <{header}>")
                self.assert_refused(f"{file}:3: {name} is at home in")

    def test_third_party_at_home(self):
        self.plant("core/ws/handshake.cc", "#include <openssl/sha.h>")
        self.assert_sound()

    def test_third_party_without_a_home(self):
        self.plant("server/main.cc", "#include <boost/json.hpp>")
        self.assert_refused("server/main.cc:3: <boost/json.hpp>: a third party without a home")

    def test_exceptions_in_core(self):
        for word, code in (
            ("throw", "void f() { throw 1; }"),
            ("try", "void f() try {} catch (...) {}"),
            ("catch", "/* a */ void f() { g([] { h(); } catch (int) {}"),
        ):
            with self.subTest(word):
                self.setUp()
                self.plant("core/http/request.cc", code)
                self.assert_refused(f"core/http/request.cc:3: {word}: core is without exceptions")

    def test_lines_are_counted_through_comments(self):
        self.write("core/base/bytes.cc", SPDX + "/* two\nlines */\nvoid f() { throw 1; }\n")
        self.assert_refused("core/base/bytes.cc:4: throw")

    def test_digit_separators_hide_nothing(self):
        self.plant("core/http/request.cc", "void f() { g(1'000); throw 1'000; }")
        self.assert_refused("core/http/request.cc:3: throw")

    def test_core_built_with_exceptions(self):
        self.flags["core/http/request.cc"] = "-fno-rtti"
        self.assert_refused("core/http/request.cc:1: is built without -fno-exceptions")

    def test_core_built_with_run_time_types(self):
        self.flags["core/http/request.cc"] = "-fno-exceptions"
        self.assert_refused("core/http/request.cc:1: is built without -fno-rtti")

    def test_a_test_may_compile_core_with_flags_of_its_own(self):
        self.more_commands.append(self.command("core/http/request.cc", "", "tests/unit/request.o"))
        self.assert_sound()

    def test_source_left_out_of_the_build(self):
        self.unbuilt.add("core/http/request.cc")
        self.more_commands.append(self.command("core/http/request.cc", "", "tests/unit/request.o"))
        self.assert_refused("core/http/request.cc:1: no meson.build names this file")

    def test_header_that_needs_another_before_it(self):
        self.compiles_headers = True
        self.plant("core/http/request.h", "Missing name();")
        self.assert_refused("core/http/request.h:1: does not compile alone")

    def test_header_that_the_build_has_seen_alone_is_not_compiled_again(self):
        self.compiles_headers = True
        # Only a planted object can say so of a header that does not compile.
        self.plant("core/http/request.h", "Missing name();")
        self.write_object("core/http/request.cc.o")
        self.assert_sound()

    def test_object_says_nothing_of_a_header_that_is_newer_or_not_the_first(self):
        self.compiles_headers = True
        self.plant("core/http/request.h", "Missing name();")
        self.write_object("core/http/request.cc.o", age=3600)
        self.assert_refused("core/http/request.h:1: does not compile alone")
        self.write("core/http/request.cc", SPDX + '#include <string>\n#include "core/http/request.h"\n')
        self.write_object("core/http/request.cc.o")
        self.assert_refused("core/http/request.h:1: does not compile alone")

    def test_object_says_nothing_of_a_header_without_a_guard(self):
        self.compiles_headers = True
        self.write("core/base/bytes.h", SPDX + "struct Bytes {};\n")
        self.write_object("core/base/bytes.cc.o")
        self.assertIn("core/base/bytes.h:1: does not compile alone", self.check().stdout)

    def test_header_that_takes_a_standard_name_from_whoever_includes_it(self):
        self.compiles_headers = True
        self.plant("config/config.h", "#include <string>")
        self.plant("core/base/bytes.h", "std::string name();")
        self.assert_refused("core/base/bytes.h:3: std::string without <string>")
        self.plant("core/base/bytes.h", "#include <string>")
        self.plant("core/http/request.h", "/* std::vector */ inline std::string name() { return {}; }")
        self.write("core/http/request.h", (self.root / "core/http/request.h").read_text()
                   .replace("struct Request", '#include "core/base/bytes.h"\nstruct Request'))
        self.assert_sound()

    def test_sources_that_are_compiled_as_one(self):
        self.compiles_headers = True
        sources = ["core/base/bytes.cc", "core/http/request.cc"]
        self.unbuilt.update(sources)
        unity = "http.p/http-unity0.cpp"
        self.write(unity, "".join(f"#include <{self.root / source}>\n" for source in sources))
        self.more_commands.append(self.command(unity, CORE_FLAGS, "http.p/http-unity0.o"))
        self.assert_sound()
        # Its object says nothing of them.
        self.write_object("http.p/http-unity0.o")
        self.plant("core/http/request.h", "Missing name();")
        self.assert_refused("core/http/request.h:1: does not compile alone")

    def test_header_without_a_guard(self):
        self.compiles_headers = True
        self.write("core/base/bytes.h", SPDX + "struct Bytes {};\n")
        done = self.check()
        self.assertIn("core/base/bytes.h:1: does not compile alone", done.stdout)
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=2).result
    bad = len({str(test) for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(0 if result.wasSuccessful() else 1)
