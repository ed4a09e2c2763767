// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>
#include <vector>

#include "config/config.h"
#include "core/conn/listener_policy.h"
#include "server/certificates.h"

namespace peal::server {

/// By listener. `certificates` outlive them. Requires: `config` as made by config::load().
std::vector<conn::ListenerPolicy> make_listener_policies(const config::Config& config,
                                                         const Certificates& certificates);

/// What listeners lay down, with the certificates that it refers to. Immutable, but neither copied
/// nor moved.
struct ListenerSettings {
  ListenerSettings(const config::Config& config, Certificates of)
      : certificates(std::move(of)), policies(make_listener_policies(config, certificates)) {}
  ListenerSettings(const ListenerSettings&) = delete;
  ListenerSettings& operator=(const ListenerSettings&) = delete;

  const Certificates certificates;
  const std::vector<conn::ListenerPolicy> policies;  ///< by listener
};

}  // namespace peal::server
