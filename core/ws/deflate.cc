// SPDX-License-Identifier: Apache-2.0
#include "core/ws/deflate.h"

#define ZLIB_CONST  // what is read is const
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/check.h"
#include "core/ws/frame_header.h"

namespace peal::ws {
namespace {

/// What ends each message and is left out: the lengths of an empty stored block (section 7.2.1).
constexpr std::array kTail{std::byte{0x00}, std::byte{0x00}, std::byte{0xff}, std::byte{0xff}};
constexpr std::size_t kFlushRoom = 16;  // bytes, more than a flush adds; see zlib.h, deflate()
constexpr int kMemoryLevel = 8;         // zlib's default

const Bytef* octets(Bytes bytes) {
  return reinterpret_cast<const Bytef*>(bytes.data());
}
Bytef* octets(MutableBytes bytes) {
  return reinterpret_cast<Bytef*>(bytes.data());
}

/// Negative bits mean bare deflate. What is called 8 bits may be zlib's 9, when the peer uses it.
int inflate_bits(std::uint8_t window_bits) {
  return -std::max<int>(window_bits, Deflater::kMinBits);
}

}  // namespace

// ---- Out ---------------------------------------------------------------------------------------

Deflater::Deflater(int level, std::uint8_t window_bits) : stream_(new z_stream{}) {
  const int result = deflateInit2(stream_.get(), level, Z_DEFLATED, -int{window_bits}, kMemoryLevel,
                                  Z_DEFAULT_STRATEGY);
  PEAL_CHECK(result == Z_OK);
}

Deflater::~Deflater() {
  deflateEnd(stream_.get());
}

void Deflater::reset() {
  deflateReset(stream_.get());
}

std::size_t Deflater::bound(std::size_t size) {
  return deflateBound(stream_.get(), size) + kFlushRoom;
}

std::size_t Deflater::compress(Bytes message, MutableBytes out) {
  PEAL_DCHECK(!message.empty());  // zlib does not flush twice without anything in between
  z_stream& stream = *stream_;
  stream.next_in = octets(message);
  stream.avail_in = static_cast<uInt>(message.size());
  stream.next_out = octets(out);
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_SYNC_FLUSH);
  if (stream.avail_in > 0 || stream.avail_out == 0) return 0;
  return out.size() - stream.avail_out - kTail.size();
}

void Compressor::set(const DeflateSettings& settings) {
  if (settings.level != settings_.level)
    for (auto& deflater : deflaters_) deflater.reset();
  settings_ = settings;
}

bool Compressor::worthwhile(Bytes message) const {
  return !message.empty() && message.size() >= settings_.min_size &&
         message.size() <= settings_.max_size;
}

Compressor::Frame Compressor::compress(Opcode opcode, Bytes message, std::uint8_t window_bits) {
  if (!worthwhile(message)) return {};
  if (window_bits < Deflater::kMinBits) {
    if (message.size() > std::size_t{1} << window_bits) return {};
    window_bits = Deflater::kMinBits;  // a message refers back no further than to its beginning
  }
  std::unique_ptr<Deflater>& deflater = deflaters_[window_bits];
  if (!deflater) deflater = std::make_unique<Deflater>(settings_.level, window_bits);
  deflater->reset();
  return compress(opcode, message, *deflater, message.size() + kTail.size());
}

Compressor::Frame Compressor::compress(Opcode opcode, Bytes message, std::uint8_t window_bits,
                                       std::unique_ptr<Deflater>& context) {
  if (!worthwhile(message)) return {};
  if (!context) context = std::make_unique<Deflater>(settings_.level, window_bits);
  const Frame frame = compress(opcode, message, *context, context->bound(message.size()));
  PEAL_CHECK(frame.block);
  return frame;
}

/// Compresses into `most` bytes of room first, so that the frame's block is no larger than it.
Compressor::Frame Compressor::compress(Opcode opcode, Bytes message, Deflater& deflater,
                                       std::size_t most) {
  ++compressions_;
  Block* const draft = blocks_.take(most);
  const std::size_t size = deflater.compress(message, {draft->data(), most});
  Frame frame;
  if (size > 0) {
    frame.block = blocks_.take(kMaxServerHeader + size);
    std::byte* const payload = frame.block->data() + kMaxServerHeader;
    std::memcpy(payload, draft->data(), size);
    std::byte* const begin = write_server_header_before(payload, opcode, true, size);
    set_compressed(begin);
    frame.bytes = {begin, payload + size};
  }
  blocks_.give(draft);
  return frame;
}

// ---- In ----------------------------------------------------------------------------------------

Inflater::Inflater() : stream_(new z_stream{}) {
  PEAL_CHECK(inflateInit2(stream_.get(), inflate_bits(kMaxWindowBits)) == Z_OK);
}

Inflater::~Inflater() {
  inflateEnd(stream_.get());
}

void Inflater::reset(std::uint8_t window_bits) {
  inflateReset2(stream_.get(), inflate_bits(window_bits));
  untouched_ = true;
}

Inflater::Step Inflater::inflate(Bytes& input, MutableBytes room) {
  z_stream& stream = *stream_;
  stream.next_in = octets(input);
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = octets(room);
  stream.avail_out = static_cast<uInt>(room.size());
  int result = Z_OK;
  do {
    untouched_ = untouched_ && stream.avail_in == 0;
    result = ::inflate(&stream, Z_SYNC_FLUSH);
    if (result != Z_STREAM_END) break;
    inflateResetKeep(&stream);  // the window stays: later blocks may refer to it
    untouched_ = true;
  } while (stream.avail_in > 0);
  PEAL_CHECK(result != Z_MEM_ERROR);
  input = input.last(stream.avail_in);
  const std::size_t size = room.size() - stream.avail_out;
  if (result == Z_DATA_ERROR) return {Outcome::corrupt, size};
  return {stream.avail_out == 0 ? Outcome::full : Outcome::drained, size};
}

Bytes Inflater::tail() const {
  return untouched_ ? Bytes{} : Bytes(kTail);
}

bool Inflater::end_message() {
  constexpr int kBlockEnd = 128;  // in data_type, without a bit left over: see zlib.h, inflate()
  const bool whole = untouched_ || stream_->data_type == kBlockEnd;
  untouched_ = true;
  return whole;
}

InflaterPool::InflaterPool() {
  spare_.reserve(kKept);
}

Inflater* InflaterPool::take(std::uint8_t window_bits) {
  std::unique_ptr<Inflater> inflater;
  if (spare_.empty()) {
    inflater = std::make_unique<Inflater>();
  } else {
    inflater = std::move(spare_.back());
    spare_.pop_back();
  }
  inflater->reset(window_bits);
  ++out_;
  return inflater.release();
}

void InflaterPool::give(Inflater* inflater) {
  if (!inflater) return;
  PEAL_DCHECK(out_ > 0);
  --out_;
  std::unique_ptr<Inflater> owned(inflater);
  if (spare_.size() < kKept) spare_.push_back(std::move(owned));
}

}  // namespace peal::ws
