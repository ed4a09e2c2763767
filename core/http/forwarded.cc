// SPDX-License-Identifier: Apache-2.0
#include "core/http/forwarded.h"

#include "core/base/ascii.h"

namespace peal::http {
namespace {

/// "203.0.113.7", "203.0.113.7:4711", "[2001:db8::1]", "[2001:db8::1]:4711" (RFC 7239 section 6),
/// and an IPv6 address without brackets, as X-Forwarded-For has it.
std::optional<IpAddress> read_node(std::string_view node) {
  if (node.starts_with('[')) {
    const auto end = node.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = node.substr(end + 1);
    const std::string_view address = node.substr(1, end - 1);
    if ((!rest.empty() && rest.front() != ':') || address.find(':') == std::string_view::npos)
      return std::nullopt;
    return IpAddress::parse(address);
  }
  const auto colon = node.find(':');
  if (colon != std::string_view::npos && node.find(':', colon + 1) == std::string_view::npos)
    node = node.substr(0, colon);
  return IpAddress::parse(node);
}

std::string_view scheme_in(std::string_view text) {
  const bool known =
      ascii::equal_ignoring_case(text, "http") || ascii::equal_ignoring_case(text, "https");
  return known ? text : std::string_view{};
}

void keep(std::vector<ForwardedHop>& hops, const ForwardedHop& hop) {
  if (hops.size() == kMaxForwardedHops) hops.erase(hops.begin());
  hops.push_back(hop);
}

/// The end of a list, with no more elements than are kept: a client may have written a long one.
std::string_view nearest(std::string_view list) {
  std::size_t commas = 0;
  for (std::size_t at = list.size(); at-- > 0;)
    if (list[at] == ',' && ++commas == kMaxForwardedHops) return list.substr(at + 1);
  return list;
}

/// The end of a token or a quoted-string (RFC 9110 section 5.6.4) at the front of `text`; 0: there
/// is none.
std::size_t value_end(std::string_view text) {
  if (!text.starts_with('"')) {
    // What is no token but was meant for one, an IPv6 address for example, is taken as it is.
    const auto end = text.find_first_of(",; \t\"");
    return end == std::string_view::npos ? text.size() : end;
  }
  for (std::size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at + 1;
  }
  return 0;
}

/// RFC 7239 section 4: elements with "," between, pairs with ";" between them. What is malformed
/// ends the field, and the element it is in says nothing.
void read_elements(std::string_view field, std::vector<ForwardedHop>& hops) {
  ForwardedHop hop;
  bool any = false;
  while (true) {
    field = ascii::trim(field);
    if (field.empty() || field.front() == ',') {
      if (any) keep(hops, hop);
      if (field.empty()) return;
      hop = {};
      any = false;
      field.remove_prefix(1);
      continue;
    }
    if (field.front() == ';') {
      field.remove_prefix(1);
      continue;
    }
    any = true;
    const auto equals = field.find('=');
    const std::string_view name = field.substr(0, equals);
    const std::size_t end = equals != std::string_view::npos && ascii::is_token(name)
                                ? value_end(field.substr(equals + 1))
                                : 0;
    if (end == 0) return keep(hops, {});
    std::string_view value = field.substr(equals + 1, end);
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    if (ascii::equal_ignoring_case(name, "for")) hop.client = read_node(value);
    if (ascii::equal_ignoring_case(name, "proto")) hop.scheme = scheme_in(value);
    field.remove_prefix(equals + 1 + end);
  }
}

}  // namespace

void read_forwarded(const Request& request, ForwardedField field, std::vector<ForwardedHop>& hops) {
  hops.clear();
  if (field == ForwardedField::forwarded) {
    request.for_each("Forwarded", [&](std::string_view list) { read_elements(list, hops); });
    return;
  }
  std::string_view scheme;
  request.for_each("X-Forwarded-Proto", [&](std::string_view list) {
    ascii::for_each_list_element(list, [&](std::string_view element) {
      if (scheme.empty()) scheme = scheme_in(element);  // the client's side comes first
    });
  });
  request.for_each("X-Forwarded-For", [&](std::string_view list) {
    ascii::for_each_list_element(nearest(list), [&](std::string_view node) {
      keep(hops, {read_node(node), scheme});
    });
  });
  if (hops.empty() && !scheme.empty()) hops.push_back({std::nullopt, scheme});
}

}  // namespace peal::http
