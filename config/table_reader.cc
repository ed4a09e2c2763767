// SPDX-License-Identifier: Apache-2.0
#include "config/table_reader.h"

#include <algorithm>
#include <utility>

#include "config/address.h"
#include "config/nearest.h"
#include "config/units.h"
#include "core/base/ascii.h"

namespace peal::config {
namespace {

using Kind = Node::Kind;

/// Of what would be taken; else empty.
template <class Value, class Range>
std::string hint(const std::string& likely, std::optional<Value> value, Range range) {
  if (!value || *value < range.least || *value > range.most) return {};
  return "; did you mean " + in_quotes(likely) + "?";
}

/// `"a", "b" or "c"`.
std::string alternatives(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += in_quotes(words[i]);
  }
  return out;
}

/// Of a set of types of routes.
std::string type_names(unsigned types) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < std::size(kNames<RouteType>); ++i)
    if ((types >> i & 1) != 0) names.push_back(kNames<RouteType>[i]);
  return alternatives(names);
}

/// "64kb" is meant to be "64KiB".
std::string likely_size(std::string_view text) {
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) return {};
  const auto unit = ascii::trim(text.substr(digits));
  if (unit.empty() || unit.size() > 3) return {};
  const std::string number(text.substr(0, digits));
  for (const std::string_view known : {"KiB", "MiB", "GiB"})
    if (ascii::lower(unit.front()) == ascii::lower(known.front()))
      return number + std::string(known);
  return ascii::lower(unit.front()) == 'b' ? number : std::string{};
}

/// "10 sec" is meant to be "10s", and so is 10.
std::string likely_duration(const Node& node) {
  if (node.kind == Kind::integer) return std::to_string(node.integer) + "s";
  const std::string_view text = node.text;
  const auto digits = text.find_first_not_of("0123456789");
  if (digits == 0) return {};
  const std::string number(text.substr(0, digits));
  if (digits == std::string_view::npos) return number + "s";
  const auto unit = ascii::trim(text.substr(digits));
  if (unit.starts_with("milli")) return number + "ms";
  constexpr std::string_view kUnits[] = {"ms", "sec", "min", "hour"};
  for (const std::string_view known : kUnits)
    if (!unit.empty() && unit.starts_with(known.substr(0, unit.size())))
      return number + (known == "ms" ? "ms" : std::string(known.substr(0, 1)));
  return {};
}

/// "2000/sec", "2000 / s" and 2000 are meant to be "2000/s".
std::string likely_rate(const Node& node) {
  if (node.kind == Kind::integer && node.integer > 0) return format_rate(node.integer);
  const std::string_view text = node.text;
  const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
  if (digits == 0) return {};
  auto unit = ascii::trim(text.substr(digits));
  for (const std::string_view per : {"/", "per "})
    if (unit.starts_with(per)) unit = ascii::trim(unit.substr(per.size()));
  if (!std::string_view("seconds").starts_with(unit)) return {};
  return std::string(text.substr(0, digits)) + "/s";
}

}  // namespace

const Node* TableReader::find(std::string_view key) {
  known_.push_back(key);
  const Node* node = table_.find(key);
  if (node != nullptr) diagnosis_.place(full(key), *node);
  return node;
}

/// The same for a key that takes text: a shell leaves no quotes around what --set gives, so 1.3 is
/// "1.3" there. Valid until the next call.
const Node* TableReader::find_text(std::string_view key) {
  const Node* node = find(key);
  if (node == nullptr || node->typed.empty()) return node;
  as_typed_ = *node;
  as_typed_.kind = Kind::string;
  as_typed_.text = node->typed;
  return &as_typed_;
}

void TableReader::wrong(const Node& node, std::string_view key, std::string expected,
                        std::string hint) {
  diagnosis_.report_at(node.position, full(key),
                       "expected " + expected + ", found " + node.description() + hint);
}

bool TableReader::expect(const Node& node, Kind kind, std::string_view key, std::string_view what) {
  if (node.kind == kind) return true;
  wrong(node, key, std::string(what));
  return false;
}

bool TableReader::clean(const Node& node, std::string_view key) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::ranges::none_of(node.text, control)) return true;
  wrong(node, key, "text without control characters");
  return false;
}

void TableReader::text(std::string_view key, std::string& field) {
  const Node* node = find_text(key);
  if (node == nullptr || !expect(*node, Kind::string, key, "text in quotes")) return;
  if (clean(*node, key)) field = node->text;
}

void TableReader::list(std::string_view key, std::vector<std::string>& field) {
  const Node* node = find(key);
  if (node == nullptr || !expect(*node, Kind::array, key, "a list such as [\"a\", \"b\"]")) return;
  if (auto items = texts(*node, key)) field = std::move(*items);
}

/// The elements of a list; nullopt, and reported, when one is no text.
std::optional<std::vector<std::string>> TableReader::texts(const Node& list, std::string_view key) {
  std::vector<std::string> items;
  for (const Node& item : list.children)
    if (expect(item, Kind::string, key, "text in quotes") && clean(item, key))
      items.push_back(item.text);
  // With an element missing the others would have other positions.
  if (items.size() != list.children.size()) return std::nullopt;
  return items;
}

/// The value of a required key that takes one file or a list of them; nullopt when reported.
std::optional<std::vector<std::string>> TableReader::files(std::string_view key) {
  constexpr std::string_view kExpected = "a file or a list of files";
  const Node* node = find_text(key);
  if (node == nullptr) {
    require(key, kExpected);
    return std::nullopt;
  }
  std::optional<std::vector<std::string>> found;
  if (node->kind == Kind::array)
    found = texts(*node, key);
  else if (expect(*node, Kind::string, key, kExpected) && clean(*node, key))
    found.emplace({node->text});
  if (!found) return std::nullopt;
  const auto unnamed = std::ranges::find(*found, "");
  if (found->empty())
    wrong(*node, key, std::string(kExpected), " without any");
  else if (unnamed != found->end())
    diagnosis_.report_item(full(key), unnamed - found->begin(),
                           "expected the name of a file, found \"\"");
  else
    return found;
  return std::nullopt;
}

void TableReader::certificates(std::string_view cert, std::string_view key,
                               std::vector<CertificateFiles>& field) {
  auto certs = files(cert);
  auto keys = files(key);
  if (!certs || !keys) return;
  if (certs->size() != keys->size())
    return diagnosis_.report(full(key), "expected as many files as " + in_quotes(cert) +
                                            " has, which are " + std::to_string(certs->size()) +
                                            ", found " + std::to_string(keys->size()));
  for (std::size_t i = 0; i < certs->size(); ++i)
    field.push_back({std::move((*certs)[i]), std::move((*keys)[i])});
}

void TableReader::flag(std::string_view key, bool& field) {
  const Node* node = find(key);
  if (node != nullptr && expect(*node, Kind::boolean, key, "true or false"))
    field = node->integer != 0;
}

std::optional<std::uint64_t> TableReader::number(std::string_view key, SizeRange range) {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const auto value = static_cast<std::uint64_t>(node->integer);
  if (node->kind == Kind::integer && value >= range.least && value <= range.most) return value;
  wrong(*node, key,
        "a number from " + std::to_string(range.least) + " to " + std::to_string(range.most));
  return std::nullopt;
}

void TableReader::count_or_auto(std::string_view key, unsigned& field, unsigned most) {
  const Node* node = find(key);
  if (node == nullptr) return;
  if (node->kind == Kind::string && node->text == "auto")
    field = 0;
  else if (node->kind == Kind::integer && node->integer >= 1 && node->integer <= most)
    field = static_cast<unsigned>(node->integer);
  else
    wrong(*node, key, "\"auto\" or a number from 1 to " + std::to_string(most));
}

void TableReader::size(std::string_view key, std::uint64_t& field, SizeRange range) {
  const Node* node = find(key);
  if (node == nullptr) return;
  std::optional<std::uint64_t> value;
  if (node->kind == Kind::string) value = parse_size(node->text);
  if (node->kind == Kind::integer && node->integer >= 0)
    value = static_cast<std::uint64_t>(node->integer);
  if (!value) {
    const std::string likely = likely_size(node->text);
    return wrong(*node, key, "a size such as \"64KiB\" or a number of bytes",
                 hint(likely, parse_size(likely), range));
  }
  if (*value < range.least || *value > range.most)
    return wrong(*node, key,
                 "a size from " + format_size(range.least) + " to " + format_size(range.most));
  field = *value;
}

void TableReader::rate(std::string_view key, std::uint32_t& field, SizeRange range) {
  const Node* node = find(key);
  if (node == nullptr) return;
  std::optional<std::uint64_t> value;
  if (node->kind == Kind::string) value = parse_rate(node->text);
  if (node->kind == Kind::integer && node->integer == 0) value = 0;
  if (!value) {
    const std::string likely = likely_rate(*node);
    return wrong(*node, key, "a rate such as \"2000/s\"", hint(likely, parse_rate(likely), range));
  }
  if (*value > range.most)
    return wrong(*node, key,
                 "a rate from " + format_rate(range.least) + " to " + format_rate(range.most));
  field = static_cast<std::uint32_t>(*value);
}

void TableReader::duration(std::string_view key, Milliseconds& field, DurationRange range) {
  const Node* node = find(key);
  if (node == nullptr) return;
  std::optional<Milliseconds> value;
  if (node->kind == Kind::string) value = parse_duration(node->text);
  if (node->kind == Kind::integer && node->integer == 0) value = Milliseconds{0};
  if (!value) {
    const std::string likely = likely_duration(*node);
    return wrong(*node, key, "a duration such as \"250ms\", \"10s\", \"5m\" or \"1h\"",
                 hint(likely, parse_duration(likely), range));
  }
  if (*value < range.least || *value > range.most)
    return wrong(
        *node, key,
        "a duration from " + format_duration(range.least) + " to " + format_duration(range.most));
  field = *value;
}

void TableReader::fraction(std::string_view key, double& field) {
  const Node* node = find(key);
  if (node == nullptr) return;
  std::optional<double> value = node->fraction;
  if (node->kind == Kind::integer) value = static_cast<double>(node->integer);
  if (!value || !(*value >= 0 && *value <= 1))
    return wrong(*node, key, "a number from 0 to 1, such as 0.25");
  field = *value;
}

void TableReader::address(std::string_view key, Listen& listen) {
  const Node* node = find_text(key);
  if (node == nullptr) return;
  const bool text = node->kind == Kind::string && clean(*node, key);
  if (node->kind == Kind::string && !text) return;
  auto value = text ? parse_address(node->text) : std::nullopt;
  if (!value) return wrong(*node, key, std::string(kAddressForms));
  listen.host = std::move(value->host);
  listen.port = value->port;
  listen.path = std::move(value->path);
  listen.activation = std::move(value->activation);
}

void TableReader::mode(std::string_view key, std::uint32_t& field) {
  const Node* node = find_text(key);
  if (node == nullptr) return;
  const auto value = node->kind == Kind::string ? parse_mode(node->text) : std::nullopt;
  if (!value) return wrong(*node, key, "permissions in octal such as \"0660\"");
  field = *value;
}

std::optional<std::size_t> TableReader::word(std::string_view key,
                                             std::span<const std::string_view> words) {
  const Node* node = find_text(key);
  if (node == nullptr) return std::nullopt;
  const auto found =
      node->kind == Kind::string ? std::ranges::find(words, node->text) : words.end();
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  wrong(*node, key, alternatives(words),
        node->kind == Kind::string ? did_you_mean(node->text, words) : std::string{});
  return std::nullopt;
}

/// The words of a list by their positions in `words`; nullopt when not given or reported.
std::optional<std::vector<std::size_t>> TableReader::words(
    std::string_view key, std::span<const std::string_view> words) {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  const std::string expected = "a list of " + alternatives(words);
  if (!expect(*node, Kind::array, key, expected)) return std::nullopt;
  std::vector<std::size_t> chosen;
  for (const Node& item : node->children) {
    const bool text = item.kind == Kind::string;
    const auto found = text ? std::ranges::find(words, item.text) : words.end();
    if (found != words.end())
      chosen.push_back(static_cast<std::size_t>(found - words.begin()));
    else
      wrong(item, key, alternatives(words), text ? did_you_mean(item.text, words) : "");
  }
  if (node->children.empty()) wrong(*node, key, expected, " without any");
  if (chosen.empty() || chosen.size() != node->children.size()) return std::nullopt;
  return chosen;
}

void TableReader::require(std::string_view key, std::string_view expected) {
  if (table_.find(key) == nullptr)
    diagnosis_.report(full(key), "expected " + std::string(expected) + ", found nothing");
}

void TableReader::refuse(std::span<const std::string_view> keys, std::string_view where) {
  for (const std::string_view key : keys) {
    const Node* node = table_.find(key);
    if (node == nullptr || std::ranges::find(known_, key) != known_.end()) continue;
    known_.push_back(key);
    diagnosis_.report_key(full(key), *node, "expected only where " + std::string(where));
  }
}

void TableReader::refuse_other_types(std::optional<RouteType> type) {
  for (const TypeKey& owned : kTypeKeys) {
    const Node* node = table_.find(owned.key);
    if (node == nullptr || std::ranges::find(known_, owned.key) != known_.end()) continue;
    known_.push_back(owned.key);
    if (type)
      diagnosis_.report_key(full(owned.key), *node,
                            "expected only where type is " + type_names(owned.types) +
                                ", found where it is " + in_quotes(name(*type)));
  }
}

void TableReader::finish() {
  for (const Node& entry : table_.children) {
    if (std::ranges::find(known_, entry.key) != known_.end()) continue;
    const std::string hint = did_you_mean(entry.key, known_);
    const std::string expected = hint.empty() ? alternatives(known_) : "a key that exists";
    diagnosis_.report_key(full(entry.key), entry,
                          "expected " + expected + ", found " + in_quotes(entry.key) + hint);
  }
}

}  // namespace peal::config
