// SPDX-License-Identifier: Apache-2.0
// Request bodies: two pieces come to the same as the whole, wherever they are cut; a chunked one is
// taken by BodyReader just when a second reader takes it, with the same payload. The first octet is
// a Content-Length, or 0 for chunks.
#include <cstddef>
#include <cstdint>
#include <utility>

#include "core/base/check.h"
#include "tests/fuzz/target.h"
#include "tests/unit/http/bodies.h"

namespace peal::fuzz_request_body {

using namespace http;

PEAL_FUZZ_TARGET(request_body) {
  if (size == 0) return;
  const std::string text(peal::as_text(std::as_bytes(std::span(data + 1, size - 1))));
  constexpr std::uint64_t kSmallLimit = 64;  // so that the fuzzer meets it
  Request request;
  request.chunked = data[0] == 0;
  request.content_length = data[0];
  const BodyReader reader(request, kSmallLimit);
  const http::test::ReadBody whole = http::test::read_body(reader, text);
  for (std::size_t cut = 1; cut <= text.size(); cut += 1 + text.size() / 64) {
    std::size_t next = cut;
    const auto cut_once = [&] { return std::exchange(next, text.size()); };
    PEAL_CHECK(http::test::read_body(reader, text, cut_once) == whole);
  }
  PEAL_CHECK(whole.payload.size() <= kSmallLimit);
  if (!request.chunked) {
    PEAL_CHECK(!whole.done() || whole.payload == text.substr(0, data[0]));
    return;
  }
  const auto expected = http::test::decode_chunked(text, kSmallLimit);
  PEAL_CHECK(whole.done() == expected.has_value());
  PEAL_CHECK(!expected || *expected == whole);
}

}  // namespace peal::fuzz_request_body
