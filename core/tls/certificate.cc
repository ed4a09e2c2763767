// SPDX-License-Identifier: Apache-2.0
#include "core/tls/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "core/base/ascii.h"

namespace peal::tls {
namespace {

using Which = ContextProblem::Which;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

struct NamesFree {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

/// One file of the options, and where to say what is wrong with it.
struct File {
  Which which;
  std::size_t index;
  const std::string& name;
  Problems& problems;

  void report(std::string reason) { problems.push_back({which, index, name, std::move(reason)}); }

  // The first error of the queue is the cause, the later ones say who was disturbed by it.
  void report_queue() {
    report(reason_of(ERR_peek_error()));
    ERR_clear_error();
  }

  /// Null after a problem.
  BioPtr open() {
    std::error_code ignored;
    const auto type = std::filesystem::status(name, ignored).type();
    BioPtr bio;
    if (type == std::filesystem::file_type::directory) {
      report(std::strerror(EISDIR));  // it can be opened, but has no lines
    } else if (type == std::filesystem::file_type::fifo) {
      report("is a pipe");  // to open it would wait for whoever writes to it
    } else {
      bio.reset(BIO_new_file(name.c_str(), "r"));
      if (!bio) report(std::strerror(errno));
    }
    ERR_clear_error();
    return bio;
  }
};

bool is_end_of_file() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

/// One or more; none after a problem.
std::vector<X509Ptr> read_certificates(File file) {
  const BioPtr bio = file.open();
  if (!bio) return {};
  std::vector<X509Ptr> certificates;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr))
    certificates.emplace_back(next);
  if (certificates.empty() || !is_end_of_file()) {
    file.report_queue();
    return {};
  }
  ERR_clear_error();
  return certificates;
}

// Instead of OpenSSL's own, which would ask at the terminal.
int refuse_password(char*, int, int, void* was_asked) {
  *static_cast<bool*>(was_asked) = true;
  return -1;
}

KeyPtr read_key(File file) {
  const BioPtr bio = file.open();
  if (!bio) return nullptr;
  bool encrypted = false;
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, &encrypted));
  if (encrypted) {
    file.report("the key is encrypted");
  } else if (!key) {
    // The decoders call anything they do not know "unsupported"; most often it is no PEM.
    const bool unknown = ERR_GET_REASON(ERR_peek_error()) == ERR_R_UNSUPPORTED;
    file.report(unknown ? "no private key in PEM form" : reason_of(ERR_peek_error()));
  }
  ERR_clear_error();
  return key;
}

void add_name(std::vector<std::string>& names, const ASN1_STRING* text) {
  const auto* octets = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
  std::string name(octets, static_cast<std::size_t>(ASN1_STRING_length(text)));
  std::ranges::transform(name, name.begin(), ascii::lower);
  if (std::ranges::count(names, name) == 0) names.push_back(std::move(name));
}

// RFC 6125 section 6.4.4: the common name counts only without a subjectAltName.
std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, NamesFree> alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (alternatives) {
    for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
      const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
      if (name->type == GEN_DNS) add_name(names, name->d.dNSName);
    }
    return names;
  }
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int last = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (last >= 0) add_name(names, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
  return names;
}

}  // namespace

std::optional<Certificate> load_certificate(const CertificateFiles& files, std::size_t index,
                                            Problems& problems) {
  File cert_file{Which::cert, index, files.cert, problems};
  File key_file{Which::key, index, files.key, problems};
  std::vector<X509Ptr> certificates = read_certificates(cert_file);
  KeyPtr key = read_key(key_file);
  if (certificates.empty() || !key) return std::nullopt;

  if (X509_check_private_key(certificates.front().get(), key.get()) != 1) {
    key_file.report_queue();
    return std::nullopt;
  }
  Certificate certificate{
      .leaf = std::move(certificates.front()), .chain = {}, .key = std::move(key), .names = {}};
  certificate.chain.assign(std::make_move_iterator(certificates.begin() + 1),
                           std::make_move_iterator(certificates.end()));
  certificate.names = names_of(certificate.leaf.get());

  const SslContextPtr trial(SSL_CTX_new(TLS_method()));
  if (!use_certificate(trial.get(), certificate)) {
    cert_file.report_queue();
    return std::nullopt;
  }
  return certificate;
}

std::vector<X509Ptr> load_roots(const std::string& file, Problems& problems) {
  return read_certificates({Which::ca, 0, file, problems});
}

bool use_certificate(ssl_ctx_st* context, const Certificate& certificate) {
  if (SSL_CTX_use_certificate(context, certificate.leaf.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, certificate.key.get()) != 1)
    return false;
  // The chain belongs to the certificate that was used last.
  for (const X509Ptr& link : certificate.chain)
    if (SSL_CTX_add1_chain_cert(context, link.get()) != 1) return false;
  return true;
}

}  // namespace peal::tls
