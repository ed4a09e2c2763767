// SPDX-License-Identifier: Apache-2.0
// Certificates made on the spot, so that none expires in the repository.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/tls/context.h"

namespace peal::test {

/// PEM text.
struct CertificateText {
  std::string cert;
  std::string key;
};

struct CertificateSpec {
  enum class KeyType { ecdsa, rsa, small_rsa, ed25519 };

  std::string common_name = "peal";
  std::vector<std::string> names{};  ///< DNS names of the subjectAltName; none: no such extension
  KeyType key_type = KeyType::ecdsa;
  bool is_ca = false;
  bool expired = false;
  const CertificateText* issuer = nullptr;  ///< null: signed by itself
};

/// Stops the process when OpenSSL will not.
CertificateText make_certificate(const CertificateSpec& spec);

/// The same key, behind a passphrase.
std::string encrypt_key(const std::string& key);

/// A folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  /// Writes a file there and returns its path.
  std::string write(std::string_view name, std::string_view text) const;
  std::string path(std::string_view name) const { return path_ / name; }

  /// NAME.crt and NAME.key.
  tls::CertificateFiles write(const std::string& name, const CertificateText& text) const;

 private:
  std::filesystem::path path_;
};

}  // namespace peal::test
