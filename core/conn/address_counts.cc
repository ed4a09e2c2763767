// SPDX-License-Identifier: Apache-2.0
#include "core/conn/address_counts.h"

#include <span>

#include "core/base/check.h"
#include "core/base/hash.h"

namespace peal::conn {

std::size_t AddressCounts::Hash::operator()(std::uint64_t bits) const {
  return keyed_hash(std::as_bytes(std::span(&bits, 1)));
}

AddressCounts::Stripe& AddressCounts::stripe_of(io::IpNetwork client) {
  // The high bits: the low ones choose the bucket within the stripe.
  return stripes_[Hash{}(client.bits()) >> 32 & (kStripes - 1)];
}

std::uint64_t AddressCounts::add(io::IpNetwork client) {
  Stripe& stripe = stripe_of(client);
  const std::lock_guard guard(stripe.lock);
  return ++stripe.counts[client.bits()];
}

void AddressCounts::remove(io::IpNetwork client) {
  Stripe& stripe = stripe_of(client);
  const std::lock_guard guard(stripe.lock);
  const auto found = stripe.counts.find(client.bits());
  PEAL_CHECK(found != stripe.counts.end());
  if (--found->second == 0) stripe.counts.erase(found);
}

std::uint64_t AddressCounts::count(io::IpNetwork client) {
  Stripe& stripe = stripe_of(client);
  const std::lock_guard guard(stripe.lock);
  const auto found = stripe.counts.find(client.bits());
  return found == stripe.counts.end() ? 0 : found->second;
}

std::size_t AddressCounts::clients() {
  std::size_t clients = 0;
  for (Stripe& stripe : stripes_) {
    const std::lock_guard guard(stripe.lock);
    clients += stripe.counts.size();
  }
  return clients;
}

}  // namespace peal::conn
