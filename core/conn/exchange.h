// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/base/block_pool.h"
#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/http/body_reader.h"

namespace peal::conn {

/// What is left of a response body that comes from a file.
struct FileBody {
  Fd file;
  std::uint64_t offset = 0;  ///< bytes
  std::uint64_t left = 0;    ///< bytes
};

/// What a connection keeps of a request that is not answered at once: what the table needs is here,
/// what the handler needs it adds by deriving from it, see ConnectionHandler::make_exchange().
///
/// Owner: a Connection, from the first request of that kind until HTTP ends, so that a client that
/// keeps its connection costs no allocation for each request. Thread: the shard's.
struct Exchange {
  virtual ~Exchange() = default;

  // In `receiving`.
  http::BodyReader reader;
  Block* block = nullptr;  ///< the body so far, behind ws::kMaxServerHeader bytes; the table's
  std::size_t size = 0;    ///< bytes of the body in `block`

  // From `answering` on.
  Instant deadline{};             ///< of the answer
  bool ends_with_client = false;  ///< see ConnectionTable::answer_later()
  bool input_waits = false;       ///< the answer has come: input that it held up is to be looked at

  // In `responding`.
  FileBody file;
};

}  // namespace peal::conn
