// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/diagnosis.h"
#include "core/tls/context.h"
#include "core/tls/ticket_keys.h"

namespace peal::server {

/// The files that a listener's certificates are loaded from.
std::vector<std::string> certificate_files(const config::Tls& tls);

/// The certificates of every listener that has some, and the keys of the tickets that all of them
/// give out.
///
/// Owner: the Server; outlives the shards. Thread: immutable, any.
class Certificates {
 public:
  /// Loads the files. What is wrong with them goes to `diagnosis`, under the key that names them;
  /// such a listener has no certificates then.
  /// `keys`: of certificates before these, so that their tickets are good still.
  Certificates(const config::Config& config, config::Diagnosis& diagnosis,
               std::shared_ptr<tls::TicketKeys> keys = std::make_shared<tls::TicketKeys>());

  /// Those of a listener; null where it takes plain connections.
  const tls::Context* of(std::size_t listener) const { return contexts_[listener]; }

  /// For the same listeners in another order, with others that take plain connections.
  void arrange(const config::Config& config);

  const std::shared_ptr<tls::TicketKeys>& keys() const { return keys_; }

 private:
  std::shared_ptr<tls::TicketKeys> keys_;
  std::map<std::string, std::unique_ptr<tls::Context>> by_name_;  // of the listener
  std::vector<const tls::Context*> contexts_;                     // by listener
};

}  // namespace peal::server
