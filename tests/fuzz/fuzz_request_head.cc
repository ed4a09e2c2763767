// SPDX-License-Identifier: Apache-2.0
// Request heads: two pieces come to the same outcome as the whole, wherever they are cut; what is
// accepted means the same when it is written out again.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/http/target.h"
#include "tests/fuzz/target.h"
#include "tests/unit/http/requests.h"

namespace peal::fuzz_request_head {

using namespace http;

PEAL_FUZZ_TARGET(request_head) {
  const std::string_view head = peal::as_text(std::as_bytes(std::span(data, size)));
  constexpr std::size_t kSmallLimit = 256;  // so that the fuzzer meets it
  const http::test::Parsed whole(head, kSmallLimit);
  for (std::size_t cut = 0; cut <= size; cut += 1 + size / 64) {
    http::test::Parsed pieces(head.substr(0, cut), kSmallLimit);
    http::test::feed(pieces, head.substr(cut), kSmallLimit);
    PEAL_CHECK(http::test::same(whole, pieces));
  }
  if (!whole.accepted()) return;

  PEAL_CHECK(whole.request().head_size <= kSmallLimit);
  PEAL_CHECK(whole.request().path.starts_with('/') || whole.request().path == "*");
  PEAL_CHECK(whole.request().path.find('\\') == std::string_view::npos);
  PEAL_CHECK(whole.request().host.empty() ? whole.request().minor_version == 0
                                          : parse_authority(whole.request().host).has_value());
  const std::string plain = http::test::serialise(whole.request());
  const http::test::Parsed again(plain);
  PEAL_CHECK(again.accepted());
  PEAL_CHECK(again.request().head_size == plain.size());
  PEAL_CHECK(http::test::same(whole.request(), again.request()));
}

}  // namespace peal::fuzz_request_head
