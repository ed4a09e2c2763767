// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace peal::server {

/// The Content-Type for a file of that name, chosen by its extension in any case of letters; with
/// charset=utf-8 for text. "application/octet-stream" when the extension is unknown.
std::string_view media_type(std::string_view file_name);

}  // namespace peal::server
