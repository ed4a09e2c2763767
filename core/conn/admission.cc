// SPDX-License-Identifier: Apache-2.0
#include "core/conn/admission.h"

namespace peal::conn {

Admission::Verdict Admission::enter(io::IpNetwork client, bool dear) {
  const Verdict verdict = count(client, dear);
  if (verdict != Verdict::refused) open.fetch_add(1, std::memory_order_relaxed);
  return verdict;
}

void Admission::leave(io::IpNetwork client) {
  open.fetch_sub(1, std::memory_order_relaxed);
  uncount(client);
}

Admission::Verdict Admission::count(io::IpNetwork client, bool dear) {
  if (!counts(client)) return Verdict::welcome;
  const std::uint64_t now = clients.add(client);
  if (now > (dear ? 1 : 2) * per_client) {
    clients.remove(client);
    return Verdict::refused;
  }
  return now > per_client ? Verdict::crowded : Verdict::welcome;
}

void Admission::uncount(io::IpNetwork client) {
  if (counts(client)) clients.remove(client);
}

bool Admission::count_on(io::IpNetwork client) {
  return counts(client) && clients.add(client) > per_client;
}

}  // namespace peal::conn
