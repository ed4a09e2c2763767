# SPDX-License-Identifier: Apache-2.0
"""RFC 6455 section 6: sending and receiving data"""

from suite import BINARY, CLOSE, CONTINUATION, PING, TEXT, check, close_payload, equal, frame, must, states

SIZES = [65536, 262144, 1 << 20, 4 << 20]


@must("6.1", "The endpoint MUST ensure the WebSocket connection is in the OPEN state")
def after_a_close_frame_no_message_is_sent(server):
    peer = server.open()
    peer.send(frame(CLOSE, close_payload(1000)) + frame(TEXT, "an echo of this would be one too many"))
    peer.expect_close(1000)


@must("6.1", "An endpoint MUST encapsulate the /data/ in a WebSocket frame as defined in Section 5.2.")
def what_is_published_comes_as_a_frame(server):
    peer = server.open("/room/frames")
    peer.send(frame(TEXT, "published"))
    found = peer.read_frame()
    equal((found.opcode, found.payload, found.fin, found.rsv), (TEXT, b"published", True, 0), "the frame")


@must("6.1", "The opcode (frame-opcode) of the first frame containing the data MUST be set to the appropriate value "
      "from Section 5.2 for data that is to be interpreted by the recipient as text or binary data.",
      {"text": TEXT, "binary": BINARY})
def a_message_keeps_its_type(server, opcode):
    server.open().expect_echo("typed", opcode)
    server.open(f"/room/typed-{opcode}").expect_echo("typed", opcode)


@must("6.1", "The FIN bit (frame-fin) of the last frame containing the data MUST be set to 1 as defined in Section "
      "5.2.")
def the_last_frame_of_a_message_has_fin(server):
    peer = server.open()
    peer.send(frame(TEXT, "a" * 70000))
    found = peer.read_frame()
    while not found.fin:
        found = peer.read_frame()
    peer.expect_echo()


@must("6.2", "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.")
def many_frames_in_one_segment_are_all_parsed(server):
    peer = server.open()
    peer.send(b"".join(frame(TEXT, f"message {i}") for i in range(200)))
    for i in range(200):
        peer.expect_message(f"message {i}")


@must("6.2", "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.")
def a_frame_may_come_octet_by_octet(server):
    peer = server.open()
    for octet in frame(TEXT, "trickle" * 20) + frame(PING, "drop"):
        peer.send(bytes([octet]))
    peer.expect_message("trickle" * 20)
    peer.expect_pong("drop")


@must("6.2", "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.", SIZES)
def a_large_message_comes_back_whole(server, size):
    peer = server.open()
    payload = server.random.randbytes(size)
    peer.send(frame(BINARY, payload))
    peer.expect_message(payload, BINARY)


@must("6.2", "Incoming data MUST be parsed as WebSocket frames as defined in Section 5.2.", [997, 1024, 2048, 65521])
def a_large_text_in_chops_of_this_size(server, chop):
    peer = server.open()
    text = ("Hello-µ@ßöäüàá-UTF-8!!" * 12000).encode()
    data = frame(TEXT, text)
    for at in range(0, len(data), chop):
        peer.send_whole(data[at:at + chop])
    peer.expect_message(text)


@must("6.2", "If a control frame (Section 5.5) is received, the frame MUST be handled as defined by Section 5.5.")
def control_frames_are_handled_between_messages(server):
    peer = server.open()
    peer.send(frame(PING, "1") + frame(TEXT, "a") + frame(PING, "2") + frame(TEXT, "b"))
    peer.expect_pong("1")
    peer.expect_message("a")
    peer.expect_pong("2")
    peer.expect_message("b")


@must("6.2", "Upon receiving a data frame (Section 5.6), the endpoint MUST note the /type/ of the data as defined "
      "by the opcode (frame-opcode) from Section 5.2.")
def types_alternate(server):
    peer = server.open()
    peer.send(b"".join(frame(TEXT if i % 2 else BINARY, b"x") for i in range(50)))
    for i in range(50):
        peer.expect_message("x", TEXT if i % 2 else BINARY)


@states("6.2", 'the "Application data" of the subsequent data frames is concatenated to form the /data/.')
def fragments_are_concatenated(server):
    peer = server.open()
    peer.send(frame(TEXT, "con", fin=False) + frame(CONTINUATION, "cate", fin=False) + frame(CONTINUATION, "nated"))
    peer.expect_message("concatenated")


@must("6.2", "Subsequent data frames MUST be interpreted as belonging to a new WebSocket message.")
def after_the_last_fragment_a_new_message_begins(server):
    peer = server.open()
    peer.send(frame(TEXT, "a", fin=False) + frame(CONTINUATION, "b") + frame(BINARY, "c") + frame(TEXT, "d"))
    peer.expect_message("ab")
    peer.expect_message("c", BINARY)
    peer.expect_message("d")


@must("6.2", "A server MUST remove masking for data frames received from a client as described in Section 5.3.",
      [1, 7, 8, 31, 64, 1000])
def masking_is_removed_whatever_the_alignment(server, size):
    peer = server.open("/room/masks" + str(server.random.getrandbits(64)))
    payload = server.random.randbytes(size)
    peer.send(frame(BINARY, payload, key=server.random.randbytes(4)))
    found = peer.read_message()
    check(found == (BINARY, payload), "what was published is not what was sent")
