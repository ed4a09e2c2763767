// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/hub/memory.h"
#include "core/hub/message_id.h"
#include "server/batch_reader.h"
#include "server/batch_topics.h"
#include "server/origin.h"
#include "server/publish_request.h"
#include "server/site.h"

namespace peal::server {

/// Messages of one request, on their way from its body to the hub.
///
/// Owner: a Publisher until the last one is posted, so that a client that goes away meanwhile does
/// not leave half of a batch; then the Publication, until it is answered. Thread: the shard's.
struct Batch {
  struct Item {
    hub::Message* message = nullptr;  ///< until it is posted
    std::size_t topic_begin = 0;      ///< in `names`
    std::size_t topic_size = 0;
  };

  Batch(SlotId from, BatchTopics topics, std::uint64_t message_size)
      : connection(from), reader(std::move(topics), message_size) {}

  std::string_view topic(const Item& item) const {
    return std::string_view(names).substr(item.topic_begin, item.topic_size);
  }

  SlotId connection;
  BatchReader reader;
  Block* body = nullptr;  ///< with `rest`, until that is read
  Bytes rest;
  bool read = false;  ///< every line is, and right
  std::uint32_t first_ticket = 0;
  std::size_t posted = 0;  ///< of `items`
  std::vector<Item> items;
  std::string names;
};

/// What is kept of a publish request until it is answered, and then used again for the next one of
/// its connection.
///
/// Owner: a KeptRequest. Thread: the shard's.
struct Publication {
  struct Result {
    hub::MessageId id;
    std::uint32_t subscribers = 0;
  };

  const Route* route = nullptr;
  Page page = Page::none;
  std::string origin;  ///< where `page` makes it matter
  PublishForm form = PublishForm::text;
  bool keep_alive = false;
  int minor_version = 1;
  std::vector<std::string> topics;  ///< the first `topic_count`; the others keep their memory
  std::size_t topic_count = 0;
  std::optional<BatchTopics> batch_topics;

  std::vector<Result> results;     ///< by topic, or by message of a batch
  std::size_t awaited = 0;         ///< of them; 0: nothing is under way
  std::uint32_t first_ticket = 0;  ///< hub::Ticket::number of the first of them
  bool batch_under_way = false;    ///< the Publisher has it
  std::unique_ptr<Batch> batch;    ///< all posted
};

}  // namespace peal::server
