#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what keeps the house standing: check.py BUILD [ROOT]

BUILD is a meson build directory (for its compile_commands.json). Prints one line a check, "ok" or
"FAIL", after a failed one the places as FILE:LINE: and last "N passed, N failed".
"""

import concurrent.futures
import fnmatch
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import threading

# A folder includes itself and folders of a lower rank. A folder of ours that is not here is refused.
RANKS = {
    "core/base": 0,
    "core/io": 1,
    "core/http": 1,
    "core/tls": 1,
    "config": 1,
    "core/ws": 2,
    "core/hub": 3,
    "core/conn": 4,
    "server/broker": 5,
    "server/host": 5,
    "server": 6,
    "loadtest": 6,
}

# Where the headers of a third party may be included; tests may include all.
HOMES = {
    "liburing": (r"liburing(\.h|/.*)|linux/io_uring\.h", ["core/io/*"]),
    "OpenSSL": (r"openssl/.*", ["core/tls/*", "core/ws/handshake.cc", "server/auth.cc"]),
    "zlib": (r"zlib\.h", ["core/ws/deflate.cc"]),
    "toml11": (r"toml(\.hpp|/.*)", ["config/load*.cc", "config/load*.h"]),
    "libsystemd": (r"systemd/.*", ["server/notify.cc", "server/socket_activation.cc"]),
    "simdjson": (r"simdjson\.h", ["server/batch_reader.cc", "server/peal_v1_commands.cc"]),
    "AddressSanitizer": (r"sanitizer/asan_interface\.h", ["core/base/poison.h"]),
    "spdlog": (r"(spdlog|fmt)/.*", ["server/log.*", "server/log_sink.*"]),
    "prometheus-cpp": (r"prometheus/.*", ["server/metrics.cc"]),
    "CLI11": (r"CLI/.*", ["server/cli.cc", "loadtest/cli.cc"]),
    "doctest": (r"doctest/.*", []),
    "nlohmann-json": (r"nlohmann/.*", ["loadtest/report_json.cc"]),
}
# For headers alone: it reads what has been compiled beforehand in half of g++'s time.
COMPILER = "clang++-19"
SYSTEM_FOLDERS = ("arpa", "asm", "linux", "net", "netinet", "sys")

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
# Comments, strings and characters: what is no code.
NO_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^()\\ ]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<!\w)\'(?:\\.|[^\'\\\n])+\'', re.S
)
# Names of the standard library by their header, after "std::". Headers of ours are compiled with all of that library in
# reach, since it takes most of the time; what they use of it they must include all the same.
STANDARD = {
    "algorithm": r"min|max|clamp|copy|copy_n|ranges::(copy|equal|find|find_if|sort|transform|(any|all|none)_of)",
    "array": r"array",
    "atomic": r"atomic",
    "bit": r"bit_cast|bit_width|rotl|rotr|countr_zero",
    "chrono": r"chrono",
    "condition_variable": r"condition_variable",
    "cstddef": r"byte|nullptr_t|ptrdiff_t|size_t",
    "cstdint": r"u?int(8|16|32|64|ptr)_t",
    "deque": r"deque",
    "expected": r"expected|unexpected",
    "filesystem": r"filesystem",
    "functional": r"equal_to|function|hash|less",
    "map": r"map|multimap",
    "memory": r"(make_)?(shared|unique)(_ptr)?|weak_ptr",
    "mutex": r"lock_guard|mutex|once_flag|unique_lock",
    "optional": r"nullopt|optional",
    "set": r"set",
    "span": r"as_bytes|as_writable_bytes|span",
    "string": r"string|to_string",
    "string_view": r"string_view",
    "thread": r"jthread|thread",
    "tuple": r"tie|tuple",
    "type_traits": r"is_\w+_v|remove_\w+_t",
    "unordered_map": r"unordered_map",
    "utility": r"exchange|forward|move|pair|swap|to_underlying",
    "variant": r"variant",
    "vector": r"vector",
}
STANDARD_NAME = {header: re.compile(rf"\bstd::(?:{names})\b") for header, names in STANDARD.items()}
EXCEPTION_WORD = re.compile(r"\b(throw|try|catch)\b")


class Tree:
    """The sources below a root and what they include."""

    def __init__(self, root):
        self.root = root
        self.files = sorted(
            str(path.relative_to(root))
            for folder in ("core", "config", "server", "loadtest", "tests")
            for path in (root / folder).rglob("*")
            if path.suffix in (".h", ".cc")
        )
        self.product = [file for file in self.files if not file.startswith("tests/")]
        self.text = {file: (root / file).read_text() for file in self.files}
        self.includes = {file: list(includes_of(self.text[file])) for file in self.files}

    def own_includes(self, file):
        """Line and path of each include of a file of ours."""
        return [(line, path) for line, _, path in self.includes[file] if path in self.text]


    def reached(self, file, seen=None):
        """The file and all of ours that it includes, however indirectly."""
        seen = set() if seen is None else seen
        if file not in seen:
            seen.add(file)
            for _, path in self.own_includes(file):
                self.reached(path, seen)
        return seen


def includes_of(text):
    for number, line in enumerate(text.splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1], match[2]


def folder_of(file):
    return os.path.dirname(file)


def place(file, line, message):
    return f"{file}:{line}: {message}"


# Checks of the sources. Each yields the places where it does not hold.


def first_lines(tree):
    for file in tree.files:
        if not tree.text[file].startswith("// SPDX-License-Identifier: Apache-2.0\n"):
            yield place(file, 1, "the first line is not the SPDX licence line")


def include_paths(tree):
    for file in tree.files:
        for line, quote, path in tree.includes[file]:
            if quote == '"' and path not in tree.text:
                yield place(file, line, f'"{path}" is no path of a header from the root')
            if quote == "<" and path in tree.text:
                yield place(file, line, f"<{path}> is ours: include it with quotes")


def include_directions(tree):
    for file in tree.product:
        folder = folder_of(file)
        if folder not in RANKS:
            yield place(file, 1, f"{folder} has no rank in tests/structure/check.py")
            continue
        for line, path in tree.own_includes(file):
            other = folder_of(path)
            if other == folder:
                continue
            if RANKS.get(other, len(RANKS)) >= RANKS[folder]:
                yield place(file, line, f"{folder} may not include {other}: it is not a lower layer")
            elif folder.startswith("core/") and not other.startswith("core/"):
                yield place(file, line, f"{folder} may not include {other}: core knows only core")


def file_cycles(tree):
    edges = {file: [(path, line) for line, path in tree.own_includes(file)] for file in tree.files}
    for cycle in cycles(edges):
        file, line = cycle[0]
        yield place(file, line, "a cycle of files: " + " -> ".join(name for name, _ in cycle + cycle[:1]))


def folder_cycles(tree):
    edges = {}
    where = {}
    for file in tree.product:
        for line, path in tree.own_includes(file):
            folder, other = folder_of(file), folder_of(path)
            if folder != other and (folder, other) not in where:
                where[folder, other] = (file, line)
                edges.setdefault(folder, []).append((other, line))
    for cycle in cycles(edges):
        folders = [folder for folder, _ in cycle]
        file, line = where[folders[0], folders[1]]
        yield place(file, line, "a cycle of folders: " + " -> ".join(folders + folders[:1]))


def cycles(edges):
    """Cycles in a graph {node: [(next, line)]}, each as [(node, line of its edge to the next)]."""
    done = set()
    path = []  # (node, line of the edge taken from it)

    def visit(node):
        for other, line in edges.get(node, []):
            names = [name for name, _ in path] + [node]
            if other in names:
                yield (path + [(node, line)])[names.index(other) :]
            elif other not in done:
                path.append((node, line))
                yield from visit(other)
                path.pop()
        done.add(node)

    for node in sorted(edges):
        if node not in done:
            yield from visit(node)


def third_parties(tree):
    for file in tree.product:
        for line, quote, path in tree.includes[file]:
            if quote != "<" or path in tree.text:
                continue
            for name, (headers, homes) in HOMES.items():
                if re.fullmatch(headers, path):
                    if not any(fnmatch.fnmatch(file, home) for home in homes):
                        home = ", ".join(homes) or "tests/"
                        yield place(file, line, f"{name} is at home in {home}, not here")
                    break
            else:
                if "/" in path and path.split("/")[0] not in SYSTEM_FOLDERS:
                    yield place(file, line, f"<{path}>: a third party without a home")


def standard_names(tree):
    for file in tree.product:
        if not file.endswith(".h"):
            continue
        code = code_of(tree.text[file])
        there = {path for each in tree.reached(file) for _, _, path in tree.includes[each]}
        for header, name in STANDARD_NAME.items():
            if header not in there and (used := name.search(code)):
                yield place(file, code.count("\n", 0, used.start()) + 1, f"{used[0]} without <{header}>")


def code_of(text):
    """Without comments, strings and characters, each line where it was."""
    return NO_CODE.sub(lambda match: "\n" * match[0].count("\n"), text)


def exception_words(tree):
    for file in tree.product:
        if file.startswith("core/"):
            code = code_of(tree.text[file])
            for number, line in enumerate(code.splitlines(), 1):
                if match := EXCEPTION_WORD.search(line):
                    yield place(file, number, f"{match[1]}: core is without exceptions")


# Checks that need the build's compiler commands.


class Commands:
    """How the build compiles each source; a test may compile a source of the product once more."""

    def __init__(self, tree, build):
        self.of = {}
        self.objects = {}
        for entry in json.loads((build / "compile_commands.json").read_text()):
            for source, alone in self.sources_of(entry):
                if not source.is_relative_to(tree.root):
                    continue
                file = str(source.relative_to(tree.root))
                if entry["output"].startswith("tests/") and not file.startswith("tests/"):
                    continue
                words = shlex.split(entry["command"])
                if alone:
                    self.objects[file] = pathlib.Path(entry["directory"], entry["output"])
                # meson lets ccache run the compiler where there is one.
                self.of[file] = (entry["directory"], words[words[0].endswith("ccache"):])

    @staticmethod
    def sources_of(entry):
        """Each source that a command compiles, and whether nothing stands before it: with meson's unity=on, a target's
        sources are included by one that meson has written."""
        source = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if not re.search(r"-unity\d+\.cpp$", source.name) or not source.exists():
            return [(source, True)]
        included = re.findall(r"#include\s*<(.+)>", source.read_text())
        return [(pathlib.Path(path).resolve(), False) for path in included]

    def for_header(self, header):
        """The command of a source in the header's folder, or in a folder that may include it."""
        folder = folder_of(header)
        ranked = sorted(self.of, key=lambda file: (folder_of(file) != folder, not file.startswith(folder), file))
        return self.of[ranked[0]]


def unbuilt_sources(tree, commands):
    for file in tree.product:
        if file.endswith(".cc") and file not in commands.of:
            yield place(file, 1, "no meson.build names this file")


def core_flags(tree, commands):
    for file in tree.product:
        if file.startswith("core/") and file in commands.of:
            for flag in ("-fno-exceptions", "-fno-rtti"):
                if flag not in commands.of[file][1]:
                    yield place(file, 1, f"is built without {flag}")


def seen_alone_by_build(tree, commands, header):
    """Whether the build has compiled a source that begins with this, its own header.

    Then nothing stood before it; its guard is `#pragma once`. Only an object that is newer counts.
    """
    source = header.removesuffix(".h") + ".cc"
    if source not in commands.objects or "-include" in commands.of[source][1]:
        return False
    code = NO_CODE.sub(lambda match: match[0] if match[0][0] == '"' else "", tree.text[source])
    first = code.strip().partition("\n")[0]
    guarded = re.search(r"^#pragma once$", tree.text[header], re.M)
    if not guarded or not (match := INCLUDE.match(first)) or match[2] != header:
        return False
    built = commands.objects[source]
    return built.exists() and built.stat().st_mtime > max(
        (tree.root / file).stat().st_mtime for file in (source, header)
    )


class StandardLibrary:
    """All of the standard library's headers that ours include, compiled beforehand for each set of options."""

    def __init__(self, tree, folder):
        names = {path for file in tree.product for _, sign, path in tree.includes[file] if sign == "<"}
        self.text = "".join(f"#include <{name}>\n" for name in sorted(names) if re.fullmatch(r"[a-z_]+", name))
        self.folder = pathlib.Path(folder)
        self.lock = threading.Lock()
        self.made = {}

    def options(self, directory, compiler):
        """What makes the compiler use them. `compiler`: its command, with the options that have to be the same."""
        with self.lock:
            key = tuple(compiler)
            if key not in self.made:
                pch = self.folder / f"{len(self.made)}.pch"
                command = [*compiler, "-x", "c++-header", "-", "-o", pch]
                subprocess.run(command, cwd=directory, input=self.text, text=True, check=True)
                self.made[key] = ["-include-pch", str(pch)]
            return self.made[key]


def header_alone(tree, commands, library, header):
    """Compiles the header by itself, twice included so that its guard is seen to work."""
    if seen_alone_by_build(tree, commands, header):
        return
    directory, words = commands.for_header(header)
    keep = [word for word in words[1:] if re.match(r"-(std=|D|fno-(exceptions|rtti)$|isystem|pthread)", word)]
    compiler = [COMPILER, *keep, "-fno-color-diagnostics"]
    done = subprocess.run(
        [*compiler, *library.options(directory, compiler), "-fsyntax-only", "-I", str(tree.root), "-x", "c++", "-"],
        cwd=directory,
        input=f'#include "{header}"\n#include "{header}"\n',
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        errors = [line for line in done.stdout.splitlines() if "error:" in line]
        yield place(header, 1, "does not compile alone: " + (errors or [done.stdout])[0])


class Report:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def check(self, name, places):
        places = list(places)
        print("FAIL" if places else "ok  ", name)
        for line in places:
            print(f"  {line}")
        self.failed += bool(places)
        self.passed += not places


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ".").resolve()
    tree = Tree(root)
    commands = Commands(tree, build)

    report = Report()
    report.check("the licence line comes first", first_lines(tree))
    report.check("includes are paths from the root", include_paths(tree))
    report.check("includes go down the layers", include_directions(tree))
    report.check("no cycle of files", file_cycles(tree))
    report.check("no cycle of folders", folder_cycles(tree))
    report.check("each third party is in its one home", third_parties(tree))
    report.check("headers include what they use of the standard library", standard_names(tree))
    report.check("no exceptions in core's code", exception_words(tree))
    report.check("no exceptions and run-time types in core's build", core_flags(tree, commands))
    report.check("every source is built", unbuilt_sources(tree, commands))
    # Above them nobody includes but the program itself, and a header takes several seconds.
    headers = [file for file in tree.product if file.endswith(".h") and file.startswith(("core/", "config/"))]
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(2) as pool:
        library = StandardLibrary(tree, folder)
        results = pool.map(lambda header: list(header_alone(tree, commands, library, header)), headers)
        for header, places in zip(headers, results):
            report.check(f"{header} compiles alone", places)

    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
