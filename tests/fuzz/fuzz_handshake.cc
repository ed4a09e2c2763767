// SPDX-License-Identifier: Apache-2.0
// The opening handshake: what we accept is answered in a way that the client accepts, and a
// sub-protocol is chosen only when it was offered.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/check.h"
#include "core/ws/handshake.h"
#include "tests/fuzz/target.h"
#include "tests/unit/http/requests.h"

namespace peal::fuzz_handshake {

PEAL_FUZZ_TARGET(handshake) {
  const http::test::Parsed parsed(as_text(std::as_bytes(std::span(data, size))));
  // As a client reads it, the input is an answer that no key of ours can be the reason of.
  constexpr std::string_view kOtherKey = "AAAAAAAAAAAAAAAAAAAAAA==";
  ws::check_server_answer(parsed.text, kOtherKey);
  if (!parsed.accepted()) return;

  const auto checked = ws::check_upgrade(parsed.request());
  if (!checked) {
    PEAL_CHECK(checked.error().status >= 400 && !checked.error().reason.empty());
    return;
  }
  static const std::array<std::string, 2> ours = {"peal.v1", "chat"};
  const auto chosen = ws::choose_subprotocol(parsed.request(), ours);
  if (!chosen) return;
  PEAL_CHECK(chosen->empty() || parsed.request().has_token("Sec-WebSocket-Protocol", *chosen));

  std::array<std::byte, 512> memory;
  const std::size_t written = ws::write_accept(memory, *checked, *chosen);
  const auto answer = ws::check_server_answer(as_text(memory).substr(0, written), checked->key);
  PEAL_CHECK(answer.kind == ws::ServerAnswer::Kind::accepted);
  PEAL_CHECK(answer.head_size == written);
  PEAL_CHECK(answer.subprotocol == *chosen);
}

}  // namespace peal::fuzz_handshake
