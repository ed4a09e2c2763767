// SPDX-License-Identifier: Apache-2.0
// What "did you mean" says of sizes, durations and rates, and what is said where it is silent.
#include "tests/unit/config/loading.h"

namespace peal::config {
namespace {

/// The only problem with one setting, from "found" on.
std::string found(const std::string& assignment) {
  const std::string text = problem(kSmallest, {assignment});
  const auto at = text.find(", found ");
  return at == std::string::npos ? text : text.substr(at + 2);
}

/// The same where [limits] has it.
std::string found_in_file(const std::string& line) {
  const std::string text = problem(kSmallest + "[limits]\n" + line + '\n');
  const auto at = text.find(", found ");
  return at == std::string::npos ? text : text.substr(at + 2);
}

TEST_CASE("did you mean: what would be taken") {
  CHECK(found("limits.queue_size=64kb") == "found \"64kb\"; did you mean \"64KiB\"?");
  CHECK(found("drain.over=10") == "found 10; did you mean \"10s\"?");
  CHECK(found("limits.accept_rate=10/sec") == "found \"10/sec\"; did you mean \"10/s\"?");
}

TEST_CASE("did you mean: never what would be refused in its turn") {
  CHECK(found("limits.queue_size=999999999999999999999GiB") ==
        "found \"999999999999999999999GiB\"");
  CHECK(found("limits.queue_size=64gb") == "found \"64gb\"");
  CHECK(found("limits.accept_rate=99999999999999999999/s") == "found \"99999999999999999999/s\"");
  CHECK(found("limits.accept_rate=5000000000") == "found 5000000000");
  CHECK(found("drain.over=99999999999999999999h") == "found \"99999999999999999999h\"");
  CHECK(found("drain.over=100 hours") == "found \"100 hours\"");
  CHECK(found("drain.over=") == "found \"\"");
  CHECK(found("drain.over=true") == "found true");
  CHECK(found("limits.handshake_timeout=0 sec") == "found \"0 sec\"");
}

TEST_CASE("a number that no 64 bits hold is not told as another one") {
  CHECK(found_in_file("connections = 99999999999999999999") == "found a number that is too large");
  CHECK(found_in_file("connections = -99999999999999999999") == "found a number that is too small");
  CHECK(found_in_file("queue_size = 99999999999999999999") == "found a number that is too large");
  CHECK(found_in_file("idle_timeout = 99999999999999999999") == "found a number that is too large");
  CHECK(found_in_file("accept_rate = 99999999999999999999") == "found a number that is too large");
}

}  // namespace
}  // namespace peal::config
