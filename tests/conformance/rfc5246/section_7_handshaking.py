# SPDX-License-Identifier: Apache-2.0
"""RFC 5246 section 7: alerts and handshakes of TLS 1.2, and its appendix E on other versions"""

import ssl

from suite import BINARY, CLOSE, check, close_payload, equal, frame, must, must_not, states
from suite.openssl import SClient
from suite.tls_records import (
    SUPPORTED_VERSIONS, answer_to, client_hello, expect_alert, record, server_hello)


def context_of_1_2(server):
    context = server.target.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def hello(server):
    return client_hello(context_of_1_2(server))


@states("7.2.1", "Unless some other fatal alert has been transmitted, each party is required to send a close_notify "
        "alert before closing the write side of the connection.")
def the_server_ends_with_close_notify(server):
    peer = server.connect(context=context_of_1_2(server))
    peer.open("/echo")
    peer.send(frame(CLOSE, close_payload(1000)))
    peer.expect_close(1000)


@must("7.2.1", "The other party MUST respond with a close_notify alert of its own and close down the connection "
      "immediately")
def a_close_notify_is_answered(server):
    peer = server.connect(context=context_of_1_2(server))
    peer.get("/healthz").expect(200)
    peer.shut_down()
    peer.expect_end()
    check(peer.close_notify, "there was no close_notify")


@must("7.4.1.2", "This vector MUST contain, and all implementations MUST support, CompressionMethod.null.",
      {"null alone": b"\0", "DEFLATE first": b"\1\0"})
def nothing_is_compressed(server, methods):
    found = hello(server)
    found.compression = methods
    equal(server_hello(answer_to(server, found.record())).compression, 0, "the compression method")


@states("7.4.1.2", "This vector MUST contain, and all implementations MUST support, CompressionMethod.null.")
def an_offer_without_null_is_refused(server):
    found = hello(server)
    found.compression = b"\1"
    expect_alert(server, found.record(), "decode_error", "illegal_parameter", "handshake_failure")


@states("7.2.2", "Either of these would normally lead to renegotiation; when that is not appropriate, the recipient "
        "should respond with this alert.")
def renegotiation_is_refused(server):
    with SClient(server, "-tls1_2", "-alpn", "http/1.1") as client:
        client.send("GET /abc.txt HTTP/1.1\r\nHost: localhost\r\n\r\n")
        client.wait_for("xyz")
        client.send("R\n")
        text = client.wait_for("(?i)no renegotiation|alert|closed")
    check("no renegotiation" in text or "alert" in text or "closed" in text, "the server renegotiated")


@states("7.4.1.3", "The single cipher suite selected by the server from the list in ClientHello.cipher_suites.", {
    "ECDHE and AES-128": "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE and AES-256": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE and ChaCha20": "ECDHE-ECDSA-CHACHA20-POLY1305"})
def this_cipher_suite_is_spoken(server, name):
    context = context_of_1_2(server)
    context.set_ciphers(name)
    peer = server.connect(context=context)
    equal(peer.tls.object.cipher()[0], name, "the cipher suite")
    peer.open("/echo")
    peer.expect_echo(server.random.randbytes(40000), BINARY)


@must_not("A.5", "These cipher suites MUST NOT be used by TLS 1.2 implementations unless the application layer has "
          "specifically requested to allow anonymous key exchange.",
          {"anonymous": [0x0034, 0xC018], "no encryption": [0x003B, 0x0002],
                                               "RC4": [0x0005, 0xC011], "3DES": [0x000A, 0xC012],
                                               "CBC": [0xC009, 0xC013, 0x002F],
                                               "RSA key exchange": [0x009C, 0x003C], "export": [0x0003, 0x0008]})
def these_cipher_suites_are_refused(server, numbers):
    found = hello(server)
    found.ciphers = [*numbers, 0x00FF]
    expect_alert(server, found.record(), "handshake_failure")


@must("E.1", "If a TLS server receives a ClientHello containing a version number greater than the highest version "
      "supported by the server, it MUST reply according to the highest version supported by the server.",
      {"0x0304": 0x0304, "0x0399": 0x0399})
def a_greater_version_is_answered_with_ours(server, version):
    found = hello(server)
    found.version = version
    found.extensions.pop(SUPPORTED_VERSIONS, None)
    equal(server_hello(answer_to(server, found.record())).version, 0x0303, "the version")


@states("E.1", "If server supports (or is willing to use) only versions greater than client_version, it MUST send a "
        '"protocol_version" alert message and close the connection.',
        {"SSL 3": 0x0300, "TLS 1.0": 0x0301, "TLS 1.1": 0x0302})
def an_older_version_is_refused(server, version):
    found = hello(server)
    found.version = version
    found.extensions.pop(SUPPORTED_VERSIONS, None)
    # The alert protocol_version was not known to SSL 3, and OpenSSL speaks to a client in its language.
    expect_alert(server, found.record(), "protocol_version", *["handshake_failure"] * (version == 0x0300))


@must("E.1", "Thus, TLS servers compliant with this specification MUST accept any value {03,XX} as the record layer "
      "version number for ClientHello.", {"0x0300": 0x0300, "0x0301": 0x0301, "0x0303": 0x0303, "0x03FF": 0x03FF})
def the_version_of_the_first_record_does_not_count(server, version):
    server_hello(answer_to(server, record(22, hello(server).handshake(), version)))
