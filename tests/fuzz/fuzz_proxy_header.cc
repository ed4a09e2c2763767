// SPDX-License-Identifier: Apache-2.0
// PROXY headers: pieces come to the same as the whole, a header lies within the input and its
// bound, and what follows it changes nothing. The first octet chooses the versions that are taken.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "tests/fuzz/target.h"
#include "tests/unit/http/proxy_headers.h"

namespace peal::fuzz_proxy_header {

using namespace http;

PEAL_FUZZ_TARGET(proxy_header) {
  if (size == 0) return;
  const auto versions = static_cast<ProxyVersions>(data[0] % 3);
  const std::string_view input = peal::as_text(std::as_bytes(std::span(data + 1, size - 1)));
  const http::test::ReadHeader whole = http::test::read_header(input, versions);
  const std::size_t step = 1 + size / 64;
  PEAL_CHECK(whole == http::test::read_header_in_pieces(input, versions, [&] { return step; }));
  if (whole.outcome == ProxyOutcome::need_more) PEAL_CHECK(input.size() < kMaxProxyHeader);
  if (whole.outcome != ProxyOutcome::header) return;
  PEAL_CHECK(whole.header.size > 0 && whole.header.size <= input.size());
  PEAL_CHECK(whole.header.size <= kMaxProxyHeader);
  PEAL_CHECK(whole == http::test::read_header(input.substr(0, whole.header.size), versions));
  PEAL_CHECK(whole == http::test::read_header(std::string(input) + "GET / HTTP/1.1\r\n", versions));
}

}  // namespace peal::fuzz_proxy_header
