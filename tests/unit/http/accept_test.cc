// SPDX-License-Identifier: Apache-2.0
#include "core/http/accept.h"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace peal::http {
namespace {

constexpr std::string_view kStream = "text/event-stream";

struct Expected {
  int quality;
  bool by_name;
};

void check(std::initializer_list<std::string_view> fields, Expected expected) {
  std::vector<Header> headers{{"Host", "h"}};
  for (const std::string_view field : fields) {
    CAPTURE(field);
    headers.push_back({"accept", field});
  }
  Request request;
  request.headers = headers;
  const Acceptance found = acceptance(request, kStream);
  CHECK(found.quality == expected.quality);
  CHECK(found.by_name == expected.by_name);
}

TEST_CASE("acceptance: without Accept, or with an empty one, all is well") {
  check({}, {1000, false});
  check({""}, {1000, false});
}

TEST_CASE("acceptance: the type itself, in any case, among others and in any field") {
  check({"text/event-stream"}, {1000, true});
  check({"Text/Event-Stream"}, {1000, true});
  check({"text/html, text/event-stream;q=0.5 , */*;q=0.1"}, {500, true});
  check({"text/html", "text/event-stream"}, {1000, true});
  check({"text/event-stream; charset=utf-8; Q=0.25"}, {250, true});
}

TEST_CASE("acceptance: the most specific range counts, wherever it stands") {
  check({"*/*"}, {1000, false});
  check({"*/*;q=0.1, text/*;q=0.7"}, {700, false});
  check({"text/*;q=0.7, */*;q=0.1"}, {700, false});
  check({"text/event-stream;q=0, */*"}, {0, true});
  check({"*/*, text/event-stream;q=0.000"}, {0, true});
}

TEST_CASE("acceptance: what is not named is not wanted") {
  check({"application/json"}, {0, false});
  check({"text/event-streams"}, {0, false});
  check({"text/event"}, {0, false});
  check({"application/*"}, {0, false});
  check({"*"}, {0, false});
}

TEST_CASE("acceptance: a malformed weight makes the range nothing") {
  for (const std::string_view weight : {"2", "1.001", "0.1234", "-1", ".5", "0.5x", "x"}) {
    CAPTURE(weight);
    check({std::string("text/event-stream;q=").append(weight)}, {0, false});
  }
  for (const std::string_view weight : {"1", "1.", "1.0", "1.000"}) {
    CAPTURE(weight);
    check({std::string("text/event-stream;q=").append(weight)}, {1000, true});
  }
}

}  // namespace
}  // namespace peal::http
