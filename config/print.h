// SPDX-License-Identifier: Apache-2.0
// A Config as text.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace peal::config {

/// One effective setting, defaults included.
struct Setting {
  std::string table;  ///< "limits", "route.chat", "route.chat.limits"
  std::string key;    ///< within its table: "message_size"
  std::string value;  ///< as TOML writes it: "\"64KiB\""
};

/// Every setting there is, table by table, in the order of the reference file.
std::vector<Setting> settings(const Config& config);

/// The whole configuration as TOML. Loading it gives an equal Config.
std::string print(const Config& config);

}  // namespace peal::config
