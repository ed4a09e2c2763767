#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Looks for what meson.build asks of compiler and linker in what they made: hardening.py BINARY [ARCHIVE...]

Prints one line a check, "ok" or "FAIL", and last "N passed, N failed". ARCHIVE: static libraries
that went into the binary, for what it says only when every object in it does, the C library's too.
"""

import re
import subprocess
import sys


def readelf(*arguments):
    done = subprocess.run(["readelf", "-W", *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


class Binary:
    """What readelf(1) says of an executable."""

    def __init__(self, path):
        self.header = readelf("-h", path)
        self.segments = readelf("-l", path)
        self.dynamic = readelf("-d", path)
        self.imports = set(re.findall(r" UND (\w+)", readelf("--dyn-syms", path)))

    def flags(self, segment):
        """A program header's access flags, such as "RW"; None when there is no such header."""
        found = re.search(rf"^ +{segment} +(?:0x\w+ +){{5}}([RWE ]{{3}})", self.segments, re.M)
        return found and found[1].replace(" ", "")

    def loads(self):
        return re.findall(r"^ +LOAD +(?:0x\w+ +){5}([RWE ]{3})", self.segments, re.M)


# Each check is the name of what is to hold, and whether it does.


def checks_of(binary):
    dynamic = binary.dynamic
    yield "it can be loaded anywhere (PIE)", (
        "DYN (Position-Independent Executable file)" in binary.header and "(FLAGS_1)" in dynamic and " PIE" in dynamic
    )
    yield "what is relocated is read-only afterwards (RELRO)", binary.flags("GNU_RELRO") is not None
    yield "everything is bound before it starts (BIND_NOW)", "BIND_NOW" in dynamic and re.search(r"FLAGS_1.*\bNOW\b", dynamic)
    yield "the stack is not executable", binary.flags("GNU_STACK") == "RW"
    yield "no segment is both writable and executable", all("W" not in flags or "E" not in flags for flags in binary.loads())
    yield "code has a segment of its own", sum("E" in flags for flags in binary.loads()) == 1 and len(binary.loads()) >= 4
    yield "no search path for libraries is built in", not re.search(r"\((RPATH|RUNPATH)\)", dynamic)
    yield "no relocation changes code", "TEXTREL" not in dynamic
    yield "stack frames are guarded (stack protector)", "__stack_chk_fail" in binary.imports
    yield "library calls know the size of buffers (_FORTIFY_SOURCE)", any(
        name.endswith("_chk") for name in binary.imports
    )


def unmarked_objects(archive):
    """Objects that do not say that they are ready for CET, which all must say for it to be on."""
    for part in readelf("-n", archive).split("\nFile: ")[1:]:
        if "IBT, SHSTK" not in part:
            yield part.splitlines()[0]


def main():
    binary = Binary(sys.argv[1])
    checks = list(checks_of(binary))
    if "X86-64" in binary.header:
        for archive in sys.argv[2:]:
            unmarked = list(unmarked_objects(archive))
            checks.append((f"{archive} is ready for CET" + "".join(f"\n  not {name}" for name in unmarked), not unmarked))
    for name, holds in checks:
        print("ok  " if holds else "FAIL", name)
    failed = sum(not holds for _, holds in checks)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
