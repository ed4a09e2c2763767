// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "config/config.h"
#include "config/diagnosis.h"
#include "core/tls/context.h"
#include "core/tls/ticket_keys.h"

namespace peal::server {

/// The certificates of every listener that has some, and the keys of the tickets that all of them
/// give out.
///
/// Owner: the Server; outlives the shards. Thread: immutable, any.
class Certificates {
 public:
  /// Loads the files. What is wrong with them goes to `diagnosis`, under the key that names them;
  /// such a listener has no certificates then.
  Certificates(const config::Config& config, config::Diagnosis& diagnosis);

  /// Those of a listener; null where it takes plain connections.
  const tls::Context* of(std::size_t listener) const { return contexts_[listener].get(); }

 private:
  std::unique_ptr<tls::TicketKeys> keys_;
  std::vector<std::unique_ptr<tls::Context>> contexts_;  // by listener
};

}  // namespace peal::server
