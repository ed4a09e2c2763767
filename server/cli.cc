// SPDX-License-Identifier: Apache-2.0
#include "server/cli.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "config/print.h"
#include "server/host/check_host.h"
#include "server/io_choice.h"

namespace peal::server {
namespace {

constexpr const char* kDefaultFile = "/etc/peal/peal.toml";
constexpr const char* kUnitsUser = "peal";  // User= of systemd/peald.service

void write(std::FILE* stream, const std::string& text) {
  std::fputs(text.c_str(), stream);
}

/// `code`, unless what was written to standard output did not arrive. CLI11 writes by std::cout,
/// which has no buffer of its own.
int after_output(int code) {
  errno = 0;
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return code;
  const std::string why = errno != 0 ? std::string(": ") + std::strerror(errno) : std::string();
  write(stderr, "standard output cannot be written" + why + '\n');
  return code == kExitOk ? kExitFailed : code;
}

int explain_request(const CommandLine& line, const config::Loaded& loaded) {
  const auto text = explain(*loaded.config, loaded.provenance, line.request);
  if (!text) {
    write(stderr, "--explain: " + text.error() + '\n');
    return kExitUsage;
  }
  write(stdout, *text);
  return kExitOk;
}

int check_host(const CommandLine& line, const config::Config& config) {
  const host::Host machine;
  host::Probes probes{.user = kUnitsUser};
  if (auto io = choose_io(config::IoChoice::automatic); io && !io->uring) probes.uring = io->why;
  probes.unreadable = host::unreadable_by(probes.user, host::files_of(config));
  const auto findings = host::check_host(config, machine, probes);
  write(stdout, host::report(line.load.path, host::demand_of(config, machine), findings));
  return findings.empty() ? kExitOk : kExitFailed;
}

int act(const CommandLine& line, const config::Loaded& loaded) {
  switch (line.action) {
    case CommandLine::Action::explain:
      return explain_request(line, loaded);
    case CommandLine::Action::check_host:
      return check_host(line, *loaded.config);
    case CommandLine::Action::print_config:
      write(stdout, config::print(*loaded.config));
      return kExitOk;
    case CommandLine::Action::check:
    case CommandLine::Action::serve:
      write(stdout, line.load.path + ": ok\n");
      return kExitOk;
  }
  std::unreachable();
}

}  // namespace

std::expected<CommandLine, int> parse_command_line(int argc, const char* const* argv,
                                                   const std::string& version) {
  CommandLine line;
  line.load.path = kDefaultFile;
  std::vector<std::string> explained;
  bool check = false;
  bool print = false;
  bool host = false;
  CLI::App app("peal, a WebSocket server", "peald");
  app.add_option("-c", line.load.path, "The configuration file")
      ->type_name("FILE")
      ->capture_default_str();
  const auto check_flag =
      app.add_flag("--check", check, "Report every problem of the configuration");
  const auto host_flag = app.add_flag("--check-host", host,
                                      "Tell what of this machine would hold the configuration back")
                             ->excludes(check_flag);
  const auto explain_option =
      app.add_option("--explain", explained, "Tell which route answers a request, and why")
          ->type_name("METHOD URL")
          ->expected(2)
          ->excludes(check_flag)
          ->excludes(host_flag);
  app.add_option("-H", line.request.headers, "A header of the request to explain")
      ->type_name("'Name: value'")
      ->allow_extra_args(false)
      ->needs(explain_option);
  app.add_flag("--print-config", print, "Print the whole effective configuration")
      ->excludes(check_flag)
      ->excludes(host_flag)
      ->excludes(explain_option);
  app.add_option("--set", line.load.overrides,
                 "Override one setting, such as limits.queue_size=4MiB")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  app.set_version_flag("--version", "peald " + version, "Print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    // Help and version come this way too, with 0.
    return std::unexpected<int>(after_output(app.exit(stop) == 0 ? kExitOk : kExitUsage));
  }
  if (check) line.action = CommandLine::Action::check;
  if (host) line.action = CommandLine::Action::check_host;
  if (print) line.action = CommandLine::Action::print_config;
  if (explain_option->count() > 0) {
    line.action = CommandLine::Action::explain;
    line.request.method = explained[0];
    line.request.url = explained[1];
  }
  return line;
}

void print_problems(const config::Loaded& loaded) {
  for (const config::Problem& problem : loaded.problems) write(stderr, problem.text() + '\n');
}

int run_offline(const CommandLine& line, const config::Loaded& loaded) {
  if (!loaded.config) {
    print_problems(loaded);
    return kExitConfig;
  }
  return after_output(act(line, loaded));
}

}  // namespace peal::server
