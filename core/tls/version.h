// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace peal::tls {

/// Of the protocol: RFC 5246, RFC 8446.
enum class Version : std::uint8_t { tls12, tls13 };

}  // namespace peal::tls
