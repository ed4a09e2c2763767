// SPDX-License-Identifier: Apache-2.0
#include "server/accounts.h"

#include <doctest/doctest.h>

#include "core/http/response.h"
#include "server/labels.h"

namespace peal::server::accounts_test {
namespace {

TEST_CASE("close_index: every code has a label, and no client can make a new one") {
  for (unsigned code = 0; code <= 0xffff; ++code) {
    const std::size_t index = close_index(static_cast<std::uint16_t>(code));
    REQUIRE(index < kCloseLabels.size());
    const std::string_view label = kCloseLabels[index];
    if (label != "3xxx" && label != "4xxx" && label != "other" && code != 0)
      CHECK(label == std::to_string(code));
  }
  CHECK(kCloseLabels[close_index(0)] == "1006");
  CHECK(kCloseLabels[close_index(1001)] == "1001");
  CHECK(kCloseLabels[close_index(3999)] == "3xxx");
  CHECK(kCloseLabels[close_index(4000)] == "4xxx");
  CHECK(kCloseLabels[close_index(1004)] == "other");
  CHECK(kCloseLabels[close_index(2000)] == "other");
}

TEST_CASE("status_index: what is not known counts as the last one") {
  CHECK(kStatuses[status_index(200)] == 200);
  CHECK(kStatuses[status_index(503)] == 503);
  CHECK(kStatuses[status_index(999)] == 500);
}

TEST_CASE("kStatuses: each has its phrase") {
  for (const int status : kStatuses) CHECK_MESSAGE(!http::reason_phrase(status).empty(), status);
}

TEST_CASE("handshake_result: of an answer's status") {
  CHECK(handshake_result(101) == HandshakeResult::accepted);
  CHECK(handshake_result(401) == HandshakeResult::unauthorized);
  CHECK(handshake_result(403) == HandshakeResult::forbidden);
  CHECK(handshake_result(503) == HandshakeResult::unavailable);
  CHECK(handshake_result(426) == HandshakeResult::refused);
}

TEST_CASE("LabelNumbers: a name keeps its number") {
  LabelNumbers numbers("first");
  CHECK(numbers.number("first") == 0);
  CHECK(numbers.number("a") == 1);
  CHECK(numbers.number("b") == 2);
  CHECK(numbers.number("a") == 1);
  CHECK(numbers.name(2) == "b");
  CHECK(numbers.names() == std::vector<std::string>{"first", "a", "b"});
}

}  // namespace
}  // namespace peal::server::accounts_test
