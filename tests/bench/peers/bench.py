#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures peal beside other servers, and writes what it found into docs/PERFORMANCE.md.

`make bench` runs it; the environment says what:

    SCENARIOS="echo64 tail"   only these (all)
    PEERS="peal-io_uring bun" only these (all; nothing is compared without peal-io_uring)
    PEER="name=command"       one more server; several are divided by ";"
    ROUNDS=3                  repetitions (5)
    SECONDS_EACH=2            that each is measured (2)
    SERVER_CPU=0 CLIENT_CPU=1 where the two ends run
    FRESH=1                   begins anew; otherwise rounds that are in build/bench/results.json already stay
    REPORT=no                 leaves docs/PERFORMANCE.md alone; "only" measures nothing

Every round goes through all servers of a scenario before the next begins, and is kept at once, so a run
that was stopped goes on where it was.
"""

import argparse
import hashlib
import os
import pathlib
import platform
import resource
import sys
import time

import load
import peers as peers_module
import report
import scenarios as scenarios_module
from paths import PEAL_LOAD, PEALD, RESULTS
from results import Results
from servers import Failure, Server

WARMUP = 0.5  # seconds


class Settings:
    """Of the environment. Raises ValueError."""

    def __init__(self, environ):
        self.scenarios = scenarios_module.chosen(environ.get("SCENARIOS", "").split())
        self.peers = peers_module.chosen(environ.get("PEERS", "").split(), environ.get("PEER", ""))
        self.rounds = int(environ.get("ROUNDS") or 5)
        self.seconds = float(environ.get("SECONDS_EACH") or 2)
        self.server_cpu = int(environ.get("SERVER_CPU") or 0)
        self.client_cpu = int(environ.get("CLIENT_CPU") or 1)
        self.fresh = bool(environ.get("FRESH"))
        self.report = environ.get("REPORT", "yes")


def about_machine():
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in pathlib.Path("/proc/cpuinfo").read_text().split("\n")
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": cpu,
        "cpus": os.cpu_count(),
        "memory_gib": round(memory / 2**30),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
    }


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def raise_file_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Run:
    def __init__(self, settings, results):
        self.settings = settings
        self.results = results
        self.peers = []

    def prepare(self):
        data = self.results.data
        for peer in self.settings.peers:
            try:
                version = peer.prepare()
            except peers_module.Missing as missing:
                print(f"  skipped {peer.name}: {missing}", flush=True)
                data["skipped"][peer.name] = str(missing)
                continue
            data["skipped"].pop(peer.name, None)
            data["peers"][peer.name] = {"label": peer.label, "version": version}
            self.peers.append(peer)
        data["about"].update(
            about_machine(), seconds=self.settings.seconds, peald=digest(PEALD), date=time.strftime("%Y-%m-%d")
        )

    def go(self):
        for scenario in self.settings.scenarios:
            able = [peer for peer in self.peers if peer.able_to(scenario)]
            wanted = [
                (peer, number)
                for number in range(1, self.settings.rounds + 1)
                for peer in able
                if not self.results.has(scenario.name, peer.name, number)
            ]
            if wanted:
                print(f"{scenario.name}: {scenario.title}", flush=True)
                self.scenario(scenario, wanted)

    def scenario(self, scenario, wanted):
        servers, failed = {}, set()
        try:
            for peer, number in wanted:
                if peer.name in failed:
                    continue
                try:
                    round_ = self.round(scenario, peer, servers)
                except Failure as failure:
                    failed.add(peer.name)
                    self.results.fail(scenario.name, peer.name, str(failure))
                    print(f"  {peer.name:16} failed: {failure}", flush=True)
                else:
                    self.results.add(scenario.name, peer.name, number, round_)
                    print(line_of(peer, number, round_), flush=True)
                self.results.save(RESULTS)
        finally:
            for server in servers.values():
                server.stop()

    def round(self, scenario, peer, servers):
        """Servers live through a scenario; where connections are counted each round has a new one."""
        seconds = scenario.seconds or self.settings.seconds
        if scenario.kind == "connect":
            with Server(peer, scenario, self.settings.server_cpu) as server:
                self.warm(scenario, server)
                return self.measure(server, scenario, seconds)
        rate = self.half_of_saturation(peer) if scenario.kind == "tail" else None
        if peer.name not in servers:
            servers[peer.name] = Server(peer, scenario, self.settings.server_cpu)
        return self.measure(servers[peer.name], scenario, seconds, rate)

    def measure(self, server, scenario, seconds, rate=None):
        try:
            return load.measure(server, scenario, self.settings.client_cpu, seconds, WARMUP, rate)
        except Failure as failure:
            if server.process.poll() is not None:
                raise Failure(f"the server ended: {server.last_words()}") from None
            raise failure

    def warm(self, scenario, server):
        before = scenarios_module.connect("warm", "", scenario.warm_connections, path=scenario.path, tls=scenario.tls)
        load.measure(server, before, self.settings.client_cpu, 0.1, 0)
        time.sleep(0.3)

    def half_of_saturation(self, peer):
        """Messages a second."""
        saturation = scenarios_module.BY_NAME[scenarios_module.SATURATION]
        known = self.results.summary(saturation.name, peer.name, "rate")
        if known:
            return round(known.median / 2)
        with Server(peer, saturation, self.settings.server_cpu) as server:
            return round(self.measure(server, saturation, self.settings.seconds)["rate"] / 2)


def line_of(peer, number, round_):
    text = f"  {peer.name:16} {number}  {round_['cpu_us']:10.3f} us CPU, client {round_['client_us']:.3f}"
    text += f", {round_['rate']:,.0f}/s"
    if "p99.9" in round_:
        text += f", p50 {round_['p50']:,.0f} us, p99.9 {round_['p99.9']:,.0f} us"
    if "memory" in round_:
        text += f", {round_['memory']:,.0f} B a connection"
    return text


def measure(settings):
    results = Results() if settings.fresh else Results.load(RESULTS)
    if results.data["about"].get("peald", digest(PEALD)) != digest(PEALD):
        print("bench: build/bench/results.json is of another peald; FRESH=1 begins anew", file=sys.stderr)
        return None
    run = Run(settings, results)
    run.prepare()
    run.go()
    results.save(RESULTS)
    return results


def main():
    argparse.ArgumentParser(usage=__doc__).parse_args()  # the environment says all
    try:
        settings = Settings(os.environ)
    except ValueError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    if settings.report != "only":
        if not os.access(PEAL_LOAD, os.X_OK):
            print(f"bench: there is no {PEAL_LOAD}", file=sys.stderr)
            return 1
        raise_file_limit()
        try:
            results = measure(settings)
        except KeyboardInterrupt:
            print("\nstopped; the same command goes on from here")
            return 130
    else:
        results = Results.load(RESULTS)
    if results is None:
        return 1
    if settings.report != "no":
        print(report.write(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
