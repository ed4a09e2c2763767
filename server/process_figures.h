// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace peal::server {

/// What proc(5) has of this process, as Prometheus' clients tell it. 0 where it cannot be read.
struct ProcessFigures {
  double cpu_seconds = 0;
  double start_time_seconds = 0;  ///< since 1970
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t open_files = 0;
  std::uint64_t most_files = 0;
  std::uint64_t threads = 0;
};

ProcessFigures read_process_figures();

}  // namespace peal::server
