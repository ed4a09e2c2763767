// SPDX-License-Identifier: Apache-2.0
#include "core/conn/admission.h"

namespace peal::conn {

Admission::Verdict Admission::enter(io::IpNetwork client, bool dear, bool& counted) {
  const Verdict verdict = count(client, dear, counted);
  if (verdict != Verdict::refused) open.fetch_add(1, std::memory_order_relaxed);
  return verdict;
}

void Admission::leave(io::IpNetwork client, bool counted) {
  open.fetch_sub(1, std::memory_order_relaxed);
  if (counted) clients.remove(client);
}

Admission::Verdict Admission::count(io::IpNetwork client, bool dear, bool& counted) {
  const std::uint64_t most = per_client.load(std::memory_order_relaxed);
  counted = most > 0 && client.known();
  if (!counted) return Verdict::welcome;
  const std::uint64_t now = clients.add(client);
  if (now > (dear ? 1 : 2) * most) {
    clients.remove(client);
    return Verdict::refused;
  }
  return now > most ? Verdict::crowded : Verdict::welcome;
}

bool Admission::count_on(io::IpNetwork client, bool& counted) {
  const std::uint64_t most = per_client.load(std::memory_order_relaxed);
  counted = most > 0 && client.known();
  return counted && clients.add(client) > most;
}

}  // namespace peal::conn
