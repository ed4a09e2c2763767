// SPDX-License-Identifier: Apache-2.0
#include "loadtest/endpoint.h"

#include <doctest/doctest.h>

#include <array>

#include "core/base/fd.h"
#include "loadtest/sources.h"

namespace peal::loadtest::endpoint_test {
namespace {

/// A loopback address that somebody listens on, or has bound alone.
struct Place {
  explicit Place(bool listens) : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address = loopback_sources(1).front();
    REQUIRE(::bind(fd.get(), address.get(), address.size) == 0);
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.size) ==
            0);
    if (listens) REQUIRE(::listen(fd.get(), 8) == 0);
  }

  Fd fd;
  SocketAddress address;
};

std::uint16_t port_of(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr_in&>(address.storage).sin_port;
}

TEST_CASE("answers: of several addresses the first where somebody listens") {
  const Place silent(false);
  const Place first(true);
  const Place second(true);
  const std::array all{silent.address, first.address, second.address};
  CHECK(port_of(answers(all)) == port_of(first.address));
  CHECK(port_of(answers(std::span(all).last(2))) == port_of(first.address));
  CHECK(port_of(answers(std::span(all).first(1))) == port_of(silent.address));
  const std::array none{silent.address, Place(false).address};
  CHECK(port_of(answers(none)) == port_of(silent.address));
}

}  // namespace
}  // namespace peal::loadtest::endpoint_test
