// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/diagnosis.h"
#include "config/document.h"
#include "config/names.h"
#include "config/schema.h"

namespace peal::config {

/// Reads one table, key by key, into plain fields: the Table of schema.h that fills them. A field
/// whose key is absent or wrong stays as it is; what is wrong goes to the Diagnosis.
class TableReader {
 public:
  /// `path`: "route.chat". All of them must outlive the reader.
  TableReader(const Node& table, std::string path, Diagnosis& diagnosis)
      : table_(table), path_(std::move(path)), diagnosis_(diagnosis) {}

  void text(std::string_view key, std::string& field);
  void list(std::string_view key, std::vector<std::string>& field);
  void flag(std::string_view key, bool& field);
  void count_or_auto(std::string_view key, unsigned& field, unsigned most);
  void size(std::string_view key, std::uint64_t& field, SizeRange range);
  void rate(std::string_view key, std::uint32_t& field, SizeRange range);
  void duration(std::string_view key, Milliseconds& field, DurationRange range);
  /// 0 to 1.
  void fraction(std::string_view key, double& field);
  void address(std::string_view key, Listen& listen);
  void mode(std::string_view key, std::uint32_t& field);

  /// Two keys that each take a file or a list of files: the first of one goes with the first of
  /// the other. Both are required.
  void certificates(std::string_view cert, std::string_view key,
                    std::vector<CertificateFiles>& field);

  /// `range.most` must fit into the field.
  template <class Number>
  void count(std::string_view key, Number& field, SizeRange range) {
    if (const auto value = number(key, range)) field = static_cast<Number>(*value);
  }

  template <class Enum>
  void choice(std::string_view key, Enum& field) {
    if (const auto index = word(key, kNames<Enum>)) field = static_cast<Enum>(*index);
  }

  /// A list of words, at least one.
  template <class Enum>
  void choices(std::string_view key, std::vector<Enum>& field) {
    const auto chosen = words(key, kNames<Enum>);
    if (!chosen) return;
    field.clear();
    for (const std::size_t index : *chosen) field.push_back(static_cast<Enum>(index));
  }

  template <class Visit>
  void table(std::string_view key, Visit&& visit) {
    const Node* node = find(key);
    if (node == nullptr || !expect(*node, Node::Kind::table, key, "a table")) return;
    TableReader inner(*node, full(key), diagnosis_);
    visit(inner);
    inner.finish();
  }

  /// A table, or the word "none" where there is nothing to tell.
  template <class Value, class Visit>
  void table_or_none(std::string_view key, std::optional<Value>& field, Visit&& visit) {
    const Node* node = find(key);
    if (node == nullptr || (node->kind == Node::Kind::string && node->text == "none")) return;
    if (!expect(*node, Node::Kind::table, key, "a table or \"none\"")) return;
    TableReader inner(*node, full(key), diagnosis_);
    visit(inner, field.emplace());
    inner.finish();
  }

  /// Reports a required key that is not there.
  void require(std::string_view key, std::string_view expected);

  /// Reports those of `keys` that are given although nobody has asked for them; `where` says where
  /// they would be right.
  void refuse(std::span<const std::string_view> keys, std::string_view where);

  /// Reports keys that only other types of route have; takes them all when `type` is not known.
  void refuse_other_types(std::optional<RouteType> type);

  /// Reports every key that nobody asked for.
  void finish();

 private:
  std::string full(std::string_view key) const { return path_ + '.' + key_text(key); }
  const Node* find(std::string_view key);
  const Node* find_text(std::string_view key);
  bool expect(const Node& node, Node::Kind kind, std::string_view key, std::string_view what);
  bool clean(const Node& node, std::string_view key);
  void wrong(const Node& node, std::string_view key, std::string expected, std::string hint = {});
  std::optional<std::uint64_t> number(std::string_view key, SizeRange range);
  std::optional<std::vector<std::string>> texts(const Node& list, std::string_view key);
  std::optional<std::vector<std::string>> files(std::string_view key);
  std::optional<std::size_t> word(std::string_view key, std::span<const std::string_view> words);
  std::optional<std::vector<std::size_t>> words(std::string_view key,
                                                std::span<const std::string_view> words);

  const Node& table_;
  std::string path_;
  Diagnosis& diagnosis_;
  Node as_typed_;  // what find_text() has made of a node
  std::vector<std::string_view> known_;
};

}  // namespace peal::config
