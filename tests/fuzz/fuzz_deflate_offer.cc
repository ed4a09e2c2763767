// SPDX-License-Identifier: Apache-2.0
// The negotiation of permessage-deflate: a client that allows all takes what we answer, and both
// sides come to the same agreement; a field is malformed whatever the policy.
// Input: the value of Sec-WebSocket-Extensions.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/check.h"
#include "core/ws/permessage_deflate.h"
#include "tests/fuzz/target.h"
#include "tests/unit/http/requests.h"

namespace peal::fuzz_deflate_offer {

PEAL_FUZZ_TARGET(deflate_offer) {
  std::string value(as_text(std::as_bytes(std::span(data, size))));
  const ws::DeflateOffer anything{.client_max_window_bits = ws::kMaxWindowBits};
  ws::check_deflate_answer(value, anything);

  const http::test::Parsed parsed(
      "GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: " + value + "\r\n\r\n");
  if (!parsed.accepted()) return;
  const auto refused = !ws::answer_deflate_offers(parsed.request(), {.enabled = false});
  for (const bool takeover : {false, true}) {
    const auto answer = ws::answer_deflate_offers(parsed.request(),
                                                  {.enabled = true, .context_takeover = takeover});
    PEAL_CHECK(!answer == refused);
    if (!answer) continue;
    const ws::DeflateAgreement& agreed = answer->agreement;
    const auto checked = ws::check_deflate_answer(answer->text.view(), anything);
    PEAL_CHECK(checked && *checked == agreed);
    PEAL_CHECK(takeover || (!agreed.server_takeover && !agreed.client_takeover));
  }
}

}  // namespace peal::fuzz_deflate_offer
