// SPDX-License-Identifier: Apache-2.0
#include "core/tls/wire.h"

#include <openssl/bio.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/base/check.h"

namespace peal::tls {
namespace {

// Large output fills blocks of this size rather than half of one twice its own.
constexpr std::size_t kMaxBlock = (64 << 10) - sizeof(Block);

Wire& wire_of(BIO* bio) {
  return *static_cast<Wire*>(BIO_get_data(bio));
}

int read_bio(BIO* bio, char* to, std::size_t size, std::size_t* done) {
  BIO_clear_retry_flags(bio);
  *done = wire_of(bio).read(std::as_writable_bytes(std::span(to, size)));
  if (*done > 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

int write_bio(BIO* bio, const char* from, std::size_t size, std::size_t* done) {
  wire_of(bio).write(std::as_bytes(std::span(from, size)));
  *done = size;
  return 1;
}

// The state machine of OpenSSL flushes; there is nothing else it needs to know.
long control_bio(BIO*, int command, long, void*) {
  return command == BIO_CTRL_FLUSH;
}

const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "peal");
    PEAL_CHECK(method && BIO_meth_set_read_ex(method, read_bio) &&
               BIO_meth_set_write_ex(method, write_bio) && BIO_meth_set_ctrl(method, control_bio));
    return method;
  }();
  return made;
}

}  // namespace

Wire::~Wire() {
  while (has_output()) pool_->give(take_output().block);
}

bio_st* Wire::make_bio() {
  BIO* bio = BIO_new(method());
  PEAL_CHECK(bio);
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  return bio;
}

Wire::Output Wire::take_output() {
  Block* block = head_;
  if (block == tail_) {
    head_ = tail_ = nullptr;
    return {block, tail_size_};
  }
  head_ = block->next;
  return {block, block->capacity};
}

std::size_t Wire::read(MutableBytes to) {
  if (!input_) return 0;
  const std::size_t size = std::min(to.size(), input_->size());
  if (size > 0) std::memcpy(to.data(), input_->data(), size);
  *input_ = input_->subspan(size);
  return size;
}

void Wire::write(Bytes ciphertext) {
  expected_ = std::max(expected_, ciphertext.size());
  while (!ciphertext.empty()) {
    const MutableBytes place = room();
    const std::size_t size = std::min(ciphertext.size(), place.size());
    std::memcpy(place.data(), ciphertext.data(), size);
    wrote(size);
    ciphertext = ciphertext.subspan(size);
  }
}

MutableBytes Wire::room() {
  if (!tail_ || tail_size_ == tail_->capacity) {
    Block* block = pool_->take(std::clamp<std::size_t>(expected_, 1, kMaxBlock));
    block->next = nullptr;
    (tail_ ? tail_->next : head_) = block;
    tail_ = block;
    tail_size_ = 0;
  }
  return {tail_->data() + tail_size_, tail_->capacity - tail_size_};
}

void Wire::wrote(std::size_t size) {
  tail_size_ += size;
  expected_ -= std::min(expected_, size);
}

}  // namespace peal::tls
