// SPDX-License-Identifier: Apache-2.0
#include "server/origin.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/base/ascii.h"
#include "core/http/target.h"

namespace peal::server {
namespace {

constexpr std::size_t kLongestOrigin = 512;  // a host name has 253 characters at most

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

bool same_scheme_and_port(const Origin& a, const Origin& b) {
  return ascii::equal_ignoring_case(a.scheme, b.scheme) && a.port == b.port;
}

bool same_origin(const Origin& a, const Origin& b) {
  return same_scheme_and_port(a, b) && ascii::equal_ignoring_case(a.host, b.host);
}

/// Whether `host` is one or more labels before ".parent".
bool is_beneath(std::string_view host, std::string_view parent) {
  if (host.size() < parent.size() + 2) return false;
  const std::size_t dot = host.size() - parent.size() - 1;
  return host[dot] == '.' && ascii::equal_ignoring_case(host.substr(dot + 1), parent);
}

/// `entry`: of Route::origins, "https://*.example.com" for one.
bool names(std::string_view entry, const Origin& page) {
  constexpr std::string_view kBeneath = "://*.";
  const auto mark = entry.find(kBeneath);
  if (mark == std::string_view::npos) {
    const auto origin = parse_origin(entry);
    return origin && same_origin(page, *origin);
  }
  const auto parent = make_origin(entry.substr(0, mark), entry.substr(mark + kBeneath.size()));
  return parent && same_scheme_and_port(page, *parent) && is_beneath(page.host, parent->host);
}

}  // namespace

Page judge_origin(std::string_view origin, std::string_view scheme, std::string_view host,
                  std::span<const std::string> allowed) {
  if (origin.empty()) return Page::none;
  if (const auto page = parse_origin(origin); page && origin.size() <= kLongestOrigin) {
    const auto own = make_origin(scheme, host);
    if (own && same_origin(*page, *own)) return Page::own;
    if (std::ranges::any_of(allowed, [&](const std::string& entry) { return names(entry, *page); }))
      return Page::listed;
  }
  return std::ranges::find(allowed, "*") != allowed.end() ? Page::any : Page::foreign;
}

bool origin_allowed(std::string_view origin, std::string_view scheme, std::string_view host,
                    std::span<const std::string> allowed) {
  return judge_origin(origin, scheme, host, allowed) != Page::foreign;
}

}  // namespace peal::server
