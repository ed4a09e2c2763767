// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>

#include "core/io/reactor.h"
#include "core/ws/deflate.h"
#include "loadtest/client.h"
#include "loadtest/outbound.h"
#include "loadtest/plan.h"
#include "loadtest/tally.h"
#include "loadtest/traffic.h"

namespace peal::loadtest {

/// One thread with its share of the connections: opens them, carries their bytes, closes them. What
/// they say is its Traffic's.
///
/// Owner: the run. Thread: its own, from start() on; wake() from any.
/// Errors: failures of connections go to the Tally; what the back end refuses is start()'s.
class Worker final : public io::ReactorClient {
 public:
  Worker(const Plan& plan, Board& board, std::uint32_t number);
  ~Worker();

  /// Begins, once the back end is there. Error: why it is not.
  Result<> start();
  void join() { thread_.join(); }
  /// Makes it look at the board.
  void wake() { reactor_->wake(); }

  Tally& tally() { return tally_; }
  std::size_t size() const { return clients_.size(); }

 private:
  class Sink;

  void on_accept(std::uint32_t, int) override {}
  void on_accept_end(std::uint32_t, int) override {}
  void on_connect(SlotId id, int error) override;
  void on_receive(SlotId id, io::Received received) override;
  void on_send(SlotId id, int result) override;
  void on_wake() override {}
  void on_timer(io::Timer&) override {}
  bool on_turn_end() override;
  bool has_mail() const override {
    return board_.stage.load() != stage_ || (traffic_ && traffic_->has_work());
  }

  // worker.cc
  void make_clients();
  Result<> set_up();
  void run();
  void begin_turn();
  void give_up(const std::string& reason);
  void follow_stage();
  void enter(Stage stage);
  Duration patience() const;
  void close_all();

  // worker_open.cc
  void open_some(Instant now);
  void open(Client& client);
  Result<> make_socket(Client& client);
  void secure(Client& client);
  void ask(Client& client);
  void opened(Client& client);
  void fail_open(Client& client, const std::string& reason);
  void expire_openings(Instant now);
  bool take_answer(Client& client, MutableBytes& input);
  bool take_websocket_answer(Client& client, MutableBytes& input);

  // worker_io.cc
  void take(Client& client, MutableBytes bytes);
  void take_secure(Client& client, Bytes bytes);
  void take_plain(Client& client, MutableBytes bytes);
  void take_http(Client& client, MutableBytes bytes, Sink& sink);
  void send(Client& client);
  Bytes gather(const SendBatch& batch);
  bool send_secure(Client& client);
  std::optional<int> offer(Client& client);
  bool account(Client& client, int result);
  void write_frame(Client& client, ws::Opcode opcode, Bytes payload);
  void peer_closed(Client& client, ws::CloseCode code, std::string_view reason);
  void ended(Client& client);
  void lose(Client& client, const std::string& reason);
  void finish(Client& client);

  const Plan& plan_;
  Board& board_;
  std::uint32_t number_;
  std::unique_ptr<io::Reactor> reactor_;
  std::promise<Result<>> ready_;
  std::thread thread_;

  BlockPool blocks_{1 << 20};
  ws::InflaterPool inflaters_;
  std::unique_ptr<std::byte[]> room_;  ///< for what is deciphered, and what is inflated
  Inflated last_inflated_;
  FrameContext frames_;
  Outbound outbound_;
  Tally tally_;
  std::deque<Client> clients_;
  std::unique_ptr<Traffic> traffic_;  ///< none where nothing is said
  std::mt19937_64 random_;

  Stage stage_ = Stage::opening;
  std::uint64_t turn_ = 0;  ///< that has begun, as the reactor counts them
  Instant close_by_{};
  std::uint32_t next_to_open_ = 0;
  std::uint32_t first_opening_ = 0;  ///< none before it is opening
  std::uint32_t opening_ = 0;        ///< connections under way
  std::uint32_t left_ = 0;           ///< connections that are not closed
  std::vector<Client*> rearm_;
  bool told_stopped_ = false;
  bool told_drained_ = false;
};

}  // namespace peal::loadtest
