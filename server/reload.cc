// SPDX-License-Identifier: Apache-2.0
#include "server/reload.h"

#include <algorithm>

#include "config/address.h"
#include "config/diff.h"
#include "server/auth.h"

namespace peal::server {

namespace {

/// Of all files that may change while the configuration is in force.
FileStamps stamps_of(const config::Config& config) {
  FileStamps stamps;
  const auto add = [&](const std::string& path) { stamps.try_emplace(path, FileStamp::of(path)); };
  for (const config::Route& route : config.routes)
    if (route.auth) add(route.auth->bearer_file);
  for (const config::Listen& listen : config.listen)
    if (listen.tls) std::ranges::for_each(certificate_files(*listen.tls), add);
  return stamps;
}

}  // namespace

config::Check check_files(CheckedFiles& found, std::shared_ptr<tls::TicketKeys> keys) {
  if (!keys) keys = std::make_shared<tls::TicketKeys>();
  return
      [&found, keys = std::move(keys)](const config::Config& config, config::Diagnosis& diagnosis) {
        found.stamps = stamps_of(config);
        found.certificates.emplace(config, diagnosis, keys);
        check_tokens(config, diagnosis);
      };
}

std::expected<FreshConfig, std::vector<config::Problem>> load_fresh(
    const config::LoadOptions& options, std::shared_ptr<tls::TicketKeys> keys) {
  CheckedFiles found;
  config::LoadOptions again = options;
  again.check = check_files(found, std::move(keys));
  config::Loaded loaded = config::load(again);
  if (!loaded.config) return std::unexpected(std::move(loaded.problems));
  return FreshConfig{.config = std::move(*loaded.config),
                     .certificates = std::move(*found.certificates),
                     .stamps = std::move(found.stamps)};
}

std::expected<Certificates, std::vector<config::Problem>> load_certificates(
    const config::Config& config, std::shared_ptr<tls::TicketKeys> keys) {
  config::Diagnosis diagnosis({});
  Certificates certificates(config, diagnosis, std::move(keys));
  auto problems = diagnosis.take_problems();
  for (config::Problem& problem : problems) problem.position = {};
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return certificates;
}

std::expected<std::shared_ptr<const Edition>, std::string> Edition::make(config::Config config,
                                                                         Labels& labels) {
  auto edition = std::make_shared<Edition>();
  edition->config = std::move(config);
  auto site = Site::make(edition->config, labels);
  if (!site) return std::unexpected(std::move(site.error()));
  edition->site.emplace(std::move(*site));
  return edition;
}

DoorPlan plan_doors(const std::vector<config::Listen>& before,
                    const std::vector<config::Listen>& now,
                    const std::function<bool(const config::Listen&)>& is_lost) {
  DoorPlan plan;
  std::vector<bool> goes_on(before.size());
  for (std::uint32_t i = 0; i < now.size(); ++i) {
    if (config::is_gone(now[i])) continue;
    const auto same = std::ranges::find_if(before, [&](const config::Listen& listen) {
      return !config::is_gone(listen) && config::same_address(listen, now[i]);
    });
    if (same == before.end()) {
      plan.opened.push_back(i);
      continue;
    }
    const auto from = static_cast<std::uint32_t>(same - before.begin());
    goes_on[from] = true;
    if (is_lost && is_lost(*same)) {
      plan.lost.push_back(from);
      plan.opened.push_back(i);
      continue;
    }
    if (from != i) plan.moved.emplace_back(from, i);
  }
  for (std::uint32_t i = 0; i < before.size(); ++i)
    if (!goes_on[i] && !config::is_gone(before[i])) plan.closed.push_back(i);
  return plan;
}

bool takes_over(const DoorPlan& plan, const std::vector<config::Listen>& before,
                const config::Listen& opened) {
  return std::ranges::any_of(
      plan.closed, [&](std::uint32_t index) { return config::overlap(before[index], opened); });
}

}  // namespace peal::server
