#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the server's CPU time with that of an earlier commit, side by side; `make bench-quick` runs it.

Exit status 1 when a message costs more than 7 % more in any scenario. The environment says what:

    BASE=COMMIT               compare with it (HEAD, or the commit before when nothing has changed since)
    SCENARIOS="echo64"        only these
    LIMIT=7                   per cent
    SERVER_CPU=0 CLIENT_CPU=1 where the two ends run

The earlier peald is built in build/bench-quick, a work tree of its own, as ours is in build/, and with those
of its objects that are the same.
"""

import argparse
import itertools
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import time

import load
import scenarios as scenarios_module
from bench import raise_file_limit
from paths import BUILD, PEAL_LOAD, PEALD, ROOT
from peers import Peald
from servers import Failure, Server

TREE = BUILD / "bench-quick"
SCENARIOS = ("echo64", "echo64-deep", "echo16k", "fanout64-1k")
ROUNDS = 7  # and as many again where the first say that it is slower
SECONDS = 1.0
WARMUP = 0.2
PRODUCT = ("core/", "config/", "server/")  # what peald is made of
BUILD_OPTIONS = ("optimization", "b_ndebug", "b_lto", "b_sanitize", "cpp_args", "cpp_link_args", "unity")


def git(*words, cwd=ROOT):
    return subprocess.run(["git", *words], cwd=cwd, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def base_commit(wanted):
    """What to compare with: a commit's full name."""
    if not wanted:
        changed = git("status", "--porcelain", "--untracked-files=no")
        wanted = "HEAD" if changed else "HEAD^"
    return git("rev-parse", "--verify", "--quiet", f"{wanted}^{{commit}}")


def run(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}")


def compiler_of(compile_commands):
    """What compiles the build: "ccache g++"."""
    words = shlex.split(compile_commands[0]["command"])
    return " ".join(itertools.takewhile(lambda word: not word.startswith("-"), words))


def options_of(build_options):
    """Of meson's options those that change what the compiler makes."""
    return [f"-D{each['name']}={each['value']}" for each in build_options if each["name"] in BUILD_OPTIONS]


def borrow(here, there, changed):
    """Lends the build in `there` the objects of the one in `here`, so that only what differs is compiled: a source
    or header of the same text gets the same age, and ninja believes the objects' own."""
    for path in there.rglob("*"):
        name = str(path.relative_to(there))
        if path.is_file() and name.startswith(PRODUCT) and name not in changed:
            shutil.copystat(here / name, path)
    for path in (here / "build").glob("*/**/*.o"):
        name = path.relative_to(here / "build")
        if str(name).startswith(PRODUCT):
            (there / "build" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, there / "build" / name)
    for name in (".ninja_log", ".ninja_deps"):
        shutil.copy2(here / "build" / name, there / "build" / name)


def build_base(commit):
    """The peald of that commit, built as ours is."""
    peald, made_from = TREE / "build/server/peald", TREE / "build/made-from"
    if made_from.exists() and made_from.read_text() == commit:
        return peald
    shutil.rmtree(TREE, ignore_errors=True)
    git("worktree", "prune")
    git("worktree", "add", "--quiet", "--force", "--detach", str(TREE), commit)
    compiler = compiler_of(json.loads((BUILD / "compile_commands.json").read_text()))
    options = options_of(json.loads((BUILD / "meson-info/intro-buildoptions.json").read_text()))
    # What ccache has seen in the other folder will do here.
    env = {**os.environ, "CXX": compiler, "CCACHE_BASEDIR": str(TREE), "CCACHE_NOHASHDIR": "1"}
    run(["meson", "setup", "build", *options], cwd=TREE, env=env)
    borrow(ROOT, TREE, set(git("diff", "--name-only", commit).split("\n")))
    run(["ninja", f"-j{os.cpu_count()}", "-C", "build", "server/peald"], cwd=TREE, env=env)
    made_from.write_text(commit)
    return peald


class Pair:
    """The two servers in one scenario, and the figures of the rounds so far."""

    def __init__(self, scenario, base, server_cpu, client_cpu):
        self.scenario = scenario
        self.client_cpu = client_cpu
        self.figures = {"base": [], "now": []}
        self.servers = {}
        for name, program in (("base", base), ("now", PEALD)):
            self.servers[name] = Server(Peald(name, name, program=str(program)), scenario, server_cpu)

    def play(self, rounds):
        """Who is first changes from round to round."""
        for _ in range(rounds):
            names = ("base", "now") if len(self.figures["base"]) % 2 else ("now", "base")
            for name in names:
                round_ = load.measure(self.servers[name], self.scenario, self.client_cpu, SECONDS, WARMUP)
                self.figures[name].append(round_["cpu_us"])

    def ratio(self):
        return median_ratio(self.figures["now"], self.figures["base"])

    def stop(self):
        for server in self.servers.values():
            server.stop()


def median_ratio(mine, theirs):
    """The median of the ratios of neighbours, which noise of the machine has met alike."""
    return statistics.median(each / other for each, other in zip(mine, theirs, strict=True))


def verdict(ratio, limit):
    """`limit`: per cent."""
    return "SLOWER" if ratio > 1 + limit / 100 else "ok"


def compare(scenario, base, limit, cpus):
    pair = Pair(scenario, base, *cpus)
    try:
        pair.play(ROUNDS)
        if verdict(pair.ratio(), limit) != "ok":
            pair.play(ROUNDS)  # noise that comes once does not come twice
    finally:
        pair.stop()
    ratio = pair.ratio()
    medians = [statistics.median(pair.figures[name]) for name in ("base", "now")]
    word = verdict(ratio, limit)
    print(f"  {word:7} {scenario.name:14} {medians[0]:9.3f} -> {medians[1]:9.3f} us a {scenario.unit}   "
          f"{(ratio - 1) * 100:+5.1f} %", flush=True)  # fmt: skip
    return word == "ok"


def main():
    argparse.ArgumentParser(usage=__doc__.replace("%", "%%")).parse_args()  # the environment says all
    environ = os.environ
    limit = float(environ.get("LIMIT") or 7)
    cpus = int(environ.get("SERVER_CPU") or 0), int(environ.get("CLIENT_CPU") or 1)
    begin = time.monotonic()
    try:
        chosen = scenarios_module.chosen(environ.get("SCENARIOS", "").split() or SCENARIOS)
        commit = base_commit(environ.get("BASE", ""))
        print(f"Server CPU of this peald beside that of {git('log', '-1', '--format=%h %s', commit)}", flush=True)
        for program in (PEALD, PEAL_LOAD):
            if not os.access(program, os.X_OK):
                raise Failure(f"there is no {pathlib.Path(program)}")
        raise_file_limit()
        base = build_base(commit)
        print(f"  built in {time.monotonic() - begin:.0f} s", flush=True)
        good = [compare(scenario, base, limit, cpus) for scenario in chosen]
    except (Failure, ValueError) as error:
        print(f"bench-quick: {error}", file=sys.stderr)
        return 2
    except subprocess.CalledProcessError as error:
        print(f"bench-quick: {' '.join(error.cmd)} failed", file=sys.stderr)
        return 2
    print(f"{sum(good)} of {len(good)} within {limit:g} %, in {time.monotonic() - begin:.0f} s")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
