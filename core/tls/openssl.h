// SPDX-License-Identifier: Apache-2.0
// Owning pointers to OpenSSL's objects, and its words for what went wrong.
#pragma once

#include <cstdint>
#include <memory>

// OpenSSL's own names for its types, so that its headers stay inside this folder's sources.
struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;

namespace peal::tls {

struct SslFree {
  void operator()(ssl_st* ssl) const;
  void operator()(ssl_ctx_st* context) const;
  void operator()(ssl_session_st* session) const;
};
using SslPtr = std::unique_ptr<ssl_st, SslFree>;
using SslContextPtr = std::unique_ptr<ssl_ctx_st, SslFree>;

/// A session that a client may resume (RFC 8446 section 2.2). Owner: the client.
using Session = std::unique_ptr<ssl_session_st, SslFree>;

/// What an error of OpenSSL's queue means, in its words: "no start line", "wrong version number";
/// never null, static or of the C library.
const char* reason_of(unsigned long error);

/// The same for an alert of the peer: "sslv3 alert bad certificate".
const char* reason_of_alert(std::uint8_t alert);

}  // namespace peal::tls
