// SPDX-License-Identifier: Apache-2.0
#include "core/ws/protocol.h"

namespace peal::ws {

bool is_valid_close_code_on_wire(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace peal::ws
