// SPDX-License-Identifier: Apache-2.0
#include "config/credential.h"

#include <cstdlib>

#include "config/document.h"

namespace peal::config {
namespace {

constexpr std::string_view kMark = "credential:";

}  // namespace

bool is_credential(std::string_view file) {
  return file.starts_with(kMark);
}

std::expected<std::string, std::string> credential_file(std::string_view file) {
  const std::string_view name = file.substr(kMark.size());
  if (name.empty() || name.find('/') != std::string_view::npos || name.starts_with('.'))
    return std::unexpected("expected \"credential:NAME\" with the name of a credential, found " +
                           in_quotes(file));
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || *folder == '\0')
    return std::unexpected("expected a credential that systemd passes (LoadCredential=), found " +
                           in_quotes(file) + ", and no CREDENTIALS_DIRECTORY in the environment");
  return std::string(folder) + '/' + std::string(name);
}

}  // namespace peal::config
