// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "core/base/time.h"
#include "core/tls/openssl.h"

namespace peal::tls {

/// The keys that session tickets are sealed with (RFC 5077 section 4, RFC 8446 section 4.6.1). No
/// session is kept here: whoever has the keys can resume it, so all reactors and contexts share
/// one of these. A new key is made when the newest is one period old, and serves for one period
/// more to open tickets, which are then replaced.
///
/// Owner: the server; outlives every Context made with it. Thread: any; a lock is held for the copy
/// of a key, in handshakes only. Errors: without randomness no ticket is made.
/// Limits: two keys of 80 bytes, random, never written anywhere, wiped when they have served.
class TicketKeys {
 public:
  static constexpr std::size_t kNameSize = 16;

  struct Key {
    std::array<std::uint8_t, kNameSize> name;  ///< goes with the ticket, in clear
    std::array<std::uint8_t, 32> cipher;       ///< AES-256-CBC
    std::array<std::uint8_t, 32> mac;          ///< HMAC-SHA-256

    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    ~Key();  ///< wipes
  };
  struct Found {
    Key key;
    bool newest;  ///< false: it is time for a new ticket
  };

  explicit TicketKeys(Duration period = std::chrono::hours(12), Instant (*now)() = &Clock::now)
      : period_(period), now_(now) {}
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// How long a ticket can be used.
  Duration period() const { return period_; }

  /// The key for new tickets; none when there is no randomness to make one of.
  std::optional<Key> newest();

  /// The key of that name, if it still serves.
  std::optional<Found> find(std::span<const std::uint8_t, kNameSize> name);

  /// Lets `context` seal and open its tickets with these keys.
  void serve(ssl_ctx_st* context);

 private:
  struct Generation {
    Key key;
    Instant made;
  };

  void rotate();

  const Duration period_;
  Instant (*const now_)();
  std::mutex mutex_;
  std::optional<Generation> newest_;
  std::optional<Generation> previous_;
};

}  // namespace peal::tls
