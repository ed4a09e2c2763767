// SPDX-License-Identifier: Apache-2.0
#include "config/nearest.h"

#include <doctest/doctest.h>

#include <array>

namespace peal::config {
namespace {

using std::string_view_literals::operator""sv;

constexpr std::array kWords = {"threads"sv, "io"sv, "message_size"sv, "message_rate"sv};

TEST_CASE("nearest: a slip of the finger is seen through") {
  CHECK(nearest("thread", kWords) == "threads");
  CHECK(nearest("thraeds", kWords) == "threads");  // a swap counts once
  CHECK(nearest("Threads", kWords) == "threads");
  CHECK(nearest("mesage_sise", kWords) == "message_size");
  CHECK(nearest("oi", kWords) == "io");
}

TEST_CASE("nearest: the beginning of one word only, or one with an ending, stands for it") {
  constexpr std::array<std::string_view, 5> kLevels = {"trace", "debug", "info", "warn", "error"};
  CHECK(nearest("warning", kLevels) == "warn");
  CHECK(nearest("Information", kLevels) == "info");
  CHECK(nearest("err", kLevels) == "error");
  CHECK(nearest("er", kLevels).empty());
  constexpr std::array<std::string_view, 2> kTwo = {"max_topics", "max_wait"};
  CHECK(nearest("max", kTwo).empty());
}

TEST_CASE("nearest: what is far off has no suggestion") {
  CHECK(nearest("compression", kWords).empty());
  CHECK(nearest("xy", kWords).empty());
  CHECK(nearest("", kWords).empty());
  CHECK(nearest(std::string(100'000, 'a'), kWords).empty());
}

TEST_CASE("did_you_mean: a question, or nothing") {
  CHECK(did_you_mean("thread", kWords) == "; did you mean \"threads\"?");
  CHECK(did_you_mean("compression", kWords).empty());
}

}  // namespace
}  // namespace peal::config
