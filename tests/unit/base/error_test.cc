// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.h"

#include <doctest/doctest.h>

#include <cerrno>

using namespace peal;

TEST_CASE("Error: names the operation and the kernel's reason") {
  CHECK(Error{"bind", EADDRINUSE}.text() == "bind: Address already in use");
}

TEST_CASE("Error: only the operation where the kernel was not asked") {
  CHECK(Error{"no such interface", 0}.text() == "no such interface");
}

TEST_CASE("Error: last_error takes errno as it is at the call") {
  errno = EMFILE;
  const Result<int> result = last_error("accept");
  errno = 0;
  REQUIRE_FALSE(result);
  CHECK(result.error().sys_errno == EMFILE);
  CHECK(result.error().operation == std::string("accept"));
}

TEST_CASE("Error: error() makes the failure of any Result") {
  const Result<> result = error("connect", ETIMEDOUT);
  REQUIRE_FALSE(result);
  CHECK(result.error().sys_errno == ETIMEDOUT);
}
