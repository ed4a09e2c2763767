// SPDX-License-Identifier: Apache-2.0
#include "server/answers.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "core/base/check.h"
#include "core/ws/handshake.h"

namespace peal::server {
namespace {

constexpr std::size_t kMostFields = 4;  // that an answer has of its own

}  // namespace

/// A body that nobody asked for would be taken for the next request, so the connection ends. So it
/// does when a WebSocket was refused: a proxy that does not wait for the 101 passes on whatever the
/// client sends, and that would be taken for requests of the proxy's own.
bool Answers::keeps_alive(const http::Request& request) const {
  return request.keep_alive && !draining_ && !makes_room_ && !request.has_body() &&
         !ws::wants_upgrade(request);
}

void Answers::text(conn::Connection& connection, const http::Request& request, int status,
                   std::string_view text, std::span<const http::Header> headers) const {
  std::array<http::Header, kMostFields + CorsFields::kMost> fields;
  PEAL_CHECK(headers.size() <= kMostFields);
  const auto own_end = std::ranges::copy(headers, fields.begin()).out;
  const auto end = std::ranges::copy(page_.fields(), own_end).out;
  Block* block = table_->memory().blocks.take(kResponseRoom);
  const bool keep_alive = keeps_alive(request) && status != 503;
  const std::size_t size = http::write_text_response({block->data(), kResponseRoom},
                                                     {.status = status,
                                                      .text = text,
                                                      .headers = {fields.begin(), end},
                                                      .now = ::time(nullptr),
                                                      .minor_version = request.minor_version,
                                                      .keep_alive = keep_alive,
                                                      .head_only = request.method == "HEAD"});
  note(connection, status);
  table_->respond(connection, block, size, keep_alive);
}

void Answers::unavailable(conn::Connection& connection, const http::Request& request,
                          std::string_view reason) const {
  static constexpr std::array<http::Header, 1> kRetryAfter{{{"Retry-After", "5"}}};
  text(connection, request, 503, reason, kRetryAfter);
}

}  // namespace peal::server
