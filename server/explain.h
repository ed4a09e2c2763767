// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/problem.h"

namespace peal::server {

/// A request to explain, as on the command line.
struct ExplainRequest {
  std::string method;
  std::string url;                   ///< "http://host:8080/chat/lobby", or only a path
  std::vector<std::string> headers;  ///< "Name: value"
};

/// Which route answers `request` and why, or why none does; its settings and where they came from.
/// Text of several lines. Error: what is wrong with the request, in words.
std::expected<std::string, std::string> explain(const config::Config& config,
                                                const config::Provenance& provenance,
                                                const ExplainRequest& request);

}  // namespace peal::server
