// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "loadtest/worker.h"

namespace peal::loadtest {

/// What one connection's reader finds, while it reads.
class Worker::Sink final : public MessageSink {
 public:
  Sink(Worker& worker, Client& client) : worker_(worker), client_(client) {}

  void on_piece(const Piece& piece) override {
    const Stage stage = worker_.stage_;
    const bool heard = stage != Stage::opening && stage != Stage::closing;
    if (worker_.traffic_ && heard && client_.phase == Phase::open)
      worker_.traffic_->on_piece(client_, piece, worker_.reactor_->now());
  }
  void on_ping(Bytes payload) override { worker_.write_frame(client_, ws::Opcode::pong, payload); }
  void on_close(ws::CloseCode code, std::string_view reason) override {
    worker_.peer_closed(client_, code, reason);
  }

 private:
  Worker& worker_;
  Client& client_;
};

}  // namespace peal::loadtest
