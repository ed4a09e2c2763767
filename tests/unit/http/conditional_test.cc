// SPDX-License-Identifier: Apache-2.0
#include "core/http/conditional.h"

#include <doctest/doctest.h>

#include "tests/unit/http/requests.h"

namespace peal::http {
namespace {

constexpr Validators kCurrent{"\"v1\"", 784'111'777};
constexpr std::string_view kSame = "Sun, 06 Nov 1994 08:49:37 GMT";
constexpr std::string_view kEarlier = "Sun, 06 Nov 1994 08:49:36 GMT";

std::string head(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

std::string line(std::string_view name, std::string_view value) {
  return std::string(name) + ": " + std::string(value) + "\r\n";
}

Precondition evaluate(std::string_view fields) {
  const test::Parsed parsed(head(fields));
  REQUIRE(parsed.accepted());
  return evaluate_preconditions(parsed.request(), kCurrent);
}

bool range_holds(std::string_view value) {
  const test::Parsed parsed(head(line("If-Range", value)));
  REQUIRE(parsed.accepted());
  return if_range_holds(parsed.request(), kCurrent);
}

TEST_CASE("evaluate_preconditions: If-None-Match compares weakly") {
  CHECK(evaluate("") == Precondition::holds);
  CHECK(evaluate("If-None-Match: \"v1\"\r\n") == Precondition::not_modified);
  CHECK(evaluate("If-None-Match: W/\"v1\"\r\n") == Precondition::not_modified);
  CHECK(evaluate("If-None-Match: \"v0\", \"v1\"\r\n") == Precondition::not_modified);
  CHECK(evaluate("If-None-Match: \"v0\"\r\nIf-None-Match: \"v1\"\r\n") ==
        Precondition::not_modified);
  CHECK(evaluate("If-None-Match: *\r\n") == Precondition::not_modified);
  CHECK(evaluate("If-None-Match: \"v0\"\r\n") == Precondition::holds);
  CHECK(evaluate("If-None-Match: v1\r\n") == Precondition::holds);
}

TEST_CASE("evaluate_preconditions: If-Match compares strongly") {
  CHECK(evaluate("If-Match: \"v1\"\r\n") == Precondition::holds);
  CHECK(evaluate("If-Match: *\r\n") == Precondition::holds);
  CHECK(evaluate("If-Match: W/\"v1\"\r\n") == Precondition::failed);
  CHECK(evaluate("If-Match: \"v0\"\r\n") == Precondition::failed);
  CHECK(evaluate("If-Match:\r\n") == Precondition::failed);
}

TEST_CASE("evaluate_preconditions: a weak tag of ours satisfies no If-Match, but If-None-Match") {
  const Validators weak{"W/\"v1\"", 0};
  const test::Parsed match(head("If-Match: W/\"v1\"\r\n"));
  CHECK(evaluate_preconditions(match.request(), weak) == Precondition::failed);
  const test::Parsed none_match(head("If-None-Match: \"v1\"\r\n"));
  CHECK(evaluate_preconditions(none_match.request(), weak) == Precondition::not_modified);
}

TEST_CASE("evaluate_preconditions: dates") {
  CHECK(evaluate(line("If-Modified-Since", kSame)) == Precondition::not_modified);
  CHECK(evaluate(line("If-Modified-Since", kEarlier)) == Precondition::holds);
  CHECK(evaluate(line("If-Modified-Since", "yesterday")) == Precondition::holds);
  CHECK(evaluate(line("If-Unmodified-Since", kSame)) == Precondition::holds);
  CHECK(evaluate(line("If-Unmodified-Since", kEarlier)) == Precondition::failed);
  CHECK(evaluate(line("If-Unmodified-Since", "yesterday")) == Precondition::holds);
}

TEST_CASE("evaluate_preconditions: tags come before dates, If-Match before If-None-Match") {
  CHECK(evaluate("If-None-Match: \"v0\"\r\n" + line("If-Modified-Since", kSame)) ==
        Precondition::holds);
  CHECK(evaluate("If-Match: \"v1\"\r\n" + line("If-Unmodified-Since", kEarlier)) ==
        Precondition::holds);
  CHECK(evaluate("If-Match: \"v0\"\r\nIf-None-Match: \"v1\"\r\n") == Precondition::failed);
  CHECK(evaluate("If-Match: \"v1\"\r\nIf-None-Match: \"v1\"\r\n") == Precondition::not_modified);
}

TEST_CASE("if_range_holds: a strong tag or the exact date") {
  const test::Parsed without(head(""));
  CHECK(if_range_holds(without.request(), kCurrent));
  CHECK(range_holds("\"v1\""));
  CHECK(range_holds(kSame));
  CHECK_FALSE(range_holds("W/\"v1\""));
  CHECK_FALSE(range_holds("\"v0\""));
  CHECK_FALSE(range_holds(kEarlier));
  CHECK_FALSE(range_holds("nonsense"));
}

}  // namespace
}  // namespace peal::http
