// SPDX-License-Identifier: Apache-2.0
#include "core/conn/admission.h"

namespace peal::conn {

Admission::Verdict Admission::enter(io::IpNetwork client, bool dear) {
  Verdict verdict = Verdict::welcome;
  if (counts(client)) {
    const std::uint64_t now = clients.add(client);
    if (now > (dear ? 1 : 2) * per_client) {
      clients.remove(client);
      return Verdict::refused;
    }
    if (now > per_client) verdict = Verdict::crowded;
  }
  open.fetch_add(1, std::memory_order_relaxed);
  return verdict;
}

void Admission::leave(io::IpNetwork client) {
  open.fetch_sub(1, std::memory_order_relaxed);
  if (counts(client)) clients.remove(client);
}

}  // namespace peal::conn
