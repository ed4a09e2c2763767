// SPDX-License-Identifier: Apache-2.0
#include "core/tls/openssl.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>

namespace peal::tls {

void SslFree::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}
void SslFree::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void SslFree::operator()(ssl_session_st* session) const {
  SSL_SESSION_free(session);
}

const char* reason_of(unsigned long error) {
  if (ERR_SYSTEM_ERROR(error)) return std::strerror(ERR_GET_REASON(error));
  const char* reason = ERR_reason_error_string(error);
  return reason ? reason : "unknown error";
}

const char* reason_of_alert(std::uint8_t alert) {
  return reason_of(ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + alert));
}

}  // namespace peal::tls
