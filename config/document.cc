// SPDX-License-Identifier: Apache-2.0
#include "config/document.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/base/ascii.h"

namespace peal::config {

const Node* Node::find(std::string_view name) const {
  if (kind != Kind::table) return nullptr;
  const auto found = std::ranges::find(children, name, &Node::key);
  return found == children.end() ? nullptr : &*found;
}

Node* Node::find(std::string_view name) {
  return const_cast<Node*>(std::as_const(*this).find(name));
}

std::string Node::description() const {
  switch (kind) {
    case Kind::string:
      return in_quotes(text);
    case Kind::integer:
      // Where TOML's reader puts all that does not fit, which is not what the file says.
      if (integer == std::numeric_limits<std::int64_t>::max()) return "a number that is too large";
      if (integer == std::numeric_limits<std::int64_t>::min()) return "a number that is too small";
      return std::to_string(integer);
    case Kind::boolean:
      return integer != 0 ? "true" : "false";
    case Kind::array:
      return "a list";
    case Kind::table:
      return "a table";
    case Kind::other:
      return text;
  }
  std::unreachable();
}

bool is_bare_key(std::string_view text) {
  const auto bare = [](char c) {
    return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') || c == '_' ||
           c == '-';
  };
  return !text.empty() && std::ranges::all_of(text, bare);
}

std::string key_text(std::string_view key) {
  return is_bare_key(key) ? std::string(key) : in_quotes(key);
}

std::string in_quotes(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet < 0x20 || octet == 0x7f) {
      out += "\\u00";
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace peal::config
