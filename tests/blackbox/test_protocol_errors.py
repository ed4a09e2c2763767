# SPDX-License-Identifier: Apache-2.0
"""What RFC 6455 forbids a client, and the code each of it is closed with."""

import os

from support import BINARY, CLOSE, CONTINUATION, PING, TEXT, DaemonCase, close_payload, frame

CONFIG = """
[limits]
message_size = "64KiB"

[route.echo]
path = "/echo"
type = "echo"

[route.small]
path = "/small"
type = "echo"
limits = { message_size = 100 }
"""


class ProtocolErrors(DaemonCase):
    config = CONFIG

    def assert_refused(self, data, code):
        client = self.open("/echo")
        client.send(data)
        self.assertEqual(client.read_close()[0], code)
        client.send(frame(CLOSE, close_payload(code)))
        self.assertTrue(client.has_ended())

    def test_frames_that_break_the_protocol(self):
        cases = {
            "unmasked": frame(TEXT, "x", key=None),
            "RSV1": frame(TEXT, "x", rsv=4),
            "RSV2": frame(TEXT, "x", rsv=2),
            "RSV3": frame(TEXT, "x", rsv=1),
            "RSV1 on a continuation": frame(TEXT, "x", fin=False) + frame(CONTINUATION, "x", rsv=4),
            "RSV1 on a ping": frame(PING, "x", rsv=4),
            "opcode 3": frame(3, "x"),
            "opcode 7": frame(7, "x"),
            "opcode 11": frame(11, "x"),
            "opcode 15": frame(15, "x"),
            "a continuation of nothing": frame(CONTINUATION, "x"),
            "a new message within another": frame(TEXT, "x", fin=False) + frame(TEXT, "x"),
            "a fragmented ping": frame(PING, "x", fin=False),
            "a fragmented close": frame(CLOSE, close_payload(1000), fin=False),
            "a ping of 126 bytes": frame(PING, "x" * 126),
            "a close of 126 bytes": frame(CLOSE, close_payload(1000, "x" * 124)),
            "a length of 5 in 16 bits": frame(TEXT, "xxxxx", form=16),
            "a length of 5 in 64 bits": frame(TEXT, "xxxxx", form=64),
            "a length of 65535 in 64 bits": frame(TEXT, "", length=65535, form=64),
            "a length with the top bit": frame(TEXT, "", length=1 << 63, form=64),
            "a close of one byte": frame(CLOSE, b"\x03"),
        }
        for what, data in cases.items():
            with self.subTest(what):
                self.assert_refused(data, 1002)

    def test_close_codes_that_may_not_be_sent(self):
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
            with self.subTest(code):
                self.assert_refused(frame(CLOSE, close_payload(code)), 1002)

    def test_text_that_is_not_utf_8(self):
        cases = {
            "a lone continuation byte": b"\x80",
            "an overlong slash": b"\xc0\xaf",
            "an overlong NUL": b"\xe0\x80\x80",
            "a surrogate": b"\xed\xa0\x80",
            "beyond U+10FFFF": b"\xf4\x90\x80\x80",
            "0xff": b"ok until here \xff",
            "cut at the end": "€".encode()[:2],
        }
        for what, payload in cases.items():
            with self.subTest(what):
                self.assert_refused(frame(TEXT, payload), 1007)

    def test_utf_8_that_fragments_break(self):
        bell = "🔔".encode()
        self.assert_refused(frame(TEXT, bell[:2], fin=False) + frame(CONTINUATION, b"x"), 1007)
        self.assert_refused(frame(TEXT, bell[:2], fin=False) + frame(CONTINUATION, b""), 1007)

    def test_bad_text_is_refused_before_its_message_ends(self):
        self.assert_refused(frame(TEXT, b"\xff", fin=False), 1007)

    def test_bad_text_is_refused_before_its_frame_ends(self):
        whole = frame(TEXT, b"\xff" + b"x" * 1000)
        self.assert_refused(whole[:20], 1007)

    def test_a_close_reason_that_is_not_utf_8(self):
        self.assert_refused(frame(CLOSE, close_payload(1000) + b"\xff"), 1007)

    def test_bytes_that_are_not_utf_8_pass_as_binary(self):
        self.assertEqual(self.open("/echo").echo(b"\xff\xfe\x80").payload, b"\xff\xfe\x80")

    def test_what_came_before_the_error_is_still_answered(self):
        client = self.open("/echo")
        client.send(frame(TEXT, "good") + frame(TEXT, "bad", rsv=4) + frame(TEXT, "never"))
        self.assertEqual(client.read_message(), b"good")
        self.assertEqual(client.read_close()[0], 1002)

    def test_nonsense_after_an_error_does_not_matter(self):
        client = self.open("/echo")
        client.send(frame(TEXT, "x", key=None) + os.urandom(20_000))
        self.assertEqual(client.read_close()[0], 1002)


class MessageSize(DaemonCase):
    config = CONFIG

    def assert_too_big(self, path, data):
        client = self.open(path)
        client.send(data)
        self.assertEqual(client.read_close()[0], 1009)

    def test_a_message_at_the_limit_passes(self):
        payload = os.urandom(65536)
        self.assertTrue(self.open("/echo").echo(payload).payload == payload)

    def test_one_byte_more_is_too_big(self):
        self.assert_too_big("/echo", frame(BINARY, b"x" * 65537))

    def test_the_header_alone_is_enough_to_refuse(self):
        self.assert_too_big("/echo", frame(BINARY, b"", length=65537, form=64))
        self.assert_too_big("/echo", frame(BINARY, b"", length=(1 << 63) - 1, form=64))

    def test_fragments_count_together(self):
        half = b"x" * 32768
        client = self.open("/echo")
        client.send(frame(BINARY, half, fin=False) + frame(CONTINUATION, half))
        self.assertEqual(len(client.read_message()), 65536)
        self.assert_too_big("/echo", frame(BINARY, half, fin=False) + frame(CONTINUATION, half + b"x"))

    def test_a_route_has_a_limit_of_its_own(self):
        self.assertEqual(self.open("/small").echo(b"x" * 100).payload, b"x" * 100)
        self.assert_too_big("/small", frame(BINARY, b"x" * 101))
