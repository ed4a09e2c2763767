// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "core/conn/counters.h"
#include "server/labels.h"

namespace peal::server {

/// Writes a line for each connection that ends, or for one in so many.
///
/// Owner: a Dispatcher. Thread: the shard's.
class AccessLog {
 public:
  /// `one_in`: 0 for no line at all. `labels` outlives this; null where `one_in` is 0.
  explicit AccessLog(unsigned one_in = 0, const Labels* labels = nullptr)
      : one_in_(one_in), labels_(labels) {}

  bool is_on() const { return one_in_ > 0; }

  /// Requires: is_on(), and that the connection is about to end.
  void write(const conn::Connection& connection, const conn::Traffic& traffic, Instant now);

 private:
  unsigned one_in_;
  const Labels* labels_;
  unsigned skipped_ = 0;  // since the last line
};

}  // namespace peal::server
