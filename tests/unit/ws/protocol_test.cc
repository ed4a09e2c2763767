// SPDX-License-Identifier: Apache-2.0
#include "core/ws/protocol.h"

#include <doctest/doctest.h>

#include <set>

namespace peal::ws::protocol_test {

TEST_CASE("is_valid_close_code_on_wire: the whole range (RFC 6455 section 7.4, IANA)") {
  const std::set<unsigned> registered{1000, 1001, 1002, 1003, 1007, 1008,
                                      1009, 1010, 1011, 1012, 1013, 1014};
  std::size_t wrong = 0;
  for (unsigned code = 0; code <= 0xffff; ++code) {
    const bool valid = registered.contains(code) || (code >= 3000 && code <= 4999);
    wrong += is_valid_close_code_on_wire(static_cast<std::uint16_t>(code)) != valid;
  }
  CHECK(wrong == 0);
}

TEST_CASE("is_control: the upper half of the opcodes (RFC 6455 section 5.5)") {
  CHECK_FALSE(is_control(Opcode::continuation));
  CHECK_FALSE(is_control(Opcode::text));
  CHECK_FALSE(is_control(Opcode::binary));
  CHECK(is_control(Opcode::close));
  CHECK(is_control(Opcode::ping));
  CHECK(is_control(Opcode::pong));
}

}  // namespace peal::ws::protocol_test
