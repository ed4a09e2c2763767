// SPDX-License-Identifier: Apache-2.0
#include "core/tls/context.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <span>

#include "core/base/ascii.h"
#include "core/base/check.h"
#include "core/tls/certificate.h"
#include "core/tls/handover.h"

namespace peal::tls {
namespace {

constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr std::array<unsigned char, 9> kProtocol = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// A client that comes back brings a ticket and gets a new one.
constexpr std::size_t kTickets = 1;
constexpr long kMaxPeerChain = 32 << 10;  // bytes of certificates

SslContextPtr new_context(const SSL_METHOD* method, Version min_version) {
  SslContextPtr context(SSL_CTX_new(method));
  PEAL_CHECK(context);
  SSL_CTX* ctx = context.get();
  const int oldest = min_version == Version::tls13 ? TLS1_3_VERSION : TLS1_2_VERSION;
  PEAL_CHECK(SSL_CTX_set_min_proto_version(ctx, oldest));
  PEAL_CHECK(SSL_CTX_set_cipher_list(ctx, kTls12Ciphers));
  PEAL_CHECK(SSL_CTX_set_ciphersuites(ctx, kTls13Ciphers));
  PEAL_CHECK(SSL_CTX_set1_groups_list(ctx, kGroups));
  SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(ctx, kMaxPeerChain);
  return context;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, chosen_size, kProtocol.data(), kProtocol.size(),
                                            offered, offered_size);
  *chosen = found;
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

void trust(SSL_CTX* context, const std::vector<X509Ptr>& roots) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  for (const X509Ptr& root : roots) PEAL_CHECK(X509_STORE_add_cert(store, root.get()));
}

/// A client may not come back by the session of a certificate that has expired since: each
/// resumption brings a new ticket, so it could do so for ever.
SSL_TICKET_RETURN judge_ticket(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                               SSL_TICKET_STATUS status, void*) {
  const bool renew = status == SSL_TICKET_SUCCESS_RENEW;
  if (status != SSL_TICKET_SUCCESS && !renew) return SSL_TICKET_RETURN_IGNORE_RENEW;
  const X509* shown = SSL_SESSION_get0_peer(session);
  if (!shown || X509_cmp_current_time(X509_get0_notAfter(shown)) <= 0)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

/// Lets in who shows a certificate that leads to one of `roots`.
void require_client_certificate(SSL_CTX* context, const std::vector<X509Ptr>& roots) {
  trust(context, roots);
  for (const X509Ptr& root : roots) PEAL_CHECK(SSL_CTX_add_client_CA(context, root.get()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  PEAL_CHECK(SSL_CTX_set_session_ticket_cb(context, nullptr, judge_ticket, nullptr));
}

static_assert(sizeof(SessionScope) <= SSL_MAX_SID_CTX_LENGTH);

SessionScope digest_of(std::span<const unsigned char> octets) {
  SessionScope digest;
  PEAL_CHECK(
      EVP_Digest(octets.data(), octets.size(), digest.data(), nullptr, EVP_sha256(), nullptr));
  return digest;
}

/// `scope`, less what `digest` is not of.
SessionScope narrow(const SessionScope& scope, const SessionScope& digest) {
  std::array<unsigned char, 2 * sizeof(SessionScope)> both;
  std::ranges::copy(digest, std::ranges::copy(scope, both.begin()).out);
  return digest_of(both);
}

/// Who was let in by some roots may not resume where others are asked for.
SessionScope scope_of(const std::vector<X509Ptr>& roots) {
  SessionScope scope{};
  for (const X509Ptr& root : roots) {
    SessionScope digest;
    PEAL_CHECK(X509_digest(root.get(), EVP_sha256(), digest.data(), nullptr));
    scope = narrow(scope, digest);
  }
  return scope;
}

/// Indices of certificates that are offered together: of different key types.
using Group = std::vector<std::size_t>;

/// For each name the first certificate of each key type that has it.
std::map<std::string, Group> group_by_name(const std::vector<Certificate>& certificates) {
  std::map<std::string, Group> groups;
  const auto key_type = [&](std::size_t i) {
    return EVP_PKEY_get_base_id(certificates[i].key.get());
  };
  for (std::size_t i = 0; i < certificates.size(); ++i) {
    for (const std::string& name : certificates[i].names) {
      Group& group = groups[name];
      if (std::ranges::none_of(group, [&](auto j) { return key_type(j) == key_type(i); }))
        group.push_back(i);
    }
  }
  return groups;
}

/// A verdict on a certificate for those who ask for none.
int take_any(X509_STORE_CTX*, void*) {
  return 1;
}

}  // namespace

Context::Expected<std::unique_ptr<Context>> Context::make_server(const ServerOptions& options,
                                                                 TicketKeys& keys) {
  PEAL_CHECK(!options.certificates.empty());
  Problems problems;
  std::vector<Certificate> certificates;
  for (std::size_t i = 0; i < options.certificates.size(); ++i)
    if (auto certificate = load_certificate(options.certificates[i], i, problems))
      certificates.push_back(std::move(*certificate));
  std::vector<X509Ptr> roots;
  if (!options.client_ca.empty()) roots = load_roots(options.client_ca, problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));

  std::unique_ptr<Context> self(new Context);
  self->scope_ = scope_of(roots);
  std::map<Group, SSL_CTX*> made;
  const auto context_of = [&](const Group& group) {
    SSL_CTX*& context = made[group];
    if (context) return context;
    context =
        self->contexts_.emplace_back(new_context(TLS_server_method(), options.min_version)).get();
    for (const std::size_t i : group) PEAL_CHECK(use_certificate(context, certificates[i]));
    if (!roots.empty()) require_client_certificate(context, roots);
    SSL_CTX_set_client_hello_cb(context, scope_session, self.get());
    PEAL_CHECK(SSL_CTX_set_num_tickets(context, kTickets));
    keys.serve(context);
    allow_overhearing(context);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context, self.get());
    return context;
  };

  const auto groups = group_by_name(certificates);
  const std::vector<std::string>& first_names = certificates.front().names;
  context_of(first_names.empty() ? Group{0} : groups.at(first_names.front()));
  for (const auto& [name, group] : groups) self->by_name_[name] = context_of(group);
  return self;
}

Context::Expected<std::unique_ptr<Context>> Context::make_client(const ClientOptions& options) {
  Problems problems;
  std::unique_ptr<Context> self(new Context);
  SSL_CTX* context =
      self->contexts_.emplace_back(new_context(TLS_client_method(), Version::tls12)).get();
  if (options.identity) {
    const auto certificate = load_certificate(*options.identity, 0, problems);
    if (certificate) PEAL_CHECK(use_certificate(context, *certificate));
  }
  if (options.ca.empty() && !options.insecure)
    SSL_CTX_set_default_verify_paths(context);
  else if (!options.ca.empty())
    trust(context, load_roots(options.ca, problems));
  if (!problems.empty()) return std::unexpected(std::move(problems));
  SSL_CTX_set_verify(context, options.insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, nullptr);
  // Else OpenSSL would look for a chain all the same.
  if (options.insecure) SSL_CTX_set_cert_verify_callback(context, take_any, nullptr);
  allow_overhearing(context);
  PEAL_CHECK(SSL_CTX_set_alpn_protos(context, kProtocol.data(), kProtocol.size()) == 0);
  return self;
}

ssl_ctx_st* Context::find(std::string_view server_name) const {
  std::string name(server_name);
  std::ranges::transform(name, name.begin(), ascii::lower);
  if (const auto exact = by_name_.find(name); exact != by_name_.end()) return exact->second;
  const std::size_t dot = name.find('.');
  if (dot == std::string::npos || dot == 0) return nullptr;
  name.replace(0, dot, 1, '*');
  const auto wildcard = by_name_.find(name);
  return wildcard != by_name_.end() ? wildcard->second : nullptr;
}

int Context::scope_session(ssl_st* ssl, int*, void* self) {
  SessionScope scope = static_cast<Context*>(self)->scope_;
  const unsigned char* name = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &name, &size))
    scope = narrow(scope, digest_of({name, size}));
  PEAL_CHECK(SSL_set_session_id_context(ssl, scope.data(), scope.size()));
  return SSL_CLIENT_HELLO_SUCCESS;
}

int Context::choose_certificate(ssl_st* ssl, int*, void* self) {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!name) return SSL_TLSEXT_ERR_NOACK;
  if (SSL_CTX* context = static_cast<Context*>(self)->find(name)) SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace peal::tls
