// SPDX-License-Identifier: Apache-2.0
// The body of a request, strictly by RFC 9112: bytes in, payload out.
//
// As in the head, what a proxy in front might read differently is refused: a bare CR or LF, a chunk
// size of more than 16 digits or with white space that no extension follows, a folded trailer.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/http/request.h"

namespace peal::http {

inline constexpr std::size_t kMaxExtensions = 4 << 10;  ///< octets of all chunk extensions; 400
inline constexpr std::size_t kMaxTrailers = 8 << 10;    ///< octets of the trailer section; 431

/// Where the reading of one body stands: with a Content-Length, or chunked (RFC 9112 sections 6 and
/// 7.1), whose extensions and trailers are skipped. Plain data that holds no octet of the body.
///
/// Errors: see failure(); decided by the first offending octet, so that what comes out, and how it
/// ends, does not depend on how the bytes were cut into pieces.
class BodyReader {
 public:
  enum class Outcome : std::uint8_t {
    need_more,  ///< the input is used up
    payload,    ///< there is some; call again
    done,       ///< the body was whole before the first octet of `input`
    failure,    ///< what follows can no longer be told apart
  };

  struct Step {
    Outcome outcome = Outcome::need_more;
    MutableBytes payload = {};  ///< never empty with Outcome::payload; lies in the input
  };

  /// No body at all: done.
  BodyReader() = default;
  /// `limit`: octets of payload. A Content-Length above that has failed before it begins.
  BodyReader(const Request& request, std::uint64_t limit);

  /// Takes the next piece of payload off the front of `input`, and the octets around it.
  Step next(MutableBytes& input);

  /// Octets of payload that may still come.
  std::uint64_t most_left() const {
    return state_ == State::size ? allowed_ : left_ + allowed_;  // a size half read is no promise
  }

  /// Valid after Outcome::failure: 413 above the limit, 431 for trailers, else 400.
  Failure failure() const;

 private:
  enum class State : std::uint8_t {
    sized,          // payload of a known length
    size,           // the digits of a chunk's size
    blank,          // white space that an extension must follow
    extension,      // up to the end of its line
    size_end,       // the line feed after the size
    data,           // payload of a chunk
    data_return,    // the line end after it
    data_end,       //
    trailer,        // the start of a line
    trailer_name,   //
    trailer_value,  //
    trailer_end,    // the line feed after a trailer
    last_end,       // the line feed of the empty line
    done,
    failed,
  };

  enum class Fault : std::uint8_t {
    none,
    too_large,
    bad_size,
    long_size,
    bad_extension,
    long_extensions,
    bad_data_end,
    bad_trailer,
    long_trailers,
  };

  MutableBytes take_payload(MutableBytes& input);
  void read(char octet);
  void read_size(char octet);
  void end_size(char octet);
  void read_extension(char octet);
  void read_trailer(char octet);
  void expect(char octet, char wanted, State next, Fault otherwise);
  void fail(Fault fault);

  std::uint64_t left_ = 0;        // octets of payload, of the chunk or the whole
  std::uint64_t allowed_ = 0;     // the same of the chunks to come
  std::uint16_t extensions_ = 0;  // octets
  std::uint16_t trailers_ = 0;    // octets
  std::uint8_t digits_ = 0;       // of this chunk's size
  State state_ = State::done;
  Fault fault_ = Fault::none;
};

}  // namespace peal::http
