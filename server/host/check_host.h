// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "server/host/finding.h"

namespace peal::host {

/// Everything on this machine that would hold the configuration back.
std::vector<Finding> check_host(const config::Config& config, const Host& host,
                                const Probes& probes);

/// For people: what was reckoned with, a line for each finding, and how many there are.
/// `file`: the configuration's.
std::string report(const std::string& file, const Demand& demand,
                   const std::vector<Finding>& findings);

}  // namespace peal::host
