#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seeds of the fuzz target `connection`, one program each, into corpus/connection/.

A program is a list of steps as fuzz_connection.cc reads them; its name says what happens.
"""

import pathlib

CORPUS = pathlib.Path(__file__).parent / "corpus/connection"

# In the order of fuzz_connection.cc's tables.
STEPS = (
    "connect upgrade write frame request repeat end reset break_send read habits turns pass speak drain raw"
).split()
TARGETS = ("echo", "chat/a", "chat/b", "deaf/a", "patient/a", "healthz", "chat/%2f", "nowhere", "choice")
FIELDS = ("plain", "deflate", "peal.v1", "peal.v1 and deflate")
REQUESTS = (
    "health", "head", "health and close", "plain echo", "post", "old", "stream", "stream of b", "stream of patterns",
    "poll", "poll at once", "head of a poll", "publish", "publish chunked", "publish later", "publish a batch",
)  # fmt: skip
MILLISECONDS = (1, 100, 999, 3000, 5000, 10_000, 26_000, 60_000)

TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
FRAGMENT, CONTINUATION, LAST = 0x01, 0x00, 0x80
LARGE = 190  # 64 * (190 - 125) bytes: 4,160, more than a message may have
FULL = 189  # 4,096 bytes: just what it may have


def step(name, *octets):
    return bytes([STEPS.index(name), *octets])


def connect():
    return step("connect")


def upgrade(client, target, fields="plain"):
    return step("upgrade", client, TARGETS.index(target) | FIELDS.index(fields) << 4)


def write(client, octets):
    return step("write", client, len(octets)) + octets


def raw(client, octets):
    """Past TLS."""
    return step("raw", client, len(octets)) + octets


def frame(client, first, size=5, fill=b"x"):
    """A data frame of so many equal octets."""
    return step("frame", client, first, size) + fill


def control(client, first, payload=b""):
    return step("frame", client, first, len(payload)) + payload


def request(client, which):
    return step("request", client, REQUESTS.index(which))


def repeat(client, times):
    return step("repeat", client, times)


def end(client):
    return step("end", client)


def reset(client):
    return step("reset", client)


def break_send(client):
    return step("break_send", client)


def read(client, octets):
    """From now on so many octets a turn, the root of it at least; None: all there is."""
    return step("read", client, 255 if octets is None else int(octets**0.5))


def habits(late=0, cut=0, short_send=0, starve=0):
    """Each from 0, never, to 3, every other time."""
    return step("habits", late | cut << 2 | short_send << 4 | starve << 6)


def turns(count):
    return step("turns", count - 1)


def passes(milliseconds):
    return step("pass", MILLISECONDS.index(milliseconds))


def neighbour(again=False):
    return step("speak", 2 if again else 0)


def publisher(size=48):
    return step("speak", size // 16 | 1)


def drain():
    return step("drain")


def opened(target="echo", fields="plain"):
    return [connect(), upgrade(0, target, fields), turns(4)]


UNMASKED = b"\x81\x02hi"
PROGRAMS = {
    "echo": [*opened(), frame(0, TEXT), turns(4), control(0, CLOSE, b"\x03\xe8"), turns(4), neighbour()],
    "echo_in_pieces": [habits(cut=3, short_send=3), *opened(), frame(0, BINARY, FULL), turns(32), neighbour()],
    "fragments": [
        *opened(), frame(0, FRAGMENT), control(0, PING, b"between"), frame(0, CONTINUATION), frame(0, LAST),
        turns(4), control(0, CLOSE), turns(2), end(0), turns(2),
    ],
    "too_big": [*opened(), frame(0, BINARY, LARGE), turns(4), passes(10_000)],
    "not_utf8": [*opened(), frame(0, TEXT, 3, b"\xff"), turns(4)],
    "unmasked": [*opened(), write(0, UNMASKED), turns(4), passes(5000), passes(5000)],
    "ping_flood_unread": [
        *opened(), read(0, 0), control(0, PING, b"0123456789"), repeat(0, 255), repeat(0, 255), turns(32),
        neighbour(), read(0, 100), turns(32), read(0, None), turns(32), neighbour(again=True),
    ],
    "echo_unread": [
        *opened(), read(0, 0), frame(0, BINARY, FULL), repeat(0, 60), turns(32), neighbour(), passes(60_000),
    ],
    "empty_messages": [*opened(), frame(0, TEXT, 0), repeat(0, 255), turns(32), neighbour()],
    "chat": [
        connect(), connect(), upgrade(0, "chat/a"), upgrade(1, "patient/a"), turns(8), read(1, 0),
        publisher(), frame(0, TEXT, FULL), repeat(0, 9), turns(32), read(1, None), turns(16), reset(0), turns(4),
    ],
    "slow_subscriber": [
        connect(), connect(), upgrade(0, "chat/a"), upgrade(1, "deaf/a"), turns(8), read(0, 0),
        frame(1, BINARY, FULL), repeat(1, 20), turns(32), read(0, None), turns(32), neighbour(),
    ],
    "pipelined": [connect(), *(request(0, which) for which in REQUESTS[:6]), turns(8)],
    "pipelined_unread": [connect(), read(0, 0), request(0, "health"), repeat(0, 255), turns(32), neighbour(), passes(60_000)],
    "pipelined_then_upgrade": [connect(), request(0, "health"), upgrade(0, "echo"), frame(0, TEXT), turns(8)],
    "trickled_head": [connect(), write(0, b"GET /ec"), passes(5000), write(0, b"ho HTTP/1.1\r\n"), passes(10_000)],
    "long_head": [connect(), write(0, b"GET / HTTP/1.1\r\nHost: a\r\n"), write(0, b"A: aaaaaaaaaaaa\r\n"), repeat(0, 200), turns(4)],
    "not_http": [connect(), write(0, b"\x16\x03\x01\x02\x00\x01\x00"), turns(4)],
    "tls_garbage": [*opened(), raw(0, b"\x17\x03\x03\x00\x04junk"), turns(8), neighbour()],
    "tls_plain_http": [connect(), raw(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), turns(8), passes(10_000)],
    "tls_half_a_record": [*opened(), raw(0, b"\x17\x03\x03\x40"), turns(8), passes(60_000)],
    "silent": [connect(), passes(10_000), passes(5000)],
    "pinged_and_gone": [*opened(), passes(26_000), passes(10_000), passes(5000)],
    "half_closed": [connect(), upgrade(0, "echo"), frame(0, TEXT), end(0), turns(8)],
    "reset_while_sending": [
        *opened(), read(0, 0), frame(0, BINARY, FULL), repeat(0, 20), turns(8), reset(0), turns(4), neighbour(),
    ],
    "send_fails": [*opened(), frame(0, BINARY, FULL), repeat(0, 20), break_send(0), turns(8)],
    "starved": [habits(late=2, starve=3), *opened(), frame(0, TEXT), repeat(0, 50), turns(32), neighbour(again=True)],
    "drain": [
        connect(), *opened("chat/a"), request(0, "health"), upgrade(1, "echo"), turns(4), drain(), turns(4),
        control(1, CLOSE, b"\x03\xe9"), turns(4), passes(26_000),
    ],
    "reset_storm": [connect(), *(part for _ in range(5) for part in (upgrade(0, "echo"), reset(0), connect())), neighbour()],
    "streams": [
        connect(), connect(), connect(), request(0, "stream"), request(1, "stream of b"), request(2, "stream of patterns"),
        turns(8), publisher(), publisher(480), turns(8), read(0, 0), publisher(2000), end(1), turns(8), passes(26_000),
        passes(26_000), reset(2), turns(4), neighbour(),
    ],
    "polls": [
        connect(), connect(), request(0, "poll"), request(0, "poll at once"), request(1, "head of a poll"),
        request(1, "poll"), turns(8), publisher(), turns(8), passes(3000), request(0, "poll"), turns(4), end(0), passes(3000),
    ],
    "publishes": [
        *opened("chat/a"), connect(), *(request(1, which) for which in REQUESTS[12:]), write(1, b"y" * 255), repeat(1, 14),
        turns(16), write(1, b"y" * 175), turns(8), neighbour(), passes(60_000),
    ],
    "publishes_unread": [connect(), read(0, 0), request(0, "publish a batch"), repeat(0, 255), turns(32), neighbour(), passes(60_000)],
    "compressed": [
        *opened("chat/a", "deflate"), connect(), upgrade(1, "echo", "deflate"), turns(8), publisher(2000), turns(8),
        frame(1, TEXT, FULL), frame(1, 0xC1, 9, b"\x00"), turns(8), neighbour(), passes(10_000),
    ],
    "peal_v1": [
        *opened("choice", "peal.v1 and deflate"),
        write(0, b"\x81\x98\0\0\0\0" + b'{"subscribe":"chat/bbb"}'), turns(8), publisher(2000), turns(8),
        write(0, b"\x81\x8c\0\0\0\0" + b'{"data":"x"}'), turns(8), write(0, b"\x81\x82\0\0\0\0{{"), turns(8), neighbour(),
    ],
}  # fmt: skip


def main():
    CORPUS.mkdir(parents=True, exist_ok=True)
    for number, (name, steps) in enumerate(PROGRAMS.items()):
        flags = number % 8  # both kinds of back end, one shard and two, plain and TLS
        if name.startswith("tls_"):
            flags |= 4
        (CORPUS / name).write_bytes(bytes([flags, number]) + b"".join(steps))


if __name__ == "__main__":
    main()
