// SPDX-License-Identifier: Apache-2.0
#include "server/snapshot.h"

namespace peal::server {
namespace {

template <class Value>
void add_each(std::vector<Value>& to, const std::vector<Value>& more) {
  if (to.size() < more.size()) to.resize(more.size());
  for (std::size_t i = 0; i < more.size(); ++i) to[i] += more[i];
}

template <class Value, std::size_t N>
void add_each(std::array<Value, N>& to, const std::array<Value, N>& more) {
  for (std::size_t i = 0; i < N; ++i) to[i] += more[i];
}

void add(conn::TableCounters& to, const conn::TableCounters& more) {
  to.accepted += more.accepted;
  to.bytes_received += more.bytes_received;
  to.bytes_sent += more.bytes_sent;
  add_each(to.endings, more.endings);
  to.handshake += more.handshake;
}

}  // namespace

Snapshot& Snapshot::operator+=(const Snapshot& more) {
  add(table, more.table);
  add_each(routes, more.routes);
  add_each(closes, more.closes);
  add_each(deliveries, more.deliveries);
  add_each(publications, more.publications);
  paced += more.paced;
  fanout += more.fanout;
  turns += more.turns;
  cpu += more.cpu;
  connections += more.connections;
  topics += more.topics;
  subscriptions += more.subscriptions;
  queue_bytes += more.queue_bytes;
  history_bytes += more.history_bytes;
  block_bytes_used += more.block_bytes_used;
  block_bytes_kept += more.block_bytes_kept;
  receive_buffers += more.receive_buffers;
  return *this;
}

}  // namespace peal::server
