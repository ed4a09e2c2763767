// SPDX-License-Identifier: Apache-2.0
// From the configuration file to what is served, at the start and when it is read again.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/load.h"
#include "server/certificates.h"
#include "server/file_watch.h"
#include "server/site.h"

namespace peal::server {

/// A configuration and what its files hold.
struct FreshConfig {
  config::Config config;
  Certificates certificates;
  FileStamps stamps;  ///< what its files were before they were read
};

/// What check_files() finds.
struct CheckedFiles {
  FileStamps stamps;
  std::optional<Certificates> certificates;
};

/// What config::load() checks beside the text, for --check as well: certificates are loaded, and
/// files of tokens read.
config::Check check_files(CheckedFiles& found, std::shared_ptr<tls::TicketKeys> keys = nullptr);

/// Reads the configuration again. `keys`: of the tickets that clients have. Error: every problem.
std::expected<FreshConfig, std::vector<config::Problem>> load_fresh(
    const config::LoadOptions& options, std::shared_ptr<tls::TicketKeys> keys);

/// The certificates of a configuration that is in force, loaded again. Error: every problem, with
/// its key and no place: the file may say something else by now.
std::expected<Certificates, std::vector<config::Problem>> load_certificates(
    const config::Config& config, std::shared_ptr<tls::TicketKeys> keys);

/// A configuration that is served. Immutable, but for the tokens.
///
/// Owner: the Server, until it is the last that has it: shards have it as long as connections refer
/// to it, so it does not end on a reactor. Neither copied nor moved, as `site` refers to `config`.
struct Edition {
  config::Config config;
  std::optional<Site> site;  ///< always there

  /// Error: a sentence for the operator.
  static std::expected<std::shared_ptr<const Edition>, std::string> make(config::Config config,
                                                                         Labels& labels);

  /// The site, which keeps the edition alive.
  static std::shared_ptr<const Site> site_of(const std::shared_ptr<const Edition>& edition) {
    return {edition, &*edition->site};
  }
};

/// What has to be done to the listening sockets. Indices into Config::listen.
struct DoorPlan {
  std::vector<std::uint32_t> opened;  ///< of the new one
  std::vector<std::uint32_t> closed;  ///< of the old one
  std::vector<std::uint32_t> lost;    ///< the same, of what is opened anew where it was
  /// From a listener of the old one to one of the new one: the same address.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> moved;
};

/// `is_lost`: whether nobody finds the way to a listener of the old one any more.
/// Requires: `now` was put in order by config::keep_places().
DoorPlan plan_doors(const std::vector<config::Listen>& before,
                    const std::vector<config::Listen>& now,
                    const std::function<bool(const config::Listen&)>& is_lost = {});

/// Whether a listener that the plan closes is in the way of `opened`, as the kernel sees it: one
/// has the port on all addresses, the other on one. `before`: what the plan was made of.
bool takes_over(const DoorPlan& plan, const std::vector<config::Listen>& before,
                const config::Listen& opened);

}  // namespace peal::server
