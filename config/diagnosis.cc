// SPDX-License-Identifier: Apache-2.0
#include "config/diagnosis.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace peal::config {

void Diagnosis::place(const std::string& key, const Node& node) {
  Place place{node.key_position, node.position, {}};
  if (node.kind == Node::Kind::array)
    for (const Node& item : node.children) place.items.push_back(item.position);
  places_.insert_or_assign(key, std::move(place));
}

void Diagnosis::report_key(const std::string& key, const Node& node, std::string message) {
  report_at(node.key_position, key, std::move(message));
}

void Diagnosis::report(const std::string& key, std::string message) {
  report_at(nearest_place(key).value, key, std::move(message));
}

void Diagnosis::report_item(const std::string& key, std::size_t index, std::string message) {
  const Place& place = nearest_place(key);
  report_at(index < place.items.size() ? place.items[index] : place.value, key, std::move(message));
}

void Diagnosis::report_at(Position position, const std::string& key, std::string message) {
  failed_.insert(key);
  problems_.push_back({position.line == 0 ? "--set" : file_, position, key, std::move(message)});
}

std::string Diagnosis::where(std::string_view key) const {
  const Position position = nearest_place(key).value;
  if (position.line == 0) return "--set";
  return file_ + ':' + std::to_string(position.line) + ':' + std::to_string(position.column);
}

std::vector<Problem> Diagnosis::take_problems() {
  const auto order = [](const Problem& problem) {
    const auto& [line, column] = problem.position;
    return std::tuple(line == 0, line, column, problem.key, problem.message);
  };
  std::ranges::sort(problems_, {}, order);
  const auto same = [](const Problem& a, const Problem& b) { return a.text() == b.text(); };
  const auto repeated = std::ranges::unique(problems_, same);
  problems_.erase(repeated.begin(), repeated.end());
  return std::exchange(problems_, {});
}

Provenance Diagnosis::provenance() const {
  Provenance provenance{file_, {}};
  for (const auto& [key, place] : places_) provenance.settings.emplace(key, place.key);
  return provenance;
}

const Diagnosis::Place& Diagnosis::nearest_place(std::string_view key) const {
  static const Place kTop{{1, 1}, {1, 1}, {}};
  while (true) {
    if (const auto found = places_.find(key); found != places_.end()) return found->second;
    const auto dot = key.rfind('.');
    if (dot == std::string_view::npos) return kTop;
    key = key.substr(0, dot);
  }
}

}  // namespace peal::config
