// SPDX-License-Identifier: Apache-2.0
#include "loadtest/send_batch.h"

#include <doctest/doctest.h>

#include <cstring>
#include <random>
#include <string>

namespace peal::loadtest::send_batch_test {
namespace {

void add(SendBatch& batch, const std::string& text) {
  std::memcpy(batch.add(text.size()), text.data(), text.size());
}

std::string text_of(std::span<const iovec> pieces) {
  std::string text;
  for (const iovec& piece : pieces)
    text.append(static_cast<const char*>(piece.iov_base), piece.iov_len);
  return text;
}

TEST_CASE("SendBatch: own bytes side by side are one piece") {
  SendBatch batch;
  CHECK(batch.empty());
  add(batch, "one ");
  add(batch, "two");
  SendBatch::Pieces room;
  CHECK(batch.pieces(room).size() == 1);
  CHECK(text_of(batch.pieces(room)) == "one two");
  CHECK(batch.size() == 7);
}

TEST_CASE("SendBatch: what is sent in any pieces is all of it, in order") {
  const std::string shared(5000, 's');
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    SendBatch batch;
    std::string whole;
    for (int i = 0; i < 200; ++i) {
      const std::size_t size = random() % 100;
      if (random() % 2) {
        batch.add_shared(as_bytes(shared).first(size));
        whole += shared.substr(0, size);
      } else if (size > 0) {
        const std::string own(size, static_cast<char>('a' + i % 26));
        add(batch, own);
        whole += own;
      }
    }
    std::string sent;
    while (batch.size() > 0) {
      SendBatch::Pieces room;
      const std::string next = text_of(batch.pieces(room));
      REQUIRE_FALSE(next.empty());
      const std::size_t count = random() % (next.size() + 1);
      sent += next.substr(0, count);
      batch.sent(count);
      CHECK(batch.size() == whole.size() - sent.size());
    }
    CHECK(sent == whole);
  }
}

TEST_CASE("BatchPool: a batch that was given back is empty and comes again") {
  BatchPool pool;
  SendBatch* const batch = pool.take();
  add(*batch, "text");
  pool.give(batch);
  CHECK(pool.take() == batch);
  CHECK(batch->empty());
  CHECK(pool.take() != batch);
}

}  // namespace
}  // namespace peal::loadtest::send_batch_test
