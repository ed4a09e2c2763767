#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds small programs, each weak in one way, and sees that hardening.py names it and nothing else."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

HARDENING = pathlib.Path(__file__).with_name("hardening.py")
PROGRAM = """
#include <string.h>
int main(int count, char** words) {
  char text[64];
  strcpy(text, words[count - 1]);
  return text[count];
}
"""
STRONG = (
    "-O2 -fPIE -pie -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"
    " -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code"
)


class Hardening(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def build(self, *flags):
        program = self.folder / "program"
        subprocess.run(
            ["g++", "-x", "c", "-w", *STRONG.split(), *flags, "-o", program, "-"],
            input=PROGRAM, check=True, text=True,
        )  # fmt: skip
        return program

    def assembled(self, text):
        """Arguments that add a piece of assembly."""
        source = self.folder / "more.s"
        source.write_text(text + '.section .note.GNU-stack, "", @progbits\n')
        return "-x", "assembler", source, "-x", "c"

    def failures(self, *arguments):
        done = subprocess.run(
            [sys.executable, HARDENING, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        failures = [line.removeprefix("FAIL ") for line in done.stdout.splitlines() if line.startswith("FAIL ")]
        self.assertEqual(done.returncode, 1 if failures else 0, done.stdout)
        self.assertRegex(done.stdout, rf"\n\d+ passed, {len(failures)} failed\n$")
        return failures

    def expect(self, failure, *flags):
        failures = self.failures(self.build(*flags))
        self.assertEqual(len(failures), 1, failures)
        self.assertIn(failure, failures[0])

    def test_a_strong_program_passes(self):
        self.assertEqual(self.failures(self.build()), [])

    def test_a_fixed_address(self):
        self.expect("(PIE)", "-fno-pie", "-no-pie")

    def test_relocations_left_writable(self):
        self.expect("(RELRO)", "-Wl,-z,norelro")

    def test_lazy_binding(self):
        self.expect("(BIND_NOW)", "-Wl,-z,lazy")

    def test_an_executable_stack(self):
        self.expect("stack is not executable", "-Wl,-z,execstack")

    def test_code_among_data(self):
        self.expect("segment of its own", "-Wl,-z,noseparate-code")

    def test_writable_code(self):
        program = self.build(*self.assembled('.section both, "awx"\n.byte 0\n'))
        self.assertIn("no segment is both writable and executable", self.failures(program))

    def test_a_search_path(self):
        self.expect("search path", "-Wl,-rpath,/opt/lib")

    def test_a_relocation_in_code(self):
        self.expect("relocation changes code", "-Wl,-z,notext", *self.assembled(".text\n.quad main\n"))

    def test_no_stack_protector(self):
        self.expect("stack protector", "-fno-stack-protector")

    def test_no_fortify(self):
        self.expect("_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0")

    def test_an_object_without_cet(self):
        program = self.build()
        if "X86-64" not in subprocess.run(["readelf", "-h", program], stdout=subprocess.PIPE, text=True).stdout:
            self.skipTest("CET is x86's")
        for name, flag in (("plain", "none"), ("ready", "full")):
            source, object_file = self.folder / f"{name}.c", self.folder / f"{name}.o"
            source.write_text(f"int {name}(void) {{ return 0; }}\n")
            subprocess.run(["g++", "-x", "c", f"-fcf-protection={flag}", "-c", source, "-o", object_file], check=True)
        archive = self.folder / "part.a"
        subprocess.run(["ar", "rc", archive, self.folder / "ready.o"], check=True)
        self.assertEqual(self.failures(program, archive), [])
        subprocess.run(["ar", "rc", archive, self.folder / "plain.o"], check=True)
        self.assertEqual(self.failures(program, archive), [f"{archive} is ready for CET"])



if __name__ == "__main__":
    result = unittest.main(exit=False).result
    bad = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - bad} passed, {bad} failed")
    sys.exit(0 if result.wasSuccessful() else 1)
