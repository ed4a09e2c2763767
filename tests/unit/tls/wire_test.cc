// SPDX-License-Identifier: Apache-2.0
#include "core/tls/wire.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/tls/pair.h"

namespace peal::tls::test {
namespace {

TEST_CASE("Wire: small output goes into one small block") {
  BlockPool pool(0);
  Wire wire(pool);
  CHECK(!wire.has_output());
  wire.write(as_bytes("one, "));
  wire.write(as_bytes("two"));
  REQUIRE(wire.has_output());
  const Wire::Output output = wire.take_output();
  CHECK(as_text({output.block->data(), output.size}) == "one, two");
  CHECK(output.block->capacity < 256);
  CHECK(!wire.has_output());
  pool.give(output.block);
}

TEST_CASE("Wire: all blocks but the last are full, and in order") {
  BlockPool pool(0);
  Wire wire(pool);
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i * 37), static_cast<char>('a' + i % 26));
    wire.write(as_bytes(piece));
    all += piece;
  }
  std::string seen;
  while (wire.has_output()) {
    const Wire::Output output = wire.take_output();
    CHECK((output.size == output.block->capacity || !wire.has_output()));
    seen += as_text({output.block->data(), output.size});
    pool.give(output.block);
  }
  CHECK(seen == all);
  CHECK(pool.bytes_out() == 0);
}

TEST_CASE("Wire: what is expected gets a block that it fits into") {
  BlockPool pool(0);
  Wire wire(pool);
  wire.expect_output(20'000);
  wire.write(as_bytes("head"));
  wire.write(as_bytes(std::string(19'000, 'x')));
  const Wire::Output output = wire.take_output();
  CHECK(output.size == 19'004);
  pool.give(output.block);
}

TEST_CASE("Wire: output that nobody takes goes back to the pool") {
  BlockPool pool(0);
  {
    Wire wire(pool);
    wire.write(as_bytes(std::string(200'000, 'x')));
    CHECK(pool.bytes_out() > 200'000);
  }
  CHECK(pool.bytes_out() == 0);
}

TEST_CASE("Wire: input is taken off the front, as far as there is any") {
  BlockPool pool(0);
  Wire wire(pool);
  std::string place(4, '\0');
  const MutableBytes to = std::as_writable_bytes(std::span(place));
  CHECK(wire.read(to) == 0);
  Bytes input = as_bytes("abcdef");
  wire.set_input(&input);
  CHECK(wire.read(to) == 4);
  CHECK(place == "abcd");
  CHECK(as_text(input) == "ef");
  CHECK(wire.read(to) == 2);
  CHECK(wire.read(to) == 0);
}

}  // namespace
}  // namespace peal::tls::test
