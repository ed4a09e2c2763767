// SPDX-License-Identifier: Apache-2.0
// peald's command line.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "config/load.h"
#include "server/explain.h"

namespace peal::server {

/// What the process ends with; sysexits(3) for the last.
enum ExitCode : int { kExitOk = 0, kExitFailed = 1, kExitUsage = 2, kExitConfig = 78 };

struct CommandLine {
  enum class Action : std::uint8_t { serve, check, check_host, explain, print_config };
  Action action = Action::serve;
  config::LoadOptions load;
  ExplainRequest request;  ///< for Action::explain
};

/// Reads the command line. Error: the code to exit with at once, when --help or --version has been
/// answered or wrong usage reported. `version`: "0.1.0".
std::expected<CommandLine, int> parse_command_line(int argc, const char* const* argv,
                                                   const std::string& version);

/// Prints every problem on standard error, one line each.
void print_problems(const config::Loaded& loaded);

/// Does --check, --check-host, --explain or --print-config. Returns the exit code.
/// Requires: `line.action` is not serve.
int run_offline(const CommandLine& line, const config::Loaded& loaded);

}  // namespace peal::server
