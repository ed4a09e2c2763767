// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace peal::server {

/// Where the page is from that a request comes from.
enum class Page : std::uint8_t {
  none,     ///< no `Origin`, so not a browser
  own,      ///< the request's own scheme, host and port
  listed,   ///< in Route::origins by name, or by "https://*.example.com"
  any,      ///< somewhere, and Route::origins has "*"
  foreign,  ///< anywhere else: it may not use the route
};

/// The Origin rule (RFC 6455 section 10.2, RFC 6454): may this page use a route? Pure, any thread.
///
/// `origin`: the header's value; empty = no such header. `scheme` and `host`: of the request
/// itself, "http" or "https" and the Host field. `allowed`: Route::origins; "https://*.example.com"
/// stands for one or more labels, "*" for every page. "null", the origin of sandboxed pages, passes
/// only by
/// "*".
Page judge_origin(std::string_view origin, std::string_view scheme, std::string_view host,
                  std::span<const std::string> allowed);

bool origin_allowed(std::string_view origin, std::string_view scheme, std::string_view host,
                    std::span<const std::string> allowed);

}  // namespace peal::server
