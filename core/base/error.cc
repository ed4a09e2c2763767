// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.h"

#include <cerrno>
#include <cstring>

namespace peal {

std::string Error::text() const {
  if (sys_errno == 0) return operation;
  return std::string(operation) + ": " + strerrordesc_np(sys_errno);
}

std::unexpected<Error> last_error(const char* operation) {
  return std::unexpected(Error{operation, errno});
}

}  // namespace peal
