// SPDX-License-Identifier: Apache-2.0
#include "core/base/fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include <utility>

using namespace peal;

namespace {

bool is_open(int number) {
  return ::fcntl(number, F_GETFD) >= 0;
}

int open_one() {
  const int number = ::eventfd(0, EFD_CLOEXEC);
  REQUIRE(number >= 0);
  return number;
}

}  // namespace

TEST_CASE("Fd: holds nothing until told") {
  const Fd fd;
  CHECK_FALSE(fd);
  CHECK(fd.get() == -1);
}

TEST_CASE("Fd: descriptor 0 is one like any other") {
  Fd fd(0);
  CHECK(fd);
  CHECK(fd.release() == 0);
}

TEST_CASE("Fd: closes on destruction") {
  const int number = open_one();
  { const Fd fd(number); }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("Fd: moving hands the descriptor over") {
  const int number = open_one();
  Fd from(number);
  const Fd to(std::move(from));
  CHECK_FALSE(from);
  CHECK(to.get() == number);
  CHECK(is_open(number));
}

TEST_CASE("Fd: assignment closes what was held before") {
  const int before = open_one();
  const int after = open_one();
  Fd fd(before);
  fd = Fd(after);
  CHECK_FALSE(is_open(before));
  CHECK(is_open(after));
}

TEST_CASE("Fd: assignment to itself keeps the descriptor") {
  const int number = open_one();
  Fd fd(number);
  Fd& same = fd;
  fd = std::move(same);
  CHECK(fd.get() == number);
  CHECK(is_open(number));
}

TEST_CASE("Fd: release leaves the closing to the caller") {
  const int number = open_one();
  {
    Fd fd(number);
    CHECK(fd.release() == number);
  }
  CHECK(is_open(number));
  ::close(number);
}
