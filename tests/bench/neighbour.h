// SPDX-License-Identifier: Apache-2.0
// Processes that attack a server, and what its honest neighbour notices of them.
#pragma once

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <string_view>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "tests/bench/support.h"

namespace peal::bench {

/// A process that attacks until it is killed, at the lowest priority: it shares the CPU of whoever
/// measures.
class Attacker {
 public:
  template <class Attack>
  explicit Attacker(Attack&& attack) : pid_(begin()) {
    if (pid_ > 0) return;
    attack();
    _exit(0);
  }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;
  ~Attacker() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

 private:
  /// Forks; 0 in the attacker.
  static pid_t begin();

  pid_t pid_;
};

/// Sends as much as the server takes; false when it has ended the connection.
bool push(int fd, std::string_view bytes);

struct Times {
  double median_us;
  double p99_us;

  /// Microseconds, at least one.
  explicit Times(std::vector<double> times);
};

/// Of echoes of 64 bytes.
struct RoundTrips {
  Times whole;   ///< as the client sees it
  Times server;  ///< until the answer has arrived in the client's kernel (SO_TIMESTAMPNS)
};

/// One echo after the other by the first client, one a millisecond, for so long.
RoundTrips measure(const Clients& client, Duration time);

}  // namespace peal::bench
