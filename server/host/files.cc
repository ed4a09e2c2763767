// SPDX-License-Identifier: Apache-2.0
// Open files, and what watches them.
#include "core/io/file_limit.h"
#include "server/host/finding.h"

namespace peal::host {
namespace {

// Where limits.connections leaves it to the limit of open files, less than this is not meant.
constexpr std::uint64_t kFewFiles = 65'536;
// Folders that are watched for a file: its own, and those of the links that lead to it.
constexpr std::uint64_t kFoldersPerFile = 4;
constexpr std::uint64_t kWatches = 64;
constexpr std::uint64_t kInstances = 16;

}  // namespace

std::optional<Finding> check_open_files(const Case& about) {
  const auto limit = about.host.hard_limit("Max open files");
  const std::uint64_t wanted = about.demand.connections_given ? about.demand.open_files : kFewFiles;
  if (!limit || *limit >= wanted) return std::nullopt;
  return Finding{"the hard limit of open files is " + text(*limit), "at least " + text(wanted),
                 "LimitNOFILE=" + text(wanted) + " in the unit, `ulimit -Hn " + text(wanted) +
                     "` in a root shell",
                 "a connection takes one; it is enough for " +
                     text(io::most_connections(*limit, 0)) + " connections"};
}

std::optional<Finding> check_nr_open(const Case& about) {
  return at_least(about.host, "fs.nr_open", about.demand.open_files,
                  "no process may have a higher limit of open files");
}

std::optional<Finding> check_file_max(const Case& about) {
  const auto used = about.host.setting("fs.file-nr");
  return at_least(about.host, "fs.file-max", about.demand.open_files + used.value_or(0),
                  "the files of the whole machine; " + text(used.value_or(0)) + " are open now");
}

std::optional<Finding> check_inotify_instances(const Case& about) {
  if (about.demand.files_read == 0) return std::nullopt;
  return at_least(about.host, "fs.inotify.max_user_instances", kInstances,
                  "without one certificates and tokens that change are read by a reload only");
}

std::optional<Finding> check_inotify_watches(const Case& about) {
  if (about.demand.files_read == 0) return std::nullopt;
  return at_least(about.host, "fs.inotify.max_user_watches",
                  kWatches + about.demand.files_read * kFoldersPerFile,
                  "the folders of certificates and tokens are watched, and of links to them");
}

std::optional<Finding> check_epoll_watches(const Case& about) {
  if (about.demand.uring && about.probes.uring.empty()) return std::nullopt;
  return at_least(about.host, "fs.epoll.max_user_watches", about.demand.open_files,
                  "each connection is watched by epoll");
}

std::optional<Finding> check_readable(const Case& about) {
  const auto& files = about.probes.unreadable;
  if (files.empty()) return std::nullopt;
  std::string names = files.front();
  for (std::size_t i = 1; i < files.size(); ++i) names += ' ' + files[i];
  const std::string& user = about.probes.user;
  return Finding{"not readable for " + user + ": " + names, "readable",
                 "`chgrp " + user + ' ' + names + "` and `chmod g+r " + names +
                     "`, or LoadCredential= in the unit",
                 "peald runs as " + user + " there and does not start without them"};
}

}  // namespace peal::host
