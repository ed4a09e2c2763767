// SPDX-License-Identifier: Apache-2.0
#include "core/io/file_limit.h"

#include <sys/resource.h>

#include <algorithm>

#include "core/io/file_table.h"

namespace peal::io {

std::uint64_t file_limit() {
  constexpr std::uint64_t kUsual = 1024;  // where a sandbox forbids to ask
  rlimit limit{};
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : kUsual;
}

std::uint64_t spare_files(std::uint64_t limit) {
  return std::clamp<std::uint64_t>(limit / 16, 16, 512);
}

std::uint64_t most_connections(std::uint64_t limit, std::uint64_t rings) {
  const std::uint64_t spare = spare_files(limit);
  return (limit > spare ? limit - spare : 1) + rings * FileTable::capacity(limit);
}

}  // namespace peal::io
