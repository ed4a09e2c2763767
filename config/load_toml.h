// SPDX-License-Identifier: Apache-2.0
// TOML text to plain data: the one place that knows the TOML library and its exceptions.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "config/document.h"
#include "config/problem.h"

namespace peal::config {

/// Reads TOML 1.0. `file` names the text in the problem, which is the first error of syntax; more
/// cannot be told, as what follows one has no sure meaning.
std::expected<Node, Problem> read_toml(std::string_view text, const std::string& file);

}  // namespace peal::config
