// SPDX-License-Identifier: Apache-2.0
#include "tests/support/certificates.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include <atomic>
#include <fstream>
#include <memory>

#include "core/base/check.h"

namespace peal::test {
namespace {

template <auto kFree>
struct Free {
  void operator()(auto* object) const { kFree(object); }
};
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Memory = std::unique_ptr<BIO, Free<BIO_free_all>>;

constexpr long kDay = 24 * 60 * 60;

Key make_key(CertificateSpec::KeyType type) {
  switch (type) {
    case CertificateSpec::KeyType::ecdsa:
      return Key(EVP_EC_gen("P-256"));
    case CertificateSpec::KeyType::rsa:
      return Key(EVP_RSA_gen(2048));
    case CertificateSpec::KeyType::small_rsa:
      return Key(EVP_RSA_gen(1024));
    case CertificateSpec::KeyType::ed25519:
      return Key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  }
  return nullptr;
}

std::string text_of(const Memory& memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

Memory memory_of(const std::string& text) {
  return Memory(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string key_text(EVP_PKEY* key, const EVP_CIPHER* cipher) {
  const Memory memory(BIO_new(BIO_s_mem()));
  char passphrase[] = "secret";
  PEAL_CHECK(PEM_write_bio_PrivateKey(memory.get(), key, cipher, nullptr, 0, nullptr, passphrase));
  return text_of(memory);
}

Key read_key(const std::string& text) {
  Key key(PEM_read_bio_PrivateKey(memory_of(text).get(), nullptr, nullptr, nullptr));
  PEAL_CHECK(key);
  return key;
}

void add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  PEAL_CHECK(extension && X509_add_ext(certificate, extension, -1));
  X509_EXTENSION_free(extension);
}

void set_validity(X509* certificate, bool expired) {
  X509_gmtime_adj(X509_getm_notBefore(certificate), expired ? -2 * kDay : -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate), expired ? -kDay : kDay);
}

void set_subject(X509* certificate, const std::string& common_name) {
  const auto* text = reinterpret_cast<const unsigned char*>(common_name.c_str());
  PEAL_CHECK(X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                                        text, -1, -1, 0));
}

void set_issuer(X509* certificate, const CertificateText* issuer) {
  const Certificate read(
      issuer ? PEM_read_bio_X509(memory_of(issuer->cert).get(), nullptr, nullptr, nullptr)
             : nullptr);
  X509_set_issuer_name(certificate, X509_get_subject_name(read ? read.get() : certificate));
}

void sign(X509* certificate, EVP_PKEY* key) {
  // Ed25519 comes with a digest of its own.
  const bool names_digest = EVP_PKEY_get_base_id(key) != EVP_PKEY_ED25519;
  PEAL_CHECK(X509_sign(certificate, key, names_digest ? EVP_sha256() : nullptr) > 0);
}

}  // namespace

CertificateText make_certificate(const CertificateSpec& spec) {
  static std::atomic<long> serial = 0;
  const Key key = make_key(spec.key_type);
  const Certificate certificate(X509_new());
  PEAL_CHECK(key && certificate);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
  set_validity(certificate.get(), spec.expired);
  set_subject(certificate.get(), spec.common_name);
  set_issuer(certificate.get(), spec.issuer);
  X509_set_pubkey(certificate.get(), key.get());
  add_extension(certificate.get(), NID_basic_constraints,
                spec.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  std::string names;
  for (const std::string& name : spec.names) names += (names.empty() ? "DNS:" : ",DNS:") + name;
  if (!names.empty()) add_extension(certificate.get(), NID_subject_alt_name, names);
  sign(certificate.get(), spec.issuer ? read_key(spec.issuer->key).get() : key.get());

  const Memory memory(BIO_new(BIO_s_mem()));
  PEAL_CHECK(PEM_write_bio_X509(memory.get(), certificate.get()));
  return {.cert = text_of(memory), .key = key_text(key.get(), nullptr)};
}

std::string encrypt_key(const std::string& key) {
  return key_text(read_key(key).get(), EVP_aes_256_cbc());
}

TemporaryFolder::TemporaryFolder() {
  std::string name = std::filesystem::temp_directory_path() / "peal-test-XXXXXX";
  PEAL_CHECK(::mkdtemp(name.data()));
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TemporaryFolder::write(std::string_view name, std::string_view text) const {
  std::ofstream(path_ / name, std::ios::binary) << text;
  return path(name);
}

tls::CertificateFiles TemporaryFolder::write(const std::string& name,
                                             const CertificateText& text) const {
  return {.cert = write(name + ".crt", text.cert), .key = write(name + ".key", text.key)};
}

}  // namespace peal::test
