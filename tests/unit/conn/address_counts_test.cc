// SPDX-License-Identifier: Apache-2.0
#include "core/conn/address_counts.h"

#include <doctest/doctest.h>

#include <array>
#include <thread>
#include <vector>

#include "core/conn/admission.h"

namespace peal::conn {
namespace {

using Verdict = Admission::Verdict;

io::IpNetwork client(std::uint32_t number) {
  const std::array<std::byte, 4> octets{std::byte{10}, static_cast<std::byte>(number >> 16),
                                        static_cast<std::byte>(number >> 8),
                                        static_cast<std::byte>(number)};
  return io::IpNetwork::of(IpAddress::of_v4(octets));
}

TEST_CASE("AddressCounts: an entry lasts as long as its client has a connection") {
  AddressCounts counts;
  CHECK(counts.add(client(1)) == 1);
  CHECK(counts.add(client(1)) == 2);
  CHECK(counts.add(client(2)) == 1);
  CHECK(counts.clients() == 2);
  counts.remove(client(1));
  CHECK(counts.count(client(1)) == 1);
  counts.remove(client(1));
  CHECK(counts.count(client(1)) == 0);
  CHECK(counts.clients() == 1);
}

TEST_CASE("AddressCounts: reactors count together") {
  constexpr std::uint32_t kClients = 500;
  AddressCounts counts;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&counts] {
      for (std::uint32_t n = 0; n < kClients; ++n) counts.add(client(n));
      for (std::uint32_t n = 0; n < kClients; n += 2) counts.remove(client(n));
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(counts.clients() == kClients / 2);
  CHECK(counts.count(client(0)) == 0);
  CHECK(counts.count(client(1)) == 4);
}

/// A connection of `client`, and whether it was counted.
Verdict enter(Admission& admission, io::IpNetwork client, bool dear, bool is_counted = true) {
  bool counted = !is_counted;
  const Verdict verdict = admission.enter(client, dear, counted);
  if (verdict != Verdict::refused) CHECK(counted == is_counted);
  return verdict;
}

TEST_CASE("Admission: beyond its share a client is told, beyond twice of it refused") {
  Admission admission(100, 2);
  CHECK(enter(admission, client(1), false) == Verdict::welcome);
  CHECK(enter(admission, client(1), false) == Verdict::welcome);
  CHECK(enter(admission, client(1), false) == Verdict::crowded);
  CHECK(enter(admission, client(1), true) == Verdict::refused);
  CHECK(enter(admission, client(1), false) == Verdict::crowded);
  CHECK(enter(admission, client(1), false) == Verdict::refused);
  CHECK(enter(admission, client(2), true) == Verdict::welcome);
  CHECK(admission.open == 5);
  CHECK(admission.crowded(client(1)));
  admission.leave(client(1), true);
  admission.leave(client(1), true);
  CHECK_FALSE(admission.crowded(client(1)));
  CHECK(admission.open == 3);
}

TEST_CASE("Admission: without a limit, or an address, nobody is counted") {
  Admission unlimited(100);
  for (int i = 0; i < 50; ++i) CHECK(enter(unlimited, client(1), true, false) == Verdict::welcome);
  CHECK(unlimited.clients.clients() == 0);
  Admission limited(100, 1);
  for (int i = 0; i < 50; ++i) CHECK(enter(limited, {}, true, false) == Verdict::welcome);
  for (int i = 0; i < 50; ++i) limited.leave({}, false);
  CHECK(limited.open == 0);
}

TEST_CASE("Admission: who is known later counts from then on, for as long as it is so") {
  Admission admission(100, 1);
  CHECK(enter(admission, {}, false, false) == Verdict::welcome);
  bool counted = false;
  CHECK(admission.count(client(1), false, counted) == Verdict::welcome);
  CHECK(counted);
  CHECK(admission.count(client(1), false, counted) == Verdict::crowded);
  CHECK(admission.count(client(1), false, counted) == Verdict::refused);
  CHECK(admission.count_on(client(1), counted));
  CHECK(admission.clients.count(client(1)) == 3);
  for (int i = 0; i < 3; ++i) admission.uncount(client(1));
  CHECK_FALSE(admission.count_on(client(1), counted));
  CHECK_FALSE(admission.count_on({}, counted));
  CHECK_FALSE(counted);
  admission.leave(client(1), true);
  CHECK(admission.open == 0);
  CHECK(admission.clients.clients() == 0);
}

TEST_CASE("Admission: a limit that comes later counts those who come later") {
  Admission admission(100);
  CHECK(enter(admission, client(1), false, false) == Verdict::welcome);
  admission.per_client = 1;
  CHECK(enter(admission, client(1), false) == Verdict::welcome);
  admission.leave(client(1), false);
  CHECK(admission.clients.count(client(1)) == 1);
  admission.per_client = 0;
  admission.leave(client(1), true);
  CHECK(admission.clients.clients() == 0);
}

}  // namespace
}  // namespace peal::conn
