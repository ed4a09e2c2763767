// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "loadtest/outbound.h"
#include "loadtest/pacer.h"
#include "loadtest/plan.h"
#include "loadtest/tally.h"
#include "loadtest/traffic.h"

namespace peal::loadtest {

/// Every connection gets back what it sends, in order. In a closed loop each keeps `depth` messages
/// under way; with a rate messages are due at fixed times, turn by turn on the connections, and one
/// that cannot be sent for want of depth is sent later, its latency counted from when it was due.
class Echo final : public Traffic {
 public:
  Echo(const Plan& plan, std::deque<Client>& clients, Outbound& outbound, Tally& tally,
       std::uint32_t worker);

  void start(Instant origin) override;
  void on_piece(Client& client, const Piece& piece, Instant now) override;
  void on_answer(Client&, int) override {}
  void on_lost(Client& client) override;
  void on_turn_end(Instant now) override;
  std::optional<Instant> next_due() const override;
  bool has_work() const override { return false; }
  void stop(Instant now) override;
  bool sent_all() const override { return owed_ == 0 && !next_due(); }
  void halt() override { halted_ = true; }
  bool drained() const override { return under_way_ == 0; }
  void finish() override;

 private:
  struct State {
    std::uint32_t sent = 0;
    std::uint32_t received = 0;
    std::uint32_t owed = 0;  ///< due and not sent
    bool good = true;        ///< the message that is coming, so far
    bool waiting = false;    ///< stands in waiting_
    bool lost = false;
  };

  /// Each connection counts from another number, so that even messages too short to say whose they
  /// are differ.
  static std::uint32_t first_sequence(const Client& client) { return client.number * 0x9e3779b1; }
  static Stamp stamp_of(const Client& client, std::uint32_t number) {
    return {.sequence = first_sequence(client) + number, .source = client.number};
  }
  std::uint64_t since_origin(Instant now) const {
    return static_cast<std::uint64_t>((now - origin_).count());
  }
  void want(Client& client);
  void note_due(Instant now);
  void send_some(Client& client, std::uint64_t now);
  void send(Client& client, State& state, std::uint64_t now);
  std::uint64_t due_time(const Client& client, std::uint32_t sequence) const;
  void judge(Client& client, State& state, const Piece& last);

  const Payload& payload_;
  std::deque<Client>& clients_;
  Outbound& outbound_;
  Tally& tally_;
  std::uint32_t depth_;
  Pacer pacer_;
  Instant origin_{};
  Instant end_{};
  std::uint64_t next_ = 0;                 // message of the pacer
  std::vector<State> states_;              // by index
  std::vector<std::uint64_t> send_times_;  // closed loop: `depth` for each client
  std::vector<std::uint32_t> waiting_;     // who may send more
  std::uint64_t under_way_ = 0;
  std::uint64_t owed_ = 0;
  Duration duration_;
  bool started_ = false;
  bool stopping_ = false;
  bool halted_ = false;
};

}  // namespace peal::loadtest
