// SPDX-License-Identifier: Apache-2.0
// peal-load's command line.
#pragma once

#include <expected>
#include <string>

#include "loadtest/options.h"

namespace peal::loadtest {

/// What the process ends with.
enum ExitCode : int {
  kExitOk = 0,      ///< every message arrived and was right
  kExitFailed = 1,  ///< not every one, or the run could not begin
  kExitUsage = 2,
};

/// Reads the command line. Error: the code to exit with at once, when --help or --version has been
/// answered or wrong usage reported. `version`: "0.1.0".
std::expected<Options, int> parse_command_line(int argc, const char* const* argv,
                                               const std::string& version);

}  // namespace peal::loadtest
