// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/base/fd.h"

namespace peal::server {

/// The listening sockets of this process.
///
/// Owner: the Server; outlives the shards. Thread: main's.
class Listeners {
 public:
  /// Opens what `listen` names: a socket for each shard, in their order. Tells the log where that
  /// is. Error: a sentence for the operator.
  std::expected<std::vector<Fd>, std::string> open(const config::Listen& listen, unsigned shards);
};

}  // namespace peal::server
