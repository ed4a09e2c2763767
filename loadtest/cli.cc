// SPDX-License-Identifier: Apache-2.0
#include "loadtest/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <sstream>

#include "loadtest/output.h"

namespace peal::loadtest {
namespace {

void add_common(CLI::App& app, RawOptions& raw) {
  app.add_option("url", raw.url, "ws://, wss://, http:// or https://")->required();
  app.add_option("--threads", raw.threads, "Threads (half of the CPUs)")->type_name("N");
  app.add_option("--duration", raw.duration, "What is measured, or how long connect holds (10s)")
      ->type_name("T");
  app.add_option("--ramp-up", raw.ramp_up, "Open the connections over this time (0s)")
      ->type_name("T");
  app.add_option("--timeout", raw.timeout,
                 "For a connection to open, and the last messages to come (10s)")
      ->type_name("T");
  app.add_flag("--compress", raw.compress, "Offer permessage-deflate");
  app.add_flag("--insecure", raw.insecure, "Take any certificate");
  app.add_option("--ca", raw.ca, "Roots to trust, PEM (the system's)")->type_name("FILE");
  app.add_option("--header", raw.headers, "A further field of each request; repeatable")
      ->type_name("'Name: value'")
      ->allow_extra_args(false);
  app.add_option("--source", raw.sources,
                 "Connect from this address, or FIRST-LAST in turns; repeatable")
      ->type_name("ADDRESS")
      ->allow_extra_args(false);
  app.add_option("--io", raw.io, "auto, io_uring or epoll (auto)")->type_name("NAME");
  app.add_option("--server-pid", raw.server_pids,
                 "Tell CPU and memory of the server, a process here; repeatable")
      ->type_name("PID")
      ->allow_extra_args(false);
  app.add_option("--json", raw.json, "Write the result there; - is standard output")
      ->type_name("FILE");
  app.add_option("--html", raw.html, "Write a page with charts there")->type_name("FILE");
  app.add_flag("--quiet", raw.quiet, "No table and no progress, errors only");
}

void add_messages(CLI::App& app, RawOptions& raw) {
  app.add_option("--size", raw.size, "Payload in bytes, or a mix such as 64:9,1KiB:1 (64)")
      ->type_name("BYTES");
  app.add_flag("--text", raw.text, "Send text messages, not binary ones");
  app.add_option("--warmup", raw.warmup, "Before what is measured (1s)")->type_name("T");
  app.add_option("--rate", raw.rate,
                 "Open loop: messages a second of all senders, whatever the server does")
      ->type_name("R/s");
  app.add_option("--depth", raw.depth,
                 "Messages under way for each sender (1; with a rate the most, 1024)")
      ->type_name("D");
}

void add_connections(CLI::App& app, RawOptions& raw, const char* help) {
  app.add_option("--connections", raw.connections, help)->type_name("N");
}

void add_transport(CLI::App& app, RawOptions& raw, const char* help) {
  app.add_option("--transport", raw.transport, help)->type_name("NAME");
}

void add_scenarios(CLI::App& app, RawOptions& raw) {
  app.require_subcommand(1);
  CLI::App* const echo = app.add_subcommand("echo", "Every connection gets back what it sends");
  add_common(*echo, raw);
  add_connections(*echo, raw, "How many (64)");
  add_messages(*echo, raw);
  CLI::App* const fanout = app.add_subcommand("fanout", "Subscribers hear what publishers send");
  add_common(*fanout, raw);
  add_messages(*fanout, raw);
  fanout->add_option("--subscribers", raw.subscribers, "How many (1000)")->type_name("N");
  fanout->add_option("--publishers", raw.publishers, "How many (1)")->type_name("N");
  fanout
      ->add_option("--publish-url", raw.publish_url,
                   "Where publishers connect (URL): ws:// sends, http:// posts")
      ->type_name("URL");
  fanout->add_option("--publish-header", raw.publish_headers, "As --header, of publishers")
      ->type_name("'Name: value'")
      ->allow_extra_args(false);
  add_transport(*fanout, raw, "Of subscribers: websocket or sse (websocket)");
  CLI::App* const connect = app.add_subcommand("connect", "Open connections and hold them");
  add_common(*connect, raw);
  add_connections(*connect, raw, "How many (1000)");
  add_transport(*connect, raw, "websocket or sse (websocket)");
  echo->callback([&raw] { raw.scenario = Scenario::echo; });
  fanout->callback([&raw] { raw.scenario = Scenario::fanout; });
  connect->callback([&raw] { raw.scenario = Scenario::connect; });
}

/// Prints what parsing ended with: help, the version, or a problem. The code to exit with.
ExitCode answer(const CLI::App& app, const CLI::ParseError& stop) {
  std::ostringstream out;
  std::ostringstream err;
  const bool asked = app.exit(stop, out, err) == 0;
  std::fputs(err.str().c_str(), stderr);
  if (!asked) return kExitUsage;
  const auto written = write_standard_output(out.str());
  if (written) return kExitOk;
  std::fputs(("peal-load: " + written.error() + '\n').c_str(), stderr);
  return kExitFailed;
}

}  // namespace

std::expected<Options, int> parse_command_line(int argc, const char* const* argv,
                                               const std::string& version) {
  RawOptions raw;
  CLI::App app("peal-load, a load tester for WebSocket servers", "peal-load");
  app.set_version_flag("--version", "peal-load " + version, "Print the version");
  add_scenarios(app, raw);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    return std::unexpected<int>(answer(app, stop));
  }
  auto options = check_options(raw);
  if (options) return std::move(*options);
  for (const std::string& problem : options.error())
    std::fputs(("peal-load: " + problem + '\n').c_str(), stderr);
  return std::unexpected<int>(kExitUsage);
}

}  // namespace peal::loadtest
