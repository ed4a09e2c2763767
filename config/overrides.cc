// SPDX-License-Identifier: Apache-2.0
#include "config/overrides.h"

#include <utility>

#include "config/load_toml.h"
#include "core/base/ascii.h"

namespace peal::config {
namespace {

std::unexpected<Problem> problem(std::string key, std::string message) {
  return std::unexpected(Problem{"--set", {}, std::move(key), std::move(message)});
}

/// What is set on the command line has no place in a file.
void forget_positions(Node& node) {
  node.position = node.key_position = Position{};
  for (Node& child : node.children) forget_positions(child);
}

Node read_value(std::string_view text) {
  auto document = read_toml("value = " + std::string(text), "--set");
  Node node;
  // More than one entry means that the text had a line of its own: no value, but text.
  if (document && document->children.size() == 1) {
    node = std::move(document->children.front());
    using enum Node::Kind;
    if (node.kind == integer || node.kind == boolean || node.kind == other)
      node.typed = ascii::trim(text);
  } else {
    node.kind = Node::Kind::string;
    node.text = text;
  }
  forget_positions(node);
  return node;
}

Node& entry(Node& table, std::string_view key) {
  if (Node* found = table.find(key)) return *found;
  Node& made = table.children.emplace_back();
  made.key = key;
  return made;
}

}  // namespace

std::expected<void, Problem> apply_override(Node& document, std::string_view assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos)
    return problem({}, "expected KEY=VALUE, found " + in_quotes(assignment));
  std::string_view path = assignment.substr(0, equals);
  Node* node = &document;
  while (true) {
    const auto dot = path.find('.');
    const std::string_view key = path.substr(0, dot);
    if (!is_bare_key(key))
      return problem({}, "expected a key such as limits.message_size, found " +
                             in_quotes(assignment.substr(0, equals)));
    node = &entry(*node, key);
    if (dot == std::string_view::npos) break;
    if (node->kind != Node::Kind::table)
      return problem(std::string(assignment.substr(0, equals)),
                     "expected " + in_quotes(key) + " to be a table, found " + node->description());
    path.remove_prefix(dot + 1);
  }
  std::string name = std::move(node->key);
  *node = read_value(assignment.substr(equals + 1));
  node->key = std::move(name);
  return {};
}

}  // namespace peal::config
