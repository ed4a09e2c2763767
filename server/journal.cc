// SPDX-License-Identifier: Apache-2.0
#include "server/journal.h"

#include <sys/stat.h>

#include <charconv>
#include <cstdint>
#include <string_view>

namespace peal::server {

bool leads_to_journal(int fd, const char* stream) {
  if (!stream) return false;
  const std::string_view text(stream);
  const char* const end = text.data() + text.size();
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  const auto first = std::from_chars(text.data(), end, device);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != ':') return false;
  const auto second = std::from_chars(first.ptr + 1, end, inode);
  if (second.ec != std::errc{} || second.ptr != end) return false;
  struct stat status {};
  return ::fstat(fd, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

}  // namespace peal::server
