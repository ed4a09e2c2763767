// SPDX-License-Identifier: Apache-2.0
// What docs/PROTOCOL.md promises of order and delivery, by the numbers: publishers on many
// connections, subscribers on three transports who break off again and again and go on after the
// last id they have. Each has to hear every message once, in the one order of the topic.
#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <charconv>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/check.h"
#include "core/ws/frame_header.h"
#include "tests/bench/support.h"

namespace {

using namespace peal;
using namespace peal::bench;

#ifdef NDEBUG
constexpr std::size_t kListeners = 1'000;
#else
constexpr std::size_t kListeners = 150;  // checked builds are slow
#endif
constexpr std::size_t kPublishers = 100;
constexpr std::uint64_t kMessagesEach = 6;
constexpr std::uint64_t kMessages = kPublishers * kMessagesEach;
constexpr std::size_t kBreaks = 10;
constexpr int kPatience = 20'000;  // milliseconds without a byte for anybody

constexpr std::string_view kTopic = "/chat/numbered";

std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  CHECK(failure == std::errc{});
  CHECK(end == text.data() + text.size());
  return number;
}

/// What is between `begin` and `end` in `text`, from `from` on, which moves past it.
std::string_view between(std::string_view text, std::size_t& from, std::string_view begin,
                         std::string_view end) {
  const std::size_t start = text.find(begin, from);
  if (start == text.npos) return {};
  const std::size_t stop = text.find(end, start + begin.size());
  if (stop == text.npos) return {};
  from = stop;
  return text.substr(start + begin.size(), stop - start - begin.size());
}

/// What was published under which offset, by what its publishers were told.
struct Truth {
  std::string epoch;
  std::vector<std::string> data = std::vector<std::string>(kMessages + 2);  // from offset 2 on

  void note(std::string_view answer, std::string_view body) {
    std::size_t at = 0;
    const std::string_view id = between(answer, at, "\"id\":\"", "\"");
    CHECK(id.substr(0, epoch.size()) == epoch);
    const std::uint64_t offset = number_in(id.substr(epoch.size() + 1));
    REQUIRE(offset < data.size());
    CHECK(data[offset].empty());
    data[offset] = body;
  }
};

/// One connection to the server, in its owner's epoll.
struct Link {
  Fd socket;
  std::string in;

  void open(int epoll, std::uint16_t port, std::uint64_t name, std::string_view request) {
    socket = connect_to(port);
    in.clear();
    epoll_event event{.events = EPOLLIN, .data = {.u64 = name}};
    PEAL_CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, socket.get(), &event) == 0);
    send(request);
  }
  void send(std::string_view bytes) {
    PEAL_CHECK(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size()));
  }
  /// False at the end of the connection.
  bool receive() {
    std::array<char, 65536> piece;
    const ssize_t got = ::recv(socket.get(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (got > 0) in.append(piece.data(), static_cast<std::size_t>(got));
    return got > 0;
  }
  /// A whole HTTP response with a Content-Length, taken from what has come; else empty.
  std::string take_response() {
    const std::size_t head = in.find("\r\n\r\n");
    if (head == in.npos) return {};
    std::size_t at = 0;
    const std::string_view length = between(in, at, "Content-Length: ", "\r\n");
    const std::size_t size = head + 4 + (length.empty() ? 0 : number_in(length));
    if (in.size() < size) return {};
    std::string response = in.substr(0, size);
    in.erase(0, size);
    return response;
  }
};

struct Publisher : Link {
  std::uint64_t index = 0;
  std::uint64_t sent = 0;
  std::string body;

  std::string next() {
    body = std::to_string(index) + ":" + std::to_string(sent++);
    return "POST /publish/chat/numbered HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
};

enum class Transport { websocket, stream, poll };

/// A subscriber that breaks off now and then.
struct Listener : Link {
  Transport transport = Transport::websocket;
  bool past_head = false;
  std::uint64_t heard = 1;  // the offset of the newest message it has
  std::uint64_t break_after = 0;
  std::size_t breaks_left = kBreaks;
  std::vector<std::string> data;

  bool done() const { return heard == kMessages + 1; }

  std::string request(const std::string& epoch) const {
    const std::string id = epoch + "-" + std::to_string(heard);
    const std::string get = "GET " + std::string(kTopic);
    const std::string host = " HTTP/1.1\r\nHost: localhost\r\n";
    switch (transport) {
      case Transport::websocket:
        return get + "?since=" + id + host +
               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Protocol: peal.v1\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
      case Transport::stream:
        return get + host + "Accept: text/event-stream\r\nLast-Event-ID: " + id + "\r\n\r\n";
      case Transport::poll:
        break;
    }
    return get + "?since=" + id + "&wait=10s" + host + "\r\n";
  }

  void hear(std::string_view id, std::string_view text, const std::string& epoch) {
    REQUIRE(id.starts_with(epoch));
    const std::uint64_t offset = number_in(id.substr(epoch.size() + 1));
    REQUIRE(offset == heard + 1);
    heard = offset;
    data.emplace_back(text);
  }

  bool wants_break() const { return breaks_left > 0 && heard >= break_after; }

  /// Takes what is whole of what has come; stops where the listener wants to break off.
  void take(const std::string& epoch) {
    if (transport == Transport::poll) return take_poll(epoch);
    if (!past_head) {
      const std::size_t end = in.find("\r\n\r\n");
      if (end == in.npos) return;
      REQUIRE(in.starts_with(transport == Transport::stream ? "HTTP/1.1 200 " : "HTTP/1.1 101 "));
      in.erase(0, end + 4);
      past_head = true;
    }
    transport == Transport::stream ? take_events(epoch) : take_frames(epoch);
  }

  void take_events(const std::string& epoch) {
    std::size_t begin = 0;
    for (std::size_t end; !wants_break() && (end = in.find("\n\n", begin)) != in.npos;
         begin = end + 2) {
      const std::string_view event = std::string_view(in).substr(begin, end + 1 - begin);
      if (event.find("data: ") == event.npos) continue;
      REQUIRE(event.find("event: message\n") != event.npos);
      std::size_t at = 0;
      const std::string_view id = between(event, at, "id: ", "\n");
      hear(id, between(event, at, "data: ", "\n"), epoch);
    }
    in.erase(0, begin);
  }

  void take_frames(const std::string& epoch) {
    std::size_t begin = 0;
    while (!wants_break() && in.size() - begin >= 4) {
      const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in[begin + i]); };
      REQUIRE(byte(0) == 0x81);
      const bool extended = byte(1) == 126;
      REQUIRE(byte(1) < 127);
      const std::size_t header = extended ? 4 : 2;
      const std::size_t size = extended ? byte(2) * 256u + byte(3) : byte(1);
      if (in.size() - begin < header + size) break;
      const std::string_view text = std::string_view(in).substr(begin + header, size);
      begin += header + size;
      REQUIRE(text.find("\"gap\"") == text.npos);
      if (text.find("\"data\":") != text.npos) hear_json(text, epoch);
    }
    in.erase(0, begin);
  }

  void take_poll(const std::string& epoch) {
    const std::string response = take_response();
    if (response.empty()) return;
    REQUIRE(response.starts_with("HTTP/1.1 20"));
    std::size_t at = response.find("\r\n\r\n");
    if (response.starts_with("HTTP/1.1 200")) {
      REQUIRE(response.ends_with("\"gap\":false}"));
      while (!wants_break() && response.find("\"data\":", at) != response.npos) {
        const std::size_t end = response.find('}', at);
        hear_json(std::string_view(response).substr(at, end + 1 - at), epoch);
        at = end + 1;
      }
    }
    if (!done() && !wants_break()) send(request(epoch));
  }

  void hear_json(std::string_view text, const std::string& epoch) {
    std::size_t at = 0;
    const std::string_view id = between(text, at, "\"id\":\"", "\"");
    hear(id, between(text, at, "\"data\":\"", "\""), epoch);
  }
};

/// All of them, against one server.
class World {
 public:
  World(std::uint16_t port, std::uint64_t seed)
      : port_(port),
        dice_(seed),
        epoll_(epoll_create1(0)),
        publishers_(kPublishers),
        listeners_(kListeners) {
    Publisher first;
    first.open(epoll_.get(), port, 0, first.next());
    std::string answer;
    while (answer.empty()) {
      REQUIRE(wait() == 1);
      REQUIRE(first.receive());
      answer = first.take_response();
    }
    std::size_t at = 0;
    const std::string_view id = between(answer, at, "\"id\":\"", "\"");
    REQUIRE(id.ends_with("-1"));
    truth_.epoch = id.substr(0, id.size() - 2);
  }

  void run() {
    for (std::size_t i = 0; i < kListeners; ++i) {
      listeners_[i].transport = static_cast<Transport>(i % 3);
      connect(i);
    }
    for (std::size_t i = 0; i < kPublishers; ++i) {
      publishers_[i].index = i;
      publishers_[i].open(epoll_.get(), port_, kListeners + i, publishers_[i].next());
    }
    while (listening_ > 0 || publishing_ > 0) {
      const int count = wait();
      REQUIRE_MESSAGE(count > 0, listening_ << " listeners still wait for something");
      for (int i = 0; i < count; ++i) on_input(events_[static_cast<std::size_t>(i)].data.u64);
    }
    for (const Listener& listener : listeners_) {
      CAPTURE(static_cast<int>(listener.transport));
      CHECK(listener.breaks_left == 0);
      CHECK(std::equal(listener.data.begin(), listener.data.end(), truth_.data.begin() + 2,
                       truth_.data.end()));
    }
  }

 private:
  int wait() {
    return epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), kPatience);
  }

  void connect(std::size_t index) {
    Listener& listener = listeners_[index];
    listener.past_head = false;
    listener.break_after = listener.heard + dice_() % (kMessages / kBreaks);
    listener.open(epoll_.get(), port_, index, listener.request(truth_.epoch));
  }

  void on_input(std::uint64_t name) {
    if (name >= kListeners) return on_answer(publishers_[name - kListeners]);
    Listener& listener = listeners_[name];
    REQUIRE_MESSAGE(listener.receive(), "ended: " << listener.in);
    listener.take(truth_.epoch);
    if (listener.wants_break()) {
      --listener.breaks_left;
      return connect(name);
    }
    if (!listener.done()) return;
    --listening_;
    listener.socket.reset();
  }

  void on_answer(Publisher& publisher) {
    REQUIRE(publisher.receive());
    const std::string answer = publisher.take_response();
    if (answer.empty()) return;
    REQUIRE(answer.starts_with("HTTP/1.1 200 "));
    truth_.note(answer, publisher.body);
    if (publisher.sent < kMessagesEach)
      publisher.send(publisher.next());
    else
      --publishing_;
  }

  std::uint16_t port_;
  std::mt19937_64 dice_;
  Fd epoll_;
  Truth truth_;
  std::vector<Publisher> publishers_;
  std::vector<Listener> listeners_;
  std::size_t listening_ = kListeners;
  std::size_t publishing_ = kPublishers;
  std::array<epoll_event, 64> events_;
};

}  // namespace

TEST_CASE("peald: whoever comes back hears each message once and in order, on every transport") {
  const std::uint64_t seed = std::random_device{}();
  for (const char* io : {"io_uring", "epoll"}) {
    CAPTURE(io);
    CAPTURE(seed);
    const ServerProcess server = ServerProcess::peald_on_all_cpus(
        {std::string("server.io=") + io, "server.threads=2", "topic.chat.history={size=100000}"});
    World(server.port(), seed).run();
  }
}
