# SPDX-License-Identifier: Apache-2.0
"""RFC 8446 section 4: the handshake of TLS 1.3"""

from suite import check, equal, must, must_not, should, states
from suite.openssl import SClient
from suite.tls_records import (
    EARLY_DATA, HANDSHAKE, KEY_SHARE, SUPPORTED_VERSIONS, alert_after, answer_to, client_hello, expect_alert,
    record, server_hello)

TLS_1_2, TLS_1_3 = 0x0303, 0x0304
GREASE = 0x3A3A  # RFC 8701


def hello(server, **changes):
    found = client_hello(server.target.context())
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def versions(*numbers):
    data = b"".join(number.to_bytes(2, "big") for number in numbers)
    return bytes([len(data)]) + data


@states("4", "A peer which receives a handshake message in an unexpected order MUST abort the handshake with an "
        '"unexpected_message" alert.', {"Finished": 20, "Certificate": 11, "KeyUpdate": 24, "ServerHello": 2})
def another_message_than_a_client_hello_is_refused(server, kind):
    message = bytes([kind]) + b"\0\0\x20" + bytes(32)
    expect_alert(server, record(HANDSHAKE, message), "unexpected_message", "decode_error")


@states("4.2.1", 'The "supported_versions" extension is used by the client to indicate which versions of TLS it '
        "supports and by the server to indicate which version it is using.")
def the_newest_version_is_chosen(server):
    peer = server.connect()
    equal(peer.tls.object.version(), "TLSv1.3", "the version")


@must("4.1.2", "If the list contains cipher suites that the server does not recognize, support, or wish to use, the "
      "server MUST ignore those cipher suites and process the remaining ones as usual.")
def unknown_cipher_suites_are_ignored(server):
    found = hello(server)
    found.ciphers = [GREASE, 0x0000, 0x1303 ^ 0xFF00, *found.ciphers, 0xFAFA]
    check(server_hello(answer_to(server, found.record())).cipher in found.ciphers[3:-1], "it chose an unknown one")


@must("4.1.2", "If a TLS 1.3 ClientHello is received with any other value in this field, the server MUST abort the "
      'handshake with an "illegal_parameter" alert.', {"DEFLATE": b"\1", "both": b"\1\0", "null twice": b"\0\0"})
def an_offer_to_compress_is_refused(server, methods):
    # OpenSSL refuses a list without null before it knows for which version, by what TLS 1.2 has for it.
    expect_alert(server, hello(server, compression=methods).record(), "illegal_parameter",
                 *["decode_error"] * (0 not in methods))


@must("4.1.2", "Because TLS 1.3 forbids renegotiation, if a server has negotiated TLS 1.3 and receives a "
      'ClientHello at any other time, it MUST terminate the connection with an "unexpected_message" alert.')
def a_second_client_hello_is_refused(server):
    peer = server.connect()
    peer.send_raw(hello(server).record())
    reason = alert_after(peer)
    check("UNEXPECTED_MESSAGE" in reason, f"the alert is {reason}")


@must("4.1.3", 'In TLS 1.3, the TLS server indicates its version using the "supported_versions" extension ... and '
      "the legacy_version field MUST be set to 0x0303")
def the_server_hello_is_that_of_tls_1_3(server):
    answer = server_hello(answer_to(server, hello(server).record()))
    equal(answer.version, TLS_1_2, "legacy_version")
    equal(answer.extensions.get(SUPPORTED_VERSIONS), TLS_1_3.to_bytes(2, "big"), "supported_versions")
    equal(answer.compression, 0, "legacy_compression_method")


@states("4.1.3", "The contents of the client's legacy_session_id field. Note that this field is echoed even if the "
        "client's value corresponded to a cached pre-TLS 1.3 session which the server has chosen not to resume.",
        [0, 1, 32])
def the_session_id_is_echoed(server, size):
    found = hello(server, session_id=server.random.randbytes(size))
    equal(server_hello(answer_to(server, found.record())).session_id, found.session_id, "legacy_session_id_echo")


@must("4.1.3", "TLS 1.3 servers which negotiate TLS 1.2 or below in response to a ClientHello MUST set the last 8 "
      "bytes of their Random value specially in their ServerHello.")
def a_server_hello_of_tls_1_2_shows_the_downgrade(server):
    found = hello(server)
    del found.extensions[SUPPORTED_VERSIONS]
    equal(server_hello(answer_to(server, found.record())).random[-8:], b"DOWNGRD\1", "the end of the random value")


@must("4.2", "Servers MUST ignore unrecognized extensions.",
      {"GREASE": GREASE, "private": 0xFF77, "of tomorrow": 0x1234})
def an_unknown_extension_is_ignored(server, number):
    found = hello(server)
    found.extensions = {number: b"\0\1\2", **found.extensions}
    server_hello(answer_to(server, found.record()))


@must("4.2.1", "If this extension is not present, servers which are compliant with this specification and which "
      "also support TLS 1.2 MUST negotiate TLS 1.2 or prior ... even if ClientHello.legacy_version is 0x0304 or "
      "later.", {"0x0303": 0x0303, "0x0304": 0x0304})
def without_supported_versions_it_is_tls_1_2(server, version):
    found = hello(server, version=version)
    del found.extensions[SUPPORTED_VERSIONS]
    answer = server_hello(answer_to(server, found.record()))
    equal((answer.version, SUPPORTED_VERSIONS in answer.extensions), (TLS_1_2, False), "the version")


@must_not("4.2.1", "If this extension is present in the ClientHello, servers MUST NOT use the "
          "ClientHello.legacy_version value for version negotiation",
          {"0x0301": 0x0301, "0x0302": 0x0302, "0x0303": 0x0303})
def the_legacy_version_does_not_count(server, version):
    answer = server_hello(answer_to(server, hello(server, version=version).record()))
    equal(answer.extensions.get(SUPPORTED_VERSIONS), TLS_1_3.to_bytes(2, "big"), "supported_versions")


@must("4.2.1", "Servers MUST only select a version of TLS present in that extension and MUST ignore any unknown "
      "versions that are present in that extension.", {
          "unknown ones first": ([GREASE, 0x0305, TLS_1_3, TLS_1_2], TLS_1_3), "1.2 alone": ([TLS_1_2], TLS_1_2),
          "1.2 before 1.3": ([TLS_1_2, TLS_1_3], TLS_1_3),
          "unknown ones and 1.2": ([0x7F1C, GREASE, TLS_1_2], TLS_1_2)})
def a_version_that_was_offered_is_chosen(server, offer):
    numbers, expected = offer
    found = hello(server)
    found.extensions[SUPPORTED_VERSIONS] = versions(*numbers)
    answer = server_hello(answer_to(server, found.record()))
    chosen = int.from_bytes(answer.extensions.get(SUPPORTED_VERSIONS, TLS_1_2.to_bytes(2, "big")), "big")
    equal(chosen, expected, "the version")


@must("4.2.1", "Servers MUST only select a version of TLS present in that extension",
      {"TLS 1.0": [0x0301], "TLS 1.1": [0x0302], "SSL 3": [0x0300], "unknown": [GREASE, 0x0305]})
def no_version_in_common_is_refused(server, numbers):
    found = hello(server)
    found.extensions[SUPPORTED_VERSIONS] = versions(*numbers)
    expect_alert(server, found.record(), "protocol_version")


@must("4.2.8", "Clients MUST NOT offer any KeyShareEntry values for groups not listed ... Servers MAY check for "
      'violations of these rules and abort the handshake with an "illegal_parameter" alert')
def a_hello_without_a_usable_key_share_is_asked_again(server):
    found = hello(server)
    found.extensions[KEY_SHARE] = b"\0\0"
    answer = server_hello(answer_to(server, found.record()))
    retry = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    equal(answer.random, retry, "the random value, which tells a HelloRetryRequest")


@states("4.2.10", "Servers ... ignore the extension and return a regular 1-RTT response.")
def early_data_is_not_accepted(server):
    with SClient(server, "-tls1_3", "-alpn", "http/1.1") as client:
        client.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        text = client.wait_for(r"Max Early Data: \d+")
    check("Max Early Data: 0" in text, "the ticket allows early data")


@must("4.2.10", 'A server which receives an "early_data" extension MUST behave in one of three ways')
def an_offer_of_early_data_without_a_ticket_is_ignored(server):
    found = hello(server)
    found.extensions = {EARLY_DATA: b"", **found.extensions}
    data = found.record() + record(23, bytes(50))
    server_hello(answer_to(server, data))


@states("4.6.1", "At any time after the server has received the client Finished message, it MAY send a "
        "NewSessionTicket message.")
def a_session_is_resumed_by_its_ticket(server):
    context = server.target.context()
    first = server.connect(context=context)
    first.get("/healthz").expect(200)
    second = server.connect(context=context, session=first.tls.object.session)
    second.get("/healthz").expect(200)
    check(second.tls.object.session_reused, "the session was not resumed")


@should("4.6.1", "Any unknown PSKs (e.g., ones not in the PSK database or encrypted with an unknown key) SHOULD "
        "simply be ignored.")
def an_unknown_ticket_leads_to_a_full_handshake(server):
    context = server.target.context()
    elsewhere = server.connect(takeover=True, context=context)  # another peald, with keys of its own
    elsewhere.get("/healthz").expect(200)
    peer = server.connect(context=context, session=elsewhere.tls.object.session)
    check(not peer.tls.object.session_reused, "the session was resumed")
    peer.get("/healthz").expect(200)


@must("4.6.3", 'If the request_update field is set to "update_requested", then the receiver MUST send a KeyUpdate '
      'of its own with request_update set to "update_not_requested" prior to sending its next Application Data '
      "record.", {"requested": "K", "not requested": "k"})
def keys_are_updated(server, command):
    request = "GET /abc.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with SClient(server, "-tls1_3", "-msg", "-alpn", "http/1.1") as client:
        client.send(request)
        client.wait_for("xyz")
        client.send(f"{command}\n")
        client.wait_for(r">>> TLS 1.3, Handshake \[length 0005\], KeyUpdate")
        client.send(request)
        text = client.wait_for("(?s)xyz.*xyz")
    equal(text.count("abcdefghijklmnopqrstuvwxyz"), 2, "the number of answers")
    if command == "K":
        check("<<< TLS 1.3, Handshake [length 0005], KeyUpdate" in text, "the server did not update its keys")
