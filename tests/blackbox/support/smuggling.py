# SPDX-License-Identifier: Apache-2.0
"""Requests that two readers may take apart differently, so that one of them sees a second request within.

Rightly read, each is one request: for /files/visible, unless it is to be refused. What hides in it asks for
/files/smuggled. Every reading finds the bytes complete, so nobody waits for more.
"""

import dataclasses

CONFIG = """
[route.echo]
path = "/echo"
type = "echo"

[route.health]
path = "/healthz"
type = "health"

[route.files]
path = "/files/{path...}"
type = "files"
root = "files"
"""


def make_files(folder):
    """Files that say which one was taken."""
    (folder / "files").mkdir()
    for name in ("visible", "smuggled"):
        (folder / "files" / name).write_text(f"this is {name}")


SMUGGLED = b"GET /files/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
GET = b"GET /files/visible HTTP/1.1"
POST = b"POST /files/visible HTTP/1.1"
CHUNKED = b"Transfer-Encoding: chunked"
NO_LENGTH = b"Content-Length: 0"
UPGRADE = (b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")


@dataclasses.dataclass
class Candidate:
    name: str
    status: int  # what peald answers when nobody stands in front of it
    data: bytes


def head(*fields, line=POST, host=b"Host: localhost"):
    return b"\r\n".join([line, host, *fields, b"", b""])


def sized(*fields, body=b"0\r\n\r\n" + SMUGGLED, line=POST):
    """A length that spans it all; who reads chunks instead ends before the smuggled request."""
    return head(*fields, b"Content-Length: %d" % len(body), line=line) + body


def chunked(*fields, line=POST):
    """A chunk that spans the smuggled request; who ignores it ends before."""
    return head(*fields, line=line) + b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)


def after(*fields, **more):
    """A smuggled request right after the head."""
    return head(*fields, **more) + SMUGGLED


def spanning(*fields, line=POST):
    """A smuggled request that a second, true length spans."""
    return sized(*fields, body=SMUGGLED, line=line)


CANDIDATES = [Candidate(name, *rest) for name, rest in {
    # Content-Length and Transfer-Encoding at once, plain and in disguise.
    "length and chunked": (400, sized(CHUNKED)),
    "chunked and a length of zero": (400, chunked(CHUNKED, NO_LENGTH)),
    "chunked, a space before the colon": (400, sized(b"Transfer-Encoding : chunked")),
    "chunked, a tab before the colon": (400, sized(b"Transfer-Encoding\t: chunked")),
    "chunked after a vertical tab": (400, sized(b"Transfer-Encoding: \x0bchunked")),
    "chunked in quotes": (400, sized(b'Transfer-Encoding: "chunked"')),
    "xchunked": (400, sized(b"Transfer-Encoding: xchunked")),
    "chunked, identity": (400, sized(b"Transfer-Encoding: chunked, identity")),
    "identity, chunked": (501, sized(b"Transfer-Encoding: identity, chunked")),
    "chunked, folded": (400, sized(b"Transfer-Encoding:\r\n chunked")),
    "chunked, folded away": (400, sized(b"X: 1\r\n Transfer-Encoding: chunked")),
    "chunked after a bare LF": (400, sized(b"X: 1\nTransfer-Encoding: chunked")),
    "chunked after a bare CR": (400, sized(b"X: 1\rTransfer-Encoding: chunked")),
    "chunked before a bare CR": (400, sized(b"Transfer-Encoding: chunked\r")),
    "chunked after a NUL": (400, sized(b"X: 1\0\r\nTransfer-Encoding: chunked")),
    "chunked with an underscore": (405, sized(b"Transfer_Encoding: chunked")),
    "chunked and a length in HTTP/1.0": (400, sized(CHUNKED, line=b"POST /files/visible HTTP/1.0")),
    # Transfer-Encoding alone.
    "chunked, then identity": (400, chunked(CHUNKED, b"Transfer-Encoding: identity")),
    "an unknown coding, then chunked": (400, chunked(b"Transfer-Encoding: cow", CHUNKED)),
    "chunked twice": (400, chunked(b"Transfer-Encoding: chunked, chunked")),
    "chunked with a parameter": (400, chunked(b"Transfer-Encoding: chunked;x=1")),
    "chunked in HTTP/1.0": (400, chunked(CHUNKED, line=b"POST /files/visible HTTP/1.0")),
    "a chunked GET": (200, chunked(CHUNKED, line=GET)),
    "a chunk size that overflows": (405, head(CHUNKED) + b"10000000000000000\r\n\r\n0\r\n\r\n" + SMUGGLED),
    "a chunk size with a sign": (405, head(CHUNKED) + b"+0\r\n\r\n" + SMUGGLED),
    "a bare LF in a chunk extension": (405, head(CHUNKED) + b"0;a\nb\r\n\r\n" + SMUGGLED),
    # Content-Length alone.
    "two lengths": (400, spanning(NO_LENGTH)),
    "lengths in a list": (400, after(b"Content-Length: 0, %d" % len(SMUGGLED))),
    "a length with a sign": (400, after(b"Content-Length: +0")),
    "a length of two numbers": (400, after(b"Content-Length: 0 5")),
    "a hexadecimal length": (400, after(b"Content-Length: 0x0")),
    "an empty length": (400, after(b"Content-Length:")),
    "a length that overflows": (400, after(b"Content-Length: 18446744073709551616")),
    "a length, a space before the colon": (400, spanning(b"Content-Length : 0")),
    "a GET with a body": (200, spanning(line=GET)),
    "a HEAD with a body": (200, spanning(line=b"HEAD /files/visible HTTP/1.1")),
    "a DELETE with a body": (405, spanning(line=b"DELETE /files/visible HTTP/1.1")),
    "a body that waits for 100 (Continue)": (405, spanning(b"Expect: 100-continue")),
    "a body that waits for something else": (417, spanning(b"Expect: 200-ok")),
    "a length that Connection names": (405, spanning(b"Connection: Content-Length")),
    # Where lines and heads end.
    "a bare LF at the end": (400, head(line=GET)[:-2] + b"\n" + SMUGGLED),
    "a bare CR at the end": (400, head(line=GET)[:-2] + b"\r\r\n\r\n" + SMUGGLED),
    "a field without a name": (400, after(b": x", line=GET)),
    "a space before the first field": (400, after(line=GET, host=b" Host: localhost")),
    "a line without a colon": (400, after(b"GET /files/smuggled HTTP/1.1", line=GET)),
    "HTTP/0.9": (400, b"GET /files/visible\r\n\r\n" + SMUGGLED),
    "HTTP/1.2": (505, after(line=b"GET /files/visible HTTP/1.2")),
    "the preface of HTTP/2": (505, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED),
    # Which resource is meant.
    "two hosts": (400, head(b"Host: other", line=GET)),
    "a host with user information": (400, head(line=GET, host=b"Host: visible@localhost")),
    "hosts in a list": (400, head(line=GET, host=b"Host: localhost,other")),
    "an URL of another host": (400, head(line=b"GET http://other/files/smuggled HTTP/1.1")),
    "an URL with user information": (400, head(line=b"GET http://localhost@other/files/smuggled HTTP/1.1")),
    "a space in the target": (400, head(line=b"GET /files/visible /files/smuggled HTTP/1.1")),
    "a backslash in the path": (400, head(line=b"GET /files/visible\\..\\smuggled HTTP/1.1")),
    "escaped dot segments": (400, head(line=b"GET /files/visible/%2e%2e%2fsmuggled HTTP/1.1")),
    "a fragment": (400, head(line=b"GET /files/visible#/../smuggled HTTP/1.1")),
    # Tunnels that are none.
    "a WebSocket of another version": (426, after(
        *UPGRADE, b"Sec-WebSocket-Version: 777", line=b"GET /echo HTTP/1.1")),
    "a WebSocket where there is a file": (200, after(*UPGRADE, b"Sec-WebSocket-Version: 13", line=GET)),
    "a WebSocket with a body": (400, spanning(
        *UPGRADE, b"Sec-WebSocket-Version: 13", line=b"GET /echo HTTP/1.1")),
}.items()]
