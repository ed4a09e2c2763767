// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/ws/protocol.h"
#include "loadtest/send_batch.h"
#include "loadtest/sizes.h"
#include "loadtest/stamp.h"

namespace peal::loadtest {

/// What messages consist of: a stamp, then text that everybody knows, both as far as the size
/// goes. So every octet of a message is foretold by its stamp, and a client makes and checks
/// one without touching memory of its size: the text is masked, and compressed, beforehand.
///
/// One masking key serves the whole run. RFC 6455 section 10.3 wants an unpredictable one for each
/// frame to protect proxies from scripts in browsers, of which there are none here.
///
/// Owner: the run. Thread: immutable, any.
class Payload {
 public:
  /// `key`: not 0, so that the server has work to do. `compress`: for append_compressed().
  Payload(SizeMix sizes, ws::Opcode opcode, std::uint32_t key, bool compress);

  const SizeMix& sizes() const { return sizes_; }
  ws::Opcode opcode() const { return opcode_; }
  std::uint32_t size_of(const Stamp& stamp) const {
    return sizes_.pick(stamp.source, stamp.sequence);
  }

  /// The message as a client's frame.
  void append_frame(SendBatch& batch, const Stamp& stamp) const;
  /// The same compressed (RFC 7692), where that is shorter.
  void append_compressed(SendBatch& batch, const Stamp& stamp) const;
  /// The message alone, as a request's body.
  void append_plain(SendBatch& batch, const Stamp& stamp) const;

  /// Whether `piece`, which lies at `offset` of a message with this stamp, is what it has to be.
  /// The size of the message is another matter.
  bool matches(const StampText& stamp, std::size_t offset, Bytes piece) const;

 private:
  /// The text repeats after this: a multiple of a masking key's size, and of nothing that a server
  /// might cut or mix up messages by. Small, so that it stays in the caches.
  static constexpr std::size_t kPeriod = 12'284;
  /// Text of that length at most is copied, more is sent from where it lies.
  static constexpr std::size_t kCopied = 2048;

  void append_text(SendBatch& batch, const std::string& text, std::size_t size) const;

  SizeMix sizes_;
  ws::Opcode opcode_;
  std::uint32_t key_;
  std::string text_;                                 ///< kPeriod
  std::string masked_;                               ///< the same, as it follows a masked stamp
  std::map<std::uint32_t, std::string> compressed_;  ///< by payload size: masked text
};

}  // namespace peal::loadtest
