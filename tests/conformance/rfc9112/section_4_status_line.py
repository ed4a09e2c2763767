# SPDX-License-Identifier: Apache-2.0
"""RFC 9112 section 4: the status line"""

from suite import check, must, states

PATHS = {"200": "/healthz", "301": "/folder", "404": "/nowhere", "426": "/echo"}


@must("4", "A server MUST send the space that separates the status-code from the reason-phrase even when the "
      "reason-phrase is absent", PATHS)
def a_space_follows_the_status_code(server, path):
    peer = server.connect()
    peer.send_lines(f"GET {path} HTTP/1.1", "Host: {host}")
    line = peer.read_until(b"\r\n")
    check(len(line) > 13 and line[8:9] == b" " and line[12:13] == b" ", f"the status line is {line}")


@states("4", "status-line = HTTP-version SP status-code SP [ reason-phrase ]", PATHS)
def the_status_line_follows_the_grammar(server, path):
    server.get(path)  # Response() checks it, here as in every other case
