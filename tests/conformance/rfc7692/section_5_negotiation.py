# SPDX-License-Identifier: Apache-2.0
"""RFC 7692 section 5: negotiating compression"""

from suite import TEXT, UPGRADE, check, equal, frame, must, must_not, states
from suite.deflate import Deflater, Inflater, parse_extensions

PMCE = "permessage-deflate"


def answer_to(server, *offers, path="/echo"):
    """What the server agrees to: a list of (extension, parameters)."""
    answer = server.get(path, *UPGRADE, *(f"Sec-WebSocket-Extensions: {offer}" for offer in offers)).expect(101)
    check(len(answer.all("Sec-WebSocket-Extensions")) <= 1, "the field is there more than once")
    return parse_extensions(answer.all("Sec-WebSocket-Extensions"))


@must("5", "To accept the use of an offered PMCE, a server MUST include the extension name of the PMCE in the "
      '"Sec-WebSocket-Extensions" header field of its opening handshake')
def an_offer_is_accepted_by_name(server):
    equal([name for name, _ in answer_to(server, PMCE)], [PMCE], "the extensions")


@states("5", "This set of elements MAY include multiple PMCEs with the same extension name to offer the possibility "
        "to use the same algorithm with different configuration parameters.")
def of_several_offers_one_is_accepted(server):
    agreed = answer_to(server, f"{PMCE}; server_max_window_bits=10, {PMCE}; client_max_window_bits, {PMCE}")
    equal(len(agreed), 1, "the number of extensions")


@states("5", "It is recommended that a server accepts PMCEs with higher preference if the server supports them.")
def the_first_offer_that_can_be_accepted_is(server):
    (_, parameters), = answer_to(server, f"{PMCE}; server_max_window_bits=10, {PMCE}")
    equal(parameters.get("server_max_window_bits"), "10", "server_max_window_bits")


@states("5", "It is recommended that a server accepts PMCEs with higher preference", {
    "an unknown parameter first": f"{PMCE}; unknown, {PMCE}",
    "an invalid value first": f"{PMCE}; server_max_window_bits=16, {PMCE}",
    "a parameter twice first": f"{PMCE}; client_no_context_takeover; client_no_context_takeover, {PMCE}",
    "another extension first": f"permessage-foo; x=10, {PMCE}",
    "three that cannot be": f"{PMCE}; a, {PMCE}; b, {PMCE}; server_max_window_bits, {PMCE}",
})
def a_fallback_is_accepted(server, offer):
    (name, _), = answer_to(server, offer)
    equal(name, PMCE, "the extension")


@states("5", "A client may also offer multiple PMCE choices to the server by including multiple elements in the "
        '"Sec-WebSocket-Extensions" header')
def offers_in_several_fields_are_one_list(server):
    (_, parameters), = answer_to(server, "permessage-foo", f"{PMCE}; server_max_window_bits=11", PMCE)
    equal(parameters.get("server_max_window_bits"), "11", "server_max_window_bits")


@must_not("5", "A server MUST NOT accept a PMCE extension negotiation offer together with another extension if the "
          "PMCE will conflict with the extension on their use of the RSV1 bit.")
def no_second_extension_is_accepted_beside(server):
    agreed = answer_to(server, f"{PMCE}, x-webkit-deflate-frame, permessage-bzip2, {PMCE}")
    equal([name for name, _ in agreed], [PMCE], "the extensions")


@must_not("5", "A server declining all offered PMCEs MUST NOT include any element with PMCE names.", {
    "only unknown ones": "permessage-foo, permessage-bar", "only an impossible one": f"{PMCE}; unknown=1",
    "a name that only begins alike": "permessage-deflate2"})
def when_all_is_declined_nothing_is_named(server, offer):
    equal(answer_to(server, offer), [], "the extensions")


@states("5", 'If a server responds with no PMCE element in the "Sec-WebSocket-Extensions" header, both endpoints '
        "proceed without per-message compression once _the WebSocket Connection is established_.")
def a_route_without_compression_declines(server):
    equal(answer_to(server, PMCE, path="/plain"), [], "the extensions")
    peer = server.open("/plain", f"Sec-WebSocket-Extensions: {PMCE}")
    peer.expect_echo("a" * 1000)
    peer.send(frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=4))
    peer.expect_close(1002)


@must("5", "both endpoints MUST use the algorithm described in Section 6 and the message payload transformation "
      '(compressing and decompressing) procedure of the PMCE configured with the "agreed parameters"')
def once_agreed_messages_are_compressed(server):
    peer = server.open("/echo", f"Sec-WebSocket-Extensions: {PMCE}")
    peer.inflate = Inflater(takeover=True)
    text = b"a message that compresses, a message that compresses, a message that compresses"
    peer.send(frame(TEXT, Deflater()(text), rsv=4))
    first, size = peer.read(2)
    check(first == 0xC1 and size < len(text), f"the echo begins with {first:02x} {size:02x}")
    equal(peer.inflate(peer.read(size)), text, "the echo")


@states("5.2", "The value may be quoted.")
def a_quoted_value_counts(server):
    (_, parameters), = answer_to(server, f'{PMCE}; server_max_window_bits="10"')
    equal(parameters.get("server_max_window_bits"), "10", "server_max_window_bits")


@states("5.2", "Offer the permessage-foo with a parameter use_y ... as first choice, and the permessage-foo without "
        "the use_y parameter as a fallback plan.")
def the_example_of_a_fallback_plan(server):
    equal(answer_to(server, f"{PMCE}; use_y, {PMCE}")[0][0], PMCE, "the extension")
