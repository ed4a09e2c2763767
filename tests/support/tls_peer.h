// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/base/block_pool.h"
#include "core/tls/engine.h"

namespace peal::test {

/// A TLS client without a socket: makes the octets to send and takes those that came.
class TlsPeer {
 public:
  explicit TlsPeer(const tls::Context& context)
      : engine_(context, pool_, tls::Engine::ClientStart{}) {}

  using State = tls::Engine::State;
  State state() const { return engine_.state(); }
  tls::Engine& engine() { return engine_; }

  void write(std::string_view plaintext) { engine_.write(as_bytes(plaintext)); }
  void shut_down() { engine_.shut_down(); }

  /// Octets for the server.
  std::string take_output() {
    std::string octets;
    while (engine_.has_output()) {
      const tls::Engine::Output output = engine_.take_output();
      octets += as_text({output.block->data(), output.size});
      pool_.give(output.block);
    }
    return octets;
  }

  /// Octets from the server, in any pieces.
  void take(std::string_view ciphertext) {
    Bytes input = as_bytes(ciphertext);
    std::string room(4096, '\0');
    std::size_t size;
    do {
      size = engine_.read(input, std::as_writable_bytes(std::span(room)));
      received += room.substr(0, size);
    } while (size == room.size());
  }

  std::string received;  ///< decrypted

 private:
  BlockPool pool_{1 << 20};
  tls::Engine engine_;
};

}  // namespace peal::test
