// SPDX-License-Identifier: Apache-2.0
// The life of a connection: accept, phases, time-outs, end.
#include "core/conn/connection_table.h"

#include <sys/socket.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace peal::conn {
namespace {

/// What was queued as such a phase began is all that is sent in it.
bool is_sending(Phase phase) {
  return phase == Phase::responding || phase == Phase::closing || phase == Phase::lingering;
}

}  // namespace

ConnectionTable::ConnectionTable(io::Reactor& reactor, hub::Memory& memory, hub::DueList& due,
                                 ConnectionHandler& handler, Admission& admission,
                                 const TableLimits& limits)
    : reactor_(reactor),
      memory_(memory),
      due_(due),
      handler_(handler),
      admission_(admission),
      limits_(limits) {}

/// The one place where phases change; arms the phase's time-out.
void ConnectionTable::enter(Connection& connection, Phase phase) {
  // The time for a first request includes the PROXY header and the TLS handshake.
  const Phase before = connection.state.phase;
  const bool goes_on =
      before == Phase::introducing || (before == Phase::securing && phase == Phase::head);
  if (!goes_on) {
    connection.since = now();
    connection.state.sends = phase == Phase::head ? !connection.empty() : is_sending(phase);
  }
  if (phase == Phase::head && connection.state.forwards) forget_client(connection);
  connection.state.phase = phase;
  switch (phase) {
    case Phase::receiving:
      reactor_.arm(connection.timer, limits_.body_timeout);
      break;
    case Phase::answering:
      reactor_.arm_at(connection.timer, connection.exchange->deadline);
      break;
    case Phase::responding:
      reactor_.arm(connection.timer, limits_.send_timeout);
      break;
    case Phase::introducing:
    case Phase::securing:
    case Phase::head:
      arm_head(connection);
      break;
    case Phase::upgrading:
      reactor_.arm_at(connection.timer, connection.since.near(now()) + limits_.handshake_timeout);
      break;
    case Phase::open:
      connection.last_message = now();
      keep_alive(connection);
      break;
    case Phase::streaming:
      connection.last_message = now();
      keep_streaming(connection);
      break;
    case Phase::closing:
    case Phase::lingering:
      reactor_.arm(connection.timer, limits_.close_timeout);
      break;
    case Phase::closed:
      connection.timer.cancel();
      break;
  }
}

Duration ConnectionTable::head_time(const Connection& connection) const {
  const Duration longest = limits_.handshake_timeout;
  return connection.state.leaves ? std::min(longest, kMoment) : longest;
}

void ConnectionTable::arm_head(Connection& connection) {
  reactor_.arm_at(connection.timer, connection.since.near(now()) + head_time(connection));
}

/// Whether the phase is not over yet, which lasts for `time` after all that was queued is sent. As
/// long as it is not, the peer has to take some of it. Arms the next look.
bool ConnectionTable::has_time(Connection& connection, Duration time) {
  const bool sends = connection.state.sends;
  if (sends) note_progress(connection);
  // One whose queue is full has had time to take some.
  const bool patient = sends && connection.state.ending != Ending::slow_client;
  const Instant limit = connection.since.near(now()) + (patient ? limits_.send_timeout : time);
  if (limit > now())
    reactor_.arm_at(connection.timer, std::min(limit, now() + time));
  else if (sends)
    terminate(connection, true, Ending::send_timeout);
  return sends || limit > now();
}

/// One that has just come, maybe out of the queue of a socket that was closed, is asking already:
/// its answer ends it.
void ConnectionTable::give_moment(Connection& connection) {
  connection.state.leaves = true;
  arm_head(connection);
}

void ConnectionTable::on_timer(std::uint32_t index) {
  Connection* connection = connections_.at_index(index);
  PEAL_CHECK(connection);
  switch (connection->state.phase) {
    case Phase::introducing:
    case Phase::securing:
      terminate(*connection, true,
                connection->state.leaves ? Ending::server : Ending::handshake_timeout);
      break;
    case Phase::head:
      time_out_head(*connection);
      break;
    case Phase::receiving:
      refuse(*connection, {.status = 408, .reason = "the body did not arrive in time"},
             Ending::handshake_timeout);
      break;
    case Phase::answering:
      answer_due(*connection);
      break;
    case Phase::responding:
      has_time(*connection, limits_.send_timeout);
      break;
    case Phase::open:
      keep_alive(*connection);
      break;
    case Phase::streaming:
      keep_streaming(*connection);
      break;
    case Phase::upgrading:
      terminate(*connection, true);
      break;
    case Phase::closing:
    case Phase::lingering:
      if (!has_time(*connection, limits_.close_timeout)) give_up(*connection);
      break;
    case Phase::closed:
      break;
  }
}

/// The peer does not end what we have ended. What the kernel has already taken still reaches a slow
/// reader, unless we hold more.
void ConnectionTable::give_up(Connection& connection) {
  const bool all_sent = connection.all_sent();
  if (connection.state.phase == Phase::closing && connection.secure && all_sent)
    linger(connection);  // for close_notify, which is owed whatever the client does
  else
    terminate(connection, !all_sent);
}

void ConnectionTable::set_policy(Connection& connection, const RoutePolicy& policy) {
  const RoutePolicy& before = *connection.policy;
  const auto times = [](const RoutePolicy& one) {
    return std::tuple(one.ping_interval, one.pong_timeout, one.idle_timeout);
  };
  const bool other_times = times(before) != times(policy);
  connection.policy = &policy;
  for (hub::TopicUse* use = connection.topics; use; use = use->next)
    if (use->policy == &before.outbox) use->policy = &policy.outbox;
  if (!other_times) return;
  if (connection.state.phase == Phase::open) keep_alive(connection);
  if (connection.state.phase == Phase::streaming) keep_streaming(connection);
}

void ConnectionTable::close(Connection& connection, ws::CloseCode code, std::string_view reason,
                            Ending ending) {
  const bool upgrading = connection.state.phase == Phase::upgrading && !connection.state.streams;
  if (connection.state.phase != Phase::open && !upgrading) return;
  note_ending(connection, ending);
  if (upgrading) connection.drop_messages(memory_);
  send_close(connection, code, reason);
  enter(connection, Phase::closing);
  connection.state.topics_ready = upgrading;  // what has come meanwhile is to be looked at
}

/// Nothing more will be said: what is queued goes out, then our side is shut down.
void ConnectionTable::linger(Connection& connection) {
  forget_input(connection);
  enter(connection, Phase::lingering);
  mark_due(connection);
}

/// Nothing of what has come or will come is worked off any more.
void ConnectionTable::forget_input(Connection& connection) {
  connection.state.stall = Stall::none;
  memory_.blocks.give(std::exchange(connection.held, nullptr));
  if (connection.secure) connection.secure->forget_input(memory_.blocks);
  if (connection.exchange) memory_.blocks.give(std::exchange(connection.exchange->block, nullptr));
  if (connection.state.direct) return;  // the kernel still writes there: on_receive_into() goes on
  if (ws::ReaderState* reader = std::exchange(connection.state.reader, nullptr)) {
    ws::discard(*reader, memory_.blocks, &memory_.inflaters);
    readers_.give(reader);
  }
}

/// To be called by whatever makes a connection end; the first call counts.
void ConnectionTable::note_ending(Connection& connection, Ending ending, std::string_view reason) {
  if (connection.state.ending != Ending::none) return;
  connection.state.ending = ending;
  ++counters_.endings[static_cast<std::size_t>(ending)];
  handler_.on_ending(connection, reason);
}

void ConnectionTable::count_received(const Connection& connection, std::size_t bytes) {
  counters_.bytes_received += bytes;
  if (Traffic* its = traffic_.of(connection.id())) its->bytes_received += bytes;
}

void ConnectionTable::count_sent(const Connection& connection, std::size_t bytes) {
  counters_.bytes_sent += bytes;
  if (Traffic* its = traffic_.of(connection.id())) its->bytes_sent += bytes;
}

bool ConnectionTable::over_limit(Connection& connection) {
  ConnectionState& state = connection.state;
  if (state.surplus) state.surplus = admission_.over_limit();
  return state.surplus;
}

bool ConnectionTable::crowded(Connection& connection) {
  ConnectionState& state = connection.state;
  if (state.crowded) state.crowded = admission_.crowded(state.client);
  return state.crowded;
}

/// Ends a connection from our side; it is destroyed when nothing is under way any more.
void ConnectionTable::terminate(Connection& connection, bool reset, Ending ending) {
  if (connection.state.phase == Phase::closed) return;
  note_ending(connection, ending);
  handler_.on_close(connection);
  forget_input(connection);
  connection.exchange.reset();
  connection.shut();
  connection.state.reset = reset;
  enter(connection, Phase::closed);
  if (connection.receiving || connection.sending())
    reactor_.backend().shut_down(connection.fd, SHUT_RDWR);
  mark_due(connection);
}

void ConnectionTable::destroy(Connection& connection) {
  connection.clear(memory_);
  if (connection.secure) connection.secure->clear(memory_.blocks);
  reactor_.backend().close(connection.fd, connection.id(), connection.state.reset);
  admission_.leave(connection.state.client, connection.state.counted);
  connections_.erase(connection.id());
}

void ConnectionTable::topics_ready(Connection& connection) {
  PEAL_DCHECK(connection.state.phase == Phase::upgrading ||
              connection.state.phase == Phase::answering);
  connection.set_opened();
  connection.state.topics_ready = connection.state.phase == Phase::upgrading;
  mark_due(connection);
}

void ConnectionTable::stall_publisher(Connection& connection) {
  connection.state.stall = Stall::mesh;
  stalled_publishers_.push_back(connection.id());
}

void ConnectionTable::resume_publisher() {
  Connection* connection = connections_.find(stalled_publishers_.pop_front());
  if (!connection || connection->state.stall != Stall::mesh) return;
  connection->state.stall = Stall::none;
  work_off_held(*connection);
}

void ConnectionTable::send_away(Connection& connection, ws::CloseCode code,
                                std::string_view reason) {
  switch (connection.state.phase) {
    case Phase::open:
      close(connection, code, reason);
      break;
    case Phase::head:
      if (connection.held) break;
      if (!connection.state.answered) {
        give_moment(connection);
        break;
      }
      note_ending(connection, Ending::server);
      linger(connection);
      break;
    case Phase::upgrading:
      if (connection.state.streams)
        end_stream(connection, nullptr, 0);
      else
        close(connection, code, reason);
      break;
    case Phase::streaming:
      end_stream(connection, nullptr, 0);
      break;
    case Phase::answering:
      if (!connection.exchange->ends_with_client) break;
      connection.exchange->deadline = now();
      answer_due(connection);
      break;
    case Phase::responding:
      connection.state.keep_alive = false;
      break;
    case Phase::introducing:
    case Phase::securing:
      give_moment(connection);
      break;
    case Phase::receiving:
    case Phase::closing:
    case Phase::lingering:
    case Phase::closed:
      break;
  }
}

void ConnectionTable::close_all(ws::CloseCode code, std::string_view reason) {
  connections_.for_each(
      [&](Connection& connection, SlotId) { send_away(connection, code, reason); });
}

void ConnectionTable::terminate_all() {
  connections_.for_each([this](Connection& connection, SlotId) { terminate(connection, true); });
}

}  // namespace peal::conn
