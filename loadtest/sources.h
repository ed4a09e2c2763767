// SPDX-License-Identifier: Apache-2.0
// The addresses that connections come from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "loadtest/endpoint.h"

namespace peal::loadtest {

inline constexpr std::size_t kMaxSources = 65'536;

/// Adds what `text` names: "127.0.0.2", "127.0.0.2-127.0.0.40" or "::1". Error: for people.
std::expected<void, std::string> add_sources(std::string_view text,
                                             std::vector<SocketAddress>& sources);

/// `count` loopback addresses from 127.0.0.2 on, all of which Linux has by itself.
std::vector<SocketAddress> loopback_sources(std::uint32_t count);

}  // namespace peal::loadtest
