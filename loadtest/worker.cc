// SPDX-License-Identifier: Apache-2.0
#include "loadtest/worker.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/io/epoll_backend.h"
#include "loadtest/echo.h"
#include "loadtest/fanout.h"
#include "loadtest/worker_sink.h"

namespace peal::loadtest {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kRoom = 64 << 10;  // bytes, twice
constexpr Duration kCloseTime = 2s;      // for the server to answer close frames

Result<std::unique_ptr<io::Backend>> make_backend(const Plan& plan) {
  if (plan.uring) {
    auto made = io::UringBackend::create(*plan.uring);
    if (!made) return std::unexpected(made.error());
    return std::move(*made);
  }
  auto made = io::EpollBackend::create();
  if (!made) return std::unexpected(made.error());
  return std::move(*made);
}

}  // namespace

Worker::Worker(const Plan& plan, Board& board, std::uint32_t number)
    : plan_(plan),
      board_(board),
      number_(number),
      room_(std::make_unique_for_overwrite<std::byte[]>(2 * kRoom)),
      frames_{.inflaters = &inflaters_,
              .inflated = {room_.get() + kRoom, kRoom},
              .last = &last_inflated_},
      random_(std::random_device{}() + number) {
  make_clients();
}

Worker::~Worker() {
  reactor_.reset();  // first: the kernel may still read what is to be sent
  for (Client& client : clients_) client.frames.end(frames_);
}

void Worker::make_clients() {
  const Options& options = plan_.options;
  const auto add = [&](std::uint32_t count, Role role, const Endpoint& endpoint) {
    for (std::uint32_t i = number_; i < count; i += options.threads)
      clients_.emplace_back(static_cast<std::uint32_t>(clients_.size()), role, i, endpoint);
  };
  switch (options.scenario) {
    case Scenario::echo:
      add(options.connections, Role::echo, plan_.endpoint);
      traffic_ = std::make_unique<Echo>(plan_, clients_, outbound_, tally_, number_);
      break;
    case Scenario::fanout:
      add(options.connections, Role::subscriber, plan_.endpoint);
      add(options.publishers, Role::publisher, plan_.publishers_endpoint());
      traffic_ = std::make_unique<Fanout>(plan_, clients_, outbound_, tally_, board_, number_);
      break;
    case Scenario::connect:
      add(options.connections, Role::holder, plan_.endpoint);
      break;
  }
  left_ = static_cast<std::uint32_t>(clients_.size());
}

Result<> Worker::start() {
  auto ready = ready_.get_future();
  thread_ = std::thread([this] {
    const Result<> made = set_up();
    ready_.set_value(made);
    if (made) run();
  });
  return ready.get();
}

Result<> Worker::set_up() {
  prctl(PR_SET_TIMERSLACK, 1);  // sleeps end when a message is due, not 50 us later
  auto backend = make_backend(plan_);
  if (!backend) return std::unexpected(backend.error());
  reactor_ = std::make_unique<io::Reactor>(std::move(*backend));
  return {};
}

void Worker::run() {
  while (stage_ != Stage::closing || (left_ > 0 && Clock::now() < close_by_)) {
    if (auto done = reactor_->turn(*this, patience()); !done) {
      give_up(done.error().text());
      break;
    }
  }
  for (Client& client : clients_)
    if (client.fd >= 0 && !io::is_aside(client.fd) && !client.connect_under_way)
      ::shutdown(client.fd, SHUT_RDWR);  // what lies aside ends with its ring
  if (traffic_) traffic_->finish();
}

/// The back end goes on no more, so all connections are as good as lost.
void Worker::give_up(const std::string& reason) {
  for (Client& client : clients_) {
    const Phase phase = std::exchange(client.phase, Phase::closed);
    if (phase == Phase::closed || phase == Phase::closing) continue;
    tally_.fail(reason);
    const bool was_open = phase == Phase::open;
    (was_open ? tally_.live.lost : tally_.live.unopened).fetch_add(1, std::memory_order_relaxed);
    if (was_open && traffic_) traffic_->on_lost(client);
  }
}

/// How long the next turn may wait for events.
Duration Worker::patience() const {
  const bool hurried = (stage_ == Stage::opening && next_to_open_ < clients_.size()) ||
                       stage_ == Stage::stopping || stage_ == Stage::draining;
  const Duration most = hurried ? 1ms : 100ms;
  const auto due = traffic_ ? traffic_->next_due() : std::nullopt;
  return due ? std::clamp(*due - Clock::now(), Duration::zero(), most) : most;
}

/// Before the first thing that a turn brings.
void Worker::begin_turn() {
  if (turn_ == reactor_->turns()) return;
  turn_ = reactor_->turns();
  tally_.turn(reactor_->now());
}

bool Worker::on_turn_end() {
  begin_turn();
  follow_stage();
  if (stage_ == Stage::opening) open_some(reactor_->now());
  if (traffic_) traffic_->on_turn_end(Clock::now());
  for (std::size_t i = 0; i < rearm_.size(); ++i) {
    Client& client = *rearm_[i];
    client.must_rearm = false;
    if (client.phase == Phase::closed || client.receiving) continue;
    client.receiving = true;
    reactor_->backend().receive(client.fd, client.id());
  }
  rearm_.clear();
  outbound_.flush([this](Client& client) { send(client); });
  return false;
}

/// Enters each stage up to that of the board, but closing at once, and tells when there is nothing
/// left to do in it.
void Worker::follow_stage() {
  const Stage now = board_.stage.load();
  while (stage_ != now) {
    stage_ = now == Stage::closing ? now : static_cast<Stage>(static_cast<int>(stage_) + 1);
    enter(stage_);
  }
  if (stage_ == Stage::stopping && !told_stopped_ && (!traffic_ || traffic_->sent_all())) {
    told_stopped_ = true;
    board_.stopped.fetch_add(1);
  }
  if (stage_ == Stage::draining && !told_drained_ && (!traffic_ || traffic_->drained())) {
    told_drained_ = true;
    board_.drained.fetch_add(1);
  }
}

void Worker::enter(Stage stage) {
  switch (stage) {
    case Stage::opening:
      break;
    case Stage::ready:
      board_.ready.fetch_add(1);
      break;
    case Stage::running:
      tally_.plan(board_.schedule);
      if (traffic_) traffic_->start(board_.schedule.origin);
      break;
    case Stage::stopping:
      tally_.stop(board_.measured_until);
      if (traffic_) traffic_->stop(Clock::now());
      break;
    case Stage::draining:
      if (traffic_) traffic_->halt();
      break;
    case Stage::closing:
      close_all();
      break;
  }
}

void Worker::close_all() {
  close_by_ = Clock::now() + kCloseTime;
  for (Client& client : clients_) {
    if (client.phase == Phase::closed) continue;
    if (client.phase != Phase::open || client.http) {
      client.broken = !client.http;
      client.phase = Phase::closed;
      if (client.fd < 0)
        --left_;
      else
        outbound_.mark(client);
      continue;
    }
    client.phase = Phase::closing;
    std::array<std::byte, 2> code;
    store_be(code.data(), static_cast<std::uint16_t>(ws::CloseCode::normal));
    write_frame(client, ws::Opcode::close, code);
  }
}

}  // namespace peal::loadtest
