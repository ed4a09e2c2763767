// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/config.h"
#include "core/conn/listener_policy.h"
#include "server/certificates.h"

namespace peal::server {

/// By listener. `certificates` outlive them. Requires: `config` as made by config::load().
std::vector<conn::ListenerPolicy> make_listener_policies(const config::Config& config,
                                                         const Certificates& certificates);

}  // namespace peal::server
