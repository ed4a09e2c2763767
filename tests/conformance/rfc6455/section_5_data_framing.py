# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 section 5: data framing

Masks, reserved bits, opcodes, lengths, fragments and control frames. What a server sends is checked
against this section in every case of every file: Peer.read_frame() refuses a masked frame, a set
reserved bit, a length that is not minimal, a control frame that is fragmented or above 125 octets.
"""

from suite import (
    BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, check, close_payload, equal, frame, may, must, must_not, should,
    states)

OPCODES = {"text": TEXT, "binary": BINARY, "ping": PING, "pong": PONG, "close": CLOSE, "continuation": CONTINUATION}


def refused(server, data, code=1002):
    peer = server.open()
    peer.send(data)
    peer.expect_close(code)


# 5.1 Overview


@must("5.1", "The server MUST close the connection upon receiving a frame that is not masked.", OPCODES)
def an_unmasked_frame_ends_the_connection(server, opcode):
    refused(server, frame(opcode, close_payload(1000) if opcode == CLOSE else b"x", key=None))


@must("5.1", "The server MUST close the connection upon receiving a frame that is not masked.")
def an_unmasked_frame_of_no_payload_ends_the_connection(server):
    refused(server, frame(TEXT, b"", key=None))


@must_not("5.1", "A server MUST NOT mask any frames that it sends to the client.")
def what_the_server_sends_is_not_masked(server):
    peer = server.open()
    peer.send(frame(TEXT, "text") + frame(PING, "ping") + frame(CLOSE, close_payload(1000)))
    peer.expect_message("text")
    peer.expect_pong("ping")
    peer.expect_close(1000)


# 5.2 Base framing protocol

RESERVED = {"RSV1": 4, "RSV2": 2, "RSV3": 1, "RSV1 and RSV2": 6, "RSV1 and RSV3": 5, "RSV2 and RSV3": 3, "all": 7}


@must("5.2", "If a nonzero value is received and none of the negotiated extensions defines the meaning of such a "
      "nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.", RESERVED)
def a_reserved_bit_on_a_message_ends_the_connection(server, bits):
    refused(server, frame(TEXT, "x", rsv=bits))


@must("5.2", "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values.", OPCODES)
def a_reserved_bit_on_any_frame_ends_the_connection(server, opcode):
    before = frame(TEXT, "x", fin=False) if opcode == CONTINUATION else b""
    refused(server, before + frame(opcode, close_payload(1000), rsv=2))


@must("5.2", "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.",
      [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
def an_unknown_opcode_ends_the_connection(server, opcode):
    refused(server, frame(opcode, "x"))


@must("5.2", "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.",
      [3, 11])
def an_unknown_opcode_without_payload_ends_the_connection(server, opcode):
    refused(server, frame(opcode))


@must("5.2", "If 127, the following 8 bytes interpreted as a 64-bit unsigned integer (the most significant bit MUST "
      "be 0) are the payload length.", {"2^63": 1 << 63, "2^64-1": (1 << 64) - 1})
def a_length_with_the_top_bit_ends_the_connection(server, length):
    refused(server, frame(BINARY, b"", length=length, form=64))


@must("5.2", "in all cases, the minimal number of bytes MUST be used to encode the length", {
    "0 in 16 bits": (0, 16), "125 in 16 bits": (125, 16), "0 in 64 bits": (0, 64), "125 in 64 bits": (125, 64),
    "126 in 64 bits": (126, 64), "65535 in 64 bits": (65535, 64)})
def a_length_in_more_octets_than_needed_ends_the_connection(server, length):
    size, form = length
    refused(server, frame(BINARY, b"x" * size, form=form))


@states("5.2", 'The length of the "Payload data", in bytes: if 0-125, that is the payload length. If 126, the '
        "following 2 bytes ... are the payload length. If 127, the following 8 bytes",
        [0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537, 131072])
def a_message_of_this_size_comes_back(server, size):
    payload = server.random.randbytes(size)
    server.open().expect_echo(payload, BINARY)


# 5.3 Client-to-server masking


@states("5.3", 'Octet i of the transformed data ("transformed-octet-i") is the XOR of octet i of the original data '
        '("original-octet-i") with octet at index i modulo 4 of the masking key', {
            "zero": b"\0\0\0\0", "ones": b"\xff\xff\xff\xff", "one octet": b"\x01\0\0\0", "last octet": b"\0\0\0\x80",
            "any": b"\x37\xfa\x21\x3d"})
def any_key_unmasks(server, key):
    peer = server.open()
    for size in (1, 3, 4, 5, 63, 1027):
        payload = bytes(i & 0x7f for i in range(size))
        peer.send(frame(TEXT, payload, key=key))
        peer.expect_message(payload)


@states("5.3", "the client MUST pick a fresh masking key from the set of allowed 32-bit values")
def each_frame_is_unmasked_by_its_own_key(server):
    peer = server.open()
    keys = [server.random.randbytes(4) for _ in range(9)]
    peer.send(b"".join(
        frame(TEXT if i == 0 else CONTINUATION, "fragment ", fin=i == 8, key=key) for i, key in enumerate(keys)))
    peer.expect_message("fragment " * 9)


# 5.4 Fragmentation


@must("5.4", "Clients and servers MUST support receiving both fragmented and unfragmented messages.", [2, 3, 10, 100])
def a_message_in_so_many_fragments_comes_back(server, count):
    peer = server.open()
    parts = [f"part {i}, ".encode() for i in range(count)]
    peer.send(fragments(TEXT, parts))
    peer.expect_message(b"".join(parts))


def fragments(opcode, parts):
    return b"".join(
        frame(opcode if i == 0 else CONTINUATION, part, fin=i == len(parts) - 1) for i, part in enumerate(parts))


@states("5.4", "An unfragmented message consists of a single frame with the FIN bit set ... and an opcode other "
        "than 0.", {"a FIN continuation": True, "a continuation": False})
def a_continuation_of_nothing_ends_the_connection(server, fin):
    refused(server, frame(CONTINUATION, "x", fin=fin))


@states("5.4", "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, "
        "followed by zero or more frames with the FIN bit clear and the opcode set to 0, and terminated by a single "
        "frame with the FIN bit set and an opcode of 0.", {"at once": b"", "after a message": frame(TEXT, "x")})
def a_continuation_after_the_last_fragment_ends_the_connection(server, before):
    peer = server.open()
    peer.send(before + fragments(TEXT, [b"a", b"b"]) + frame(CONTINUATION, "c"))
    if before:
        peer.expect_message("x")
    peer.expect_message("ab")
    peer.expect_close(1002)


@must_not("5.4", "The fragments of one message MUST NOT be interleaved between the fragments of another message "
          "unless an extension has been negotiated that can interpret the interleaving.", {
              "a fragment in a text": (TEXT, TEXT, False), "a message in a text": (TEXT, TEXT, True),
              "a binary in a text": (TEXT, BINARY, True), "a text in a binary": (BINARY, TEXT, True)})
def a_message_within_a_message_ends_the_connection(server, kinds):
    outer, inner, fin = kinds
    refused(server, frame(outer, "x", fin=False) + frame(inner, "y", fin=fin) + frame(CONTINUATION, "z"))


@may("5.4", "Control frames (see Section 5.5) MAY be injected in the middle of a fragmented message.")
def a_ping_between_two_fragments_is_answered_at_once(server):
    peer = server.open()
    peer.send(frame(TEXT, "one ", fin=False) + frame(PING, "between"))
    peer.expect_pong("between")
    peer.send(frame(CONTINUATION, "message"))
    peer.expect_message("one message")


@must("5.4", "An endpoint MUST be capable of handling control frames in the middle of a fragmented message.")
def pings_and_pongs_between_all_fragments(server):
    peer = server.open()
    data = b""
    for i in range(10):
        data += frame(TEXT if i == 0 else CONTINUATION, f"{i} ", fin=i == 9)
        data += frame(PING, f"ping {i}") + frame(PONG, "unasked")
    peer.send(data)
    for i in range(10):
        if i == 9:
            peer.expect_message("".join(f"{n} " for n in range(10)))
        peer.expect_pong(f"ping {i}")


@must("5.4", "An endpoint MUST be capable of handling control frames in the middle of a fragmented message.")
def a_close_in_the_middle_of_a_message(server):
    peer = server.open()
    peer.send(frame(TEXT, "never ends", fin=False) + frame(CLOSE, close_payload(1000)))
    peer.expect_close(1000)


@must_not("5.4", "Control frames themselves MUST NOT be fragmented.", {"ping": PING, "pong": PONG, "close": CLOSE})
def a_fragmented_control_frame_ends_the_connection(server, opcode):
    refused(server, frame(opcode, close_payload(1000), fin=False) + frame(CONTINUATION, b""))


@must("5.4", "Message fragments MUST be delivered to the recipient in the order sent by the sender.")
def fragments_come_back_in_their_order(server):
    peer = server.open()
    parts = [bytes([i]) * (i % 7) for i in range(256)]
    peer.send(fragments(BINARY, parts))
    peer.expect_message(b"".join(parts), BINARY)


@may("5.4", "a sender MAY create fragments of any size for non-control messages.", {
    "all empty": [b""] * 3, "the first empty": [b"", b"x"], "the last empty": [b"x", b""],
    "the middle empty": [b"x", b"", b"y"], "single octets": [b"a"] * 300})
def fragments_may_be_of_any_size(server, parts):
    peer = server.open()
    peer.send(fragments(TEXT, parts))
    peer.expect_message(b"".join(parts))


@may("5.4", "a sender MAY create fragments of any size for non-control messages.")
def a_message_may_have_65536_fragments(server):
    peer = server.open()
    peer.send_whole(fragments(BINARY, [b"x"] * 65536))
    peer.expect_message(b"x" * 65536, BINARY)


@may("5.4", "a sender MAY create fragments of any size for non-control messages.", [64, 256, 997, 1024, 4096, 65536])
def a_large_message_in_fragments_of_this_size(server, size):
    peer = server.open()
    payload = server.random.randbytes(1 << 18)
    parts = [payload[at:at + size] for at in range(0, len(payload), size)]
    peer.send_whole(fragments(BINARY, parts))
    peer.expect_message(payload, BINARY)


@must("5.4", "As a consequence of these rules, all fragments of a message are of the same type, as set by the first "
      "fragment's opcode. Since control frames cannot be fragmented, the type for all fragments in a message MUST "
      "be either text, binary, or one of the reserved opcodes.", {"text": TEXT, "binary": BINARY})
def a_message_keeps_the_type_of_its_first_fragment(server, opcode):
    peer = server.open()
    peer.send(fragments(opcode, [b"a", b"b", b"c"]))
    peer.expect_message("abc", opcode)


# 5.5 Control frames


@must("5.5", "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
      {"ping": PING, "pong": PONG, "close": CLOSE})
def a_control_frame_of_126_octets_ends_the_connection(server, opcode):
    refused(server, frame(opcode, close_payload(1000, "x" * 124)))


@must("5.5", "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.")
def the_length_alone_condemns_a_control_frame(server):
    peer = server.open()
    peer.send(frame(PING, b"", length=126))
    peer.expect_close(1002)


@must("5.5.1", "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned integer (in network "
      "byte order) representing a status code with value /code/ defined in Section 7.4.")
def a_close_frame_of_one_octet_is_a_protocol_error(server):
    refused(server, frame(CLOSE, b"\x03"))


@must("5.5.1", "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST "
      "send a Close frame in response.")
def a_close_frame_is_answered(server):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(1000)))
    peer.expect_close(1000)


@must("5.5.1", "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST "
      "send a Close frame in response.")
def an_empty_close_frame_is_answered(server):
    peer = server.open()
    peer.send(frame(CLOSE))
    peer.expect_close(None, 1000)


@states("5.5.1", "When sending a Close frame in response, the endpoint typically echos the status code it received.",
        [1000, 1001, 3000, 4999])
def the_code_is_echoed(server, code):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(code, "going")))
    peer.expect_close(code)


@may("5.5.1", "Following the 2-byte integer, the body MAY contain UTF-8-encoded data with value /reason/",
     {"nothing": "", "ASCII": "bye", "all that fits": "x" * 123, "UTF-8": "τέλος ✓ 𝄞"})
def a_close_frame_may_have_a_reason(server, reason):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(1000, reason)))
    peer.expect_close(1000)


@should("5.5.1", "It SHOULD do so as soon as practical.")
def a_close_is_answered_before_more_is_asked(server):
    peer = server.open()
    peer.send(frame(TEXT, "first") + frame(CLOSE, close_payload(1001)))
    peer.expect_message("first")
    peer.expect_close(1001)


@must_not("5.5.1", "The application MUST NOT send any more data frames after sending a Close frame.")
def after_its_close_the_server_sends_nothing(server):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(1000)) + frame(TEXT, "late") + frame(PING, "late"))
    peer.expect_close(1000)


@states("5.5.1", "After both sending and receiving a Close message, an endpoint considers the WebSocket connection "
        "closed and MUST close the underlying TCP connection.")
def after_both_close_frames_the_connection_ends(server):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(1000)))
    found = peer.read_frame()
    equal((found.opcode, found.payload), (CLOSE, close_payload(1000)))
    peer.expect_end()


@must("5.5.2", "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already "
      "received a Close frame.", [0, 1, 124, 125])
def a_ping_is_answered_by_a_pong(server, size):
    peer = server.open()
    payload = server.random.randbytes(size)
    peer.send(frame(PING, payload))
    peer.expect_pong(payload)


@must("5.5.2", "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already "
      "received a Close frame.")
def a_ping_after_a_close_is_not_answered(server):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(1000)) + frame(PING, "late"))
    peer.expect_close(1000)


@should("5.5.2", "It SHOULD respond with Pong frame as soon as is practical.")
def a_pong_does_not_wait_for_the_rest_of_a_message(server):
    peer = server.open()
    peer.send(frame(TEXT, "a", fin=False) + frame(PING, "now"))
    peer.expect_pong("now")
    peer.send(frame(PING, "again"))
    peer.expect_pong("again")
    peer.send(frame(CONTINUATION, "b"))
    peer.expect_message("ab")


@states("5.5.3", 'A Pong frame sent in response to a Ping frame must have identical "Application data" as found in '
        "the message body of the Ping frame being replied to.")
def a_pong_has_the_payload_of_its_ping(server):
    peer = server.open()
    payload = bytes(range(125))
    peer.send(frame(PING, payload))
    peer.expect_pong(payload)


@may("5.5.3", "If an endpoint receives a Ping frame and has not yet sent Pong frame(s) in response to previous Ping "
     "frame(s), the endpoint MAY elect to send a Pong frame for only the most recently processed Ping frame.")
def of_ten_pings_at_least_the_last_is_answered(server):
    peer = server.open()
    peer.send(b"".join(frame(PING, f"ping {i}") for i in range(10)) + frame(TEXT, "after"))
    pongs = []
    while True:
        found = peer.read_frame()
        if found.opcode != PONG:
            break
        pongs.append(found.payload.decode())
    equal(found.payload, b"after", "the message after the pings")
    equal(pongs[-1], "ping 9", "the last pong")
    equal(pongs, sorted(pongs), "the order of the pongs")


@may("5.5.3", "A Pong frame MAY be sent unsolicited. ... A response to an unsolicited Pong frame is not expected.")
def an_unsolicited_pong_is_ignored(server):
    peer = server.open()
    peer.send(frame(PONG) + frame(PONG, "unasked") + frame(PONG, b"\xff" * 125))
    peer.expect_echo()


# 5.6 Data frames


@must("5.6", "Note that a particular text frame might include a partial UTF-8 sequence; however, the whole message "
      "MUST contain valid UTF-8.", {"2 octets": "é", "3 octets": "€", "4 octets": "𝄞"})
def a_character_may_be_divided_between_fragments(server, character):
    octets = character.encode()
    for cut in range(1, len(octets)):
        peer = server.open()
        peer.send(fragments(TEXT, [b"a" + octets[:cut], octets[cut:] + b"b"]))
        peer.expect_message("a" + character + "b")


@states("5.6", 'The "Payload data" is arbitrary binary data whose interpretation is solely up to the application '
        "layer.")
def binary_need_not_be_text(server):
    server.open().expect_echo(bytes(range(256)) + b"\xff\xfe\xed\xa0\x80", BINARY)


# 5.7 Examples


@states("5.7", "A single-frame masked text message * 0x81 0x85 0x37 0xfa 0x21 0x3d 0x7f 0x9f 0x4d 0x51 0x58 "
        '(contains "Hello")')
def the_example_of_a_masked_text(server):
    peer = server.open()
    peer.send(bytes.fromhex("8185 37fa213d 7f9f4d5158"))
    equal(peer.read(7), bytes.fromhex("8105 48656c6c6f"), "the echo, which is the example of an unmasked text")


@states("5.7", "A fragmented unmasked text message")
def the_example_of_a_fragmented_text_masked(server):
    peer = server.open()
    peer.send(frame(TEXT, "Hel", fin=False) + frame(CONTINUATION, "lo"))
    peer.expect_message("Hello")


@states("5.7", "Unmasked Ping request and masked Ping response * 0x89 0x05 0x48 0x65 0x6c 0x6c 0x6f (contains a "
        'body of "Hello", but the contents of the body are arbitrary)')
def the_example_of_a_ping(server):
    peer = server.open()
    peer.send(bytes.fromhex("8985 37fa213d 7f9f4d5158"))
    equal(peer.read(7), bytes.fromhex("8a05 48656c6c6f"), "the pong")


@states("5.7", "256 bytes binary message in a single unmasked frame * 0x82 0x7E 0x0100 [256 bytes of binary data]")
def the_example_of_256_octets(server):
    peer = server.open()
    payload = bytes(range(256))
    peer.send(frame(BINARY, payload))
    equal(peer.read(260), bytes.fromhex("827e0100") + payload, "the echo")


@states("5.7", "64KiB binary message in a single unmasked frame * 0x82 0x7F 0x0000000000010000 [65536 bytes of "
        "binary data]")
def the_example_of_64_kib(server):
    peer = server.open()
    payload = server.random.randbytes(65536)
    peer.send(frame(BINARY, payload))
    check(peer.read(10 + 65536) == bytes.fromhex("827f0000000000010000") + payload, "the echo is another")


# 5.8 Extensibility


@must("5.8", "The endpoints of a connection MUST negotiate the use of any extensions during the opening handshake.")
def without_negotiation_no_extension_is_used(server):
    peer = server.open()
    peer.send(frame(TEXT, "a" * 5000))
    found = peer.read_frame()
    equal(found.rsv, 0, "the reserved bits of the echo")
    refused(server, frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=4))
