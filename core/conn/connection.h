// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "core/base/block_pool.h"
#include "core/base/coarse_instant.h"
#include "core/base/rate.h"
#include "core/base/time.h"
#include "core/conn/exchange.h"
#include "core/conn/secure_link.h"
#include "core/http/request_parser.h"
#include "core/hub/hub.h"
#include "core/hub/outbox.h"
#include "core/io/backend.h"
#include "core/io/ip_network.h"
#include "core/io/timer_wheel.h"
#include "core/ws/deflate.h"
#include "core/ws/message_reader.h"

namespace peal::conn {

/// What a route lays down for its connections. Owner: the server; outlives them.
struct RoutePolicy {
  hub::OutboxPolicy outbox;
  ws::DeflatePolicy deflate = {};
  std::uint64_t message_size = 1 << 20;       ///< bytes after reassembly and inflation
  std::uint32_t message_fragments = 1 << 17;  ///< frames of one message
  Rate message_rate{};                        ///< of messages and control frames from one client
  Duration ping_interval{};                   ///< zero: no pings
  Duration pong_timeout{};                    ///< zero: for ever
  Duration idle_timeout{};                    ///< without a message either way; zero: for ever
  bool echo = false;  ///< every message goes back, see ConnectionHandler::on_echo()
};

/// Where a connection stands. It moves down this list only, but for `head` to `responding`, which
/// alternate while HTTP keeps the connection.
enum class Phase : std::uint8_t {
  introducing,  ///< the PROXY header of a trusted proxy is being read
  securing,     ///< the TLS handshake, on a listener with certificates
  head,         ///< a request head is being read
  receiving,    ///< the body of a request is being read
  answering,    ///< the handler owes the answer; input waits
  responding,   ///< the body of a response is being sent; input waits
  upgrading,    ///< the head is written but waits until the topics are ready; input waits
  open,         ///< a WebSocket
  streaming,    ///< a response without an end of its own; input is thrown away
  closing,      ///< our close frame is queued or sent, the peer's has not come
  lingering,    ///< nothing more to say: send what is queued, shut down, wait for the peer's end
  closed,       ///< over; the slot waits for the operations under way
};

/// Why no input is taken although the phase would.
enum class Stall : std::uint8_t {
  none,
  queue,  ///< the client does not read the answers it asks for
  mesh,   ///< other shards do not keep up with what this one publishes
  turn,   ///< it has had its share of a turn and waits in line for the next
};

/// Why a connection ends: the first cause there was.
enum class Ending : std::uint8_t {
  none,               ///< it goes on
  client,             ///< the client closed it as it should
  lost,               ///< the client reset it, or ended it without a close frame
  server,             ///< we closed it because the handler said so
  answered,           ///< the answer was the last one
  idle,               ///< nothing came for too long
  bad_request,        ///< no HTTP that we take
  proxy_protocol,     ///< a trusted proxy sent no PROXY header that we take
  tls_error,          ///< the client and we do not agree on TLS, or the client broke it
  handshake_timeout,  ///< no whole request in time
  send_timeout,       ///< the client takes nothing of a response
  pong_timeout,       ///< the client answers no ping
  protocol_error,     ///< the client broke RFC 6455
  message_size,       ///< RoutePolicy::message_size
  message_fragments,  ///< RoutePolicy::message_fragments
  message_rate,       ///< RoutePolicy::message_rate
  slow_client,        ///< RoutePolicy::outbox
  no_resources,       ///< the kernel has no room for it
};

/// What a connection is, apart from links to its surroundings: plain data, so that it can be
/// written down and taken up by another process.
struct ConnectionState {
  Phase phase = Phase::head;
  Stall stall = Stall::none;
  bool peer_ended = false;    ///< the peer has shut its side down
  bool write_shut = false;    ///< and we ours
  bool keep_alive = false;    ///< what follows `responding`
  bool reset = false;         ///< throw unsent bytes away at the end
  bool topics_ready = false;  ///< `upgrading` may go on
  Ending ending = Ending::none;
  std::uint16_t close_code = 0;  ///< sent or received first; 0 = no close frame yet
  bool closed_by_peer = false;   ///< who sent it
  bool crowded = false;          ///< came above its client's share, see Admission
  std::uint32_t listener : 24 = 0;
  bool counted : 1 = false;     ///< among the connections of `client`, see Admission
  bool forwards : 1 = false;    ///< its peer's requests say whose they are, see ListenerPolicy
  bool https : 1 = false;       ///< how `client` has come, to us or to whoever is in front
  bool leaves : 1 = false;      ///< was told to go before its first request: has a moment for that
  io::IpNetwork client;         ///< the peer, or whom it stands for
  Instant paid{};               ///< of RoutePolicy::message_rate
  http::HeadScan scan;          ///< in `head`
  bool answered = false;        ///< at least one request was
  bool streams = false;         ///< what follows `upgrading` is `streaming`
  bool stopping : 1 = false;    ///< the armed receive was told to end
  bool direct : 1 = false;      ///< it goes into `reader`'s message
  bool sends : 1 = false;       ///< the phase's time begins when all is sent, see has_time()
  bool local : 1 = false;       ///< came by a Unix socket
  bool in_bulk : 1 = false;     ///< waits to be listened to, see arm_receive()
  bool surplus : 1 = false;     ///< came when there was no room, see Admission
  std::uint8_t single : 2 = 0;  ///< receives of one piece to come, see arm_receive()
  ws::ReaderState* reader = nullptr;  ///< in `open` and `closing`, while it is not idle
};
static_assert(std::is_trivially_copyable_v<ConnectionState>);

/// One client. Everything that happens to it is in ConnectionTable.
///
/// Owner: a ConnectionTable. Thread: the shard's.
/// Limits: an idle one holds no buffer, no block and no segment, and nothing for compression but
/// with context takeover; a WebSocket or a stream holds no Exchange.
struct Connection : hub::Outbox {
  Connection(SlotId slot, io::Handle socket, io::IpNetwork client, std::uint32_t listener)
      : Outbox(slot), fd(socket), timer(slot.index) {
    state.client = client;
    state.listener = listener & 0xffffff;
  }

  /// A send is under way.
  bool sending() const { return pinned() || (secure && secure->send_under_way()); }
  /// Everything that was queued is sent.
  bool all_sent() const { return empty() && !(secure && secure->has_output()); }

  bool receiving = false;  ///< a receive is armed
  io::Handle fd;
  ConnectionState state;
  const RoutePolicy* policy = nullptr;  ///< of the route, from `upgrading` on
  hub::TopicUse* topics = nullptr;      ///< the handler's
  std::unique_ptr<SecureLink> secure;   ///< on a listener with certificates
  /// Input that could not be worked off yet, a request head in pieces for one: Block::used.
  Block* held = nullptr;
  std::unique_ptr<Exchange> exchange;      ///< until `upgrading`; see ConnectionTable::exchange()
  std::unique_ptr<ws::Deflater> deflater;  ///< of what we send, with context takeover
  io::Timer timer;
  /// Start of the phase; in `streaming`, of the last comment; with ConnectionState::sends, when the
  /// peer was last seen to take something.
  CoarseInstant since;
  CoarseInstant last_received;  ///< any byte, or a send that shows the peer takes some
  CoarseInstant last_message;   ///< either way
  /// When a ping went out that nothing has answered yet, or, in `streaming`, since when something
  /// that was sent is not acknowledged.
  CoarseInstant pinged;
  std::uint32_t acknowledged = 0;  ///< bytes, modulo 2^32, when last asked: io::acknowledged()
  std::uint32_t accepted = 0;      ///< when it came, in microseconds modulo 2^32
};
static_assert(sizeof(Connection) <= 240);  // most of what an idle one takes, docs/PERFORMANCE.md

}  // namespace peal::conn
