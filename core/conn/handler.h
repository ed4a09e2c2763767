// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/conn/connection.h"
#include "core/http/request.h"

namespace peal::conn {

/// The one way up: what connections ask of the server. Called on the shard's thread, from within
/// ConnectionTable.
class ConnectionHandler {
 public:
  /// A request head. Before it returns, the handler calls respond(), respond_file() or upgrade().
  /// The views end with the call.
  virtual void on_request(Connection& connection, const http::Request& request) = 0;

  /// A whole message on an open WebSocket. The handler owns `message.block`, where there is one;
  /// a payload without it lies in the input and ends with the call.
  virtual void on_message(Connection& connection, const ws::Event& message) = 0;

  /// A connection was refused when it came: its client has too many already, see Admission.
  virtual void on_refused(io::IpNetwork client) = 0;

  /// The connection begins to end, for the reason in ConnectionState::ending. To take note of; what
  /// it has queued may still be sent, and on_close() follows.
  virtual void on_ending(Connection& connection) = 0;

  /// An outbox that wants room (hub::Outbox::wants_room()) has some.
  virtual void on_room(Connection& connection) = 0;

  /// The connection is over; what the handler put into it must be taken out now.
  virtual void on_close(Connection& connection) = 0;

 protected:
  ~ConnectionHandler() = default;
};

}  // namespace peal::conn
