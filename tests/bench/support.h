// SPDX-License-Identifier: Apache-2.0
// What the benchmarks share: a server in a process of its own, and the loop of clients beside it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/fd.h"
#include "core/base/time.h"
#include "core/ws/protocol.h"

namespace peal::bench {

inline constexpr int kServerCpu = 0;
inline constexpr int kClientCpu = 1;

void pin_to_cpu(int cpu);

/// A TCP connection to loopback.
Fd connect_to(std::uint16_t port);

/// A running server. Owner: the benchmark; killed on destruction.
class ServerProcess {
 public:
  /// peald with `settings` (each for --set) on the server's CPU, one reactor.
  static ServerProcess peald(const std::vector<std::string>& settings);
  /// The same, wherever the kernel puts its threads.
  static ServerProcess peald_on_all_cpus(const std::vector<std::string>& settings);
  /// `serve(listening socket)` in a child process on the server's CPU.
  static ServerProcess function(const std::function<void(int)>& serve);

  ServerProcess(ServerProcess&& other) noexcept
      : pid_(std::exchange(other.pid_, 0)), port_(other.port_), log_(std::move(other.log_)) {}
  ~ServerProcess();

  std::uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }
  /// User and system time so far.
  Duration cpu_time() const;
  /// Proportional set size, in bytes (proc(5), smaps_rollup).
  std::uint64_t memory() const;

 private:
  /// `place` is called in the process that becomes peald.
  static ServerProcess start(const std::vector<std::string>& settings,
                             const std::function<void()>& place);

  ServerProcess(pid_t pid, std::uint16_t port, Fd log)
      : pid_(pid), port_(port), log_(std::move(log)) {}

  pid_t pid_;
  std::uint16_t port_;
  Fd log_;  // keeps the pipe open that peald writes to
};

/// Connections to a server on loopback, from the calling process.
class Clients {
 public:
  /// `path`: upgrades each to a WebSocket there; empty: leaves them bare TCP. `extensions`: what is
  /// offered, and then has to be agreed on.
  Clients(std::uint16_t port, std::size_t count, const std::string& path,
          const std::string& extensions = {});

  std::size_t size() const { return sockets_.size(); }
  int socket(std::size_t index) const { return sockets_[index].get(); }

  /// Every client keeps `depth` copies of `request` under way and takes `answer_size` bytes as the
  /// answer to each, for `duration`. Returns the answers.
  std::uint64_t exchange(const std::string& request, std::size_t answer_size, std::size_t depth,
                         Duration duration);

  /// The same where answers differ in size: each holds `mark` once.
  std::uint64_t exchange_marked(const std::string& request, char mark, std::size_t depth,
                                Duration duration);

  /// The first client sends `message`, `times` over; each time, all of them take `size` bytes.
  void broadcast(const std::string& message, std::size_t size, std::size_t times);

 private:
  /// Of what has come to a client, the answers that are whole with it.
  using Count = std::function<std::size_t(std::size_t client, std::string_view bytes)>;

  std::uint64_t exchange(const std::string& request, const Count& count, std::size_t depth,
                         Duration duration);

  std::vector<Fd> sockets_;
};

/// A masked binary frame with `size` bytes of payload, as a client sends it.
std::string client_frame(std::size_t size);

/// The same of any opcode, with any payload.
std::string client_frame(ws::Opcode opcode, std::string_view payload);

/// A message as a server sends it, compressed without a context, by its defaults.
std::string compressed_server_frame(std::string_view message);

/// The same message as a client sends it. `frame`: by compressed_server_frame().
std::string compressed_client_frame(std::string_view frame);

double median(std::vector<double> values);

/// Microseconds.
inline double to_us(Duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

}  // namespace peal::bench
