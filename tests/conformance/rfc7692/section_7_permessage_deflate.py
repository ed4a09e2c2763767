# SPDX-License-Identifier: Apache-2.0
"""RFC 7692 section 7: the permessage-deflate extension"""

import zlib

from suite import BINARY, CONTINUATION, PING, TEXT, UPGRADE, check, equal, frame, may, must, must_not, states
from suite.deflate import TAIL, Deflater, Inflater, parse_extensions

RSV1 = 4
NAME = "permessage-deflate"
HELLO = bytes.fromhex("f248cdc9c90700")
HELLO_AGAIN = bytes.fromhex("f200110000")  # refers to the one before
LIMIT = 4 << 20  # the message_size of /echo


def offer(parameters=""):
    return f"Sec-WebSocket-Extensions: {NAME}{parameters}"


def agreed(server, parameters="", takeover=False):
    """The parameters of the answer; None when the offer was declined."""
    answer = server.connect(takeover=takeover).get("/echo", *UPGRADE, offer(parameters)).expect(101)
    found = parse_extensions(answer.all("Sec-WebSocket-Extensions"))
    return found[0][1] if found else None


def open_with(server, parameters="", takeover=False):
    """(peer, what was agreed upon); the peer inflates by it and by nothing more."""
    peer = server.connect(takeover=takeover)
    answer = peer.open("/echo", offer(parameters))
    found = parse_extensions(answer.all("Sec-WebSocket-Extensions"))
    check(found, "the offer was declined")
    settings = found[0][1]
    peer.inflate = Inflater(
        int(settings.get("server_max_window_bits", 15)), "server_no_context_takeover" not in settings)
    return peer, settings


DECLINE = "A server MUST decline an extension negotiation offer for this extension if any of the following conditions " \
    "are met"


@must("7", DECLINE + ": o The negotiation offer contains an extension parameter not defined for use in an offer.",
      ["unknown", "unknown=1", "mode=fast", "client_max_window_bits; unknown", "SERVER_MAX_WINDOW_BITS_=8"])
def an_unknown_parameter_is_declined(server, parameters):
    equal(agreed(server, "; " + parameters), None, "the agreed parameters")


@must("7", DECLINE + ": ... o The negotiation offer contains an extension parameter with an invalid value.", [
    "server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16", "server_max_window_bits=0",
    "server_max_window_bits=010", "server_max_window_bits=08", "server_max_window_bits=-9",
    "server_max_window_bits=1e1", "server_max_window_bits=0xa", "server_max_window_bits=265",
    "server_max_window_bits=4294967306", "client_max_window_bits=7", "client_max_window_bits=16",
    "client_max_window_bits=08", "client_max_window_bits=ten", "client_max_window_bits=271",
    "server_no_context_takeover=1", "client_no_context_takeover=true", "client_no_context_takeover=15"])
def an_invalid_value_is_declined(server, parameters):
    equal(agreed(server, "; " + parameters), None, "the agreed parameters")


@must("7", DECLINE + ": ... o The negotiation offer contains multiple extension parameters with the same name.", [
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=10", "server_max_window_bits=10; server_max_window_bits=11",
    "client_max_window_bits; client_max_window_bits=10"])
def a_parameter_given_twice_is_declined(server, parameters):
    equal(agreed(server, "; " + parameters), None, "the agreed parameters")


TAKEOVER = ["", "; server_no_context_takeover"], ["", "; client_no_context_takeover"]
SERVER_BITS = ["", "; server_max_window_bits=8", "; server_max_window_bits=9", "; server_max_window_bits=15"]
CLIENT_BITS = ["", "; client_max_window_bits", "; client_max_window_bits=8", "; client_max_window_bits=15"]
COMBINATIONS = {
    (a + b + c + d)[2:] or "nothing": (a + b + c + d)
    for a in TAKEOVER[0] for b in TAKEOVER[1] for c in SERVER_BITS for d in CLIENT_BITS}


@states("7", "All four parameters are defined for both a client's extension negotiation offer and a server's "
        "extension negotiation response.", COMBINATIONS)
def every_combination_works_as_agreed(server, parameters):
    peer, settings = open_with(server, parameters)
    among_the_four(settings)
    bits = int(settings.get("client_max_window_bits") or 15)
    deflate = Deflater(max(bits, 9), "client_no_context_takeover" not in settings)
    text = bytes(server.random.choices(b"abcdefgh", k=3000))
    if bits < 9:
        text = text[:256]  # zlib's window of 2^9 cannot reach further back then
    for _ in range(2):
        peer.send(frame(TEXT, deflate(text), rsv=RSV1))
        peer.expect_message(text)


def among_the_four(settings):
    for name, value in settings.items():
        if name.endswith("_takeover"):
            check(name in ("server_no_context_takeover", "client_no_context_takeover"), f"{name} is not defined")
            equal(value, None, name)
        else:
            check(name in ("server_max_window_bits", "client_max_window_bits"), f"{name} is not defined")
            check(value in [str(bits) for bits in range(8, 16)], f"{name} is {value!r}")


@states("7.1.1.1", 'A server accepts an extension negotiation offer that includes the "server_no_context_takeover" '
        'extension parameter by including the "server_no_context_takeover" extension parameter in the corresponding '
        "extension negotiation response", {"by default": False, "with takeover": True})
def server_no_context_takeover_is_confirmed(server, takeover):
    settings = agreed(server, "; server_no_context_takeover", takeover)
    check(settings is not None and "server_no_context_takeover" in settings, f"agreed on {settings}")


@states("7.1.1.1", "By including this extension parameter in an extension negotiation offer, a client prevents the "
        "peer server from using context takeover.", {"by default": False, "with takeover": True})
def the_server_then_uses_no_context(server, takeover):
    peer, _ = open_with(server, "; server_no_context_takeover", takeover)
    peer.inflate = Inflater(takeover=False)
    text = b"the same words again and again, the same words again and again"
    for _ in range(3):
        peer.send(frame(TEXT, text))
        peer.expect_message(text)


@may("7.1.1.1", 'A server MAY include the "server_no_context_takeover" extension parameter in an extension '
     "negotiation response even if the extension negotiation offer ... didn't include")
def a_server_that_keeps_no_context_says_so(server):
    settings = agreed(server)
    check("server_no_context_takeover" in settings, f"agreed on {settings}")


@may("7.1.1.2", 'A server MAY include the "client_no_context_takeover" extension parameter in an extension '
     "negotiation response.")
def a_server_that_keeps_no_context_asks_the_client_for_none(server):
    settings = agreed(server)
    check("client_no_context_takeover" in settings, f"agreed on {settings}")


@states("7.1.1.2", "Absence of this extension parameter in an extension negotiation response indicates that the "
        "server can decompress messages built by the client using context takeover.")
def with_takeover_the_clients_context_is_kept(server):
    peer, settings = open_with(server, takeover=True)
    check("client_no_context_takeover" not in settings, f"agreed on {settings}")
    deflate = Deflater(takeover=True)
    text = bytes(server.random.choices(b"abcdefghijklmnop", k=2000))
    sizes = []
    for _ in range(5):
        data = deflate(text)
        sizes.append(len(data))
        peer.send(frame(TEXT, data, rsv=RSV1))
        peer.expect_message(text)
    check(sizes[1] < 100, "the client's own messages do not refer back")


@states("7.1.2.1", "A server accepts an extension negotiation offer with this parameter by including the "
        '"server_max_window_bits" extension parameter in the extension negotiation response ... with the same or '
        "smaller value as the offer.", [8, 9, 10, 11, 12, 13, 14, 15])
def server_max_window_bits_is_confirmed(server, bits):
    settings = agreed(server, f"; server_max_window_bits={bits}")
    if bits == 8 and settings is None:
        return  # "A server declines an extension negotiation offer with this parameter if [it] doesn't support it"
    value = settings.get("server_max_window_bits")
    check(value is not None and 8 <= int(value) <= bits, f"agreed on {settings}")


@states("7.1.2.1", "By including this parameter in an extension negotiation offer, a client limits the LZ77 sliding "
        "window size that the server will use to compress messages.",
        {f"{bits}{', with takeover' * takeover}": (bits, takeover)
         for bits in (8, 9, 12, 15) for takeover in (False, True)})
def the_server_keeps_to_its_window(server, how):
    bits, takeover = how
    peer, settings = open_with(server, f"; server_max_window_bits={bits}", takeover)
    block = server.random.randbytes(300)
    payload = (block + server.random.randbytes(1 << bits)) * 2 + block  # tempts to refer back too far
    for _ in range(2):
        peer.send(frame(BINARY, payload))
        peer.expect_message(payload, BINARY)


@must_not("7.1.2.2", "If a received extension negotiation offer doesn't have the \"client_max_window_bits\" "
          "extension parameter, the corresponding extension negotiation response to the offer MUST NOT include the "
          '"client_max_window_bits" extension parameter.',
          {"alone": "", "with the server's": "; server_max_window_bits=9",
           "with all others": "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=8"})
def client_max_window_bits_is_not_answered_unasked(server, parameters):
    settings = agreed(server, parameters)
    check("client_max_window_bits" not in (settings or {}), f"agreed on {settings}")


@states("7.1.2.2", 'by including the "client_max_window_bits" extension parameter in the corresponding extension '
        "negotiation response to the offer with a value equal to or smaller than the received value", [8, 9, 12, 15])
def an_answered_client_max_window_bits_is_not_above_the_hint(server, bits):
    settings = agreed(server, f"; client_max_window_bits={bits}")
    value = settings.get("client_max_window_bits")
    check(value is None or 8 <= int(value) <= bits, f"agreed on {settings}")


@states("7.1.2.2", 'The "client_max_window_bits" extension parameter in an extension negotiation response has a '
        "decimal integer value without leading zeroes between 8 to 15 inclusive")
def an_answered_client_max_window_bits_has_a_value(server):
    settings = agreed(server, "; client_max_window_bits")
    if "client_max_window_bits" in settings:
        check(settings["client_max_window_bits"] in [str(bits) for bits in range(8, 16)], f"agreed on {settings}")


@states("7.1.2.2", "Absence of this extension parameter in an extension negotiation response indicates that the "
        "server can receive messages compressed using an LZ77 sliding window of up to 32,768 bytes.", {
            "by default": False, "with takeover": True})
def a_window_of_32_kib_is_understood(server, takeover):
    peer, settings = open_with(server, takeover=takeover)
    equal(settings.get("client_max_window_bits"), None, "client_max_window_bits")
    payload = server.random.randbytes(32000) * 3
    peer.send(frame(BINARY, Deflater()(payload), rsv=RSV1))
    peer.expect_message(payload, BINARY)


@states("7.1.3", "The simplest \"Sec-WebSocket-Extensions\" header in a client's opening handshake to offer use of "
        'the "permessage-deflate" extension looks like this: Sec-WebSocket-Extensions: permessage-deflate')
def the_simplest_offer_is_accepted(server):
    check(agreed(server) is not None, "the offer was declined")


@states("7.1.3", "permessage-deflate; client_max_window_bits; server_max_window_bits=10")
def the_example_of_an_offer_with_windows(server):
    settings = agreed(server, "; client_max_window_bits; server_max_window_bits=10")
    check(int(settings["server_max_window_bits"]) <= 10, f"agreed on {settings}")


# 7.2.1 Compression


@states("7.2.1", "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end.", [1, 50, 1000, 70000])
def the_tail_is_removed(server, size):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, b"a" * size))
    found = peer.read_frame()
    if found.rsv:
        check(not found.payload.endswith(TAIL), "the tail is still there")
        equal(peer.inflate(found.payload), b"a" * size, "the echo")


@states("7.2.1", "An endpoint MAY use DEFLATE blocks of any type.", {
    "stored": zlib.compressobj(0, zlib.DEFLATED, -15),
    "fixed": zlib.compressobj(6, zlib.DEFLATED, -15, 8, zlib.Z_FIXED),
    "dynamic": zlib.compressobj(9, zlib.DEFLATED, -15, 9),
    "Huffman only": zlib.compressobj(6, zlib.DEFLATED, -15, 8, zlib.Z_HUFFMAN_ONLY)})
def a_block_of_any_type_inflates(server, kind):
    peer, _ = open_with(server)
    text = b"blocks of any type, " * 500
    stream = kind.copy()
    data = stream.compress(text) + stream.flush(zlib.Z_SYNC_FLUSH)
    peer.send(frame(TEXT, data.removesuffix(TAIL), rsv=RSV1))
    peer.expect_message(text)


@may("7.2.1", 'An endpoint MAY use both DEFLATE blocks with the "BFINAL" bit set to 0 and DEFLATE blocks with the '
     '"BFINAL" bit set to 1.')
def a_block_may_follow_a_final_one(server):
    peer, _ = open_with(server)
    final = zlib.compressobj(6, zlib.DEFLATED, -15)
    data = final.compress(b"first ") + final.flush(zlib.Z_FINISH)
    peer.send(frame(TEXT, data + Deflater()(b"second"), rsv=RSV1))
    peer.expect_message("first second")


@must("7.2.1", 'If the "agreed parameters" contain the "server_no_context_takeover" extension parameter, the server '
      "MUST start compressing each new message with an empty LZ77 sliding window.")
def each_message_inflates_alone(server):
    peer, settings = open_with(server, "; server_no_context_takeover")
    peer.inflate = Inflater(takeover=False)
    for _ in range(3):
        peer.send(frame(TEXT, b"no message refers to one before. " * 3))
        peer.expect_message(b"no message refers to one before. " * 3)


@must_not("7.2.1", 'If the "agreed parameters" contain the "server_max_window_bits" extension parameter with a '
          "value of w, the server MUST NOT use an LZ77 sliding window longer than the w-th power of 2 bytes to "
          "compress messages to send.", [8, 9, 10])
def a_small_window_of_the_client_suffices(server, bits):
    peer, settings = open_with(server, f"; server_max_window_bits={bits}")
    text = b"".join(b"line %d of many that are alike\n" % i for i in range(2000))
    peer.send(frame(TEXT, text))
    peer.expect_message(text)


# 7.2.2 Decompression


@states("7.2.2", "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message.",
        [1, 2, 127, 128, 4096])
def a_message_without_its_tail_inflates(server, size):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, Deflater()(b"a" * size), rsv=RSV1))
    peer.expect_message("a" * size)


@must("7.2.2", "Otherwise, the server MUST decompress each new message using the LZ77 sliding window used to "
      "process the last compressed message.")
def the_window_of_the_last_message_is_used(server):
    peer, _ = open_with(server, takeover=True)
    peer.send(frame(TEXT, HELLO, rsv=RSV1) + frame(TEXT, "between") + frame(TEXT, HELLO_AGAIN, rsv=RSV1))
    peer.expect_message("Hello")
    peer.expect_message("between")
    peer.expect_message("Hello")


@must("7.2.2", 'even if the client has included the "client_no_context_takeover" extension parameter in its offer, '
      'the server MUST decompress each new message using the LZ77 sliding window ... if the "agreed parameters" '
      "don't contain the \"client_no_context_takeover\" extension parameter.")
def an_unconfirmed_client_no_context_takeover_does_not_count(server):
    peer, settings = open_with(server, "; client_no_context_takeover", takeover=True)
    second = HELLO if "client_no_context_takeover" in settings else HELLO_AGAIN
    peer.send(frame(TEXT, HELLO, rsv=RSV1) + frame(TEXT, second, rsv=RSV1))
    peer.expect_message("Hello")
    peer.expect_message("Hello")


@must("7.2.2", "Otherwise, the server MUST use a 32,768-byte LZ77 sliding window to decompress received messages.")
def a_reference_32767_octets_back_is_followed(server):
    peer, _ = open_with(server)
    block = server.random.randbytes(258)
    payload = block + bytes(32768 - 258 - 262) + block
    peer.send(frame(BINARY, Deflater(level=9)(payload), rsv=RSV1))
    peer.expect_message(payload, BINARY)


@states("7.2.2", "Decompress the resulting data using DEFLATE.", {
    "a block type that is reserved": bytes.fromhex("0700"),
    "a stored length that contradicts itself": bytes.fromhex("00050000004865"),
    "noise": b"\xff" * 40, "a reference to before the beginning": HELLO_AGAIN,
    "an invalid code": bytes.fromhex("edfdffffffffffff")})
def data_that_is_no_deflate_ends_the_connection(server, data):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, data, rsv=RSV1))
    peer.expect_close(1002, 1007)


@states("7.2.2", "Decompress the resulting data using DEFLATE.", {"one frame": False, "fragments": True})
def what_inflates_above_the_limit_is_closed_with_1009(server, in_fragments):
    peer, _ = open_with(server)
    data = Deflater(level=9)(bytes(LIMIT + 1))
    if in_fragments:
        peer.send(frame(BINARY, data[:2000], fin=False, rsv=RSV1) + frame(CONTINUATION, data[2000:], fin=False))
    else:
        peer.send(frame(BINARY, data, rsv=RSV1))
    peer.expect_close(1009)


@states("7.2.2", "Decompress the resulting data using DEFLATE.")
def what_inflates_to_the_limit_passes(server):
    peer, _ = open_with(server)
    peer.send(frame(BINARY, Deflater(level=9)(bytes(LIMIT)), rsv=RSV1))
    peer.expect_message(bytes(LIMIT), BINARY)


# 7.2.3 Examples


@states("7.2.3.1", "0xc1 0x07 0xf2 0x48 0xcd 0xc9 0xc9 0x07 0x00")
def one_compressed_block(server):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, HELLO, rsv=RSV1))
    peer.expect_message("Hello")


@states("7.2.3.1", "For example, if the fragments are 3 and 4 octets, the first frame is: 0x41 0x03 0xf2 0x48 0xcd "
        "and the second frame is: 0x80 0x04 0xc9 0xc9 0x07 0x00 Note that the RSV1 bit is set only on the first "
        "frame.")
def one_compressed_block_in_two_fragments(server):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, HELLO[:3], fin=False, rsv=RSV1) + frame(PING) + frame(CONTINUATION, HELLO[3:]))
    peer.expect_pong("")
    peer.expect_message("Hello")


@states("7.2.3.2", 'If the "agreed parameters" did not contain the "client_no_context_takeover" extension parameter '
        "... the payload of the second message will be: 0xf2 0x00 0x11 0x00 0x00")
def sharing_the_window(server):
    peer, _ = open_with(server, takeover=True)
    peer.send(frame(TEXT, HELLO, rsv=RSV1) + frame(TEXT, HELLO_AGAIN, rsv=RSV1))
    peer.expect_message("Hello")
    peer.expect_message("Hello")


@states("7.2.3.2", "the client compresses the payload of the next message into the same bytes ... 0xf2 0x48 0xcd "
        "0xc9 0xc9 0x07 0x00")
def not_sharing_the_window(server):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, HELLO, rsv=RSV1) * 2)
    peer.expect_message("Hello")
    peer.expect_message("Hello")


@states("7.2.3.3", "0xc1 0x0b 0x00 0x05 0x00 0xfa 0xff 0x48 0x65 0x6c 0x6c 0x6f 0x00")
def a_block_with_no_compression(server):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, bytes.fromhex("000500faff48656c6c6f00"), rsv=RSV1))
    peer.expect_message("Hello")


@states("7.2.3.4", "0xf3 0x48 0xcd 0xc9 0xc9 0x07 0x00 0x00")
def a_block_with_bfinal_set(server):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, bytes.fromhex("f348cdc9c9070000"), rsv=RSV1) * 2)
    peer.expect_message("Hello")
    peer.expect_message("Hello")


@states("7.2.3.5", "0xf2 0x48 0x05 0x00 0x00 0x00 0xff 0xff 0xca 0xc9 0xc9 0x07 0x00")
def two_blocks_in_one_message(server):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, bytes.fromhex("f248050000 00ffff cac9c90700"), rsv=RSV1))
    peer.expect_message("Hello")


@states("7.2.3.6", "an empty uncompressed DEFLATE block can be built and used for this purpose as follows: 0x00")
def an_empty_fragment(server):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, bytes.fromhex("f248cdc9c90700 0000ffff"), fin=False, rsv=RSV1) + frame(CONTINUATION, b"\0"))
    peer.expect_message("Hello")


@states("7.2.3.6", "the payload set to the DEFLATE block(s), which contains 0 bytes of data")
def an_empty_message(server):
    peer, _ = open_with(server)
    peer.send(frame(TEXT, b"\0", rsv=RSV1) + frame(BINARY, b"\x02\0", rsv=RSV1) + frame(TEXT, ""))
    peer.expect_message("")
    peer.expect_message(b"", BINARY)
    peer.expect_message("")
