// SPDX-License-Identifier: Apache-2.0
// Writes a response into memory of the caller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/bytes.h"
#include "core/http/request.h"

namespace peal::http {

/// "Not Found" for 404; empty, which RFC 9112 section 4 allows, for a code that peal does not send.
std::string_view reason_phrase(int status);

/// Writes a response head and, if wanted, a short body: status_line(), fields, end(), body().
/// Owner: the caller, who also owns `out`. Errors: what does not fit, or a field whose name is no
/// token or whose value holds a control character, is not written and makes size() zero for good.
class ResponseWriter {
 public:
  explicit ResponseWriter(MutableBytes out) : out_(out) {}

  /// "HTTP/1.1 404 Not Found"
  void status_line(int status);

  void header(std::string_view name, std::string_view value);
  void header(std::string_view name, std::uint64_t value);

  /// The Date field (RFC 9110 section 6.6.1). `now`: seconds since 1970, by the real-time clock.
  void date(std::int64_t now);

  /// The Connection field: "close", or nothing, as HTTP/1.1 keeps connections by itself; a client
  /// of HTTP/1.0 is told "keep-alive".
  void connection(bool keep_alive, int minor_version = 1);

  /// The empty line that ends the head.
  void end();

  void body(std::string_view text);

  /// Octets written so far; 0 when something was refused or did not fit.
  std::size_t size() const { return failed_ ? 0 : size_; }

 private:
  void put(std::string_view text);

  MutableBytes out_;
  std::size_t size_ = 0;
  bool failed_ = false;
};

/// A whole response with a short text/plain body.
struct TextResponse {
  int status = 200;
  std::string_view text{};            ///< a line without its end
  std::span<const Header> headers{};  ///< further fields, such as Allow
  std::int64_t now = 0;               ///< seconds since 1970
  int minor_version = 1;              ///< of the request
  bool keep_alive = false;
  bool head_only = false;  ///< the request was HEAD: same fields, no body
};

/// Returns the octets written; 0 when `out` is too small.
std::size_t write_text_response(MutableBytes out, const TextResponse& response);

/// The answer to a request that was refused; the connection is then to be closed.
std::size_t error_response(MutableBytes out, const Failure& failure, std::int64_t now,
                           std::span<const Header> headers = {});

}  // namespace peal::http
