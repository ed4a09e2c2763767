// SPDX-License-Identifier: Apache-2.0
#include "core/hub/mesh.h"

#include <utility>

namespace peal::hub {

Mesh::Mesh(ShardIndex shards) : shards_(shards) {
  const std::size_t count = std::size_t{shards} * shards * 2;
  queues_.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    queues_.push_back(std::make_unique<SpscQueue<Parcel>>(kCapacity));
}

MeshPort::MeshPort(Mesh& mesh, ShardIndex self)
    : mesh_(mesh), self_(self), destinations_(mesh.shards()) {}

void MeshPort::send(ShardIndex to, const Parcel& parcel) {
  PEAL_DCHECK(to != self_);
  Destination& destination = destinations_[to];
  const Mesh::Lane lane = lane_of(parcel);
  auto& waiting = destination.waiting[static_cast<std::size_t>(lane)];
  if (!waiting.empty() || !mesh_.queue(self_, to, lane).push(parcel)) {
    waiting.push_back(parcel);
    ++waiting_[static_cast<std::size_t>(lane)];
  }
  destination.unannounced = true;
}

bool MeshPort::has_mail() const {
  for (ShardIndex from = 0; from < shards(); ++from)
    for (Mesh::Lane lane : {Mesh::Lane::up, Mesh::Lane::down})
      if (from != self_ && !mesh_.queue(from, self_, lane).empty()) return true;
  return false;
}

bool MeshPort::flush_to(ShardIndex to) {
  Destination& destination = destinations_[to];
  for (Mesh::Lane lane : {Mesh::Lane::up, Mesh::Lane::down}) {
    auto& waiting = destination.waiting[static_cast<std::size_t>(lane)];
    while (!waiting.empty() && mesh_.queue(self_, to, lane).push(waiting.front())) {
      waiting.pop_front();
      --waiting_[static_cast<std::size_t>(lane)];
      destination.unannounced = true;
    }
  }
  return std::exchange(destination.unannounced, false);
}

}  // namespace peal::hub
