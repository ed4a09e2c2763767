// SPDX-License-Identifier: Apache-2.0
#include "loadtest/echo.h"

#include <algorithm>

namespace peal::loadtest {

Echo::Echo(const Plan& plan, std::deque<Client>& clients, Outbound& outbound, Tally& tally,
           std::uint32_t worker)
    : payload_(*plan.payload),
      clients_(clients),
      outbound_(outbound),
      tally_(tally),
      depth_(plan.options.depth),
      states_(clients.size()),
      duration_(plan.options.warmup + plan.options.duration) {
  const Options& options = plan.options;
  if (options.rate > 0)
    pacer_ = Pacer(static_cast<double>(options.rate), clients.size(), options.connections,
                   static_cast<double>(worker) / options.threads);
  else
    send_times_.resize(clients.size() * depth_);
}

void Echo::start(Instant origin) {
  origin_ = origin;
  end_ = origin + duration_;
  started_ = true;
  if (pacer_.on()) return;
  for (Client& client : clients_) want(client);
}

void Echo::want(Client& client) {
  State& state = states_[client.index];
  if (state.waiting || state.lost) return;
  state.waiting = true;
  waiting_.push_back(client.index);
}

std::optional<Instant> Echo::next_due() const {
  if (!started_ || halted_ || !pacer_.on()) return std::nullopt;
  const Instant due = origin_ + std::chrono::nanoseconds(pacer_.due(next_));
  return due < end_ ? std::optional(due) : std::nullopt;
}

/// Messages that have become due are owed; what there is no end of has to wait for the next turn.
void Echo::note_due(Instant now) {
  std::uint32_t left = kNotedAtOnce;
  for (auto due = next_due(); due && *due <= now && left > 0; due = next_due(), --left) {
    Client& client = clients_[next_ % clients_.size()];
    ++next_;
    State& state = states_[client.index];
    if (state.lost) continue;
    ++state.owed;
    ++owed_;
    want(client);
  }
}

/// A run may end while this process has to wait for the CPU: what became due then counts as well.
void Echo::stop(Instant now) {
  end_ = std::min(end_, now + Duration(1));
  stopping_ = true;
}

void Echo::on_turn_end(Instant now) {
  if (!started_ || halted_) return;
  if (pacer_.on()) note_due(now);
  const std::uint64_t time = since_origin(now);
  for (const std::uint32_t index : waiting_) {
    states_[index].waiting = false;
    send_some(clients_[index], time);
  }
  waiting_.clear();
}

void Echo::send_some(Client& client, std::uint64_t now) {
  State& state = states_[client.index];
  if (state.lost || client.phase != Phase::open) return;
  while (state.sent - state.received < depth_) {
    if (pacer_.on() ? state.owed == 0 : stopping_) return;
    if (pacer_.on()) {
      --state.owed;
      --owed_;
    }
    send(client, state, now);
  }
}

void Echo::send(Client& client, State& state, std::uint64_t now) {
  const Stamp stamp = stamp_of(client, state.sent);
  SendBatch& batch = outbound_.to(client);
  if (client.compressed)
    payload_.append_compressed(batch, stamp);
  else
    payload_.append_frame(batch, stamp);
  if (pacer_.on()) {
    const std::uint64_t due = due_time(client, state.sent);
    tally_.lag.record(now > due ? now - due : 0);
  } else {
    send_times_[std::size_t{client.index} * depth_ + state.sent % depth_] = now;
  }
  ++state.sent;
  ++under_way_;
  ++tally_.sent;
}

/// When a message was to be sent.
std::uint64_t Echo::due_time(const Client& client, std::uint32_t sequence) const {
  if (pacer_.on()) return pacer_.due(std::uint64_t{sequence} * clients_.size() + client.index);
  return send_times_[std::size_t{client.index} * depth_ + sequence % depth_];
}

void Echo::on_piece(Client& client, const Piece& piece, Instant now) {
  State& state = states_[client.index];
  const Stamp stamp = stamp_of(client, state.received);
  if (piece.offset == 0) state.good = true;
  if (state.good && !payload_.matches(write_stamp(stamp), piece.offset, piece.bytes))
    state.good = false;
  if (!piece.last) return;
  if (state.sent == state.received) {
    ++tally_.faults.unexpected;
    return;
  }
  const std::uint64_t size = piece.offset + piece.bytes.size();
  if (!state.good || size != payload_.size_of(stamp) || piece.opcode != payload_.opcode())
    judge(client, state, piece);
  const std::uint64_t due = due_time(client, state.received);
  const std::uint64_t time = since_origin(now);
  tally_.arrive(time > due ? time - due : 0, size, now);
  ++state.received;
  --under_way_;
  if (!pacer_.on() || state.owed > 0) want(client);
}

/// A message that is not the one expected: another of this connection, or none that was sent.
void Echo::judge(Client& client, State& state, const Piece& last) {
  StampText text;
  if (last.offset == 0 && last.bytes.size() >= text.size()) {
    std::ranges::copy(as_text(last.bytes).substr(0, text.size()), text.begin());
    const auto stamp = read_stamp(text);
    const std::uint32_t number = stamp ? stamp->sequence - first_sequence(client) : 0;
    if (stamp && stamp->source == client.number && number < state.sent &&
        number != state.received) {
      ++tally_.faults.out_of_order;
      return;
    }
  }
  ++tally_.faults.wrong;
}

void Echo::on_lost(Client& client) {
  State& state = states_[client.index];
  if (state.lost) return;
  state.lost = true;
  under_way_ -= state.sent - state.received;
  owed_ -= state.owed;
}

void Echo::finish() {
  for (const State& state : states_) {
    tally_.faults.missing += state.sent - state.received;
    tally_.unsent += state.owed;
  }
  if (started_ && pacer_.on()) tally_.unsent += pacer_.due_before(since_origin(end_)) - next_;
}

}  // namespace peal::loadtest
