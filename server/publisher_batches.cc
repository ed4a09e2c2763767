// SPDX-License-Identifier: Apache-2.0
// Batches: checked as a whole, then published, in shares of a turn.
#include <algorithm>
#include <cstring>
#include <utility>

#include "server/kept_request.h"
#include "server/publisher.h"

namespace peal::server {
namespace {

constexpr std::size_t kBatchSteps = 256;    // of a turn
constexpr std::size_t kBytesPerStep = 256;  // that count for a step of their own

}  // namespace

struct Publisher::Share {
  std::size_t left = kBatchSteps;

  void spend(std::size_t bytes) { left -= std::min(left, 1 + bytes / kBytesPerStep); }
};

void Publisher::begin_batch(conn::Connection& connection, Publication& publication,
                            MutableBytes body, Block* block) {
  if (!block && !body.empty()) {
    block = table_->memory().blocks.take(body.size());
    std::memcpy(block->data(), body.data(), body.size());
    body = {block->data(), body.size()};
  }
  auto batch = std::make_unique<Batch>(connection.id(), std::move(*publication.batch_topics),
                                       publication.route->message_size);
  publication.batch_topics.reset();
  publication.batch_under_way = true;
  batch->body = block;
  batch->rest = body;
  Share share;  // most are done with this
  if (!work_on(batch, share)) batches_.push_back(std::move(batch));
}

bool Publisher::work() {
  Share share;
  for (std::size_t count = batches_.size(); count > 0 && share.left > 0; --count) {
    auto batch = std::move(batches_.front());
    batches_.pop_front();
    if (!work_on(batch, share)) batches_.push_back(std::move(batch));
  }
  return !batches_.empty();
}

void Publisher::clear() {
  for (const auto& batch : batches_) drop(*batch);
  batches_.clear();
}

/// True when nothing is left to do.
bool Publisher::work_on(std::unique_ptr<Batch>& batch, Share& share) {
  conn::Connection* connection = find_waiting(batch->connection);
  if (!batch->read) {
    if (!connection || !read(*connection, *batch, share)) {
      drop(*batch);
      if (connection) publication_of(*connection).batch_under_way = false;
      return true;
    }
    if (!batch->read) return false;
  }
  post(*batch, share);
  if (batch->posted < batch->items.size()) return false;
  if (!connection) return true;
  Publication& publication = publication_of(*connection);
  publication.batch_under_way = false;
  publication.batch = std::move(batch);
  if (publication.awaited == 0) answer(*connection);
  return true;
}

/// Reads lines. False when the batch is refused, and answered.
bool Publisher::read(conn::Connection& connection, Batch& batch, Share& share) {
  using Outcome = BatchReader::Outcome;
  while (share.left > 0) {
    const std::size_t before = batch.rest.size();
    const Outcome outcome = batch.reader.next(parser_, batch.rest);
    share.spend(before - batch.rest.size());
    if (outcome == Outcome::message) {
      keep_message(batch);
    } else if (outcome == Outcome::failure) {
      answer_error(connection, 400, batch.reader.problem());
      return false;
    } else if (outcome == Outcome::end) {
      return end_reading(connection, batch);
    }
  }
  return true;
}

void Publisher::keep_message(Batch& batch) {
  const BatchReader::Line& line = batch.reader.line();
  const auto opcode = line.is_text ? ws::Opcode::text : ws::Opcode::binary;
  batch.items.push_back({.message = table_->memory().make_message(opcode, line.payload),
                         .topic_begin = batch.names.size(),
                         .topic_size = line.topic.size()});
  batch.names += line.topic;
}

/// Every line is right. False as above.
bool Publisher::end_reading(conn::Connection& connection, Batch& batch) {
  parser_.trim();
  if (!within_rate(connection, batch.items.size())) return false;
  table_->memory().blocks.give(std::exchange(batch.body, nullptr));
  batch.read = true;
  Publication& publication = publication_of(connection);
  answers_.accounts().count_received(connection, publication.route->outbox.number,
                                     static_cast<std::uint32_t>(batch.items.size()));
  await(publication, batch.items.size());
  batch.first_ticket = publication.first_ticket;
  return true;
}

void Publisher::post(Batch& batch, Share& share) {
  while (batch.posted < batch.items.size() && share.left > 0 && !hub_->congested()) {
    Batch::Item& item = batch.items[batch.posted];
    const hub::Ticket ticket{batch.connection,
                             batch.first_ticket + static_cast<std::uint32_t>(batch.posted)};
    ++batch.posted;
    share.spend(0);
    hub_->post(batch.topic(item), std::exchange(item.message, nullptr), ticket);
  }
}

void Publisher::drop(Batch& batch) {
  hub::Memory& memory = table_->memory();
  memory.blocks.give(std::exchange(batch.body, nullptr));
  for (const Batch::Item& item : batch.items)
    if (item.message) memory.release(item.message);
  batch.items.clear();
  parser_.trim();
}

}  // namespace peal::server
