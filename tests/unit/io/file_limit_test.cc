// SPDX-License-Identifier: Apache-2.0
#include "core/io/file_limit.h"

#include <doctest/doctest.h>

namespace peal::io::file_limit_test {
namespace {

TEST_CASE("file limit: some files are kept for what is no connection") {
  CHECK(spare_files(64) == 16);
  CHECK(spare_files(1024) == 64);
  CHECK(spare_files(1 << 20) == 512);
  CHECK(most_connections(1024, 0) == 960);
  CHECK(most_connections(10, 0) == 1);
}

TEST_CASE("file limit: each ring has room for as many once more, up to what the kernel takes") {
  CHECK(most_connections(1024, 2) == 960 + 2 * 1024);
  CHECK(most_connections(20'000, 54) > 1'000'000);
  CHECK(most_connections(1 << 21, 1) == (1 << 21) - 512 + (1 << 20));
}

TEST_CASE("file limit: this process has one") {
  CHECK(file_limit() > 0);
}

}  // namespace
}  // namespace peal::io::file_limit_test
