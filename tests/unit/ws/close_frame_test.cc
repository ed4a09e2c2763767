// SPDX-License-Identifier: Apache-2.0
#include "core/ws/close_frame.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "core/base/utf8.h"

namespace peal::ws::close_frame_test {

using namespace std::string_literals;

namespace {

std::string closing(CloseCode code, std::string_view reason) {
  std::array<std::byte, kMaxCloseFrame> room;
  return std::string(as_text(write_close(room, code, reason)));
}

}  // namespace

TEST_CASE("write_close: code and reason (RFC 6455 section 5.5.1)") {
  CHECK(closing(CloseCode::normal, "") == "\x88\x02\x03\xe8");
  CHECK(closing(CloseCode::going_away, "bye") ==
        "\x88\x05\x03\xe9"
        "bye");
  CHECK(closing(CloseCode{4999}, "") == "\x88\x02\x13\x87");
}

TEST_CASE("write_close: no status, no payload") {
  CHECK(closing(CloseCode::no_status, "dropped") == "\x88\x00"s);
}

TEST_CASE("write_close: a long reason is cut between characters") {
  const std::string fits(123, 'x');
  CHECK(closing(CloseCode::normal, fits) == "\x88\x7d\x03\xe8" + fits);
  CHECK(closing(CloseCode::normal, fits + "y") == "\x88\x7d\x03\xe8" + fits);
  for (std::string_view character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"})
    for (std::size_t lead = 110; lead <= 123; ++lead) {
      std::string reason(lead, 'x');
      while (reason.size() < 140) reason += character;
      const std::string kept = closing(CloseCode::normal, reason).substr(4);
      CHECK(reason.starts_with(kept));
      CHECK(is_utf8(as_bytes(kept)));
      CHECK(kept.size() + character.size() > 123);
      CHECK(kept.size() <= 123);
    }
}

}  // namespace peal::ws::close_frame_test
