// SPDX-License-Identifier: Apache-2.0
#include "core/http/target.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

namespace peal::http {
namespace {

TEST_CASE("parse_authority: host and port") {
  const auto named = parse_authority("example.com:8080");
  REQUIRE(named);
  CHECK(named->host == "example.com");
  CHECK(named->port == 8080);
  const auto address = parse_authority("[fe80::1]:443");
  REQUIRE(address);
  CHECK(address->host == "[fe80::1]");
  CHECK(address->port == 443);
  const auto bare = parse_authority("127.0.0.1");
  REQUIRE(bare);
  CHECK_FALSE(bare->port);
  const auto empty_port = parse_authority("a:");
  REQUIRE(empty_port);
  CHECK_FALSE(empty_port->port);
}

TEST_CASE("parse_authority: what is none") {
  for (const char* text : {"",
                           ":80",
                           "a b",
                           "a/b",
                           "a?b",
                           "a#b",
                           "u@a",
                           "a:b",
                           "a:65536",
                           "a:-1",
                           "a:1:2",
                           "::1",
                           "[::1",
                           "[]",
                           "[::1]x",
                           "[g::1]",
                           "[::1]:x",
                           "%4",
                           "%4g",
                           "a\\b",
                           "\xc3\xa9",
                           "%41.example",
                           "a,b",
                           "[.]",
                           "[::1::]",
                           "[1.2.3.4]",
                           "[fe80::1%25eth0]"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_authority(text));
  }
}

TEST_CASE("percent_decode: escapes of either case, and nothing malformed") {
  std::array<char, 16> out;
  CHECK(percent_decode("a%20b%2Fc%2f+", out) == "a b/c/+");
  CHECK(percent_decode("", out) == "");
  CHECK(percent_decode("%00", out) == std::string_view("\0", 1));
  for (const char* text : {"%", "%2", "%2x", "%x2", "a%", "%%20"}) {
    CAPTURE(text);
    CHECK_FALSE(percent_decode(text, out));
  }
  CHECK(percent_decode("%41%41", std::span(out).first(2)) == "AA");
  CHECK_FALSE(percent_decode("abc", std::span(out).first(2)));
}

TEST_CASE("decode_segment: one segment stays one") {
  std::array<char, 32> out;
  CHECK(decode_segment("caf%C3%A9", out) == "caf\xc3\xa9");
  CHECK(decode_segment("%2e%2E", out) == "..");  // its meaning is the caller's affair
  for (const char* text : {"a/b", "a%2fb", "a%2Fb", "%00", "%0a", "%7f"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_segment(text, out));
  }
}

TEST_CASE("decode_path: only a slash that was sent as one separates") {
  std::array<char, 32> out;
  CHECK(decode_path("a/b%20c/", out) == "a/b c/");
  CHECK_FALSE(decode_path("a/b%2Fc", out));
  CHECK_FALSE(decode_path("a/%00", out));
}

TEST_CASE("decode_query_value: a plus is a space, an escaped plus is not") {
  std::array<char, 16> out;
  CHECK(decode_query_value("a+b%2Bc%20d", out) == "a b+c d");
  CHECK_FALSE(decode_query_value("100%", out));
  CHECK_FALSE(decode_query_value("12345678901234567", out));
}

TEST_CASE("for_each_query_pair: pairs in order") {
  std::vector<std::string> pairs;
  for_each_query_pair("a=1&b&&=x&c=d=e&", [&](std::string_view name, std::string_view value) {
    pairs.push_back(std::string(name) + "|" + std::string(value));
  });
  CHECK(pairs == std::vector<std::string>{"a|1", "b|", "|x", "c|d=e"});
}

TEST_CASE("query_value: the first of that name") {
  CHECK(query_value("since=1-2&last=5&last=6", "last") == "5");
  CHECK(query_value("last", "last") == "");
  CHECK_FALSE(query_value("blast=5", "last"));
  CHECK_FALSE(query_value("", "last"));
}

}  // namespace
}  // namespace peal::http
