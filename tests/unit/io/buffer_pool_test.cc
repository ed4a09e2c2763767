// SPDX-License-Identifier: Apache-2.0
#include "core/io/buffer_pool.h"

#include <doctest/doctest.h>

#include <set>

namespace peal::io {
namespace {

TEST_CASE("BufferPool: every buffer goes out once, and none when all are out") {
  BufferPool pool;
  std::set<std::uint16_t> out;
  std::uint16_t id;
  while (pool.take(id)) CHECK(out.insert(id).second);
  CHECK(out.size() == BufferPool::kCount);
  CHECK(pool.held_count() == BufferPool::kCount);
  CHECK_FALSE(pool.lend(id));
  pool.release(7);
  CHECK(pool.take(id));
  CHECK(id == 7);
  for (const std::uint16_t each : out) pool.release(each);
  CHECK(pool.held_count() == 0);
}

TEST_CASE("BufferPool: buffers do not overlap") {
  BufferPool pool;
  for (std::uint16_t id = 1; id < BufferPool::kCount; ++id)
    CHECK(pool.address(id) - pool.address(static_cast<std::uint16_t>(id - 1)) >=
          static_cast<std::ptrdiff_t>(BufferPool::kSize));
}

TEST_CASE("BufferPool: a buffer comes back with its last holder") {
  BufferPool pool;
  std::uint16_t id;
  REQUIRE(pool.take(id));
  pool.hold(id);
  pool.hold(id);
  pool.release(id);
  pool.release(id);
  CHECK(pool.held_count() == 1);
  pool.release(id);
  CHECK(pool.held_count() == 0);
}

TEST_CASE("BufferPool: a lent buffer is not held until it is adopted") {
  BufferPool pool;
  std::uint16_t id;
  REQUIRE(pool.lend(id));
  CHECK(pool.held_count() == 0);
  pool.adopt(id);
  CHECK(pool.held_count() == 1);
  pool.release(id);
  CHECK(pool.held_count() == 0);
}

#ifdef PEAL_ADDRESS_SANITIZER
TEST_CASE("BufferPool: nobody may touch a buffer that was given back, until it is out again") {
  BufferPool pool;
  std::uint16_t id;
  REQUIRE(pool.take(id));
  const std::byte* const memory = pool.address(id);
  pool.release(id);
  CHECK(__asan_region_is_poisoned(pool.address(id), BufferPool::kSize) == memory);
  CHECK(__asan_address_is_poisoned(memory + BufferPool::kSize - 1));
  REQUIRE(pool.take(id));
  REQUIRE(pool.address(id) == memory);
  CHECK(__asan_region_is_poisoned(pool.address(id), BufferPool::kSize) == nullptr);
  pool.release(id);
}
#endif

TEST_CASE("BufferPool: scarce when more than half are held") {
  BufferPool pool;
  std::uint16_t id;
  for (std::uint32_t i = 0; i < BufferPool::kCount / 2; ++i) REQUIRE(pool.take(id));
  CHECK_FALSE(pool.scarce());
  REQUIRE(pool.take(id));
  CHECK(pool.scarce());
}

TEST_CASE("BufferLease: moved, assigned, destroyed, it releases once") {
  BufferPool pool;
  std::uint16_t first, second;
  REQUIRE(pool.take(first));
  REQUIRE(pool.take(second));
  {
    BufferLease lease(pool, first);
    BufferLease moved(std::move(lease));
    CHECK_FALSE(lease);
    CHECK(moved.id() == first);
    CHECK(moved.data() == pool.address(first));
    moved = BufferLease(pool, second);
    CHECK(moved.id() == second);
    CHECK(pool.held_count() == 1);
    moved = BufferLease();
    CHECK(pool.held_count() == 0);
  }
  CHECK(pool.held_count() == 0);
}

}  // namespace
}  // namespace peal::io
