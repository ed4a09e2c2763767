// SPDX-License-Identifier: Apache-2.0
// docs/CONFIGURATION.md says what the code does: its tables have every key and its default, and
// no other, and its examples load.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "config/load.h"
#include "config/print.h"
#include "tests/unit/config/folder.h"
#include "tests/unit/config/loading.h"

namespace peal::config {
namespace {

/// "limits.message_size" to its default, "`\"1MiB\"`".
using Keys = std::map<std::string, std::string>;

std::vector<std::string> lines() {
  std::ifstream file(PEAL_ROOT "/docs/CONFIGURATION.md");
  REQUIRE(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

/// What is between two marks of a line.
std::string between(const std::string& line, const std::string& from, const std::string& to) {
  const auto start = line.find(from) + from.size();
  return line.substr(start, line.find(to, start) - start);
}

/// The rows of the tables, "| `key` | type | default | range | meaning |", under the headings that
/// name a table; those of a type of route belong to the route.
Keys documented() {
  Keys keys;
  std::string table;
  for (const std::string& line : lines()) {
    if (line.starts_with("#") && line.find('[') != std::string::npos)
      table = between(line, "[", "]");
    if (line.starts_with("### type = ")) table = "route.NAME";
    if (!line.starts_with("| `")) continue;
    std::istringstream cells(line);
    std::string value;
    for (int column = 0; column <= 3; ++column) std::getline(cells, value, '|');
    keys[table + '.' + between(line, "`", "`")] = value.substr(1, value.size() - 2);
  }
  return keys;
}

/// Every key that the schema knows, from configurations that have all tables, and none.
Keys known() {
  Config config;
  Tls tls{{{}}, "", TlsVersion::v1_2};
  config.listen = {{"NAME", "::", 0, {}}, {"NAME", "", 0, {}, tls}};
  config.listen.back().path = "/";
  for (const RouteType type : {RouteType::echo, RouteType::pubsub, RouteType::publish,
                               RouteType::files, RouteType::health, RouteType::metrics}) {
    Route route;
    route.name = "NAME";
    route.type = type;
    config.routes.push_back(route);
    route.auth.emplace();
    route.replay.emplace();
    config.routes.push_back(route);
  }
  config.topics = {{"NAME", "", std::nullopt, 0}, {"NAME", "", History{}, 0}};
  Keys keys;
  for (const Setting& setting : settings(config))
    keys.emplace(setting.table + '.' + setting.key, '`' + setting.value + '`');
  return keys;
}

/// What has no default of its own, and how the text says so.
const Keys kOtherDefaults{
    {"listen.NAME.address", "required"},
    {"listen.NAME.proxy", "see below"},
    {"listen.NAME.forwarded", "see below"},
    {"listen.NAME.tls.cert", "required"},
    {"listen.NAME.tls.key", "required"},
    {"route.NAME.path", "required"},
    {"route.NAME.type", "required"},
    {"route.NAME.topics", "required"},
    {"route.NAME.root", "required"},
    {"route.NAME.publish_to", "the first of `topics`"},
    {"route.NAME.compression", "`compression.enabled`"},
    {"route.NAME.auth.bearer_file", "required"},
    {"route.NAME.limits", "as `[limits]`"},
    {"topic.NAME.match", "required"},
    {"topic.NAME.history.size", "required"},
};

TEST_CASE("CONFIGURATION.md: every key with its default, and no other") {
  Keys expected;
  for (const auto& [key, value] : known())
    if (!key.starts_with("route.NAME.limits.")) expected[key] = value;
  for (const auto& [key, value] : kOtherDefaults) expected[key] = value;
  const Keys found = documented();
  for (const auto& [key, value] : expected) {
    CAPTURE(key);
    REQUIRE(found.contains(key));
    CHECK(found.at(key) == value);
  }
  for (const auto& [key, value] : found) CHECK_MESSAGE(expected.contains(key), key);
}

TEST_CASE("CONFIGURATION.md: the limits marked * are those of a route") {
  const Keys all = known();
  for (const std::string& line : lines()) {
    if (line == "## [compression]") break;
    if (!line.starts_with("| `")) continue;
    const std::string key = between(line, "`", "`");
    if (all.contains("limits." + key))
      CHECK_MESSAGE(
          (line.find("| * ") != std::string::npos) == all.contains("route.NAME.limits." + key),
          key);
  }
}

/// What is between the lines "```toml" and "```".
std::vector<std::string> examples() {
  std::vector<std::string> found;
  bool inside = false;
  for (const std::string& line : lines()) {
    if (line.starts_with("```"))
      inside = line == "```toml";
    else if (inside)
      found.back() += line + '\n';
    if (line == "```toml") found.emplace_back();
  }
  return found;
}

TEST_CASE("CONFIGURATION.md: the examples load") {
  const Folder folder;
  folder.file("token\n", "secrets/publish");
  const auto all = examples();
  CHECK(all.size() >= 5);
  for (std::string text : all) {
    CAPTURE(text);
    // Those of one table leave out what every file must have.
    if (text.find("[listen.") == std::string::npos) text += kListen;
    if (text.find("[route.") == std::string::npos) text += kEcho;
    const Loaded loaded = load({folder.file(text), {}});
    for (const Problem& problem : loaded.problems) FAIL_CHECK(problem.text());
    REQUIRE(loaded.config);
  }
  const Loaded last = load({folder.file(all.back()), {}});
  CHECK(last.config->routes.size() == 9);
  CHECK(last.config->topics.size() == 2);
}

}  // namespace
}  // namespace peal::config
