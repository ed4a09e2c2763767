// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "core/base/check.h"
#include "core/conn/connection.h"
#include "core/conn/listener_policy.h"
#include "core/http/request.h"

namespace peal::conn {

/// The one way up: what connections ask of the server. Called on the shard's thread, from within
/// ConnectionTable.
class ConnectionHandler {
 public:
  /// What a listener lays down. Asked when a connection comes, and until its client is known.
  virtual const ListenerPolicy& listener_policy(std::uint32_t listener) const = 0;

  /// A request head. Before it returns, the handler calls one of those that ConnectionTable has for
  /// the phase `head`. The views end with the call.
  virtual void on_request(Connection& connection, const http::Request& request) = 0;

  /// The whole body, for a handler that calls receive_body(). It owns the block, where there is
  /// one: the body lies in it behind ws::kMaxServerHeader bytes at least. Without, the body lies in
  /// the input and ends with the call. The answer is owed then, see Phase::answering; unless the
  /// handler says otherwise by answer_later(), TableLimits::handshake_timeout from now.
  virtual void on_body(Connection&, MutableBytes, Block*) { PEAL_CHECK(false); }

  /// A request is refused with that status before it is whole: its head, or what receive_body()
  /// reads. To take note of; the fields go into the answer, and end with the next call.
  virtual std::span<const http::Header> on_request_refused(Connection&, int) { return {}; }

  /// The answer that is owed is due. A connection that is not answered before this returns is
  /// broken off, unless answer_later() was called again.
  virtual void on_answer_due(Connection&) {}

  /// Something came by the topics of a connection whose answer is owed. Messages that wait in its
  /// outbox do so until it is answered.
  virtual void on_topics_due(Connection&) {}

  /// Called once for each connection that needs one.
  virtual std::unique_ptr<Exchange> make_exchange() { return std::make_unique<Exchange>(); }

  /// The end of a turn, before anything of it is sent. True when the handler has work left that
  /// nothing else would wake it for.
  virtual bool on_turn_end() { return false; }

  /// A whole message on an open WebSocket. The handler owns `message.block`, where there is one;
  /// a payload without it lies in the input and ends with the call.
  virtual void on_message(Connection& connection, const ws::Event& message) = 0;

  /// So many messages came that go back by RoutePolicy::echo; on_message() hears nothing of them.
  virtual void on_echo(Connection&, std::uint32_t) {}

  /// A connection was refused when it came: its client has too many already, see Admission.
  virtual void on_refused(io::IpNetwork client) = 0;

  /// The connection begins to end, for the reason in ConnectionState::ending. To take note of; what
  /// it has queued may still be sent, and on_close() follows. `reason`: what is wrong with a
  /// request that is refused, with TLS, or with what a WebSocket brings, a static string; else
  /// empty.
  virtual void on_ending(Connection& connection, std::string_view reason) = 0;

  /// An outbox that wants room (hub::Outbox::wants_room()) has some.
  virtual void on_room(Connection& connection) = 0;

  /// The connection is over; what the handler put into it must be taken out now.
  virtual void on_close(Connection& connection) = 0;

 protected:
  ~ConnectionHandler() = default;
};

}  // namespace peal::conn
