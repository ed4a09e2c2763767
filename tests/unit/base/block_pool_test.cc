// SPDX-License-Identifier: Apache-2.0
#include "core/base/block_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <random>
#include <vector>

using namespace peal;

namespace {

bool holds_only(const Block* block, std::byte mark) {
  return std::all_of(block->data(), block->data() + block->capacity,
                     [mark](std::byte octet) { return octet == mark; });
}

}  // namespace

TEST_CASE("BlockPool: a block holds at least what was asked for") {
  BlockPool pool(1 << 20);
  for (std::size_t asked : {0ul, 1ul, 112ul, 113ul, 1000ul, 65536ul, (4ul << 20) - sizeof(Block),
                            (4ul << 20) - sizeof(Block) + 1, 10'000'000ul}) {
    CAPTURE(asked);
    Block* block = pool.take(asked);
    REQUIRE(block->capacity >= asked);
    std::fill_n(block->data(), block->capacity, std::byte{0xa5});
    pool.give(block);
  }
  CHECK(pool.bytes_out() == 0);
}

TEST_CASE("BlockPool: large blocks have room for a little more than a power of two") {
  BlockPool pool(8 << 20);
  for (const std::size_t size : {128ul << 10, 1ul << 20, 4ul << 20}) {
    CAPTURE(size);
    Block* const block = pool.take(size - sizeof(Block) + BlockPool::kSlack);
    CHECK(block->capacity + sizeof(Block) == size + BlockPool::kSlack);
    CHECK(pool.bytes_out() == size + BlockPool::kSlack);
    pool.give(block);
    CHECK(pool.take(size - sizeof(Block) - 100) == block);
    pool.give(block);
    Block* const larger = pool.take(size - sizeof(Block) + BlockPool::kSlack + 1);
    CHECK(larger != block);
    CHECK(larger->capacity > block->capacity);
    pool.give(larger);
  }
}

TEST_CASE("BlockPool: blocks are powers of two, header included") {
  BlockPool pool(1 << 20);
  for (std::size_t asked : {1ul, 200ul, 5000ul, 60'000ul}) {
    Block* block = pool.take(asked);
    const std::size_t whole = block->capacity + sizeof(Block);
    CHECK((whole & (whole - 1)) == 0);
    CHECK(pool.bytes_out() == whole);
    pool.give(block);
  }
}

TEST_CASE("BlockPool: the next taker of that size gets the block given back last") {
  BlockPool pool(1 << 20);
  Block* first = pool.take(1000);
  Block* second = pool.take(1000);
  pool.give(first);
  pool.give(second);
  CHECK(pool.take(900) == second);
  CHECK(pool.take(1000) == first);
  CHECK(pool.bytes_kept() == 0);
  pool.give(first);
  pool.give(second);
}

TEST_CASE("BlockPool: keeps no more than it was told to") {
  BlockPool pool(1024);
  Block* small = pool.take(1000);
  Block* other = pool.take(1000);
  Block* large = pool.take(2000);
  pool.give(large);
  CHECK(pool.bytes_kept() == 0);
  pool.give(small);
  CHECK(pool.bytes_kept() == 1024);
  pool.give(other);
  CHECK(pool.bytes_kept() == 1024);
}

TEST_CASE("BlockPool: blocks above 4 MiB are never kept") {
  BlockPool pool(1 << 30);
  constexpr std::size_t kLargest = (4 << 20) + BlockPool::kSlack;
  pool.give(pool.take(kLargest));
  CHECK(pool.bytes_kept() == 0);
  pool.give(pool.take(kLargest - sizeof(Block)));
  CHECK(pool.bytes_kept() == kLargest);
}

TEST_CASE("BlockPool: giving back nothing does nothing") {
  BlockPool pool(1024);
  pool.give(nullptr);
  CHECK(pool.bytes_out() == 0);
  CHECK(pool.bytes_kept() == 0);
}

TEST_CASE("BlockPool: no two takers share a byte, whatever the order") {
  constexpr std::uint64_t seed = 20;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  struct Taken {
    Block* block;
    std::byte mark;
  };
  BlockPool pool(64 << 10);
  std::vector<Taken> taken;
  std::size_t out = 0;
  auto give_one = [&](std::size_t at) {
    const Taken last = taken[at];
    REQUIRE(holds_only(last.block, last.mark));
    out -= last.block->capacity + sizeof(Block);
    pool.give(last.block);
    taken[at] = taken.back();
    taken.pop_back();
  };
  for (int step = 0; step < 3000; ++step) {
    if (taken.empty() || random() % 2) {
      Block* block = pool.take(random() % 3000);
      const auto mark = static_cast<std::byte>(random());
      std::fill_n(block->data(), block->capacity, mark);
      taken.push_back({block, mark});
      out += block->capacity + sizeof(Block);
    } else {
      give_one(random() % taken.size());
    }
    REQUIRE(pool.bytes_out() == out);
    REQUIRE(pool.bytes_kept() <= 64 << 10);
  }
  while (!taken.empty()) give_one(taken.size() - 1);
  CHECK(pool.bytes_out() == 0);
}
