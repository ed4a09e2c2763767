// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace peal::server {

/// The Origin rule (RFC 6455 section 10.2, RFC 6454): may this page use a route? Pure, any thread.
///
/// `origin`: the header's value; empty = no such header, so not a browser: passes. `scheme` and
/// `host`: of the request itself, "http" or "https" and the Host field; equal scheme, host and port
/// pass. `allowed`: Route::origins; "https://*.example.com" stands for one or more labels, "*" for
/// every page. "null", the origin of sandboxed pages, passes only by "*".
bool origin_allowed(std::string_view origin, std::string_view scheme, std::string_view host,
                    std::span<const std::string> allowed);

}  // namespace peal::server
