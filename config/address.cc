// SPDX-License-Identifier: Apache-2.0
#include "config/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "core/base/ascii.h"

namespace peal::config {
namespace {

constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kSystemd = "systemd:";

/// The usual spelling of an IP address; nullopt when `text` is none. inet_pton(3).
std::optional<std::string> canonical(int family, const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> octets;
  std::array<char, INET6_ADDRSTRLEN> out;
  if (::inet_pton(family, text.c_str(), octets.data()) != 1) return std::nullopt;
  return ::inet_ntop(family, octets.data(), out.data(), out.size());
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto number = ascii::parse_decimal(text);
  if (!number || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= 63 && std::ranges::all_of(label, [](char c) {
    return ascii::is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
  });
}

bool is_host_name(std::string_view name) {
  if (name.size() > 253) return false;
  while (true) {
    const auto dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

/// As systemd.socket(5) has FileDescriptorName=.
bool is_activation_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  if (text.starts_with(kUnix)) {
    text.remove_prefix(kUnix.size());
    if (text.empty() || text.starts_with('@')) return std::nullopt;
    return Address{.path = std::string(text)};
  }
  if (text.starts_with(kSystemd)) {
    text.remove_prefix(kSystemd.size());
    if (!is_activation_name(text)) return std::nullopt;
    return Address{.activation = std::string(text)};
  }
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto ip = canonical(bracketed ? AF_INET6 : AF_INET, std::string(host));
  if (!port || !ip) return std::nullopt;
  return Address{.host = *ip, .port = *port};
}

std::string address_text(const Listen& listen) {
  if (!listen.path.empty()) return std::string(kUnix) + listen.path;
  if (!listen.activation.empty()) return std::string(kSystemd) + listen.activation;
  return format_address(listen.host, listen.port);
}

std::string format_address(std::string_view host, std::uint16_t port) {
  const bool bracketed = host.find(':') != std::string_view::npos;
  std::string out = bracketed ? '[' + std::string(host) + ']' : std::string(host);
  return out + ':' + std::to_string(port);
}

bool overlap(const Listen& a, const Listen& b) {
  if (a.host.empty() || b.host.empty() || a.port != b.port || a.port == 0) return false;
  const auto is_v6 = [](const Listen& listen) { return listen.host.contains(':'); };
  const auto has_all = [](const Listen& listen) {
    return listen.host == "0.0.0.0" || listen.host == "::";
  };
  return is_v6(a) == is_v6(b) && (has_all(a) || has_all(b));
}

bool is_host_pattern(std::string_view text) {
  if (text.starts_with('[') && text.ends_with(']'))
    return canonical(AF_INET6, std::string(text.substr(1, text.size() - 2))).has_value();
  if (text.starts_with("*.")) text.remove_prefix(2);
  return is_host_name(text);
}

bool is_origin_pattern(std::string_view text) {
  if (text == "*") return true;
  const auto mark = text.find("://");
  if (mark == std::string_view::npos || mark == 0) return false;
  const auto in_scheme = [](char c) {
    return (c >= 'a' && c <= 'z') || ascii::is_digit(c) || c == '+' || c == '-' || c == '.';
  };
  if (!std::ranges::all_of(text.substr(0, mark), in_scheme)) return false;
  std::string_view host = text.substr(mark + 3);
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && !host.ends_with(']')) {
    if (!parse_port(host.substr(colon + 1))) return false;
    host = host.substr(0, colon);
  }
  return is_host_pattern(host);
}

}  // namespace peal::config
