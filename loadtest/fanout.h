// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "loadtest/outbound.h"
#include "loadtest/pacer.h"
#include "loadtest/plan.h"
#include "loadtest/tally.h"
#include "loadtest/traffic.h"

namespace peal::loadtest {

/// Publishers send, and every subscriber gets each message once, those of one publisher in order.
/// In a closed loop a publisher has `depth` messages under way, one being over when all subscribers
/// that are left have it; with a rate messages are due at fixed times, turn by turn on the
/// publishers. Latency is the time from when a message was due, which its stamp says, to each
/// subscriber.
class Fanout final : public Traffic {
 public:
  Fanout(const Plan& plan, std::deque<Client>& clients, Outbound& outbound, Tally& tally,
         Board& board, std::uint32_t worker);

  void start(Instant origin) override;
  void on_piece(Client& client, const Piece& piece, Instant now) override;
  void on_answer(Client& client, int status) override;
  void on_lost(Client& client) override;
  void on_turn_end(Instant now) override;
  std::optional<Instant> next_due() const override;
  bool has_work() const override;
  void stop(Instant now) override;
  bool sent_all() const override;
  void halt() override { halted_ = true; }
  bool drained() const override;
  void finish() override;

 private:
  struct Subscriber {
    StampText text{};            ///< of the message that is coming
    std::optional<Stamp> stamp;  ///< once it is there
    bool good = true;
    bool lost = false;
  };
  struct Publisher {
    Client* client;
    std::uint32_t published = 0;
    std::uint32_t owed = 0;
    bool posting = false;  ///< its request is not answered yet
    bool lost = false;
  };

  std::uint32_t& next_of(std::uint32_t subscriber, std::uint32_t publisher) {
    return next_[std::size_t{subscriber} * publisher_count_ + publisher];
  }
  std::optional<Stamp> recognize(const StampText& text) const;
  std::atomic<std::uint64_t>& send_time(std::uint32_t publisher, std::uint32_t sequence) const;
  std::uint64_t due_time(std::uint32_t publisher, std::uint32_t sequence) const;
  void begin_message(Subscriber& subscriber);
  void take_stamp(Subscriber& subscriber, const Piece& piece);
  void end_message(Client& client, Subscriber& subscriber, const Piece& piece, Instant now);
  void note_delivered(std::uint32_t publisher, std::int64_t count);
  void tell_deliveries();
  void tell_losses();
  void note_due(Instant now);
  bool may_publish(const Publisher& publisher) const;
  void publish(Publisher& publisher, std::uint64_t now);

  const Payload& payload_;
  std::deque<Client>& clients_;
  Outbound& outbound_;
  Tally& tally_;
  Board& board_;
  std::uint32_t worker_;
  std::uint32_t workers_;
  std::uint32_t depth_;
  std::uint32_t publisher_count_;  // of the whole run
  std::vector<Pacer> pacers_;      // of all workers; none in a closed loop
  Pacer pacer_;                    // of this one
  Instant origin_{};
  Instant end_{};
  Duration duration_;
  std::uint64_t next_number_ = 0;            // message of the pacer
  std::vector<Subscriber> subscribers_;      // by index; publishers have an unused one
  std::vector<Publisher> publishers_;        // of this worker
  std::vector<std::uint32_t> publisher_at_;  // by index, in publishers_
  std::vector<std::uint32_t> next_;  // sequence that each subscriber expects of each publisher
  /// In this turn, by publisher, less what those who were lost have had in all.
  std::vector<std::int64_t> delivered_;
  std::vector<std::uint32_t> touched_;  // publishers with deliveries in this turn
  std::uint32_t lost_now_ = 0;          // subscribers, in this turn
  StampText last_text_{};               // the last stamp read, as the next is mostly the same
  std::optional<Stamp> last_stamp_;
  std::string request_head_;
  bool started_ = false;
  bool stopping_ = false;
  bool halted_ = false;
};

}  // namespace peal::loadtest
