// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include "core/base/bytes.h"
#include "core/http/request.h"

namespace peal::server {

/// What the body of a publish request is.
enum class PublishForm : std::uint8_t {
  text,    ///< one message; must be UTF-8
  binary,  ///< one message: application/octet-stream
  batch,   ///< many messages: application/x-ndjson, see BatchReader
};

/// Reads it from the head. Error: 415 for a body in a coding or a charset that nobody decodes here,
/// 400 for a malformed Content-Type.
std::expected<PublishForm, http::Failure> publish_form(const http::Request& request);

/// Whether the head says where the body ends, or that it is empty; 411 is for those where it does
/// not.
bool has_length(const http::Request& request);

/// Where `text` stops being UTF-8: the first octet that spoils it, or its size when it ends within
/// a character. Nullopt: it is UTF-8.
std::optional<std::size_t> utf8_mistake(Bytes text);

}  // namespace peal::server
