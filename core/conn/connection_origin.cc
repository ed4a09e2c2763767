// SPDX-License-Identifier: Apache-2.0
// Where a connection comes from: its peer, or whom a trusted proxy names.
#include <limits>
#include <utility>

#include "core/conn/connection_table.h"

namespace peal::conn {

/// A trusted proxy is not counted: it stands for clients, which it names later.
void ConnectionTable::on_accept(std::uint32_t listener, int fd) {
  const ListenerPolicy& policy = handler_.listener_policy(listener);
  const io::Peer peer = admission_.peer(fd);
  const bool introduces = policy.introduces(peer);
  const bool forwards = policy.forwards(peer);
  const bool stands_for_others = introduces || forwards;
  const io::IpNetwork client = peer.network();
  bool counted = false;
  const auto verdict = admission_.enter(stands_for_others ? io::IpNetwork() : client,
                                        policy.certificates != nullptr, counted);
  if (verdict == Admission::Verdict::refused) {
    reactor_.backend().close(fd, {}, true);
    handler_.on_refused(client);
    return;
  }
  Connection& connection = connections_.emplace(reactor_.backend().adopt(fd), client, listener);
  connection.state.crowded = verdict == Admission::Verdict::crowded;
  connection.state.surplus = admission_.over_limit();
  connection.state.counted = counted;
  connection.state.forwards = forwards;
  connection.state.https = policy.certificates != nullptr;
  connection.state.local = peer.kind == io::Peer::Kind::unix_socket;
  connection.last_received = now();
  connection.accepted = microseconds();
  ++counters_.accepted;
  traffic_.begin(connection.id(), now());
  // A balancer's health check is reset at once, and nobody can tell any more that it is one.
  if (policy.proxy && peer.kind == io::Peer::Kind::gone)
    return terminate(connection, true, Ending::lost);
  if (policy.certificates) connection.secure = std::make_unique<SecureLink>(*policy.certificates);
  if (introduces)
    enter(connection, Phase::introducing);
  else
    enter(connection, connection.secure ? Phase::securing : Phase::head);
  arm_receive(connection);
}

/// False when octets of the PROXY header are missing.
bool ConnectionTable::read_introduction(Connection& connection, MutableBytes& input) {
  const ListenerPolicy& policy = handler_.listener_policy(connection.state.listener);
  http::ProxyHeader header;
  const auto versions = policy.proxy.value_or(http::ProxyVersions::any);
  switch (http::read_proxy_header(input, versions, header)) {
    case http::ProxyOutcome::need_more:
      return false;
    case http::ProxyOutcome::failure:
      terminate(connection, true, Ending::proxy_protocol);
      break;
    case http::ProxyOutcome::header:
      input = input.subspan(header.size);
      introduce(connection, policy, header);
      break;
  }
  const bool secured = connection.state.phase == Phase::securing;
  if (secured && !input.empty()) take_ciphertext(connection, std::exchange(input, {}));
  return true;
}

/// The client is known: it counts as if it had come by itself.
void ConnectionTable::introduce(Connection& connection, const ListenerPolicy& policy,
                                const http::ProxyHeader& header) {
  using From = http::ProxyHeader::Source;
  io::Peer client;
  switch (header.source) {
    case From::own:
      client = peer_of(connection);
      break;
    case From::ip:
      client = {.kind = io::Peer::Kind::ip, .address = header.client};
      break;
    case From::unix_socket:
      client.kind = io::Peer::Kind::unix_socket;
      break;
  }
  ConnectionState& state = connection.state;
  state.client = client.network();
  state.https = state.https || header.tls;
  state.forwards = policy.forwards(client);
  if (!state.forwards) {
    bool counted = false;
    const auto verdict = admission_.count(state.client, connection.secure != nullptr, counted);
    if (verdict == Admission::Verdict::refused) {
      handler_.on_refused(state.client);
      terminate(connection, true);
      return;
    }
    state.counted = counted;
    state.crowded = verdict == Admission::Verdict::crowded;
  }
  enter(connection, connection.secure ? Phase::securing : Phase::head);
}

io::Peer ConnectionTable::peer_of(const Connection& connection) const {
  return io::with_descriptor(reactor_.backend(), connection.fd, admission_.peer);
}

void ConnectionTable::answer_for(Connection& connection, io::IpNetwork client, bool https) {
  ConnectionState& state = connection.state;
  PEAL_DCHECK(state.forwards);
  if (state.counted) admission_.uncount(state.client);
  bool counted = false;
  state.crowded = admission_.count_on(client, counted);
  state.counted = counted;
  state.client = client;
  state.https = https;
}

/// The next request over a line that forwards may be somebody else's.
void ConnectionTable::forget_client(Connection& connection) {
  ConnectionState& state = connection.state;
  if (state.counted) admission_.uncount(state.client);
  state.counted = false;
  state.crowded = false;
  state.client = peer_of(connection).network();
}

}  // namespace peal::conn
