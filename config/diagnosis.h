// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/document.h"
#include "config/problem.h"

namespace peal::config {

/// What reading and validating gather on their way: the problems, and where every setting stands,
/// so that a rule found broken late still points at the right place.
/// Owner: one load(). Keys are dotted paths: "route.chat.topics".
class Diagnosis {
 public:
  explicit Diagnosis(std::string file) : file_(std::move(file)) {}

  /// Remembers where the setting `key` stands, and each of its elements.
  void place(const std::string& key, const Node& node);

  /// Whether `key` was given rather than left at its default.
  bool given(std::string_view key) const { return places_.contains(key); }

  /// Whether `key` has a problem already; rules that build on it are then best skipped.
  bool failed(std::string_view key) const { return failed_.contains(key); }

  /// A problem with the name `key` itself.
  void report_key(const std::string& key, const Node& node, std::string message);
  /// A problem with the value of `key`, or with its table where it is not given.
  void report(const std::string& key, std::string message);
  /// A problem with one element of the list `key`.
  void report_item(const std::string& key, std::size_t index, std::string message);
  /// A problem at a place of its own.
  void report_at(Position position, const std::string& key, std::string message);

  /// "FILE:LINE:COL" of the value of `key`, or "--set".
  std::string where(std::string_view key) const;

  /// The problems in the order of the file, those of --set last, each once.
  std::vector<Problem> take_problems();
  Provenance provenance() const;

 private:
  struct Place {
    Position key;
    Position value;
    std::vector<Position> items;
  };
  /// Of `key` or the nearest table around it.
  const Place& nearest_place(std::string_view key) const;

  std::string file_;
  std::map<std::string, Place, std::less<>> places_;
  std::set<std::string, std::less<>> failed_;
  std::vector<Problem> problems_;
};

}  // namespace peal::config
