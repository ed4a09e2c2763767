// SPDX-License-Identifier: Apache-2.0
// The whole connection: clients that do anything at any time, on a kernel that does what kernels
// may. Nothing breaks, an honest neighbour is served, memory has its bounds, everything ends in its
// time, and what goes out is HTTP and WebSocket frames as they should be (connection_world.h).
//
// Input: an octet of choices, a seed, then steps: an octet that says which, then what it needs.
// tests/fuzz/connection_seeds.py writes such programs; PEAL_TRACE=1 prints them as they run.
#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "tests/fuzz/connection_world.h"
#include "tests/fuzz/target.h"

namespace peal::fuzz_connection {
namespace {

using fuzz::Client;
using fuzz::World;

constexpr std::size_t kMostClients = 6;
constexpr int kMostTurns = 3000;

constexpr std::array<std::string_view, 9> kTargets = {
    "/echo",     "/chat/a",    "/chat/b",
    "/deaf/a",   "/patient/a", "/healthz",
    "/chat/%2f", "/nowhere",   "/choice?topic=chat/a"};
// By the upper half of the octet that has chosen the target.
constexpr std::array<std::string_view, 4> kFields = {
    "", "Sec-WebSocket-Extensions: permessage-deflate\r\n", "Sec-WebSocket-Protocol: peal.v1\r\n",
    "Sec-WebSocket-Protocol: peal.v1\r\nSec-WebSocket-Extensions: permessage-deflate; "
    "server_no_context_takeover; client_max_window_bits=9\r\n"};
constexpr std::array<std::string_view, 16> kRequests = {
    "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "GET /healthz HTTP/1.0\r\n\r\n",
    "GET /chat/a HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n",
    "GET /patient/b?last=1 HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n",
    "GET /choice?topic=chat/*&topic=chat/a HTTP/1.1\r\nHost: a\r\nAccept: "
    "text/event-stream\r\n\r\n",
    "GET /chat/a?wait=2s HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /choice?topic=chat/a&topic=chat/b&wait=0 HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /chat/a HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /publish/chat/a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "PUT /publish/chat/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n0\r\n\r\n",
    "POST /publish/chat/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: "
    "4000\r\n\r\n",
    "POST /publish/chat/a HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-ndjson\r\n"
    "Content-Length: 67\r\n\r\n{\"topic\":\"chat/a\",\"data\":\"one\"}\n"
    "{\"topic\":\"chat/a\",\"base64\":\"AAE=\"}\n"};
constexpr std::array<int, 8> kMilliseconds = {1, 100, 999, 3000, 5000, 10'000, 26'000, 60'000};
constexpr std::array<double, 4> kRates = {0, 0.05, 0.2, 0.5};

/// The input, read to its end and then as zeros.
class Input {
 public:
  explicit Input(std::string_view octets) : rest_(octets) {}

  bool at_end() const { return rest_.empty(); }
  std::uint8_t octet() {
    const std::string_view one = text(1);
    return one.empty() ? 0 : static_cast<std::uint8_t>(one[0]);
  }
  std::string_view text(std::size_t most) {
    const std::string_view taken = rest_.substr(0, most);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

/// Prints a step when asked to.
[[gnu::format(printf, 1, 2)]] void trace(const char* format, ...) {
  static const bool on = std::getenv("PEAL_TRACE") != nullptr;
  if (!on) return;
  std::va_list values;
  va_start(values, format);
  std::vfprintf(stderr, format, values);
  va_end(values);
}

/// A frame with any first octet. A control frame's payload is in the input, of others the size.
std::string read_frame(Input& input) {
  const std::uint8_t first = input.octet();
  const std::uint8_t size = input.octet();
  if (first & 0x08) return fuzz::client_frame(first, input.text(size));
  const std::size_t count = size < 126 ? size : std::size_t{64} * (size - 125);
  return fuzz::client_frame(first, std::string(count, static_cast<char>(input.octet())));
}

sim::Habits read_habits(std::uint8_t octet) {
  const auto rate = [octet](int shift) { return kRates[(octet >> shift) & 3]; };
  return {.late = rate(0),
          .cut = rate(2),
          .unarm = rate(6),
          .starve = rate(6),
          .short_send = rate(4),
          .accept_error = rate(6)};
}

/// Runs the steps of an input.
class Program {
 public:
  Program(World& world, Input& input) : world_(world), input_(input) {}

  void run() {
    static constexpr std::array<void (Program::*)(), 16> kSteps = {
        &Program::connect,    &Program::upgrade, &Program::write,  &Program::frame,
        &Program::request,    &Program::repeat,  &Program::end,    &Program::reset,
        &Program::break_send, &Program::read,    &Program::habits, &Program::turns,
        &Program::pass,       &Program::speak,   &Program::drain,  &Program::raw};
    while (!input_.at_end() && world_.turns() < kMostTurns)
      (this->*kSteps[input_.octet() % kSteps.size()])();
  }

 private:
  /// The client that the next octet names; there is always one.
  Client& client(const char* what) {
    const std::uint8_t octet = input_.octet();
    if (world_.clients.empty()) world_.connect();
    const std::size_t number = octet % world_.clients.size();
    trace("client %zu: %s\n", number, what);
    return world_.clients[number];
  }

  void connect() {
    trace("connect\n");
    if (world_.clients.size() < kMostClients) world_.connect();
  }
  void upgrade() {
    Client& who = client("upgrade");
    const std::uint8_t octet = input_.octet();
    say(who, fuzz::handshake(kTargets[octet % 16 % kTargets.size()], kFields[(octet >> 4) % 4]));
  }
  void write() {
    Client& who = client("write");
    say(who, std::string(input_.text(input_.octet())));
  }
  void frame() {
    Client& who = client("frame");
    say(who, read_frame(input_));
  }
  void request() {
    Client& who = client("request");
    say(who, std::string(kRequests[input_.octet() % kRequests.size()]));
  }
  void repeat() {
    Client& who = client("repeat");
    const int count = input_.octet();
    trace("  %d times\n", count);
    for (int i = 0; i < count; ++i) who.write(last_);
  }
  void end() { client("end").ends = true; }
  void reset() {
    Client& who = client("reset");
    who.broken = true;
    who.socket.reset();
  }
  void break_send() {
    Client& who = client("its sends fail");
    who.broken = true;
    who.socket.break_sends();
  }
  void read() {
    Client& who = client("read");
    const std::size_t octet = input_.octet();
    who.appetite = octet == 255 ? Client::kAll : octet * octet;
    trace("  %zu a turn\n", who.appetite);
  }
  void habits() {
    const std::uint8_t octet = input_.octet();
    trace("habits %02x\n", octet);
    world_.set_habits(read_habits(octet));
  }
  void turns() {
    const int count = 1 + input_.octet() % 32;
    trace("%d turns\n", count);
    for (int i = 0; i < count; ++i) world_.turn();
  }
  void pass() {
    const int time = kMilliseconds[input_.octet() % kMilliseconds.size()];
    trace("%d ms pass\n", time);
    world_.pass(std::chrono::milliseconds(time));
  }
  void speak() {
    const std::uint8_t octet = input_.octet();
    trace("%s\n", octet & 1 ? "the publisher speaks" : "the neighbour speaks");
    if (octet & 1)
      world_.publisher_speaks(std::size_t{16} * octet);
    else
      world_.neighbour_speaks(octet & 2);
  }
  void drain() {
    trace("drain\n");
    world_.drain();
  }

  /// Octets past TLS, in the middle of its records; the same as write() without it.
  void raw() {
    Client& who = client("raw");
    const std::string_view octets = input_.text(input_.octet());
    if (!who.tls)
      who.write(octets);
    else if (!who.ends)
      who.outgoing += octets;
  }

  void say(Client& who, std::string octets) {
    trace("  %zu octets\n", octets.size());
    who.write(octets);
    last_ = std::move(octets);
  }

  World& world_;
  Input& input_;
  std::string last_;  // what was written last, for repeat()
};

}  // namespace

PEAL_FUZZ_TARGET(connection) {
  Input input(as_text(std::as_bytes(std::span(data, size))));
  const std::uint8_t flags = input.octet();
  World world({.seed = input.octet(),
               .shards = flags & 2 ? std::size_t{2} : std::size_t{1},
               .sends_at_once = (flags & 1) != 0,
               .tls = (flags & 4) != 0});
  Program(world, input).run();
  world.finish();
}

}  // namespace peal::fuzz_connection
