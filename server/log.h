// SPDX-License-Identifier: Apache-2.0
// The daemon's log, on standard error; the only user of spdlog.
#pragma once

#include <spdlog/spdlog.h>

#include "config/config.h"

namespace peal::server::log {

/// Any thread may log after this.
void set_up(const config::Log& config);

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

}  // namespace peal::server::log
