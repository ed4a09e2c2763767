// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"

struct bio_st;  // OpenSSL's BIO

namespace peal::tls {

/// The ciphertext side of an engine: what OpenSSL takes for a socket. It reads the input of the
/// call under way and writes to blocks, which fill up one after the other.
///
/// Owner: an engine, from whose BIO it is reached: it stays where it is. Thread: the shard's.
/// Errors: none. Limits: holds what has been written and not taken.
class Wire {
 public:
  /// Ciphertext for the peer, at the front of a block that is now the caller's.
  struct Output {
    Block* block;
    std::size_t size;
  };

  explicit Wire(BlockPool& pool) : pool_(&pool) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire();

  /// A BIO on this wire, for OpenSSL to own.
  bio_st* make_bio();

  /// From now on `input` is read from, and taken off its front what was; null: nothing to read.
  void set_input(Bytes* input) { input_ = input; }

  /// So much output is about to come: blocks are taken with that in mind.
  void expect_output(std::size_t size) { expected_ = size; }

  bool has_output() const { return head_ != nullptr; }
  /// The oldest block; nothing is added to it any more. Requires: has_output().
  Output take_output();

  /// Adds to the output.
  void write(Bytes ciphertext);
  /// Where the output goes on: at least one octet.
  MutableBytes room();
  /// `size` octets of room() have been written. Requires: no more than there was room.
  void wrote(std::size_t size);

  /// Moves up to to.size() octets of the input there; returns how many, 0 when there are none.
  std::size_t read(MutableBytes to);

 private:
  BlockPool* pool_;
  Bytes* input_ = nullptr;
  Block* head_ = nullptr;  ///< linked by next; all but the last are full
  Block* tail_ = nullptr;
  std::size_t tail_size_ = 0;
  std::size_t expected_ = 0;
};

}  // namespace peal::tls
