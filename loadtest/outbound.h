// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "loadtest/client.h"
#include "loadtest/send_batch.h"

namespace peal::loadtest {

/// What a worker's connections have to send at the end of the turn.
/// Owner: a Worker. Thread: the worker's.
class Outbound {
 public:
  /// Where to add what `client` sends next.
  SendBatch& to(Client& client) {
    if (!client.filling) client.filling = batches_.take();
    mark(client);
    return *client.filling;
  }

  /// Has `client` looked at when the turn ends.
  void mark(Client& client) {
    if (client.due) return;
    client.due = true;
    due_.push_back(&client);
  }

  /// Calls `send` with each client that was marked.
  template <class Send>
  void flush(Send&& send) {
    for (std::size_t i = 0; i < due_.size(); ++i) {
      due_[i]->due = false;
      send(*due_[i]);
    }
    due_.clear();
  }
  bool empty() const { return due_.empty(); }

  void give_back(SendBatch*& batch) {
    if (batch) batches_.give(batch);
    batch = nullptr;
  }

 private:
  BatchPool batches_;
  std::vector<Client*> due_;
};

}  // namespace peal::loadtest
