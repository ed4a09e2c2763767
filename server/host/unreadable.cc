// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/fd.h"
#include "server/host/host.h"

namespace peal::host {

std::vector<std::string> unreadable_by(const std::string& user,
                                       const std::vector<std::string>& files) {
  std::vector<std::string> found;
  const passwd* entry = ::getpwnam(user.c_str());
  if (::geteuid() != 0 || !entry) return found;
  const uid_t uid = entry->pw_uid;
  const gid_t gid = entry->pw_gid;
  if (::initgroups(user.c_str(), gid) < 0 || ::setegid(gid) < 0 || ::seteuid(uid) < 0) return found;
  for (const std::string& file : files)
    if (const Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC)); !opened) found.push_back(file);
  PEAL_CHECK(::seteuid(0) == 0 && ::setegid(0) == 0 && ::setgroups(0, nullptr) == 0);
  return found;
}

}  // namespace peal::host
