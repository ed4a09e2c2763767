// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "config/address.h"
#include "config/credential.h"
#include "config/diagnosis.h"
#include "config/load_toml.h"
#include "config/nearest.h"
#include "config/overrides.h"
#include "config/table_reader.h"
#include "config/validate.h"
#include "core/base/ascii.h"

namespace peal::config {
namespace {

void lower(std::vector<std::string>& words) {
  for (std::string& word : words)
    for (char& c : word) c = ascii::lower(c);
}

/// Reads a document into a Config, table by table.
class Reader {
 public:
  Reader(const Node& document, std::filesystem::path folder, Diagnosis& diagnosis)
      : document_(document), folder_(std::move(folder)), diagnosis_(diagnosis) {}

  Config run() {
    refuse_unknown_tables();
    section("server", [&](TableReader& table) { visit_server(table, config_.server); });
    section("limits", [&](TableReader& table) { visit_limits(table, config_.limits); });
    section("compression",
            [&](TableReader& table) { visit_compression(table, config_.compression); });
    section("drain", [&](TableReader& table) { visit_drain(table, config_.drain); });
    section("log", [&](TableReader& table) { visit_log(table, config_.log); });
    if (!config_.log.file.empty()) config_.log.file = in_folder(config_.log.file);
    each("listen", [&](const std::string& name, TableReader& table) { listen(name, table); });
    each("route", [&](const std::string& name, TableReader& table) { route(name, table); });
    each("topic", [&](const std::string& name, TableReader& table) { topic(name, table); });
    return std::move(config_);
  }

 private:
  void refuse_unknown_tables() {
    constexpr std::string_view kTables[] = {"server", "listen", "limits", "compression",
                                            "drain",  "log",    "route",  "topic"};
    for (const Node& entry : document_.children) {
      if (std::ranges::find(kTables, entry.key) != std::end(kTables)) continue;
      std::string hint = did_you_mean(entry.key, kTables);
      diagnosis_.report_key(key_text(entry.key), entry,
                            "expected a table server, listen.NAME, limits, compression, drain, "
                            "log, route.NAME or topic.NAME, found " +
                                in_quotes(entry.key) + hint);
    }
  }

  /// The table of that name, if there is one and it is a table.
  const Node* table(const Node& around, const std::string& key, const std::string& path) {
    const Node* node = around.find(key);
    if (node == nullptr) return nullptr;
    diagnosis_.place(path, *node);
    if (node->kind == Node::Kind::table) return node;
    diagnosis_.report(path, "expected a table, found " + node->description());
    return nullptr;
  }

  template <class Visit>
  void section(const std::string& name, Visit&& visit) {
    const Node* node = table(document_, name, name);
    if (node == nullptr) return;
    TableReader reader(*node, name, diagnosis_);
    visit(reader);
    reader.finish();
  }

  /// The named tables of a kind: [route.NAME].
  template <class Visit>
  void each(const std::string& kind, Visit&& visit) {
    const Node* all = table(document_, kind, kind);
    if (all == nullptr) return;
    for (const Node& entry : all->children) {
      const std::string path = kind + '.' + key_text(entry.key);
      if (!is_bare_key(entry.key))
        diagnosis_.report_key(
            path, entry,
            "expected a name of letters, digits, \"-\" and \"_\", found " + in_quotes(entry.key));
      const Node* node = table(*all, entry.key, path);
      if (node == nullptr) continue;
      TableReader reader(*node, path, diagnosis_);
      visit(entry.key, reader);
      reader.finish();
    }
  }

  void listen(const std::string& name, TableReader& table) {
    Listen& listen = config_.listen.emplace_back();
    listen.name = name;
    visit_listen(table, listen);
    table.require("address", kAddressForms);
    if (!diagnosis_.failed("listen." + name + ".address")) {
      table.refuse(kUnixKeys, "address is \"unix:PATH\"");
      table.refuse(kIpKeys, "address is \"IP:PORT\"");
    }
    if (!listen.path.empty()) listen.path = in_folder(listen.path);
    if (!listen.tls) return;
    const std::string tls = "listen." + name + ".tls.";
    for (CertificateFiles& files : listen.tls->certificates) {
      resolve(files.cert, tls + "cert");
      resolve(files.key, tls + "key");
    }
    resolve(listen.tls->client_ca, tls + "client_ca");
  }

  void route(const std::string& name, TableReader& table) {
    Route& route = config_.routes.emplace_back();
    route.name = name;
    route.limits = config_.limits.route;
    route.compression = config_.compression.enabled;
    visit_route(table, route);
    table.require("path", "a path such as \"/chat/{room}\"");
    table.require("type",
                  "\"echo\", \"pubsub\", \"publish\", \"files\", \"health\" or \"metrics\"");
    const bool known = !diagnosis_.failed("route." + name + ".type");
    table.refuse_other_types(known ? std::optional(route.type) : std::nullopt);
    complete(route);
  }

  void topic(const std::string& name, TableReader& table) {
    Topic& topic = config_.topics.emplace_back();
    topic.name = name;
    visit_topic(table, topic);
    table.require("match", "a pattern of topics such as \"chat/**\"");
  }

  /// What a route leaves open and other settings decide.
  void complete(Route& route) {
    lower(route.hosts);
    lower(route.origins);
    const bool first = route.type == RouteType::pubsub && route.select == TopicSelect::route;
    if (first && route.publish_to.empty() && !route.topics.empty() &&
        !diagnosis_.given("route." + route.name + ".publish_to"))
      route.publish_to = route.topics.front();
    if (!route.root.empty()) route.root = in_folder(route.root);
    if (route.auth) resolve(route.auth->bearer_file, "route." + route.name + ".auth.bearer_file");
  }

  std::string in_folder(const std::string& path) const {
    return (folder_ / path).lexically_normal().string();
  }

  /// Makes the name of a file absolute: seen from the folder of the configuration, or the file of a
  /// credential, "credential:NAME".
  void resolve(std::string& file, const std::string& key) {
    if (file.empty()) return;
    if (!is_credential(file)) {
      file = in_folder(file);
    } else if (auto found = credential_file(file)) {
      file = std::move(*found);
    } else {
      diagnosis_.report(key, found.error());
    }
  }

  const Node& document_;
  std::filesystem::path folder_;
  Diagnosis& diagnosis_;
  Config config_;
};

/// The absolute folder of a file; the root when the working directory is gone.
std::filesystem::path folder_of(const std::string& file) {
  std::error_code failure;
  const auto absolute = std::filesystem::absolute(file, failure);
  return failure ? std::filesystem::path("/") : absolute.parent_path();
}

std::expected<std::string, std::string> read_file(const std::string& path) {
  std::error_code failure;
  if (std::filesystem::is_directory(path, failure)) return std::unexpected("is a directory");
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (!file.is_open() || file.bad() || text.fail())
    return std::unexpected(std::string(std::strerror(errno != 0 ? errno : EIO)));
  return std::move(text).str();
}

}  // namespace

Loaded load(const LoadOptions& options) {
  const auto text = read_file(options.path);
  if (text) return load_text(*text, options.path, options.overrides, options.check);
  Loaded loaded;
  loaded.problems.push_back(
      {options.path, {}, {}, "expected a readable file, found: " + text.error()});
  return loaded;
}

Loaded load_text(std::string_view text, const std::string& file,
                 std::span<const std::string> overrides, const Check& check) {
  Loaded loaded;
  auto document = read_toml(text, file);
  if (!document) {
    loaded.problems.push_back(std::move(document.error()));
    return loaded;
  }
  std::vector<Problem> wrong_overrides;
  for (const std::string& assignment : overrides)
    if (auto applied = apply_override(*document, assignment); !applied)
      wrong_overrides.push_back(std::move(applied.error()));

  Diagnosis diagnosis(file);
  Config config = Reader(*document, folder_of(file), diagnosis).run();
  validate(config, diagnosis);
  if (check) check(config, diagnosis);
  loaded.problems = diagnosis.take_problems();
  loaded.problems.insert(loaded.problems.end(), wrong_overrides.begin(), wrong_overrides.end());
  loaded.provenance = diagnosis.provenance();
  if (loaded.problems.empty()) loaded.config = std::move(config);
  return loaded;
}

}  // namespace peal::config
