// SPDX-License-Identifier: Apache-2.0
#include "tests/support/ws_peer.h"

#include <algorithm>
#include <array>

#include "core/ws/close_frame.h"
#include "core/ws/frame_header.h"
#include "core/ws/mask.h"

namespace peal::test {

std::string WsPeer::handshake(std::string_view target, std::optional<ws::DeflateOffer> offer) {
  std::array<std::byte, 16> octets;
  for (std::byte& octet : octets) octet = static_cast<std::byte>(random_());
  key_ = ws::make_key(octets);
  offer_ = offer;
  ws::ExtensionText text;
  if (offer) text = ws::write_deflate_offer(*offer);
  const std::array<http::Header, 1> headers{{{"Sec-WebSocket-Extensions", text.view()}}};
  std::array<std::byte, 1024> room;
  const std::size_t size =
      ws::write_client_request(room, {.host = "localhost",
                                      .target = target,
                                      .key = {key_.data(), key_.size()},
                                      .headers = std::span(headers).first(offer ? 1 : 0)});
  return std::string(as_text(Bytes(room).first(size)));
}

std::string WsPeer::frame(ws::Opcode opcode, std::string_view payload, bool fin, bool compressed) {
  std::string octets(ws::client_header_size(payload.size()), '\0');
  octets += payload;
  auto* to = reinterpret_cast<std::byte*>(octets.data());
  const auto key = static_cast<std::uint32_t>(random_());
  ws::unmask({ws::write_client_header(to, opcode, fin, payload.size(), key), payload.size()}, key);
  if (compressed) ws::set_compressed(to);
  return octets;
}

std::string WsPeer::deflate(std::string_view payload, bool context) {
  if (payload.empty()) return std::string(1, '\0');
  const std::uint8_t bits = offer_ && offer_->client_max_window_bits > 0
                                ? std::max(offer_->client_max_window_bits, ws::Deflater::kMinBits)
                                : ws::kMaxWindowBits;
  if (!deflater_) deflater_ = std::make_unique<ws::Deflater>(1, bits);
  if (!context) deflater_->reset();
  std::string octets(deflater_->bound(payload.size()), '\0');
  octets.resize(deflater_->compress(as_bytes(payload), std::as_writable_bytes(std::span(octets))));
  return octets;
}

std::string WsPeer::close(std::uint16_t code, std::string_view reason) {
  std::array<std::byte, ws::kMaxControlPayload> payload;
  return frame(ws::Opcode::close,
               as_text(ws::write_close_payload(payload, static_cast<ws::CloseCode>(code), reason)));
}

bool WsPeer::mid_frame() const {
  if (status_ == 0) return !answer_.empty();
  return reader_.header_size > 0 || reader_.frame_left > 0 || reader_.control != nullptr;
}

void WsPeer::take(std::string_view octets) {
  if (accepted_) {
    take_frames(std::string(octets));
    return;
  }
  answer_ += octets;
  if (status_ == 0) take_answer();
}

void WsPeer::take_answer() {
  const auto answer = ws::check_server_answer(answer_, {key_.data(), key_.size()});
  if (answer.kind == ws::ServerAnswer::Kind::need_more) return;
  status_ = answer.status;
  accepted_ = answer.kind == ws::ServerAnswer::Kind::accepted;
  const auto agreed =
      offer_ ? ws::check_deflate_answer(answer.extensions, *offer_) : ws::DeflateAgreement{};
  if (!agreed || (!offer_ && !answer.extensions.empty()))
    error = "the answer does not fit the offer of an extension";
  else
    agreement_ = *agreed;
  if (accepted_) take_frames(answer_.substr(answer.head_size));
}

void WsPeer::take_frames(std::string octets) {
  const ws::ReaderContext context{.pool = pool_,
                                  .message_size = ws::kMaxMessageSize,
                                  .role = ws::Role::client,
                                  .inflaters = agreement_.on ? &inflaters_ : nullptr,
                                  .takeover = agreement_.server_takeover,
                                  .window_bits = agreement_.server_window_bits};
  MutableBytes input = std::as_writable_bytes(std::span(octets));
  while (error.empty()) {
    if (close_code && !input.empty()) error = "octets after the close frame";
    if (close_code || !error.empty()) return;
    const ws::Event event = ws::next(reader_, input, context);
    std::string payload(as_text(event.payload));
    pool_.give(event.block);
    switch (event.kind) {
      case ws::Event::Kind::none:
      case ws::Event::Kind::paused:  // only where inflation is bounded
        return;
      case ws::Event::Kind::message:
        messages.push_back({event.opcode, std::move(payload)});
        compressed_messages_ += event.inflated;
        break;
      case ws::Event::Kind::ping:
        pings.push_back(std::move(payload));
        break;
      case ws::Event::Kind::pong:
        pongs.push_back(std::move(payload));
        break;
      case ws::Event::Kind::close:
        close_code = static_cast<std::uint16_t>(event.code);
        close_reason = std::move(payload);
        break;
      case ws::Event::Kind::failure:
        error = event.reason;
        break;
    }
  }
}

}  // namespace peal::test
