# SPDX-License-Identifier: Apache-2.0
"""Request heads for readers to differ over: by a grammar whose rules are mostly right, then mutated."""

METHODS = [b"GET"] * 8 + [b"POST", b"POST", b"HEAD", b"PUT", b"OPTIONS", b"DELETE", b"CONNECT", b"PATCH", b"get",
                          b"BREW", b"M-SEARCH", b"PRI", b"A" * 33, b""]
HOSTS = [b"a"] * 8 + [b"a:80", b"[::1]:8", b"A", b"b", b"", b"u@a", b"a,b", b"a b", b"a/b", b"%61", b"a:x", b"[x]"]
TARGETS = [b"/"] * 4 + [b"/chat/x?since=1", b"/a%20b", b"/a//b", b"/;p=1", b"/?", b"/?a=[]{}|\\^`", b"/a\\b", b"/a#b",
                        b"/\xc3\xa9", b"/\"<>", b"//a/b", b"*", b"a:80", b"a", b"http://a/", b"http://a", b"HTTP://A?x",
                        b"https://a/", b"http://b/", b"http://u@a/", b"http:///", b"http://a:80/x", b"ws://a/", b""]
VERSIONS = [b"HTTP/1.1"] * 12 + [b"HTTP/1.0"] * 3 + [b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1", b"HTTP/1.",
                                                     b"HTTP/11", b"HTTP/01.1", b"ICE/1.0", b"RTSP/1.0", b""]
LENGTHS = [b"0", b"5", b"15", b"16", b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"007",
           b"+5", b"-5", b"0x5", b"5, 5", b"5,5", b"5 , 6", b"5 5", b"", b"5;", b"five", b"1_0", b"\xb25"]
CODINGS = [b"chunked"] * 3 + [b"Chunked", b"chunked, identity", b"identity, chunked", b"gzip, chunked", b"xchunked",
                              b"chunked, chunked", b"chunked;x=1", b"\x0bchunked", b"\"chunked\"", b"identity", b"",
                              b",chunked", b"chunked,"]
NAMES = [b"X", b"Accept", b"User-Agent", b"x_y", b"Cookie", b"X-Long-Name", b"!#$%&'*+-.^_`|~", b"", b"X Y", b"X(",
         b"\xc3\xa9", b"Sec-WebSocket-Key"]
VALUES = [b"1", b"", b"a b", b"a\tb", b"  a", b"a \t ", b"\t", b"a,b", b"\"q\"", b"\xc3\xa9", b"\xff", b"\x7f", b"\x01",
          b"\0", b"\x0b", b"a:b", b"x" * 300]
ODD_BYTES = b"\0\t\n\r\x0b\x0c \"#,:;@\\/?*\x7f\x80\x85\xa0\xad\xff0159aHhTx"


def field(random):
    """A name, what follows it, and a value."""
    rules = [
        lambda: (b"Host", random.choice(HOSTS)),
        lambda: (b"Content-Length", random.choice(LENGTHS)),
        lambda: (random.choice([b"Transfer-Encoding", b"transfer-encoding"]), random.choice(CODINGS)),
        lambda: (b"Connection", random.choice([b"close", b"keep-alive", b"Upgrade", b"x, close", b"Content-Length"])),
        lambda: (b"Upgrade", random.choice([b"websocket", b"h2c", b"websocket, x"])),
        lambda: (b"Expect", random.choice([b"100-continue", b"100-Continue", b"x", b""])),
        lambda: (random.choice([b"Origin", b"Authorization", b"Content-Type"]), b"x"),
    ] + [lambda: (random.choice(NAMES), random.choice(VALUES))] * 5
    name, value = random.choice(rules)()
    colon = random.choice([b": "] * 12 + [b":", b":  ", b":\t", b" :", b"\t:", b" : ", b""])
    return name + colon + value


def grammatical(random):
    end = lambda: random.choice([b"\r\n"] * 40 + [b"\n", b"\r", b"\r\r\n", b"\r\n ", b"\r\n\t", b"\n\r"])
    space = lambda: random.choice([b" "] * 40 + [b"  ", b"\t", b""])
    start = random.choice([b""] * 20 + [b"\r\n", b"\r\n\r\n", b"\n", b" "])
    method, target, version = (random.choice(rule) for rule in (METHODS, TARGETS, VERSIONS))
    head = start + method + space() + target + space() + version + end()
    fields = [field(random) for _ in range(random.randrange(5))]
    if random.random() < 0.9:
        fields.insert(random.randrange(len(fields) + 1), b"Host: a")
    return head + b"".join(one + end() for one in fields) + b"\r\n"


def plain(random):
    """Nothing that anybody would refuse, but for what a mutation makes of it."""
    method = random.choice([b"GET", b"POST", b"HEAD", b"PUT", b"OPTIONS"])
    lines = [b"%s %s HTTP/1.%d" % (method, random.choice(TARGETS[:9]), random.random() < 0.9), b"Host: a"]
    if random.random() < 0.4:
        lines.append(b"Content-Length: %d" % random.randrange(20))
    elif random.random() < 0.4 and lines[0].endswith(b"1.1"):
        lines.append(b"Transfer-Encoding: chunked")
    for _ in range(random.randrange(4)):
        lines.append(random.choice(NAMES[:7]) + b":" + random.choice(VALUES[:11]))
    return b"\r\n".join(lines) + b"\r\n\r\n"


def mutated(random, head):
    head = bytearray(head)
    for _ in range(random.choice([0, 0, 0, 1, 1, 1, 2, 4])):
        at = random.randrange(len(head))
        to = at + random.randrange(1, 12)
        kind = random.randrange(6)
        if kind == 0:
            head[at] = random.choice(ODD_BYTES)
        elif kind == 1:
            head[at] = random.randrange(256)
        elif kind == 2:
            head.insert(at, random.choice(ODD_BYTES))
        elif kind == 3:
            del head[at]
        elif kind == 4:
            head[at:at] = head[at:to]
        else:
            line = head.find(b"\r\n", at) + 2
            head[line:line] = head[:line][head.rfind(b"\r\n", 0, max(line - 2, 0)) + 2:]  # a line twice
    return bytes(head)


def head(random):
    """A whole head: whatever was done to it, there is an empty line at the end."""
    made = grammatical(random) if random.random() < 0.4 else plain(random)
    return mutated(random, made) + b"\r\n\r\n"
