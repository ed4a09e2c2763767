// SPDX-License-Identifier: Apache-2.0
// Files that systemd hands over as credentials (systemd.exec(5), LoadCredential=).
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace peal::config {

/// Whether the name of a file is "credential:NAME".
bool is_credential(std::string_view file);

/// Where that credential lies: in $CREDENTIALS_DIRECTORY. Error: what was expected, and found.
std::expected<std::string, std::string> credential_file(std::string_view file);

}  // namespace peal::config
