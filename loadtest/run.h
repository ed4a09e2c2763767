// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

#include "loadtest/findings.h"
#include "loadtest/options.h"

namespace peal::loadtest {

/// Does what the options say, and blocks until it is over; SIGINT and SIGTERM end it early. Error:
/// why it could not begin, for people.
std::expected<Findings, std::string> run(const Options& options);

}  // namespace peal::loadtest
