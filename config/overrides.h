// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/problem.h"

namespace peal::config {

/// Puts `--set KEY=VALUE` into a document. KEY is dotted ("route.chat.publish"); tables that are
/// not there yet are made. VALUE is TOML when it can be read as that, else text, so that quotes
/// are rarely needed.
std::expected<void, Problem> apply_override(Node& document, std::string_view assignment);

}  // namespace peal::config
