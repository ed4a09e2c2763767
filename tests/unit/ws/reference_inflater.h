// SPDX-License-Identifier: Apache-2.0
// zlib one octet at a time, and compressed messages made without the code under test.
#pragma once

#include <zlib.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/check.h"

namespace peal::ws::test {

inline const std::string kDeflateTail{'\0', '\0', '\xff', '\xff'};

/// Inflates what it is fed until it finds it corrupt. Later messages may refer to earlier ones
/// until it is reset.
class ReferenceInflater {
 public:
  ReferenceInflater() { PEAL_CHECK(inflateInit2(&stream_, -15) == Z_OK); }
  ReferenceInflater(const ReferenceInflater&) = delete;
  ReferenceInflater& operator=(const ReferenceInflater&) = delete;
  ~ReferenceInflater() { inflateEnd(&stream_); }

  void reset() {
    inflateReset(&stream_);
    touched_ = false;
  }

  /// Appends to `out` what `octet` gives; false when the stream is corrupt. Stops early when `out`
  /// has grown above `limit`.
  bool feed(char octet, std::string& out, std::size_t limit) {
    touched_ = true;
    auto in = static_cast<Bytef>(octet);
    stream_.next_in = &in;
    stream_.avail_in = 1;
    return run(out, limit);
  }

  /// The end of a message; false when it is not at the end of a block.
  bool end(std::string& out, std::size_t limit) {
    if (!touched_) return true;
    for (const char octet : kDeflateTail)
      if (!feed(octet, out, limit)) return false;
    const bool whole = !touched_ || stream_.data_type == 128;
    touched_ = false;
    return whole;
  }

 private:
  bool run(std::string& out, std::size_t limit) {
    int result = Z_OK;
    std::array<char, 100> room;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      result = inflate(&stream_, Z_SYNC_FLUSH);
      out.append(room.data(), room.size() - stream_.avail_out);
      if (result == Z_STREAM_END) {
        keep_window();
        touched_ = false;
      }
    } while (out.size() <= limit && stream_.avail_out == 0);
    return result != Z_DATA_ERROR;
  }

  /// Begins anew behind a final block, by the documented way.
  void keep_window() {
    std::array<Bytef, 32768> window;
    uInt size = 0;
    inflateGetDictionary(&stream_, window.data(), &size);
    inflateReset(&stream_);
    inflateSetDictionary(&stream_, window.data(), size);
  }

  z_stream stream_{};
  bool touched_ = false;  // since the message or the last final block began
};

/// Compresses messages with a context, as a peer does.
class ReferenceDeflater {
 public:
  explicit ReferenceDeflater(int window_bits = 15, int level = 6) {
    PEAL_CHECK(deflateInit2(&stream_, level, Z_DEFLATED, -window_bits, 8, Z_DEFAULT_STRATEGY) ==
               Z_OK);
  }
  ReferenceDeflater(const ReferenceDeflater&) = delete;
  ReferenceDeflater& operator=(const ReferenceDeflater&) = delete;
  ~ReferenceDeflater() { deflateEnd(&stream_); }

  void reset() { deflateReset(&stream_); }

  /// The octets that `text` and a `flush` of zlib's give.
  std::string compress(std::string_view text, int flush = Z_SYNC_FLUSH) {
    std::string input(text);
    std::string out;
    stream_.next_in = reinterpret_cast<Bytef*>(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    do {
      std::array<char, 4096> room;
      stream_.next_out = reinterpret_cast<Bytef*>(room.data());
      stream_.avail_out = room.size();
      deflate(&stream_, flush);
      out.append(room.data(), room.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
    return out;
  }

  /// The payload of a compressed message.
  std::string message(std::string_view text) {
    if (text.empty()) return std::string(1, '\0');
    std::string octets = compress(text);
    octets.resize(octets.size() - kDeflateTail.size());
    return octets;
  }

 private:
  z_stream stream_{};
};

/// A message on its own.
inline std::string deflated(std::string_view text) {
  return ReferenceDeflater().message(text);
}

}  // namespace peal::ws::test
