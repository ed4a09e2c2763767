// SPDX-License-Identifier: Apache-2.0
#include "server/journal.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "core/base/fd.h"

namespace peal::server::journal_test {
namespace {

TEST_CASE("leads_to_journal: device and inode must be those of the descriptor") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const Fd reader(ends[0]);
  const Fd writer(ends[1]);
  struct stat status {};
  REQUIRE(::fstat(writer.get(), &status) == 0);
  const std::string device = std::to_string(status.st_dev);
  const std::string inode = std::to_string(status.st_ino);
  const auto leads = [&](const std::string& stream) {
    return leads_to_journal(writer.get(), stream.c_str());
  };
  CHECK(leads(device + ':' + inode));
  CHECK_FALSE(leads(device + ':' + inode + '1'));
  CHECK_FALSE(leads(device + '1' + ':' + inode));
  for (const char* odd : {"", ":", "1", "1:", "a:b", "-1:-1"}) CHECK_FALSE(leads(odd));
  CHECK_FALSE(leads(device + ':' + inode + ' '));
  CHECK_FALSE(leads_to_journal(writer.get(), nullptr));
  CHECK_FALSE(leads_to_journal(-1, (device + ':' + inode).c_str()));
}

}  // namespace
}  // namespace peal::server::journal_test
