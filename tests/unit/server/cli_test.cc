// SPDX-License-Identifier: Apache-2.0
#include "server/cli.h"

#include <doctest/doctest.h>

#include <vector>

namespace peal::server {
namespace {

using Action = CommandLine::Action;

std::expected<CommandLine, int> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "peald");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), "1.2.3");
}

TEST_CASE("parse_command_line: nothing but the name serves the default file") {
  const auto line = parse({});
  REQUIRE(line);
  CHECK(line->action == Action::serve);
  CHECK(line->load.path == "/etc/peal/peal.toml");
  CHECK(line->load.overrides.empty());
}

TEST_CASE("parse_command_line: each action") {
  const auto check = parse({"-c", "a.toml", "--check"});
  REQUIRE(check);
  CHECK(check->action == Action::check);
  CHECK(check->load.path == "a.toml");
  const auto host = parse({"--check-host", "--set", "limits.connections=5"});
  REQUIRE(host);
  CHECK(host->action == Action::check_host);
  CHECK_FALSE(parse({"--check-host", "--print-config"}));
  const auto print = parse({"--print-config"});
  REQUIRE(print);
  CHECK(print->action == Action::print_config);
  const auto explain =
      parse({"--explain", "GET", "/x", "-H", "Origin: a", "-H", "[odd]: b", "-c", "a.toml"});
  REQUIRE(explain);
  CHECK(explain->action == Action::explain);
  CHECK(explain->request.method == "GET");
  CHECK(explain->request.url == "/x");
  CHECK(explain->request.headers == std::vector<std::string>{"Origin: a", "[odd]: b"});
  CHECK(explain->load.path == "a.toml");
}

TEST_CASE("parse_command_line: --set takes one argument each time, as it is") {
  const auto line = parse({"--set", "a.b=[\"x\", \"y\"]", "--set", "c=d e", "--check"});
  REQUIRE(line);
  CHECK(line->load.overrides == std::vector<std::string>{"a.b=[\"x\", \"y\"]", "c=d e"});
}

TEST_CASE("parse_command_line: help and version end with 0") {
  CHECK(parse({"--help"}).error() == kExitOk);
  CHECK(parse({"--version"}).error() == kExitOk);
}

TEST_CASE("parse_command_line: wrong usage ends with 2") {
  const std::vector<std::vector<const char*>> wrong{{"--chekc"},
                                                    {"serve"},
                                                    {"-c"},
                                                    {"--set"},
                                                    {"--set=a=b", "c=d"},
                                                    {"--explain"},
                                                    {"--explain", "GET"},
                                                    {"-H", "a: b"},
                                                    {"--check", "--print-config"},
                                                    {"--check", "--explain", "GET", "/"}};
  for (const auto& arguments : wrong) {
    const auto line = parse(arguments);
    REQUIRE_FALSE(line);
    CHECK(line.error() == kExitUsage);
  }
}

TEST_CASE("run_offline: exit codes") {
  CommandLine line;
  line.action = Action::check;
  line.load.path = "p.toml";
  CHECK(run_offline(line, config::load_text("", "p.toml")) == kExitConfig);
  const auto good = config::load_text(
      "[listen.a]\naddress='127.0.0.1:0'\n[route.a]\npath='/a'\ntype='echo'\n", "p.toml");
  CHECK(run_offline(line, good) == kExitOk);
  line.action = Action::print_config;
  CHECK(run_offline(line, good) == kExitOk);
  line.action = Action::explain;
  line.request = {"GET", "/a", {}};
  CHECK(run_offline(line, good) == kExitOk);
  line.request.url = "a";
  CHECK(run_offline(line, good) == kExitUsage);
}

}  // namespace
}  // namespace peal::server
