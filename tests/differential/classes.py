# SPDX-License-Identifier: Apache-2.0
"""Why readers may differ: classes of heads that one refuses and another accepts.

There is no class for heads that both accept and read differently, and there must never be one.
"""

import dataclasses
import re
import typing


class Text:
    """A head taken apart by nobody's rules, as leniently as can be."""

    def __init__(self, data):
        self.data = data
        self.lines = re.split(rb"\r?\n", data.lstrip(b"\r\n"))
        self.method, _, rest = self.lines[0].partition(b" ")
        self.target, self.version = re.fullmatch(rb"(?s)(.*?)(?: +(\w+/[0-9.]+))?", rest).groups(b"")

    def values(self, name):
        pairs = (line.partition(b":") for line in self.lines[1:])
        return [value.strip(b" \t") for found, _, value in pairs if found.strip(b" \t").lower() == name]

    def matches(self, pattern):
        return re.search(pattern, self.data) is not None

    def authority(self):
        found = re.match(rb"(?i)https?://([^/?]*)", self.target)
        return found and found[1].lower()


@dataclasses.dataclass
class Class:
    """`reason`: what the one who refuses says. `holds`: whether a Text is such a head. `readers`: those who then read
    otherwise than peal. `example`: the lines of one, but for the empty one at the end."""

    reason: str
    holds: typing.Callable
    readers: str
    example: bytes


GET = b"GET / HTTP/1.1\r\n"
HOST = b"Host: a\r\n"
NAME = rb"[A-Za-z0-9._~-]+"
AUTHORITY = rb"(%s|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?" % NAME
METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PATCH")


def several(name):
    return lambda text: len(text.values(name)) > 1


def some_value(name, bad):
    return lambda text: any(bad(value) for value in text.values(name))


# peal refuses, others accept.
STRICTER_HERE = [
    # h11 lets any line end with a line feed; Node only a request line of HTTP/0.9.
    Class("a line ends without a carriage return", lambda text: text.matches(rb"(?<!\r)\n"), "h11", GET + b"Host: a\n"),
    Class("a line ends without a carriage return", lambda text: text.data.startswith(text.lines[0] + b"\n"), "node",
          b"GET /x\n"),
    # Node skips any empty lines, however they end; we skip one, as RFC 9112 section 2.2 asks.
    Class("the request does not begin with a method", lambda text: text.matches(rb"\A(\n|\r\n[\r\n]|\r[^\n])"), "node",
          b"\r\n\r\n" + GET + HOST),
    # h11 takes any token, Node has a longer list. RFC 9110 section 9.1: 501.
    Class("the method is not known", lambda text: text.method not in METHODS, "node h11",
          b"M-SEARCH / HTTP/1.1\r\n" + HOST),
    Class("this server is not a proxy", lambda text: text.method == b"CONNECT", "h11",
          b"CONNECT a:80 HTTP/1.1\r\n" + HOST),
    # Node speaks RTSP and ICE, too, and skips any spaces, which RFC 9112 section 3 allows to the lenient.
    Class("the request line does not end with an HTTP version", lambda text: b"  " in text.lines[0] or
          text.version.startswith((b"RTSP/", b"ICE/")), "node", b"GET  /  HTTP/1.1\r\n" + HOST),
    # Node takes HTTP/0.9, and fields after it.
    Class("the request line has no HTTP version", lambda text: not text.version, "node", b"GET /x\r\n"),
    # Neither minds a version that does not exist, or whose framing is another one.
    Class("only HTTP/1.1 and 1.0 are spoken here", lambda text: text.version not in (b"HTTP/1.1", b"HTTP/1.0"),
          "node h11", b"GET / HTTP/2.0\r\n" + HOST),
    # Neither takes a target apart.
    Class("the request target holds a character that must be percent-encoded",
          lambda text: re.search(rb"[\"#<>\x80-\xff]", text.target), "node h11", b"GET /a#b HTTP/1.1\r\n" + HOST),
    Class("the path holds a backslash", lambda text: b"\\" in text.target.partition(b"?")[0], "node h11",
          b"GET /a\\b HTTP/1.1\r\n" + HOST),
    Class("the target * is for OPTIONS only", lambda text: text.target == b"*" and text.method != b"OPTIONS",
          "node h11", b"GET * HTTP/1.1\r\n" + HOST),
    Class("the request target is neither a path nor an http URL",
          lambda text: text.target[:1] != b"/" and text.target != b"*" and text.authority() is None, "node h11",
          b"GET ws://a/ HTTP/1.1\r\n" + HOST),
    Class("the target names no valid host", lambda text: not re.fullmatch(AUTHORITY, text.authority() or b""),
          "node h11", b"GET http://u@a/ HTTP/1.1\r\n" + HOST),
    Class("the request target and the Host field name different hosts",
          lambda text: [text.authority()] != [host.lower() for host in text.values(b"host")], "node h11",
          b"GET http://b/ HTTP/1.1\r\n" + HOST),
    # Neither looks into Host; Node does not count them.
    Class("the Host field is not valid", some_value(b"host", lambda value: not re.fullmatch(AUTHORITY, value) or
          value.startswith(b"[")), "node h11", GET + b"Host: a,b\r\n"),
    Class("there are several Host fields", several(b"host"), "node", GET + HOST + HOST),
    # h11 unfolds (RFC 9112 section 5.2 lets a server refuse).
    Class("a header field is folded", lambda text: text.matches(rb"\n[ \t]"), "h11", GET + HOST + b"X: 1\r\n 2\r\n"),
    # h11 refuses NUL, CR, LF, VT and FF alone.
    Class("a header field holds a control character", lambda text: text.matches(rb"[\x01-\x08\x0e-\x1f\x7f]"), "h11",
          GET + HOST + b"X: \x01\r\n"),
    # h11 makes one of several lengths that agree, which RFC 9112 section 6.3 allows.
    Class("there are several Content-Length fields", several(b"content-length"), "h11",
          GET + HOST + b"Content-Length: 5\r\n" * 2),
    Class("the Content-Length field is not valid", some_value(
          b"content-length", lambda value: b"," in value or len(value) >= 19), "node h11",
          GET + HOST + b"Content-Length: 9223372036854775808\r\n"),
    # h11 ignores the length.
    Class("both Content-Length and Transfer-Encoding are given", lambda text: text.values(b"content-length") and
          text.values(b"transfer-encoding"), "h11",
          GET + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
    # Node reads what is not chunked until the connection ends; RFC 9112 section 6.3: 400.
    Class("the transfer codings do not end with chunked, once", some_value(
          b"transfer-encoding", lambda value: value.lower() != b"chunked"), "node",
          GET + HOST + b"Transfer-Encoding: identity\r\n"),
    # Node leaves the other codings to the application.
    Class("the only transfer coding read here is chunked", some_value(
          b"transfer-encoding", lambda value: re.search(rb"(?i).chunked\Z", value)), "node",
          GET + HOST + b"Transfer-Encoding: gzip, chunked\r\n"),
    # h11 strips tabs; Node does so in front of a value, refuses them behind a length, and takes what has one behind
    # "chunked" for another coding.
    Class("the Content-Length field is not valid", lambda text: text.matches(rb"(?i)\ncontent-length:[^\r\n]*\t"),
          "h11", GET + HOST + b"Content-Length: 5\t\r\n"),
    Class("the Content-Length field is not valid", lambda text: text.matches(rb"(?i)\ncontent-length:[ \t]*\t"), "node",
          GET + HOST + b"Content-Length:\t5\r\n"),
    Class("a tab is beside the transfer coding", lambda text: text.matches(rb"(?i)\ntransfer-encoding:[^\r\n]*\t"),
          "node h11", GET + HOST + b"Transfer-Encoding: chunked\t\r\n"),
    # RFC 9112 section 6.1: the framing is faulty then.
    Class("HTTP/1.0 has no Transfer-Encoding", lambda text: text.version == b"HTTP/1.0", "node h11",
          b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n"),
    # Fields of which one reader takes the first and another the last.
    Class("there are several Origin fields", several(b"origin"), "node h11", GET + HOST + b"Origin: a\r\n" * 2),
    Class("there are several Authorization fields", several(b"authorization"), "node h11",
          GET + HOST + b"Authorization: a\r\n" * 2),
    Class("there are several Content-Type fields", several(b"content-type"), "node h11",
          GET + HOST + b"Content-Type: a\r\n" * 2),
    # h11 leaves them to the application; Node looks for 100-continue anywhere in the value.
    Class("the only expectation met here is 100-continue", some_value(
          b"expect", lambda value: value.lower() != b"100-continue"), "h11", GET + HOST + b"Expect: x\r\n"),
    Class("the only expectation met here is 100-continue", some_value(
          b"expect", lambda value: b"100-continue" in value.lower()), "node",
          GET + HOST + b"Expect: 100-continue, x\r\n"),
    Class("there are too many header fields", lambda text: len(text.lines) > 100, "node h11",
          GET + HOST + b"X: 1\r\n" * 100),
]

# Others refuse, peal accepts. `reason`: the beginning of theirs.
STRICTER_THERE = [
    # RFC 9112 section 2.2 asks servers to skip one.
    Class("no request line received", lambda text: text.data.startswith(b"\r\n"), "h11", b"\r\n" + GET + HOST),
    # A list may be empty (RFC 9110 section 5.6.1).
    Class("417", some_value(b"expect", lambda value: not value.strip(b", \t")), "node", GET + HOST + b"Expect:\r\n"),
]
