// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace peal::server {

/// Numbers for names that are labels of metrics, so that counters are found by an index. A name
/// keeps its number for as long as the process lives, whatever configurations there are.
///
/// Owner: a Labels. Thread: any. Limits: one for each name that was ever in a configuration.
class LabelNumbers {
 public:
  /// `first` has the number 0.
  explicit LabelNumbers(std::string_view first) : names_{std::string(first)} {}

  /// The number of a name, a new one where it has none.
  std::uint32_t number(std::string_view name);
  /// Requires: number() has given it out.
  std::string name(std::uint32_t number) const;
  /// By number.
  std::vector<std::string> names() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> names_;
};

/// Owner: the Server; outlives shards and sites. Thread: any.
struct Labels {
  LabelNumbers routes{""};  ///< 0: what no route answers
  LabelNumbers topic_classes{"default"};
};

}  // namespace peal::server
