// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/base/slab.h"
#include "core/base/time.h"
#include "core/io/backend.h"
#include "core/tls/engine.h"
#include "core/ws/handshake.h"
#include "loadtest/endpoint.h"
#include "loadtest/event_reader.h"
#include "loadtest/frame_reader.h"
#include "loadtest/http_reader.h"
#include "loadtest/send_batch.h"

namespace peal::loadtest {

/// What a connection is for.
enum class Role : std::uint8_t { echo, subscriber, publisher, holder };

enum class Phase : std::uint8_t {
  waiting,     ///< its turn to connect has not come
  connecting,  ///< TCP
  securing,    ///< TLS
  asking,      ///< HTTP, up to the answer's head
  open,
  closing,  ///< our close frame, or end of stream, is on its way
  closed,
};

/// One connection. Plain data of a Worker, which says how it lives. What each message touches lies
/// in the first two cache lines.
struct alignas(64) Client {
  /// Until it is open.
  struct Opening {
    Instant began;
    ws::Key key{};
    std::string answer;
  };
  struct Secure {
    Secure(const tls::Context& context, BlockPool& pool, const tls::Engine::ClientStart& start)
        : engine(context, pool, start) {}

    tls::Engine engine;
    tls::Engine::Output out{};  ///< being sent; no block when nothing is
    std::size_t sent = 0;       ///< bytes of it
  };
  /// Of a connection that speaks HTTP.
  struct Http {
    HttpReader answers;
    EventReader events;
  };

  Client(std::uint32_t its_index, Role its_role, std::uint32_t its_number, const Endpoint& its_end)
      : endpoint(&its_end), index(its_index), number(its_number), role(its_role) {}

  SlotId id() const { return {index, 0}; }

  const Endpoint* endpoint;
  SendBatch* filling = nullptr;  ///< to be sent next
  SendBatch* sending = nullptr;
  std::unique_ptr<Opening> opening;
  std::unique_ptr<Secure> secure;
  std::unique_ptr<Http> http;
  io::Handle fd = -1;
  std::uint32_t index;   ///< in its worker
  std::uint32_t number;  ///< among all of its role: the source of what it sends
  Role role;
  Phase phase = Phase::waiting;
  bool compressed = false;  ///< permessage-deflate was agreed
  bool receiving = false;   ///< under way in the back end
  bool send_under_way = false;
  bool connect_under_way = false;
  bool shut = false;    ///< shut_down() was called
  bool broken = false;  ///< to be reset rather than closed
  bool due = false;     ///< stands in Outbound's list
  bool must_rearm = false;
  FrameReader frames;
};

}  // namespace peal::loadtest
