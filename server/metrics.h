// SPDX-License-Identifier: Apache-2.0
// The metrics, as text for Prometheus; the only user of prometheus-cpp.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "server/notices.h"
#include "server/process_figures.h"
#include "server/snapshot.h"

namespace peal::server {

/// All that metrics are made of. The names are by the numbers of Labels.
struct Figures {
  std::vector<Snapshot> shards{};  ///< by index
  std::vector<std::string> routes{};
  std::vector<std::string> topic_classes{};
  std::array<std::uint64_t, kNotices> notices{};  ///< totals, by Notice
  std::uint64_t reloads_done = 0;
  std::uint64_t reloads_refused = 0;
  std::uint64_t log_lines_lost = 0;
  ProcessFigures process{};
  std::string version{};
  std::string io{};
};

/// The text exposition format, version 0.0.4. Labels have as many values as the configuration has
/// names, there are reactors, close codes and the like.
std::string metrics_text(const Figures& figures);

inline constexpr std::string_view kMetricsType = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace peal::server
