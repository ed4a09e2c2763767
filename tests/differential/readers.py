# SPDX-License-Identifier: Apache-2.0
"""What three readers of HTTP/1.1 make of the same bytes: peal's RequestParser, Node's llhttp, and h11."""

import dataclasses
import json
import pathlib
import struct
import subprocess

import h11

HERE = pathlib.Path(__file__).resolve().parent
# Follows each head. It is a whole chunked body, fifteen octets of a sized one, or the next request.
TAIL = b"5\r\nhello\r\n0\r\n\r\n"


@dataclasses.dataclass
class Reading:
    outcome: str  # accepted, refused or incomplete
    reason: str = ""
    method: bytes = b""
    target: bytes = b""
    version: bytes = b""
    fields: tuple = ()  # of (name in lower case, value)
    size: int = 0  # octets of the head
    body: bytes = b""  # what of TAIL belongs to the body
    ended: bool = False  # whether the body ends within TAIL

    def differences(self, other):
        names = ("method", "target", "version", "fields", "size", "body", "ended")
        return [name for name in names if getattr(self, name) != getattr(other, name)]


def raw(text):
    return text.encode("latin-1")


def fields_of(pairs):
    """In lower case, as h11 gives them, are names and the values of codings; they count in any case."""
    lower = [(name.lower(), value) for name, value in pairs]
    return tuple((name, value.lower() if name == b"transfer-encoding" else value) for name, value in lower)


def raw_fields(line):
    return fields_of((raw(name), raw(value)) for name, value in line["fields"])


def lines_of(command, data):
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def read_with_peal(program, heads):
    packed = b"".join(struct.pack("!I", len(head)) + head for head in heads)
    return [reading_of_peal(line) for line in lines_of([program], packed)]


def reading_of_peal(line):
    if line["outcome"] != "accepted":
        return Reading(line["outcome"], line.get("reason", ""))
    framing = line["framing"]
    body, ended = (b"hello", True) if framing == "chunked" else (TAIL[:framing], framing <= len(TAIL))
    return Reading("accepted", "", raw(line["method"]), raw(line["target"]), raw(line["version"]),
                   raw_fields(line), line["size"], body, ended)


def read_with_node(heads, ours):
    packed = b"".join(struct.pack("!II", len(head), mine.size) + head for head, mine in zip(heads, ours))
    lines = lines_of(["node", str(HERE / "node_reader.mjs"), TAIL.decode()], packed)
    return [reading_of_node(line, mine) for line, mine in zip(lines, ours)]


def reading_of_node(line, ours):
    if line["outcome"] != "accepted":
        return Reading(line["outcome"], line.get("reason", ""))
    size = ours.size if line["chunk"] == 2 else -line["chunk"]  # only whether ours was right is known
    return Reading("accepted", "", raw(line["method"]), raw(line["target"]), raw(line["version"]),
                   raw_fields(line), size, raw(line["body"]), line["ended"])


def read_with_h11(head):
    connection = h11.Connection(h11.SERVER)
    try:
        connection.receive_data(head)
        request = connection.next_event()
    except h11.RemoteProtocolError as error:
        return Reading("refused", str(error))
    if request is h11.NEED_DATA:
        return Reading("incomplete")
    size = len(head) - len(connection.trailing_data[0])
    reading = Reading("accepted", "", request.method, request.target, request.http_version,
                      fields_of(request.headers), size)
    read_body(head[:size] + TAIL, reading)
    return reading


def read_body(data, reading):
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(data)
    connection.next_event()
    while isinstance(event := connection.next_event(), h11.Data):
        reading.body += bytes(event.data)
    reading.ended = isinstance(event, h11.EndOfMessage)
