# SPDX-License-Identifier: Apache-2.0
"""RFC 5746 sections 3 and 4: the renegotiation indication of TLS 1.2"""

import ssl

from suite import check, equal, must, states
from suite.openssl import SClient
from suite.tls_records import (
    EMPTY_RENEGOTIATION_INFO_SCSV, RENEGOTIATION_INFO, answer_to, client_hello, expect_alert, server_hello)


def hello(server, scsv, extension=None):
    context = server.target.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    found = client_hello(context)
    found.ciphers = [number for number in found.ciphers if number != EMPTY_RENEGOTIATION_INFO_SCSV]
    found.extensions.pop(RENEGOTIATION_INFO, None)
    if scsv:
        found.ciphers.append(EMPTY_RENEGOTIATION_INFO_SCSV)
    if extension is not None:
        found.extensions[RENEGOTIATION_INFO] = extension
    return found.record()


@must("3.6", "If the secure_renegotiation flag is set to TRUE, the server MUST include an empty "
      '"renegotiation_info" extension in the ServerHello message.',
      {"by the cipher suite": (True, None), "by the extension": (False, b"\0")})
def the_indication_is_answered(server, how):
    answer = server_hello(answer_to(server, hello(server, *how)))
    equal(answer.extensions.get(RENEGOTIATION_INFO), b"\0", "renegotiation_info")


@must("3.6", 'The server MUST then verify that the length of the "renegotiated_connection" field is zero, and if it '
      "is not, MUST abort the handshake.", {"12 octets": b"\x0c" + bytes(12), "1 octet": b"\1x"})
def an_indication_of_an_earlier_handshake_is_refused(server, extension):
    expect_alert(server, hello(server, False, extension), "handshake_failure", "illegal_parameter", "decode_error")


@must("4.3", "In order to enable clients to probe, even servers that do not support renegotiation MUST implement "
      "the minimal version of the extension described in this document for initial handshakes, thus signaling that "
      "they have been upgraded.")
def openssl_finds_the_indication(server):
    with SClient(server, "-tls1_2", "-alpn", "http/1.1") as client:
        client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        text = client.wait_for("Secure Renegotiation .*")
    check("Secure Renegotiation IS supported" in text, "it is not indicated")


@states("5", "Many servers can mitigate this attack simply by refusing to renegotiate at all.")
def the_server_refuses_to_renegotiate(server):
    with SClient(server, "-tls1_2", "-alpn", "http/1.1") as client:
        client.send("GET /abc.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.wait_for("xyz")
        client.send("R\n")
        text = client.wait_for("(?i)no renegotiation|alert|closed")
        client.send("GET /abc.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
    check("no renegotiation" in text or "alert" in text or "closed" in text, "the server renegotiated")
