// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "loadtest/endpoint.h"
#include "loadtest/sizes.h"
#include "loadtest/url.h"

namespace peal::loadtest {

enum class Scenario : std::uint8_t { echo, fanout, connect };
enum class IoWish : std::uint8_t { any, io_uring, epoll };

const char* name_of(Scenario scenario);

/// The command line as it was written; empty: not given.
struct RawOptions {
  Scenario scenario = Scenario::echo;
  std::string url;
  std::string publish_url;
  std::optional<std::int64_t> connections;
  std::optional<std::int64_t> subscribers;
  std::optional<std::int64_t> publishers;
  std::optional<std::int64_t> threads;
  std::optional<std::int64_t> depth;
  std::string size;
  std::string rate;
  std::string duration;
  std::string warmup;
  std::string ramp_up;
  std::string timeout;
  std::string transport;
  std::string io;
  std::string ca;
  std::vector<std::string> headers;
  std::vector<std::string> publish_headers;
  std::vector<std::string> sources;
  std::vector<std::int64_t> server_pids;
  std::string json;
  std::string html;
  bool text = false;
  bool compress = false;
  bool insecure = false;
  bool quiet = false;
};

/// What is to be done, checked. A value.
struct Options {
  Scenario scenario = Scenario::echo;
  Url url;
  std::string url_text;            ///< as it was written
  std::optional<Url> publish_url;  ///< fanout: where publishers connect; else at `url`
  Transport transport = Transport::websocket;
  std::uint32_t connections = 0;  ///< of echo and connect; in fanout, of subscribers
  std::uint32_t publishers = 0;
  std::uint32_t threads = 1;
  std::uint32_t depth = 1;  ///< messages under way for each sender; the most, with a rate
  std::uint64_t rate = 0;   ///< messages a second of all senders together; 0: closed loop
  SizeMix sizes{{{64, 1}}};
  bool text = false;  ///< text messages rather than binary ones
  Duration duration{};
  Duration warmup{};
  Duration ramp_up{};  ///< over which connections are opened
  Duration timeout{};  ///< for a connection to open, and for the last messages to come
  IoWish io = IoWish::any;
  bool compress = false;
  bool insecure = false;  ///< any certificate will do
  std::string ca;         ///< PEM file of roots; empty: the system's
  HeaderFields headers;
  HeaderFields publish_headers;
  std::vector<SocketAddress> sources;  ///< to connect from, in turns; empty: the kernel's choice
  std::vector<pid_t> server_pids;
  std::string json;  ///< file names; empty: not wanted; "-": standard output
  std::string html;
  bool quiet = false;

  /// Connections of all kinds.
  std::uint64_t total() const { return std::uint64_t{connections} + publishers; }
};

/// Error: each problem of the command line, for people.
std::expected<Options, std::vector<std::string>> check_options(const RawOptions& raw);

}  // namespace peal::loadtest
