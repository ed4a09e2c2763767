// SPDX-License-Identifier: Apache-2.0
// Forwarded and X-Forwarded-For: what a nearer proxy adds in a field of its own is read whatever
// stands in front of it, and an address is written as it is read. The first octet chooses the
// field.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/http/forwarded.h"
#include "tests/fuzz/target.h"

namespace peal::fuzz_forwarded {

using namespace http;

PEAL_FUZZ_TARGET(forwarded) {
  if (size == 0) return;
  const auto field = static_cast<ForwardedField>(data[0] % 2);
  const bool forwarded = field == ForwardedField::forwarded;
  const std::string_view name = forwarded ? "Forwarded" : "X-Forwarded-For";
  const std::string_view value = peal::as_text(std::as_bytes(std::span(data + 1, size - 1)));
  const Header fields[]{{name, value}, {name, forwarded ? "for=203.0.113.7" : "203.0.113.7"}};
  Request request;
  request.headers = fields;
  std::vector<ForwardedHop> hops;
  read_forwarded(request, field, hops);
  PEAL_CHECK(!hops.empty() && hops.size() <= kMaxForwardedHops);
  PEAL_CHECK(hops.back().client == peal::IpAddress::parse("203.0.113.7"));
  for (const ForwardedHop& hop : hops)
    if (hop.client) PEAL_CHECK(peal::IpAddress::parse(hop.client->text()) == hop.client);
}

}  // namespace peal::fuzz_forwarded
