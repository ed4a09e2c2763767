// SPDX-License-Identifier: Apache-2.0
#include "server/origin.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/base/ascii.h"
#include "core/http/target.h"

namespace peal::server {
namespace {

struct Origin {
  std::string_view scheme;
  std::string_view host;
  std::optional<std::uint16_t> port;  ///< the scheme's own where none is given
};

std::optional<std::uint16_t> default_port(std::string_view scheme) {
  if (ascii::equal_ignoring_case(scheme, "http")) return 80;
  if (ascii::equal_ignoring_case(scheme, "https")) return 443;
  return std::nullopt;
}

std::optional<Origin> make_origin(std::string_view scheme, std::string_view authority) {
  const auto parts = http::parse_authority(authority);
  if (!parts || scheme.empty()) return std::nullopt;
  return Origin{scheme, parts->host, parts->port ? parts->port : default_port(scheme)};
}

std::optional<Origin> parse_origin(std::string_view text) {
  const auto mark = text.find("://");
  if (mark == std::string_view::npos) return std::nullopt;
  return make_origin(text.substr(0, mark), text.substr(mark + 3));
}

bool host_matches(std::string_view host, std::string_view pattern) {
  if (!pattern.starts_with("*.")) return ascii::equal_ignoring_case(host, pattern);
  const std::string_view suffix = pattern.substr(1);
  return host.size() > suffix.size() &&
         ascii::equal_ignoring_case(host.substr(host.size() - suffix.size()), suffix);
}

bool matches(const Origin& origin, const Origin& pattern) {
  return ascii::equal_ignoring_case(origin.scheme, pattern.scheme) && origin.port == pattern.port &&
         host_matches(origin.host, pattern.host);
}

}  // namespace

bool origin_allowed(std::string_view origin, std::string_view scheme, std::string_view host,
                    std::span<const std::string> allowed) {
  if (origin.empty() || std::ranges::find(allowed, "*") != allowed.end()) return true;
  const auto page = parse_origin(origin);
  if (!page) return false;
  const auto own = make_origin(scheme, host);
  // A Host that looks like a pattern must not become one.
  if (own && !own->host.starts_with('*') && matches(*page, *own)) return true;
  return std::ranges::any_of(allowed, [&](const std::string& entry) {
    const auto pattern = parse_origin(entry);
    return pattern && matches(*page, *pattern);
  });
}

}  // namespace peal::server
