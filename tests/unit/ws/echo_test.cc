// SPDX-License-Identifier: Apache-2.0
#include "core/ws/echo.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/unit/ws/frames.h"

namespace peal::ws::echo_test {

using namespace test;

namespace {

constexpr EchoLimits kAmple{.message_size = 1000, .messages = 100, .bytes = 100'000};

/// What echo() makes of some octets, and what it leaves.
struct Outcome {
  std::string frames;
  std::uint32_t messages = 0;
  std::string rest;
};

Outcome echo_of(std::string_view octets, const EchoLimits& limits = kAmple) {
  const Bytes bytes = as_bytes(octets);
  std::vector<std::byte> piece(bytes.begin(), bytes.end());  // of its own size, for ASan
  MutableBytes input = piece;
  const Echo run = echo(input, limits);
  return {std::string(as_text(run.frames)), run.messages, std::string(as_text(input))};
}

void check_left_alone(const std::string& octets, const EchoLimits& limits = kAmple) {
  CAPTURE(octets.size());
  const Outcome outcome = echo_of(octets, limits);
  CHECK(outcome.messages == 0);
  CHECK(outcome.frames.empty());
  CHECK(outcome.rest == octets);
}

}  // namespace

TEST_CASE("echo: messages become a server's, one behind the other") {
  const std::string text = "Grüße";
  const std::string binary(300, '\xfe');
  const Outcome outcome =
      echo_of(client_frame(kFinal | 0x1, text) + client_frame(kFinal | 0x2, binary, {1, 2, 3, 4}) +
              client_frame(kFinal | 0x1, "", {9, 8, 7, 6}));
  CHECK(outcome.messages == 3);
  CHECK(outcome.frames == server_frame(kFinal | 0x1, text) + server_frame(kFinal | 0x2, binary) +
                              server_frame(kFinal | 0x1, ""));
  CHECK(outcome.rest.empty());
}

TEST_CASE("echo: stops where somebody has to look, and leaves that as it came") {
  const std::string message = client_frame(kFinal | 0x1, "hello");
  const std::vector<std::string> others{
      client_frame(0x1, "first of some"),
      client_frame(kFinal | 0x0, "a last one"),
      client_frame(kFinal | 0x9, "ping"),
      client_frame(kFinal | 0xa, "pong"),
      client_frame(kFinal | 0x8, "\x03\xe8"),
      client_frame(kFinal | 0x41, "compressed"),
      client_frame(kFinal | 0x3, "reserved"),
      client_frame(kFinal | 0x1, "not \xff UTF-8, and long enough for any vector there may be"),
      client_frame(kFinal | 0x1, std::string(200, 'x') + "\xc3"),
      client_frame(kFinal | 0x2, std::string(1001, 'x')),
      server_frame(kFinal | 0x1, "not masked, and long enough to be a header"),
      header(kFinal | 0x1, 5, true, 2) + "keyhello a length in a longer form",
      message.substr(0, message.size() - 1),
      message.substr(0, 1),
  };
  for (const std::string& other : others) {
    check_left_alone(other);
    check_left_alone(other + message);
    const Outcome outcome = echo_of(message + message + other);
    CHECK(outcome.messages == 2);
    CHECK(outcome.frames ==
          server_frame(kFinal | 0x1, "hello") + server_frame(kFinal | 0x1, "hello"));
    CHECK(outcome.rest == other);
  }
}

TEST_CASE("echo: takes no more messages than it may, and no more bytes but for the last message") {
  const std::string message = client_frame(kFinal | 0x1, "hello");
  const std::string answer = server_frame(kFinal | 0x1, "hello");
  check_left_alone(message, {.message_size = 5, .messages = 0, .bytes = 100});
  check_left_alone(message, {.message_size = 5, .messages = 1, .bytes = 0});
  check_left_alone(message, {.message_size = 4, .messages = 1, .bytes = 100});
  CHECK(echo_of(message + message, {.message_size = 5, .messages = 1, .bytes = 100}).frames ==
        answer);
  const EchoLimits just_one{.message_size = 5, .messages = 9, .bytes = answer.size()};
  CHECK(echo_of(message + message, just_one).messages == 1);
  CHECK(echo_of(message + message, just_one).rest == message);
  const EchoLimits one_more{.message_size = 5, .messages = 9, .bytes = answer.size() + 1};
  CHECK(echo_of(message + message + message, one_more).messages == 2);
}

}  // namespace peal::ws::echo_test
