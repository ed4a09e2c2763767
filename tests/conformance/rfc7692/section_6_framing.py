# SPDX-License-Identifier: Apache-2.0
"""RFC 7692 section 6: framing compressed messages"""

from suite import (
    BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, check, close_payload, equal, frame, must, must_not, states)
from suite.deflate import Deflater, Inflater

RSV1 = 4
OFFER = "Sec-WebSocket-Extensions: permessage-deflate"
LONG = ("Hello-µ@ßöäüàá-UTF-8!! " * 400).encode()


def open_compressed(server, path="/echo", offer=OFFER, bits=15):
    peer = server.connect()
    answer = peer.open(path, offer)
    check(answer.get("Sec-WebSocket-Extensions"), "compression was declined")
    peer.inflate = Inflater(bits, takeover=True)
    return peer


def fragments(opcode, data, sizes):
    """Frames of one compressed message, cut into `sizes` and the rest."""
    parts = []
    for size in sizes:
        parts.append(data[:size])
        data = data[size:]
    parts.append(data)
    return b"".join(
        frame(opcode if i == 0 else CONTINUATION, part, fin=i == len(parts) - 1, rsv=RSV1 if i == 0 else 0)
        for i, part in enumerate(parts))


@states("6", 'A message with the "Per-Message Compressed" bit set on the first fragment of the message is called a '
        '"compressed message".', {"text": TEXT, "binary": BINARY})
def a_compressed_message_comes_back(server, opcode):
    peer = open_compressed(server)
    peer.send(frame(opcode, Deflater()(LONG), rsv=RSV1))
    peer.expect_message(LONG, opcode)


@states("6", "An endpoint receiving an uncompressed message uses the concatenation of the application data portion "
        "of the frames of the message as is")
def compressed_and_uncompressed_messages_alternate(server):
    peer = open_compressed(server)
    deflate = Deflater()
    for i in range(20):
        text = f"message {i} ".encode() * 20
        peer.send(frame(TEXT, deflate(text), rsv=RSV1) if i % 2 else frame(TEXT, text))
    for i in range(20):
        peer.expect_message(f"message {i} " * 20)


@states("6", "PMCEs operate only on data messages.")
def control_frames_are_left_alone(server):
    peer = open_compressed(server)
    peer.send(frame(PING, "a" * 125) + frame(CLOSE, close_payload(1000, "b" * 100)))
    peer.expect_pong("a" * 125)
    peer.expect_close(1000)


@must("6.1", "An endpoint MUST use the following algorithm to send a message in the form of a compressed message. "
      '... set the "Per- Message Compressed" bit of the first frame')
def what_the_server_compresses_has_the_bit_set(server):
    peer = open_compressed(server)
    peer.send(frame(TEXT, Deflater()(LONG), rsv=RSV1))
    found = peer.read_frame()
    equal(found.rsv, RSV1, "the reserved bits")
    check(len(found.payload) < len(LONG), "it is not compressed")
    while not found.fin:
        found = peer.read_frame()
        equal(found.rsv, 0, "the reserved bits of a continuation")


@must("6.1", "An endpoint MUST use the following algorithm to send a message in the form of an uncompressed "
      'message. ... unset the "Per-Message Compressed" bit of the first frame')
def a_message_is_either_compressed_or_not(server):
    peer = open_compressed(server)
    for size in (0, 1, 10, 100, 1000):
        payload = server.random.randbytes(size)
        peer.send(frame(BINARY, payload))
        peer.expect_message(payload, BINARY)


@must_not("6.1", 'An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first '
          "fragments of a data message.", {"ping": PING, "pong": PONG, "close": CLOSE})
def the_bit_on_a_control_frame_ends_the_connection(server, opcode):
    peer = open_compressed(server)
    peer.send(frame(opcode, close_payload(1000), rsv=RSV1))
    peer.expect_close(1002)


@must("6.1", "An endpoint receiving such a frame MUST _Fail the WebSocket Connection_.",
      {"of a compressed message": RSV1, "of an uncompressed message": 0})
def the_bit_on_a_continuation_ends_the_connection(server, first):
    peer = open_compressed(server)
    data = Deflater()(LONG) if first else b"plain"
    peer.send(frame(TEXT, data[:4], fin=False, rsv=first) + frame(CONTINUATION, data[4:], rsv=RSV1))
    peer.expect_close(1002)


@states("6.1", "PMCEs do not change the opcode field.", {"text": TEXT, "binary": BINARY})
def the_opcode_is_that_of_the_original_message(server, opcode):
    peer = open_compressed(server)
    peer.send(frame(opcode, Deflater()(LONG), rsv=RSV1))
    equal(peer.read_frame().opcode, opcode, "the opcode")


@states("6.1", "the concatenation of the output data corresponding to the application data portion of frames of a "
        "compressed text message is not required to be valid UTF-8.")
def compressed_octets_need_not_be_utf_8(server):
    peer = open_compressed(server)
    data = Deflater()(LONG)
    try:
        data.decode()
        raise AssertionError("this data is UTF-8 by chance")
    except UnicodeDecodeError:
        pass
    peer.send(fragments(TEXT, data, [1, 2, 3]))
    peer.expect_message(LONG)


@states("6.1", "At the receiver, the payload data portion after decompression is subject to the constraints for the "
        "original data type again.", {
            "0xff": b"text \xff", "a surrogate": b"\xed\xa0\x80", "an end within a character": b"text \xe2\x82"})
def text_that_inflates_to_no_utf_8_is_closed_with_1007(server, payload):
    peer = open_compressed(server)
    peer.send(frame(TEXT, Deflater()(payload), rsv=RSV1))
    peer.expect_close(1007)


@states("6.1", "At the receiver, the payload data portion after decompression is subject to the constraints for the "
        "original data type again.")
def a_character_may_be_divided_between_compressed_fragments(server):
    peer = open_compressed(server)
    text = "€𝄞é".encode()
    stored = b"".join(b"\0\x01\0\xfe\xff" + text[i:i + 1] for i in range(len(text))) + b"\0"
    peer.send(fragments(TEXT, stored, [6] * len(text)))
    peer.expect_message(text)


@must("6.2", "An endpoint MUST use the following algorithm to receive a message in the form of a compressed "
      "message. 1. Concatenate the payload data portion of the received frames of the compressed message.",
      {"two": [5], "single octets": [1] * 40, "with empty ones": [0, 3, 0, 0, 7, 0]})
def a_compressed_message_in_fragments_comes_back(server, sizes):
    peer = open_compressed(server)
    peer.send(fragments(TEXT, Deflater()(LONG), sizes))
    peer.expect_message(LONG)


@states("6.2", "The received frames may be direct input from the underlying transport")
def control_frames_between_compressed_fragments(server):
    peer = open_compressed(server)
    data = Deflater()(LONG)
    peer.send(frame(TEXT, data[:9], fin=False, rsv=RSV1) + frame(PING, "between") + frame(CONTINUATION, data[9:]))
    peer.expect_pong("between")
    peer.expect_message(LONG)


@must("6.2", "An endpoint MUST use the following algorithm to receive a message in the form of an uncompressed "
      "message.")
def an_uncompressed_message_in_fragments_comes_back(server):
    peer = open_compressed(server)
    peer.send(frame(TEXT, "un", fin=False) + frame(CONTINUATION, "compressed"))
    peer.expect_message("uncompressed")
