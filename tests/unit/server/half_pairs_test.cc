// SPDX-License-Identifier: Apache-2.0
#include "server/half_pairs.h"

#include <doctest/doctest.h>

#include <string>

namespace peal::server {
namespace {

/// What becomes of `json`; empty when nothing was to be replaced.
std::string replaced(std::string json) {
  const std::string before = json;
  const bool any = replace_half_pairs(json);
  CHECK_MESSAGE(any == (json != before), before);
  return any ? json : std::string();
}

TEST_CASE("replace_half_pairs: each half that stands alone becomes a question mark") {
  CHECK(replaced(R"("\ud83d")") == R"("\u003f")");
  CHECK(replaced(R"("\uDE00")") == R"("\u003f")");
  CHECK(replaced(R"("\ud83dx\ude00")") == R"("\u003fx\u003f")");
  CHECK(replaced(R"("\ude00\ud83d")") == R"("\u003f\u003f")");
  CHECK(replaced(R"("\ud83d\ud83d\ude00")") == R"("\u003f\ud83d\ude00")");
  CHECK(replaced(R"("\ud83d\u0041")") == R"("\u003f\u0041")");
  CHECK(replaced(R"(\udbff\udbff)") == R"(\u003f\u003f)");
}

TEST_CASE("replace_half_pairs: what is no such escape stays") {
  for (const char* json : {"", "x", R"("\ud83d\ude00")", R"("\ud7ff\ue000")", R"("\\ud83d")",
                           R"("\n\"\u0000")", R"(\)", R"(\u)", R"(\ud83)", R"(\ud83x)"})
    CHECK_MESSAGE(replaced(json).empty(), json);
}

}  // namespace
}  // namespace peal::server
