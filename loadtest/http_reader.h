// SPDX-License-Identifier: Apache-2.0
// Answers of an HTTP/1.1 server as a client reads them, without a socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/http/body_reader.h"

namespace peal::loadtest {

/// False as soon as `front`, which may be short, is not that of an HTTP/1 answer.
bool may_be_http(std::string_view front);

/// One answer after the other: the head is gathered, the body handed on where it lies (RFC 9112
/// section 6.3: by Content-Length, chunked, or up to the end of the connection).
///
/// Owner: a connection. Thread: the worker's. Errors: Outcome::failed, with no going on.
/// Limits: heads of 16 KiB.
class HttpReader {
 public:
  enum class Outcome : std::uint8_t {
    need_more,
    head,  ///< status() is known; the body follows
    body,  ///< a piece of it
    done,  ///< the answer is whole; what follows is the next one
    failed,
  };
  struct Step {
    Outcome outcome = Outcome::need_more;
    MutableBytes body = {};
  };

  /// Takes the next step off the front of `input`.
  Step next(MutableBytes& input);

  /// Of the answer that is being read, or was read last.
  int status() const { return status_; }
  /// Its Content-Type is text/event-stream.
  bool is_event_stream() const { return event_stream_; }
  /// The first line without its end; after Outcome::failed, what stands in its place.
  const std::string& status_line() const { return status_line_; }
  /// Whether the answer has a body without an end.
  bool endless() const { return state_ == State::endless; }

 private:
  enum class State : std::uint8_t { head, sized, endless };

  bool take_head(MutableBytes& input);
  bool read_head();

  State state_ = State::head;
  int status_ = 0;
  bool event_stream_ = false;
  std::string head_;
  std::string status_line_;
  http::BodyReader body_;
};

}  // namespace peal::loadtest
