// SPDX-License-Identifier: Apache-2.0
// What a Context is made of: certificates with their keys, and roots, read from PEM files.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/tls/context.h"

namespace peal::tls {

struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
using X509Ptr = std::unique_ptr<X509, X509Free>;
using KeyPtr = std::unique_ptr<EVP_PKEY, X509Free>;

struct Certificate {
  X509Ptr leaf;
  std::vector<X509Ptr> chain;  ///< what leads from it to the root
  KeyPtr key;
  std::vector<std::string> names;  ///< that it is for, in lower case; "*.example.com" as it is
};

using Problems = std::vector<ContextProblem>;

/// Reads a certificate and its key and sees that OpenSSL will serve them. None after a problem.
std::optional<Certificate> load_certificate(const CertificateFiles& files, std::size_t index,
                                            Problems& problems);

/// All certificates of a file; none after a problem.
std::vector<X509Ptr> load_roots(const std::string& file, Problems& problems);

/// Puts `certificate` beside those that `context` has. False: the reason is in OpenSSL's queue.
bool use_certificate(ssl_ctx_st* context, const Certificate& certificate);

}  // namespace peal::tls
