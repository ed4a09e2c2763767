// SPDX-License-Identifier: Apache-2.0
#include "loadtest/payload.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string_view>
#include <utility>

#include "core/ws/deflate.h"
#include "core/ws/frame_header.h"
#include "core/ws/mask.h"

namespace peal::loadtest {
namespace {

/// Something like the JSON that people send, `size` characters without a line end.
std::string make_text(std::size_t size) {
  constexpr std::array<std::string_view, 12> kWords = {"user",    "room",   "price",  "symbol",
                                                       "message", "status", "time",   "from",
                                                       "topic",   "value",  "update", "session"};
  std::minstd_rand random(6455);
  std::string text;
  while (text.size() < size) {
    text.append("{\"").append(kWords[random() % kWords.size()]).append("\":\"");
    text.append(kWords[random() % kWords.size()])
        .append("-")
        .append(std::to_string(random() % 100));
    text.append("\",\"").append(kWords[random() % kWords.size()]).append("\":");
    text.append(std::to_string(random() % 1'000'000)).append("},");
  }
  text.resize(size);
  return text;
}

std::string masked(std::string text, std::uint32_t key, std::size_t offset) {
  if (!text.empty())
    ws::unmask(std::as_writable_bytes(std::span(text)), ws::rotate_key(key, offset));
  return text;
}

/// A stored block of deflate around a stamp: RFC 1951 section 3.2.4, at an octet's begin.
constexpr std::size_t kStoredHeader = 5;
constexpr std::size_t kStoredStamp = kStoredHeader + kStampSize;

std::array<std::byte, kStoredStamp> store(const StampText& stamp) {
  std::array<std::byte, kStoredStamp> block{};
  block[1] = static_cast<std::byte>(kStampSize);
  block[3] = static_cast<std::byte>(~kStampSize & 0xff);
  block[4] = std::byte{0xff};
  std::memcpy(block.data() + kStoredHeader, stamp.data(), kStampSize);
  return block;
}

}  // namespace

Payload::Payload(SizeMix sizes, ws::Opcode opcode, std::uint32_t key, bool compress)
    : sizes_(std::move(sizes)), opcode_(opcode), key_(key), text_(make_text(kPeriod)) {
  static_assert(kPeriod % sizeof key == 0 && kStampSize % sizeof key == 0);
  masked_ = masked(text_, key, 0);
  if (!compress) return;
  ws::Deflater deflater(1, ws::kMaxWindowBits);
  for (const auto& [size, weight] : sizes_.shares()) {
    if (size <= kStampSize || compressed_.contains(size)) continue;
    std::string text;
    while (text.size() < size - kStampSize)
      text += std::string_view(text_).substr(0, size - kStampSize - text.size());
    deflater.reset();
    std::string packed(deflater.bound(text.size()), '\0');
    packed.resize(deflater.compress(as_bytes(text), std::as_writable_bytes(std::span(packed))));
    if (kStoredStamp + packed.size() < size) compressed_[size] = masked(packed, key, kStoredStamp);
  }
}

void Payload::append_frame(SendBatch& batch, const Stamp& stamp) const {
  const std::size_t size = size_of(stamp);
  const std::size_t stamped = std::min(size, kStampSize);
  const std::size_t header = ws::client_header_size(size);
  const std::size_t copied = size - stamped <= kCopied ? size : stamped;
  std::byte* const frame = batch.add(header + copied);
  std::byte* const to = ws::write_client_header(frame, opcode_, true, size, key_);
  const StampText text = write_stamp(stamp);
  if (stamped > 0) ws::unmask_copy(to, std::as_bytes(std::span(text)).first(stamped), key_);
  if (copied > stamped)
    std::memcpy(to + stamped, masked_.data(), copied - stamped);
  else
    append_text(batch, masked_, size - stamped);
}

void Payload::append_compressed(SendBatch& batch, const Stamp& stamp) const {
  const auto found = compressed_.find(size_of(stamp));
  if (found == compressed_.end()) return append_frame(batch, stamp);
  const std::string& packed = found->second;
  const std::size_t size = kStoredStamp + packed.size();
  std::byte* const frame = batch.add(ws::client_header_size(size) + kStoredStamp);
  std::byte* const to = ws::write_client_header(frame, opcode_, true, size, key_);
  ws::set_compressed(frame);
  ws::unmask_copy(to, store(write_stamp(stamp)), key_);
  if (packed.size() <= kCopied)
    std::memcpy(batch.add(packed.size()), packed.data(), packed.size());
  else
    batch.add_shared(as_bytes(packed));
}

void Payload::append_plain(SendBatch& batch, const Stamp& stamp) const {
  const std::size_t size = size_of(stamp);
  const std::size_t stamped = std::min(size, kStampSize);
  const StampText text = write_stamp(stamp);
  if (stamped > 0) std::memcpy(batch.add(stamped), text.data(), stamped);
  append_text(batch, text_, size - stamped);
}

void Payload::append_text(SendBatch& batch, const std::string& text, std::size_t size) const {
  if (size <= kCopied) {
    if (size > 0) std::memcpy(batch.add(size), text.data(), size);
    return;
  }
  for (; size > 0; size -= std::min(size, kPeriod))
    batch.add_shared(as_bytes(text).first(std::min(size, kPeriod)));
}

bool Payload::matches(const StampText& stamp, std::size_t offset, Bytes piece) const {
  if (piece.empty()) return true;
  if (offset < kStampSize) {
    const std::size_t size = std::min(piece.size(), kStampSize - offset);
    if (std::memcmp(piece.data(), stamp.data() + offset, size) != 0) return false;
    piece = piece.subspan(size);
    offset += size;
  }
  std::size_t at = (offset - kStampSize) % kPeriod;
  while (!piece.empty()) {
    const std::size_t size = std::min(piece.size(), kPeriod - at);
    if (std::memcmp(piece.data(), text_.data() + at, size) != 0) return false;
    piece = piece.subspan(size);
    at = 0;
  }
  return true;
}

}  // namespace peal::loadtest
