// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/object_pool.h"
#include "core/base/ring.h"
#include "core/base/slab.h"
#include "core/conn/admission.h"
#include "core/conn/connection.h"
#include "core/conn/counters.h"
#include "core/conn/handler.h"
#include "core/http/response.h"
#include "core/hub/memory.h"
#include "core/io/reactor.h"

namespace peal::conn {

struct TableLimits {
  std::size_t header_size = 16 << 10;  ///< bytes
  Duration handshake_timeout = std::chrono::seconds(10);
  Duration close_timeout = std::chrono::seconds(5);
  Duration body_timeout = std::chrono::seconds(30);  ///< from the end of the head
  /// Without an acknowledgement of an answer, or of what is sent before the end. Long, because a
  /// client that reads slowly lets its receive buffer run half empty before it says that there is
  /// room.
  Duration send_timeout = std::chrono::seconds(60);
  /// Bytes of a frame that are yet to come, from which on they are received into its message.
  std::size_t direct_from = 64 << 10;  // two at least
};

/// The connections of one shard and all that happens to them: bytes in, requests and messages up
/// to the handler, answers down, out at the end of the turn.
///
/// Owner: a Shard. Thread: the shard's.
/// Errors: a connection that fails is ended; nobody else notices.
class ConnectionTable {
 public:
  ConnectionTable(io::Reactor& reactor, hub::Memory& memory, hub::DueList& due,
                  ConnectionHandler& handler, Admission& admission, const TableLimits& limits);

  // What the reactor reports.
  void on_accept(std::uint32_t listener, int fd);
  void on_receive(SlotId id, io::Received received);
  void on_receive_into(SlotId id, int result);
  void on_send(SlotId id, int result);
  void on_timer(std::uint32_t index);

  /// At the end of a turn: sends what is due, ends what is over. True when some is left for the
  /// next turn, so that one turn is bounded.
  bool flush();

  // What the handler may do with a connection, in the phases named.

  /// head, answering: sends a response, `size` bytes at the front of `block`, which it takes over.
  /// Nobody hears it on a connection that has begun to end meanwhile.
  void respond(Connection& connection, Block* block, std::size_t size, bool keep_alive);
  /// head, answering: the same with a body from a file after it.
  void respond_file(Connection& connection, Block* block, std::size_t size, bool keep_alive,
                    FileBody body);
  /// head: reads the body of the request, up to `limit` bytes, and hands it to on_body() after
  /// on_request(). A client that waits for it is told to go on. A body that is too large, malformed
  /// or late is refused, and the connection ends.
  void receive_body(Connection& connection, const http::Request& request, std::uint64_t limit);
  /// head, answering: the answer comes later. At `deadline` on_answer_due() is called. With
  /// `ends_with_client` a client that ends its side has given up, and is not waited for when
  /// everything ends either; else it may have ended it because it has said all.
  void answer_later(Connection& connection, Instant deadline, bool ends_with_client);
  /// What the connection keeps of its request, made by the handler at the first call. Requires: a
  /// phase before `upgrading`.
  Exchange& exchange(Connection& connection);
  /// head, answering: writes the 101 answer, `size` bytes at the front of `block`, which it takes
  /// over. It is held back until topics_ready(). The exchange ends with the call.
  void upgrade(Connection& connection, const RoutePolicy& policy, Block* block, std::size_t size);
  /// head, answering: the same with the head of a response whose body is whatever is pushed into
  /// the outbox from topics_ready() on. It ends with the connection.
  void stream(Connection& connection, const RoutePolicy& policy, Block* head, std::size_t size);
  /// upgrading, streaming: ends such a response when what is queued is sent, and after that `size`
  /// bytes at the front of `last`, which it takes over; null: nothing more.
  void end_stream(Connection& connection, Block* last, std::size_t size,
                  Ending ending = Ending::server);
  /// upgrading: lets the answer out at the end of the turn; WebSocket or stream are open then.
  /// answering: on_topics_due() follows at the end of the turn.
  void topics_ready(Connection& connection);
  /// open: sends a message back, compressed if that is agreed and worthwhile, else from where it
  /// lies if that can be. Takes `message.block` over.
  void echo(Connection& connection, const ws::Event& message);
  /// upgrading, open: sends a text message, copied. Nobody hears it on a connection that has begun
  /// to end meanwhile.
  void send_text(Connection& connection, std::string_view text);
  /// head, answering, open: takes no input until resume_publisher().
  void stall_publisher(Connection& connection);
  /// upgrading, open: sends a close frame and waits for the peer's. Before it is open, a WebSocket
  /// gets its answer and that frame, and nothing between.
  void close(Connection& connection, ws::CloseCode code, std::string_view reason,
             Ending ending = Ending::server);

  /// Other limits than before; time-outs that are running stay as they are.
  void set_limits(const TableLimits& limits) { limits_ = limits; }
  /// upgrading or later: the route lays down something else from now on.
  void set_policy(Connection& connection, const RoutePolicy& policy);

  /// Lets the one go on that stall_publisher() stopped before the others. Requires: some wait.
  void resume_publisher();

  /// Ends a connection as it should be ended: a WebSocket with a close frame, a stream after what
  /// is queued, a poll with its answer, HTTP that is idle by shutting down. One that is being asked
  /// something, or owes an answer, is left alone: that answer has to end it. So is one that has
  /// just come, for kMoment.
  void send_away(Connection& connection, ws::CloseCode code, std::string_view reason);
  /// The same of every connection.
  void close_all(ws::CloseCode code, std::string_view reason);

  /// Breaks every connection off; they are gone after some more turns.
  void terminate_all();

  /// Whether nobody has asked for anything in some turns.
  bool is_quiet() const { return quiet_turns_ == kQuietTurns; }
  /// Of what a share of a usual turn is enough for, what the share of this turn is enough for.
  std::size_t share_of(std::size_t usual) const {
    return usual * static_cast<std::size_t>(share_ / std::chrono::microseconds(1)) /
           static_cast<std::size_t>(kUsualShare / std::chrono::microseconds(1));
  }
  /// How many wait for resume_publisher().
  std::size_t waiting_publishers() const { return stalled_publishers_.size(); }

  /// Whether the connection came when there were as many in the process as there may be, and there
  /// still are. Asked when a request has come, not on accept: by then, others may have left.
  bool over_limit(Connection& connection);

  /// Whether the connection came above its client's share of connections, and would still be.
  bool crowded(Connection& connection);

  /// head: the request at hand is of `client`, whose connection this is from now on: as long as it
  /// answers that request, is a WebSocket or a stream. `https`: how that client came. Requires:
  /// ConnectionState::forwards.
  void answer_for(Connection& connection, io::IpNetwork client, bool https);
  /// Who is at the other end of the socket, whomever it stands for.
  io::Peer peer_of(const Connection& connection) const;

  /// Bytes that a request head may have.
  std::size_t header_size() const { return limits_.header_size; }

  Connection* find(SlotId id) { return connections_.find(id); }
  /// For a walk over all connections that takes several turns: the one in a slot, or null.
  Connection* at(std::uint32_t slot) { return connections_.at_index(slot); }
  std::uint32_t slots() const { return connections_.slots(); }
  std::size_t size() const { return connections_.size(); }
  Instant now() const { return reactor_.now(); }
  hub::Memory& memory() { return memory_; }

  /// From accept, for a first request when everybody is told to go.
  static constexpr Duration kMoment = std::chrono::seconds(1);

  const TableCounters& counters() const { return counters_; }
  /// Whether the traffic of connections that come from now on is kept.
  void keep_traffic(bool on) { traffic_.keep(on); }
  /// Null when it is not kept. Valid as long as the connection.
  Traffic* traffic(const Connection& connection) { return traffic_.of(connection.id()); }

 private:
  /// Where the bytes lie that are worked off right now.
  struct Source {
    bool in_buffer = false;
    std::uint16_t buffer = 0;
  };

  /// Pings in one piece of input. The first ones are answered one by one; of more than that, the
  /// last one (RFC 6455 section 5.5.3).
  struct PingFlood {
    std::uint32_t pings = 0;
    std::uint8_t size = 0;  // bytes of `last`
    std::array<std::byte, ws::kMaxControlPayload> last;
  };

  /// A client that has had its share of a turn.
  struct InLine {
    SlotId id;
    std::uint32_t pings = 0;  // in that share
  };

  static constexpr int kQuietTurns = 64;
  static constexpr Duration kUsualShare = std::chrono::microseconds(30);
  static constexpr Duration kLeastShare = std::chrono::microseconds(10);
  static constexpr Duration kMostShare = std::chrono::microseconds(250);
  static constexpr Duration kLongTurn = std::chrono::microseconds(40);

  // connection_origin.cc
  bool read_introduction(Connection& connection, MutableBytes& input);
  void introduce(Connection& connection, const ListenerPolicy& policy,
                 const http::ProxyHeader& header);
  void forget_client(Connection& connection);

  // connection_receive.cc
  bool takes_input(const Connection& connection) const;
  static bool holds_input(const Connection& connection);
  static bool holds_back(const Connection& connection);
  static bool has_input_waiting(const Connection& connection);
  void arm_receive(Connection& connection);
  void stop_receive(Connection& connection);
  void receive_singly(Connection& connection);
  void receive_directly(Connection& connection);
  void serve_bulk();
  void go_on_receiving(Connection& connection);
  void take_direct(Connection& connection, std::size_t size);
  bool wants_direct(const Connection& connection);

  // connection_read.cc
  ws::ReaderContext reader_context(const Connection& connection);
  void take_input(Connection& connection, MutableBytes bytes, Source source);
  MutableBytes work_off(Connection& connection, MutableBytes input);
  void work_off_held(Connection& connection);
  void read_frames(Connection& connection, MutableBytes& input);
  void read_events(Connection& connection, MutableBytes& input);
  void take_message(Connection& connection, const ws::Event& event);
  void on_close_frame(Connection& connection, const ws::Event& event);
  void on_stream_end(Connection& connection);
  bool within_rate(Connection& connection, const ws::Event& event);
  void fail(Connection& connection, ws::CloseCode code, std::string_view reason, Ending ending);
  void answer_ping(Connection& connection, const ws::Event& ping, PingFlood& flood);
  void answer_flood(Connection& connection, const PingFlood& flood);
  void wait_for_turn(Connection& connection);
  void count_frames(std::size_t frames);
  bool has_share(Connection& connection);
  void serve_line();
  void begin_shares();
  void begin_share(const Connection& connection);

  // connection_http.cc
  bool read_head(Connection& connection, MutableBytes& input);
  void begin_body(Connection& connection, MutableBytes& input);
  void read_body(Connection& connection, MutableBytes& input);
  void keep_body(Exchange& exchange, Bytes payload);
  void hand_over_body(Connection& connection, MutableBytes payload);
  void answer_due(Connection& connection);
  void send_head(Connection& connection, const RoutePolicy& policy, Block* head, std::size_t size,
                 bool streams);
  void observe_handshake(const Connection& connection);
  bool may_answer(const Connection& connection) const;
  void time_out_head(Connection& connection);
  void refuse(Connection& connection, const http::Failure& failure, Ending ending);

  // connection_stream.cc
  void keep_streaming(Connection& connection);
  void watch_stream(Connection& connection);
  void send_comment(Connection& connection);

  // connection_secure.cc
  void take_ciphertext(Connection& connection, Bytes ciphertext);
  void decrypt_held(Connection& connection);
  Bytes decrypt(Connection& connection, Bytes ciphertext);
  bool decrypt_piece(Connection& connection, Bytes& ciphertext);
  void fail_secure(Connection& connection);
  void encrypt(Connection& connection);
  std::optional<int> start_secure_send(Connection& connection);

  // connection_echo.cc
  bool echo_run(Connection& connection, MutableBytes& input);
  void send_back(Connection& connection, ws::Opcode opcode, const ws::Event& event,
                 bool encode = false);
  bool may_keep_input() const { return source_.in_buffer && !memory_.buffers.scarce(); }

  // connection_write.cc
  void mark_due(Connection& connection);
  void mark_rest(Connection& connection);
  ws::Compressor::Frame compress(Connection& connection, Bytes frame);
  void push_frame(Connection& connection, ws::Opcode opcode, Bytes payload);
  void send_close(Connection& connection, ws::CloseCode code, std::string_view reason);
  void stall_if_full(Connection& connection);
  bool reads_again(const Connection& connection) const;
  std::size_t queue_limit(const Connection& connection) const;
  bool settle_answers();
  void measure_share();
  void share_accepts();
  void settle_deliveries();
  void settle(Connection& connection);
  void go_on(Connection& connection);
  void end_slow_client(Connection& connection);
  void write(Connection& connection);
  void merge_small(Connection& connection);
  std::optional<int> start_send(Connection& connection);
  std::optional<int> send_gathered(Connection& connection);
  bool after_send(Connection& connection, int result);
  void refill(Connection& connection);
  void finish(Connection& connection);

  // connection_alive.cc
  void keep_alive(Connection& connection);
  void watch_open(Connection& connection);
  bool answers_no_ping(Connection& connection);
  void note_progress(Connection& connection);
  void look_at_progress(Connection& connection);

  // connection_table.cc
  void enter(Connection& connection, Phase phase);
  Duration head_time(const Connection& connection) const;
  void arm_head(Connection& connection);
  bool has_time(Connection& connection, Duration time);
  void give_up(Connection& connection);
  void give_moment(Connection& connection);
  void linger(Connection& connection);
  void forget_input(Connection& connection);
  Duration passed_since(CoarseInstant then) const { return now() - then.near(now()); }
  /// Now, as Connection::accepted has it.
  std::uint32_t microseconds() const {
    return static_cast<std::uint32_t>(now().time_since_epoch() / std::chrono::microseconds(1));
  }
  void note_ending(Connection& connection, Ending ending, std::string_view reason = {});
  void count_received(const Connection& connection, std::size_t bytes);
  void count_sent(const Connection& connection, std::size_t bytes);
  void terminate(Connection& connection, bool reset, Ending ending = Ending::server);
  void destroy(Connection& connection);
  /// The peer takes what it is sent.
  void note_taken(Connection& connection) {
    connection.last_received = now();
    if (connection.state.sends) connection.since = now();
  }

  io::Reactor& reactor_;
  hub::Memory& memory_;
  hub::DueList& due_;
  ConnectionHandler& handler_;
  Admission& admission_;
  TableLimits limits_;
  Slab<Connection> connections_;
  ObjectPool<ws::ReaderState> readers_;
  TableCounters counters_;
  TrafficTable traffic_;
  Ring<SlotId> stalled_publishers_;
  Ring<InLine> in_line_;                // have had their share of a turn, see Stall::turn
  Ring<SlotId> bulk_line_;              // are to be asked for more, see ConnectionState::in_bulk
  std::size_t bulk_left_ = 0;           // bytes, of this turn
  std::uint32_t pings_before_ = 0;      // in the share before this one
  SlotId reading_;                      // whose input is worked off
  std::size_t frames_left_ = 0;         // of its share
  std::size_t inflation_left_ = 0;      // of its share, in bytes
  std::size_t inflation_unshared_ = 0;  // of this turn
  http::RequestParser parser_;
  Source source_;
  int quiet_turns_ = 0;             // since a client asked for something, up to kQuietTurns
  int silent_turns_ = kQuietTurns;  // since a client sent a message, up to kQuietTurns
  Duration share_ = kUsualShare;    // of the time of this turn, for what takes long
  bool line_next_ = false;          // of in_line_ and the deliveries, when both wait
};

}  // namespace peal::conn
