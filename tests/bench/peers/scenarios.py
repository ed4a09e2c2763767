# SPDX-License-Identifier: Apache-2.0
"""What is measured: each scenario is one command line of peal-load."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    kind: str  # "echo", "fanout", "connect" or "tail"
    load: tuple = ()  # options of peal-load
    tls: bool = False
    compress: bool = False
    path: str = "/echo"
    seconds: float = None  # measured; None: as asked for
    warm_connections: int = 0  # that come and go before, as what the first ones make stays

    @property
    def subcommand(self):
        return "echo" if self.kind == "tail" else self.kind

    @property
    def needs(self):
        """What a server has to be able to."""
        needs = {self.path.removeprefix("/")}
        if self.tls:
            needs.add("tls")
        if self.compress:
            needs.add("compress")
        return needs

    @property
    def unit(self):
        return {"fanout": "delivery", "connect": "handshake"}.get(self.kind, "message")


def echo(name, title, size, connections, depth=1, **more):
    load = ("--size", size, "--connections", str(connections), "--depth", str(depth))
    return Scenario(name, title, "echo", load, **more)


def fanout(name, title, size, subscribers, **more):
    load = ("--size", size, "--subscribers", str(subscribers), "--publishers", "1")
    return Scenario(name, title, "fanout", load, path="/chat", **more)


def connect(name, title, connections, **more):
    load = ("--connections", str(connections))
    return Scenario(name, title, "connect", load, seconds=1.5, warm_connections=100, **more)


SATURATION = "echo64-1000"  # gives the rate of which "tail" takes half

SCENARIOS = (
    echo("echo64", "Echo, 64 B, 64 connections", "64", 64),
    echo(SATURATION, "Echo, 64 B, 1,000 connections", "64", 1000),
    echo("echo64-deep", "Echo, 64 B, 64 connections, depth 32", "64", 64, 32),
    echo("echo16k", "Echo, 16 KiB, 64 connections", "16KiB", 64),
    echo("echo1m", "Echo, 1 MiB, 8 connections", "1MiB", 8),
    echo("echo64-tls", "Echo over TLS, 64 B, 64 connections", "64", 64, tls=True),
    fanout("fanout64-1k", "Fan-out, 64 B to 1,000 subscribers", "64", 1000),
    fanout("fanout64-10k", "Fan-out, 64 B to 10,000 subscribers", "64", 10_000),
    fanout("fanout1k-1k", "Fan-out, 1 KiB to 1,000 subscribers", "1KiB", 1000),
    fanout("fanout1k-deflate", "Fan-out, 1 KiB compressed to 1,000 subscribers", "1KiB", 1000, compress=True),
    connect("connect", "10,000 connections on the echo route", 10_000),
    connect("connect-chat", "10,000 connections that hear a topic", 10_000, path="/chat"),
    connect("connect-tls", "4,000 connections over TLS on the echo route", 4_000, tls=True),
    Scenario(
        "tail",
        "Latency at half of the rate of saturation, 64 B, 1,000 connections",
        "tail",
        ("--size", "64", "--connections", "1000"),
        seconds=4,
    ),
)

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}


def chosen(names):
    """The scenarios with these names, in their usual order; all when none is named. An unknown name raises
    ValueError."""
    unknown = set(names) - set(BY_NAME)
    if unknown:
        raise ValueError(f"no scenario {', '.join(sorted(unknown))}; there are {' '.join(BY_NAME)}")
    return [scenario for scenario in SCENARIOS if not names or scenario.name in names]
