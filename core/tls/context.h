// SPDX-License-Identifier: Apache-2.0
// What the connections of a listener have in common: certificates and the rules of the protocol.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tls/openssl.h"
#include "core/tls/ticket_keys.h"
#include "core/tls/version.h"

namespace peal::tls {

/// Names of PEM files. `cert` may hold the chain too, the server's own certificate first; `key` is
/// not encrypted.
struct CertificateFiles {
  std::string cert;
  std::string key;
};

struct ServerOptions {
  std::vector<CertificateFiles> certificates;  ///< at least one; the first serves unknown names
  std::string client_ca;  ///< PEM file of roots; not empty: every client must show a certificate
  Version min_version = Version::tls12;
};

struct ClientOptions {
  std::string ca;                            ///< PEM file of roots; empty: the system's
  bool insecure = false;                     ///< any certificate will do
  std::optional<CertificateFiles> identity;  ///< shown when the server asks
};

/// What is wrong with a file that the options name.
struct ContextProblem {
  enum class Which : std::uint8_t { cert, key, ca };
  Which which;
  std::size_t index;  ///< of the certificate in its list; 0 for `ca`
  std::string file;
  std::string reason;  ///< OpenSSL's words or those of errno(3)
};

/// What a session must have in common with the one it resumes: a digest.
using SessionScope = std::array<unsigned char, 32>;

/// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption only (Mozilla's
/// "intermediate"), http/1.1 by ALPN (RFC 7301), certificates by SNI (RFC 6066 section 3), tickets
/// for resumption; no renegotiation, compression or early data.
///
/// Owner: the server; outlives every Engine made with it. Thread: immutable, any.
/// Errors: ContextProblem, all there are at once.
class Context {
 public:
  template <class T>
  using Expected = std::expected<T, std::vector<ContextProblem>>;

  /// A certificate serves the names in its subjectAltName, and "*.example.com" one label below
  /// example.com; its common name only when it has none. Certificates of different key types for
  /// one name are offered together, and the client's abilities decide.
  static Expected<std::unique_ptr<Context>> make_server(const ServerOptions&, TicketKeys&);

  /// For tests and the load tester.
  static Expected<std::unique_ptr<Context>> make_client(const ClientOptions&);

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// OpenSSL's context for a connection's start.
  ssl_ctx_st* native() const { return contexts_.front().get(); }

 private:
  Context() = default;

  ssl_ctx_st* find(std::string_view server_name) const;

  /// RFC 6066 section 3: a session is resumed for the name it began with only; OpenSSL
  /// leaves that to us.
  static int scope_session(ssl_st* ssl, int* alert, void* self);
  static int choose_certificate(ssl_st* ssl, int* alert, void* self);

  SessionScope scope_{};
  std::vector<SslContextPtr> contexts_;                      ///< the default first
  std::map<std::string, ssl_ctx_st*, std::less<>> by_name_;  ///< in lower case
};

}  // namespace peal::tls
