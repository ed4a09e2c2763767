// SPDX-License-Identifier: Apache-2.0
#include "config/validate.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "config/address.h"
#include "config/names.h"
#include "config/nearest.h"
#include "config/path_pattern.h"
#include "config/units.h"
#include "config/validate_listen.h"
#include "config/validate_topics.h"
#include "core/base/ascii.h"

namespace peal::config {
namespace {

/// Why this process may not do with a file what `mode` says; no error when it may. Nothing is
/// opened, as that may wait for the other end of a pipe.
std::error_code why_not(const std::string& file, int mode) {
  if (::faccessat(AT_FDCWD, file.c_str(), mode, AT_EACCESS) == 0) return {};
  return {errno, std::generic_category()};
}

std::error_code why_unreadable(const std::string& file) {
  std::error_code failure;
  if (std::filesystem::is_directory(file, failure))
    return std::make_error_code(std::errc::is_a_directory);
  return why_not(file, R_OK);
}

/// The same of writing; a file that is not there has to be made in its folder.
std::error_code why_unwritable(const std::filesystem::path& file) {
  const auto failure = why_not(file, W_OK);
  if (failure != std::errc::no_such_file_or_directory) return failure;
  return why_not(file.parent_path(), W_OK | X_OK);
}

class Validator {
 public:
  Validator(const Config& config, Diagnosis& diagnosis) : config_(config), diagnosis_(diagnosis) {
    for (const Listen& listen : config.listen) listen_names_.push_back(listen.name);
    for (const Route& route : config.routes) route_names_.push_back(route.name);
  }

  void run() {
    if (config_.listen.empty() && !diagnosis_.failed("listen"))
      diagnosis_.report("listen", "expected at least one table [listen.NAME], found none");
    if (config_.routes.empty() && !diagnosis_.failed("route"))
      diagnosis_.report("route", "expected at least one table [route.NAME], found none");
    for (const Listen& listen : config_.listen) {
      check_names("listen." + listen.name + ".routes", listen.routes, route_names_, "a route");
      validate_listen(listen, diagnosis_);
    }
    refuse_duplicate_addresses(config_, diagnosis_);
    for (const Route& route : config_.routes) check_route(route);
    check_log();
    refuse_ties();
    validate_topic_classes(config_, diagnosis_);
  }

 private:
  using Names = std::vector<std::string_view>;
  using Rule = std::function<bool(std::string_view)>;

  static std::string key(const Route& route, std::string_view name) {
    return "route." + route.name + '.' + std::string(name);
  }

  void check_names(const std::string& key, const std::vector<std::string>& list, const Names& known,
                   std::string_view what) {
    for (std::size_t i = 0; i < list.size(); ++i)
      if (std::ranges::find(known, list[i]) == known.end())
        diagnosis_.report_item(key, i,
                               "expected the name of " + std::string(what) + ", found " +
                                   in_quotes(list[i]) + did_you_mean(list[i], known));
  }

  void check_each(const std::string& key, const std::vector<std::string>& list, const Rule& holds,
                  const std::string& expected) {
    for (std::size_t i = 0; i < list.size(); ++i)
      if (!holds(list[i]))
        diagnosis_.report_item(key, i, "expected " + expected + ", found " + in_quotes(list[i]));
  }

  void check_route(const Route& route) {
    check_each(key(route, "hosts"), route.hosts, is_host_pattern,
               "a host name, an IP address or \"*.name\"");
    check_each(key(route, "origins"), route.origins, is_origin_pattern,
               "\"*\" or an origin such as \"https://app.example.com\" or "
               "\"https://*.example.com\"");
    check_each(key(route, "subprotocols"), route.subprotocols, ascii::is_token,
               "a token (RFC 9110), so letters, digits and \"-._~\" for the most part");
    check_names(key(route, "listen"), route.listen, listen_names_, "a listener");
    check_reachable(route);
    check_path(route);
    check_queue(route);
    check_auth(route);
    if (route.type == RouteType::files) check_files(route);
  }

  void check_reachable(const Route& route) {
    const auto answers = [&](const Listen& listen) { return answers_on(route, listen); };
    if (config_.listen.empty() || diagnosis_.failed(key(route, "listen")) ||
        std::ranges::any_of(config_.listen, answers))
      return;
    diagnosis_.report(key(route, "listen"),
                      "expected a listener that answers for this route, found none: each leaves "
                      "it out of its \"routes\", or this route does not list it");
  }

  void check_path(const Route& route) {
    if (!diagnosis_.given(key(route, "path")) || diagnosis_.failed(key(route, "path"))) return;
    const auto path = parse_path_pattern(route.path);
    if (!path) {
      diagnosis_.report(key(route, "path"), "expected a path such as \"/chat/{room}\", found " +
                                                in_quotes(route.path) + ": " + path.error());
      return;
    }
    if (route.type == RouteType::pubsub || route.type == RouteType::publish)
      validate_route_topics(route, *path, diagnosis_);
  }

  /// What clients send must fit into the queue of those who get it.
  void check_queue(const Route& route) {
    const bool relays = route.type == RouteType::echo ||
                        (route.type == RouteType::pubsub && route.publish == PublishPolicy::anyone);
    if (!relays || route.limits.queue_size >= route.limits.message_size) return;
    const auto effective = [&](std::string_view name) {
      std::string own = key(route, "limits.") + std::string(name);
      return diagnosis_.given(own) ? own : "limits." + std::string(name);
    };
    const std::string queue = effective("queue_size");
    const std::string message = effective("message_size");
    // Point at what was written; the other one is a default then.
    diagnosis_.report(diagnosis_.given(queue) ? queue : message,
                      "expected queue_size to be at least message_size, found " +
                          format_size(route.limits.queue_size) + " and " +
                          format_size(route.limits.message_size) +
                          ": a message of that size could never be sent on");
  }

  void check_auth(const Route& route) {
    if (route.type == RouteType::publish && !diagnosis_.given(key(route, "auth")))
      return diagnosis_.report(
          key(route, "auth"),
          "expected { bearer_file = \"FILE\" } with the tokens of those who may "
          "publish, or \"none\" where anybody may, found nothing");
    const std::string file = key(route, "auth.bearer_file");
    if (!route.auth || diagnosis_.failed(file)) return;
    if (route.auth->bearer_file.empty())
      return diagnosis_.report(file, "expected a file of tokens, found nothing");
    if (const auto failure = why_unreadable(route.auth->bearer_file))
      diagnosis_.report(file, "expected a readable file of tokens, found " +
                                  in_quotes(route.auth->bearer_file) + ": " + failure.message());
  }

  void check_log() {
    const std::filesystem::path file(config_.log.file);
    std::error_code failure;
    if (file.empty() || diagnosis_.failed("log.file")) return;
    if (std::filesystem::is_directory(file, failure) ||
        !std::filesystem::is_directory(file.parent_path(), failure))
      diagnosis_.report("log.file", "expected a file in a folder that exists, found " +
                                        in_quotes(config_.log.file));
    else if (const auto why = why_unwritable(file))
      diagnosis_.report("log.file", "expected a file that can be written, found " +
                                        in_quotes(config_.log.file) + ": " + why.message());
  }

  void check_root(const Route& route) {
    const std::string root = key(route, "root");
    if (!diagnosis_.given(root))
      return diagnosis_.report(root, "expected the folder to serve, found nothing");
    if (diagnosis_.failed(root)) return;
    std::error_code unseen;
    const bool folder = std::filesystem::is_directory(route.root, unseen);
    if (!folder && unseen != std::errc::permission_denied)
      diagnosis_.report(root, "expected a folder that exists, found " + in_quotes(route.root));
    else if (const auto why = why_not(route.root, R_OK | X_OK))
      diagnosis_.report(root, "expected a folder that can be read, found " + in_quotes(route.root) +
                                  ": " + why.message());
  }

  void check_files(const Route& route) {
    check_root(route);
    const std::string& index = route.index;
    if (index.empty() || index.starts_with('.') || index.find('/') != std::string::npos)
      diagnosis_.report(key(route, "index"),
                        "expected the name of a file without \"/\" and without a leading \".\", "
                        "found " +
                            in_quotes(index));
  }

  bool share_listener(const Route& a, const Route& b) const {
    return std::ranges::any_of(config_.listen, [&](const Listen& listen) {
      return answers_on(a, listen) && answers_on(b, listen);
    });
  }

  /// Two paths of one shape match the same requests, so they need different hosts or listeners.
  void refuse_ties() {
    std::map<std::pair<std::string, std::string>, std::vector<const Route*>> rivals;
    for (const Route& route : config_.routes) {
      const auto path = parse_path_pattern(route.path);
      if (!path) continue;
      const std::vector<std::string> any{""};
      for (const std::string& host : route.hosts.empty() ? any : route.hosts) {
        auto& others = rivals[{host, path->shape()}];
        for (const Route* other : others)
          if (other != &route && share_listener(*other, route)) report_tie(*other, route);
        others.push_back(&route);
      }
    }
  }

  void report_tie(const Route& first, const Route& second) {
    const std::string path = key(second, "path");
    diagnosis_.report(path, "expected a path that no other route can tie with, found " +
                                in_quotes(second.path) + ", which matches what route." +
                                first.name + " has as " + in_quotes(first.path) + " (" +
                                diagnosis_.where(key(first, "path")) + ")");
  }

  const Config& config_;
  Diagnosis& diagnosis_;
  Names listen_names_;
  Names route_names_;
};

}  // namespace

void validate(const Config& config, Diagnosis& diagnosis) {
  Validator(config, diagnosis).run();
}

}  // namespace peal::config
