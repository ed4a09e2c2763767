// SPDX-License-Identifier: Apache-2.0
#include "loadtest/fanout.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

namespace peal::loadtest {

namespace {

/// How many of `whole` one worker has.
std::uint32_t share_of(std::uint32_t worker, std::uint32_t workers, std::uint32_t whole) {
  return (whole + workers - 1 - worker) / workers;
}

/// Off for a worker without publishers.
Pacer make_pacer(const Options& options, std::uint32_t worker) {
  const std::uint32_t share = share_of(worker, options.threads, options.publishers);
  if (share == 0) return {};
  return {static_cast<double>(options.rate), share, options.publishers,
          static_cast<double>(worker) / options.threads};
}

}  // namespace

Fanout::Fanout(const Plan& plan, std::deque<Client>& clients, Outbound& outbound, Tally& tally,
               Board& board, std::uint32_t worker)
    : payload_(*plan.payload),
      clients_(clients),
      outbound_(outbound),
      tally_(tally),
      board_(board),
      worker_(worker),
      workers_(plan.options.threads),
      depth_(plan.options.depth),
      publisher_count_(plan.options.publishers),
      duration_(plan.options.warmup + plan.options.duration),
      subscribers_(clients.size()),
      publisher_at_(clients.size()),
      next_(clients.size() * publisher_count_),
      delivered_(publisher_count_) {
  for (Client& client : clients) {
    if (client.role != Role::publisher) continue;
    publisher_at_[client.index] = static_cast<std::uint32_t>(publishers_.size());
    publishers_.push_back({.client = &client});
  }
  for (std::uint32_t each = 0; plan.options.rate > 0 && each < workers_; ++each)
    pacers_.push_back(make_pacer(plan.options, each));
  if (!pacers_.empty()) pacer_ = pacers_[worker];
  if (plan.publishers_endpoint().transport == Transport::publish)
    request_head_ = publish_request(plan.publishers_endpoint());
}

void Fanout::start(Instant origin) {
  origin_ = origin;
  end_ = origin + duration_;
  started_ = true;
}

std::optional<Instant> Fanout::next_due() const {
  if (!started_ || halted_ || !pacer_.on()) return std::nullopt;
  const Instant due = origin_ + std::chrono::nanoseconds(pacer_.due(next_number_));
  return due < end_ ? std::optional(due) : std::nullopt;
}

// Subscribers.

void Fanout::on_piece(Client& client, const Piece& piece, Instant now) {
  if (client.role == Role::publisher) {  // it may be a subscriber as well, and hears it all
    if (piece.last) tally_.arrive_aside();
    return;
  }
  Subscriber& subscriber = subscribers_[client.index];
  if (piece.offset == 0) begin_message(subscriber);
  if (piece.offset < kStampSize) take_stamp(subscriber, piece);
  if (subscriber.good && !payload_.matches(subscriber.text, piece.offset, piece.bytes))
    subscriber.good = false;
  if (piece.last) end_message(client, subscriber, piece, now);
}

void Fanout::begin_message(Subscriber& subscriber) {
  subscriber.good = true;
  subscriber.stamp.reset();
}

void Fanout::take_stamp(Subscriber& subscriber, const Piece& piece) {
  const std::size_t size = std::min(piece.bytes.size(), kStampSize - piece.offset);
  if (size > 0) std::memcpy(subscriber.text.data() + piece.offset, piece.bytes.data(), size);
  if (piece.offset + size < kStampSize) return;
  if (subscriber.text != last_text_ || !last_stamp_) {
    last_text_ = subscriber.text;
    last_stamp_ = recognize(last_text_);
  }
  subscriber.stamp = last_stamp_;
}

/// The stamp that it is, unless it tells another time than the message had that was sent.
std::optional<Stamp> Fanout::recognize(const StampText& text) const {
  const auto stamp = read_stamp(text);
  if (!stamp || stamp->source >= publisher_count_) return std::nullopt;
  const std::uint64_t time = pacers_.empty() ? send_time(stamp->source, stamp->sequence).load()
                                             : due_time(stamp->source, stamp->sequence);
  // Only now, as a message that is sent meanwhile may have taken the place of a time.
  const auto published = board_.lines[stamp->source].published.load();
  const bool known = stamp->sequence < published &&
                     (!pacers_.empty() || published - stamp->sequence < board_.times_kept);
  if (known && stamp->time != time) return std::nullopt;
  return stamp;
}

/// In a closed loop, of one of the last messages.
std::atomic<std::uint64_t>& Fanout::send_time(std::uint32_t publisher,
                                              std::uint32_t sequence) const {
  return board_
      .send_times[std::size_t{publisher} * board_.times_kept + sequence % board_.times_kept];
}

/// In an open loop.
std::uint64_t Fanout::due_time(std::uint32_t publisher, std::uint32_t sequence) const {
  const std::uint32_t share = share_of(publisher % workers_, workers_, publisher_count_);
  return pacers_[publisher % workers_].due(std::uint64_t{sequence} * share + publisher / workers_);
}

void Fanout::end_message(Client& client, Subscriber& subscriber, const Piece& piece, Instant now) {
  const std::uint64_t size = piece.offset + piece.bytes.size();
  const auto& stamp = subscriber.stamp;
  if (!subscriber.good || !stamp || size != payload_.size_of(*stamp) ||
      piece.opcode != payload_.opcode()) {
    ++tally_.faults.wrong;
    return;
  }
  std::uint32_t& next = next_of(client.index, stamp->source);
  const auto published = board_.lines[stamp->source].published.load(std::memory_order_relaxed);
  if (stamp->sequence < next || stamp->sequence >= published) {
    ++(stamp->sequence < next ? tally_.faults.out_of_order : tally_.faults.unexpected);
    return;
  }
  const std::uint32_t skipped = stamp->sequence - next;
  tally_.faults.missing += skipped;
  next = stamp->sequence + 1;
  note_delivered(stamp->source, skipped + 1);  // what was skipped is not waited for
  const auto time = static_cast<std::uint64_t>((now - origin_).count());
  tally_.arrive(time > stamp->time ? time - stamp->time : 0, size, now);
}

void Fanout::note_delivered(std::uint32_t publisher, std::int64_t count) {
  if (delivered_[publisher] == 0) touched_.push_back(publisher);
  delivered_[publisher] += count;
}

/// Adds this turn's deliveries to everybody's, and wakes a publisher for whom they complete one.
void Fanout::tell_deliveries() {
  const std::uint64_t subscribers = board_.subscribers.load();
  for (const std::uint32_t publisher : touched_) {
    const auto count = static_cast<std::uint64_t>(std::exchange(delivered_[publisher], 0));
    const std::uint64_t before =
        board_.lines[publisher].delivered.fetch_add(count, std::memory_order_relaxed);
    const std::uint32_t owner = publisher % workers_;
    if (owner != worker_ && subscribers > 0 &&
        before / subscribers != (before + count) / subscribers)
      board_.wake(owner);
  }
  touched_.clear();
  tell_losses();
}

/// Nobody waits any longer for those who are lost. What they had was taken off before, so that a
/// publisher that looks in between waits and does not hurry.
void Fanout::tell_losses() {
  if (lost_now_ == 0) return;
  board_.subscribers.fetch_sub(std::exchange(lost_now_, 0));
  for (std::uint32_t publisher = 0; publisher < publisher_count_; ++publisher)
    if (publisher % workers_ != worker_) board_.wake(publisher % workers_);
}

// Publishers.

/// See Echo::note_due().
void Fanout::note_due(Instant now) {
  std::uint32_t left = kNotedAtOnce;
  for (auto due = next_due(); due && *due <= now && left > 0; due = next_due(), --left) {
    Publisher& publisher = publishers_[next_number_++ % publishers_.size()];
    if (!publisher.lost) ++publisher.owed;
  }
}

/// See Echo::stop().
void Fanout::stop(Instant now) {
  end_ = std::min(end_, now + Duration(1));
  stopping_ = true;
}

void Fanout::on_turn_end(Instant now) {
  tell_deliveries();
  if (!started_ || halted_) return;
  if (pacer_.on()) note_due(now);
  const auto time = static_cast<std::uint64_t>((now - origin_).count());
  for (Publisher& publisher : publishers_)
    while (may_publish(publisher)) publish(publisher, time);
}

bool Fanout::has_work() const {
  return started_ && !halted_ && std::ranges::any_of(publishers_, [this](const Publisher& each) {
           return may_publish(each);
         });
}

bool Fanout::may_publish(const Publisher& publisher) const {
  if (publisher.lost || publisher.posting || publisher.client->phase != Phase::open) return false;
  if (pacer_.on() ? publisher.owed == 0 : stopping_) return false;
  const std::uint64_t subscribers = board_.subscribers.load();
  if (subscribers == 0) return false;
  const std::uint64_t complete =
      board_.lines[publisher.client->number].delivered.load(std::memory_order_relaxed) /
      subscribers;
  return publisher.published < complete + depth_;
}

void Fanout::publish(Publisher& publisher, std::uint64_t now) {
  Client& client = *publisher.client;
  Stamp stamp{.sequence = publisher.published, .source = client.number, .time = now};
  if (pacer_.on()) {
    --publisher.owed;
    stamp.time = due_time(client.number, publisher.published);
    tally_.lag.record(now > stamp.time ? now - stamp.time : 0);
  } else {
    send_time(client.number, publisher.published).store(now, std::memory_order_release);
  }
  board_.lines[client.number].published.store(++publisher.published, std::memory_order_release);
  ++tally_.sent;
  SendBatch& batch = outbound_.to(client);
  if (client.http) {
    std::array<char, 24> length;
    char* end =
        std::to_chars(length.data(), length.data() + length.size(), payload_.size_of(stamp)).ptr;
    end = std::ranges::copy(std::string_view("\r\n\r\n"), end).out;
    const std::string_view tail(length.data(), static_cast<std::size_t>(end - length.data()));
    std::byte* const to = batch.add(request_head_.size() + tail.size());
    std::memcpy(to, request_head_.data(), request_head_.size());
    std::memcpy(to + request_head_.size(), tail.data(), tail.size());
    payload_.append_plain(batch, stamp);
    publisher.posting = true;
  } else if (client.compressed) {
    payload_.append_compressed(batch, stamp);
  } else {
    payload_.append_frame(batch, stamp);
  }
}

void Fanout::on_answer(Client& client, int status) {
  publishers_[publisher_at_[client.index]].posting = false;
  if (status / 100 != 2) {
    ++tally_.faults.refused;
    tally_.faults.refused_status = status;
  }
}

// The end.

void Fanout::on_lost(Client& client) {
  if (client.role == Role::publisher) {
    publishers_[publisher_at_[client.index]].lost = true;
    return;
  }
  if (std::exchange(subscribers_[client.index].lost, true)) return;
  ++lost_now_;
  for (std::uint32_t publisher = 0; publisher < publisher_count_; ++publisher)
    note_delivered(publisher, -std::int64_t{next_of(client.index, publisher)});
}

bool Fanout::sent_all() const {
  return !next_due() && std::ranges::all_of(publishers_, [](const Publisher& each) {
    return each.lost || each.owed == 0;
  });
}

bool Fanout::drained() const {
  for (const Publisher& publisher : publishers_)
    if (!publisher.lost && publisher.posting) return false;
  for (const Client& client : clients_) {
    if (client.role == Role::publisher || subscribers_[client.index].lost) continue;
    for (std::uint32_t p = 0; p < publisher_count_; ++p)
      if (next_[std::size_t{client.index} * publisher_count_ + p] <
          board_.lines[p].published.load(std::memory_order_relaxed))
        return false;
  }
  return true;
}

void Fanout::finish() {
  for (const Client& client : clients_) {
    if (client.role == Role::publisher) continue;
    for (std::uint32_t p = 0; p < publisher_count_; ++p)
      tally_.faults.missing +=
          board_.lines[p].published.load(std::memory_order_relaxed) - next_of(client.index, p);
  }
  for (const Publisher& publisher : publishers_) tally_.unsent += publisher.owed;
  if (started_ && pacer_.on())
    tally_.unsent +=
        pacer_.due_before(static_cast<std::uint64_t>((end_ - origin_).count())) - next_number_;
}

}  // namespace peal::loadtest
