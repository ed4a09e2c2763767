// SPDX-License-Identifier: Apache-2.0
#include "loadtest/frame_reader.h"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "core/ws/frame_header.h"

namespace peal::loadtest::frame_reader_test {
namespace {

/// Notes what comes, and that pieces follow one another.
class Recorder final : public MessageSink {
 public:
  void on_piece(const Piece& piece) override {
    CHECK(piece.offset == message.size());
    message += as_text(piece.bytes);
    if (!piece.last) return;
    events.push_back((piece.opcode == ws::Opcode::text ? "text " : "binary ") + message);
    message.clear();
  }
  void on_ping(Bytes payload) override {
    events.push_back("ping " + std::string(as_text(payload)));
  }
  void on_close(ws::CloseCode code, std::string_view reason) override {
    events.push_back("close " + std::to_string(static_cast<int>(code)) + " " + std::string(reason));
  }

  std::string message;
  std::vector<std::string> events;
};

std::string frame(ws::Opcode opcode, std::string_view payload, bool fin = true,
                  bool compressed = false) {
  std::string octets(ws::server_header_size(payload.size()), '\0');
  octets += payload;
  auto* const to = reinterpret_cast<std::byte*>(octets.data());
  ws::write_server_header_before(to + octets.size() - payload.size(), opcode, fin, payload.size());
  if (compressed) ws::set_compressed(to);
  return octets;
}

std::string deflate(ws::Deflater& deflater, std::string_view text) {
  std::string packed(deflater.bound(text.size()), '\0');
  packed.resize(deflater.compress(as_bytes(text), std::as_writable_bytes(std::span(packed))));
  return packed;
}

struct Reading {
  std::vector<std::string> events;
  std::string error;
};

/// Reads `octets` in pieces that `next_size` gives.
template <class NextSize>
Reading read(const std::string& octets, bool deflate, bool takeover, NextSize&& next_size) {
  ws::InflaterPool inflaters;
  std::array<std::byte, 100> room;
  const FrameContext context{.inflaters = &inflaters, .inflated = room};
  FrameReader reader;
  reader.set_deflate(deflate, takeover, ws::kMaxWindowBits);
  Recorder recorder;
  Reading reading;
  std::string_view rest = octets;
  while (!rest.empty() && reading.error.empty()) {
    const std::string piece(rest.substr(0, next_size()));
    rest.remove_prefix(piece.size());
    if (const char* error = reader.read(as_bytes(piece), context, recorder)) reading.error = error;
  }
  reader.end(context);
  CHECK(inflaters.out() == 0);
  reading.events = recorder.events;
  return reading;
}

TEST_CASE("FrameReader: any segmentation gives the same events") {
  ws::Deflater deflater(1, ws::kMaxWindowBits);
  const std::string text = "a text that repeats, a text that repeats, a text that repeats. ";
  std::string octets = frame(ws::Opcode::text, "whole");
  octets += frame(ws::Opcode::binary, "");
  octets += frame(ws::Opcode::ping, "");
  octets += frame(ws::Opcode::text, "in ", false) + frame(ws::Opcode::continuation, "", false);
  octets += frame(ws::Opcode::ping, std::string(125, 'p')) + frame(ws::Opcode::pong, "ignored");
  octets += frame(ws::Opcode::continuation, "pieces");
  octets += frame(ws::Opcode::binary, std::string(300, 'm'));
  octets += frame(ws::Opcode::binary, std::string(70'000, 'l'));
  for (int i = 0; i < 2; ++i) {
    const std::string packed = deflate(deflater, text);
    octets += frame(ws::Opcode::text, packed.substr(0, 5), false, true);
    octets += frame(ws::Opcode::ping, "between");
    octets += frame(ws::Opcode::continuation, packed.substr(5));
  }
  octets += frame(ws::Opcode::text, "plain again");
  octets += frame(ws::Opcode::close, std::string("\x03\xe9", 2) + "bye");
  const std::vector<std::string> expected = {"text whole",
                                             "binary ",
                                             "ping ",
                                             "ping " + std::string(125, 'p'),
                                             "text in pieces",
                                             "binary " + std::string(300, 'm'),
                                             "binary " + std::string(70'000, 'l'),
                                             "ping between",
                                             "text " + text,
                                             "ping between",
                                             "text " + text,
                                             "text plain again",
                                             "close 1001 bye"};
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const std::size_t most = seed == 0 ? 1 : seed == 1 ? octets.size() : 1 + random() % 3000;
    const Reading reading = read(octets, true, true, [&] { return 1 + random() % most; });
    CHECK(reading.error == "");
    CHECK(reading.events == expected);
  }
}

TEST_CASE(
    "FrameReader: a message with the octets of the one before gives the same, another its own") {
  ws::Deflater deflater(1, ws::kMaxWindowBits);
  const auto packed = [&](const std::string& text) {
    deflater.reset();
    return frame(ws::Opcode::text, deflate(deflater, text), true, true);
  };
  const std::string first = "first, first, first, first";
  const std::string second = "second, second, second";
  const std::string large(Inflated::kMost + 1, 'l');
  const std::string octets = packed(first) + packed(first) + frame(ws::Opcode::text, "plain") +
                             packed(first) + packed(second) + packed(large) + packed(large) +
                             packed(first);
  const std::vector<std::string> expected = {"text " + first, "text " + first,  "text plain",
                                             "text " + first, "text " + second, "text " + large,
                                             "text " + large, "text " + first};
  ws::InflaterPool inflaters;
  std::array<std::byte, 100> room;
  Inflated last;
  const FrameContext context{.inflaters = &inflaters, .inflated = room, .last = &last};
  for (std::size_t size : {std::size_t{1}, std::size_t{40}, octets.size()}) {
    FrameReader reader;
    reader.set_deflate(true, false, ws::kMaxWindowBits);
    Recorder recorder;
    for (std::size_t at = 0; at < octets.size(); at += size)
      REQUIRE_FALSE(
          reader.read(as_bytes(std::string_view(octets).substr(at, size)), context, recorder));
    CHECK(recorder.events == expected);
    reader.end(context);
  }
}

TEST_CASE("FrameReader: what breaks the protocol is told") {
  const auto error_of = [](const std::string& octets) {
    return read(octets, false, false, [] { return std::string::npos; }).error;
  };
  CHECK(error_of("\x82\x81xxxxx") == "a server's frame is masked");
  CHECK(error_of("\xc1\x01x") == "a reserved bit is set");
  CHECK(error_of(frame(ws::Opcode::continuation, "x")) == "a continuation without a beginning");
  CHECK(error_of(frame(ws::Opcode::text, "x", false) + frame(ws::Opcode::text, "y")) ==
        "a message inside a message");
  const std::string corrupt = frame(ws::Opcode::text, "\xff\xff\xff", true, true);
  CHECK(read(corrupt, true, false, [] { return std::string::npos; }).error ==
        "a compressed message is corrupt");
}

}  // namespace
}  // namespace peal::loadtest::frame_reader_test
