// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "core/http/request.h"
#include "server/explain.h"

namespace peal::server {

/// The request as the daemon would see it. Views into an ExplainRequest.
struct ExplainedRequest {
  http::Request request;
  std::vector<http::Header> headers;
  std::optional<std::uint16_t> port;  ///< nullopt: the URL is only a path, so any listener
  bool websocket = false;             ///< "ws:" or "wss:", so its upgrade is taken as right
  bool secure = false;
};

/// Error: what is wrong with it, in words.
std::expected<ExplainedRequest, std::string> read_request(const ExplainRequest& from);

}  // namespace peal::server
