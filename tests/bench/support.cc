// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string_view>

#include "core/base/check.h"
#include "core/io/listener.h"
#include "core/ws/deflate.h"
#include "core/ws/frame_header.h"
#include "core/ws/handshake.h"
#include "core/ws/mask.h"

namespace peal::bench {
namespace {

/// Reads peald's log until it says where it listens.
std::uint16_t read_port(int log) {
  std::string text;
  std::array<char, 512> piece;
  constexpr std::string_view mark = "listening on 127.0.0.1:";
  while (true) {
    const auto found = text.find(mark);
    const auto end = found == std::string::npos ? found : text.find('\n', found);
    if (end != std::string::npos)
      return static_cast<std::uint16_t>(std::atoi(text.c_str() + found + mark.size()));
    const ssize_t got = ::read(log, piece.data(), piece.size());
    if (got <= 0) {
      std::fprintf(stderr, "peald did not start:\n%s", text.c_str());
      std::exit(1);
    }
    text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

void send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    PEAL_CHECK(sent > 0);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void upgrade(int fd, const std::string& path, const std::string& extensions) {
  std::array<std::byte, 16> random{};
  const ws::Key key = ws::make_key(random);
  std::array<std::byte, 1024> out;
  const std::string_view key_text(key.data(), key.size());
  const http::Header offer{"Sec-WebSocket-Extensions", extensions};
  const std::span<const http::Header> headers(&offer, extensions.empty() ? 0 : 1);
  const std::size_t size = ws::write_client_request(
      out, {.host = "127.0.0.1", .target = path, .key = key_text, .headers = headers});
  send_all(fd, as_text(Bytes(out).first(size)));
  std::string answer;
  std::array<char, 1024> piece;
  while (answer.find("\r\n\r\n") == std::string::npos) {
    const ssize_t got = ::recv(fd, piece.data(), piece.size(), 0);
    PEAL_CHECK(got > 0);
    answer.append(piece.data(), static_cast<std::size_t>(got));
  }
  using Kind = ws::ServerAnswer::Kind;
  PEAL_CHECK(ws::check_server_answer(answer, key_text).kind == Kind::accepted);
  PEAL_CHECK(extensions.empty() || answer.find("Sec-WebSocket-Extensions") != std::string::npos);
}

}  // namespace

Fd connect_to(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  PEAL_CHECK(fd);
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  PEAL_CHECK(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

void pin_to_cpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);
}

ServerProcess ServerProcess::peald(const std::vector<std::string>& settings) {
  return start(settings, [] { pin_to_cpu(kServerCpu); });  // "auto" then means one reactor
}

ServerProcess ServerProcess::peald_on_all_cpus(const std::vector<std::string>& settings) {
  return start(settings, [] {});
}

ServerProcess ServerProcess::start(const std::vector<std::string>& settings,
                                   const std::function<void()>& place) {
  const char* program = std::getenv("PEALD");
  std::vector<std::string> words{program ? program : "build/server/peald", "-c", "config/peal.toml",
                                 "--set", "listen.public.address=127.0.0.1:0"};
  for (const std::string& setting : settings) {
    words.push_back("--set");
    words.push_back(setting);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::array<int, 2> ends;
  PEAL_CHECK(pipe(ends.data()) == 0);
  const pid_t pid = fork();
  PEAL_CHECK(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    place();
    dup2(ends[1], STDERR_FILENO);
    execv(arguments[0], arguments.data());
    std::perror(arguments[0]);
    _exit(1);
  }
  ::close(ends[1]);
  Fd log(ends[0]);
  const std::uint16_t port = read_port(log.get());
  return {pid, port, std::move(log)};
}

ServerProcess ServerProcess::function(const std::function<void(int)>& serve) {
  auto group = io::open_listeners("127.0.0.1", 0, 1);
  PEAL_CHECK(group);
  const pid_t pid = fork();
  PEAL_CHECK(pid >= 0);
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin_to_cpu(kServerCpu);
    serve(group->sockets[0].get());
    _exit(0);
  }
  return {pid, group->port, Fd()};
}

ServerProcess::~ServerProcess() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

Duration ServerProcess::cpu_time() const {
  clockid_t clock;
  PEAL_CHECK(clock_getcpuclockid(pid_, &clock) == 0);
  timespec time;
  PEAL_CHECK(clock_gettime(clock, &time) == 0);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

std::uint64_t ServerProcess::memory() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/smaps_rollup");
  std::string word;
  while (file >> word) {
    std::uint64_t kib;
    if (word == "Pss:" && file >> kib) return kib * 1024;
  }
  return 0;
}

Clients::Clients(std::uint16_t port, std::size_t count, const std::string& path,
                 const std::string& extensions) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  for (std::size_t i = 0; i < count; ++i) {
    sockets_.push_back(connect_to(port));
    if (!path.empty()) upgrade(sockets_.back().get(), path, extensions);
  }
}

std::uint64_t Clients::exchange(const std::string& request, std::size_t answer_size,
                                std::size_t depth, Duration duration) {
  std::vector<std::size_t> received(sockets_.size());
  const auto count = [&](std::size_t client, std::string_view bytes) {
    received[client] += bytes.size();
    const std::size_t whole = received[client] / answer_size;
    received[client] %= answer_size;
    return whole;
  };
  return exchange(request, Count(count), depth, duration);
}

std::uint64_t Clients::exchange_marked(const std::string& request, char mark, std::size_t depth,
                                       Duration duration) {
  const auto count = [&](std::size_t, std::string_view bytes) {
    return static_cast<std::size_t>(std::ranges::count(bytes, mark));
  };
  return exchange(request, Count(count), depth, duration);
}

std::uint64_t Clients::exchange(const std::string& request, const Count& count, std::size_t depth,
                                Duration duration) {
  const Fd poller(epoll_create1(EPOLL_CLOEXEC));
  std::string burst;
  for (std::size_t i = 0; i < depth; ++i) burst += request;
  for (std::size_t i = 0; i < sockets_.size(); ++i) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = i}};
    epoll_ctl(poller.get(), EPOLL_CTL_ADD, sockets_[i].get(), &event);
    send_all(sockets_[i].get(), burst);
  }
  std::vector<char> buffer(256 << 10);
  std::array<epoll_event, 256> events;
  std::uint64_t answers = 0;
  std::size_t under_way = sockets_.size() * depth;
  const Instant end = Clock::now() + duration;
  bool over = false;
  while (under_way > 0) {
    const int ready = epoll_wait(poller.get(), events.data(), events.size(), 5000);
    // A ring that was just closed may interrupt whoever opened it.
    PEAL_CHECK(ready > 0 || (ready < 0 && errno == EINTR));
    over = over || Clock::now() >= end;
    for (int i = 0; i < ready; ++i) {
      const std::size_t client = events[static_cast<std::size_t>(i)].data.u64;
      const int fd = sockets_[client].get();
      const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      PEAL_CHECK(got >= 0);
      if (got == 0) epoll_ctl(poller.get(), EPOLL_CTL_DEL, fd, nullptr);  // after a close frame
      const std::size_t whole = count(client, {buffer.data(), static_cast<std::size_t>(got)});
      answers += whole;
      if (over)
        under_way -= whole;
      else if (whole > 0)
        send_all(fd, std::string_view(burst).substr(0, whole * request.size()));
    }
  }
  return answers;
}

void Clients::broadcast(const std::string& message, std::size_t size, std::size_t times) {
  std::vector<char> buffer(size);
  for (std::size_t i = 0; i < times; ++i) {
    send_all(sockets_.front().get(), message);
    for (const Fd& socket : sockets_)
      PEAL_CHECK(::recv(socket.get(), buffer.data(), size, MSG_WAITALL) ==
                 static_cast<ssize_t>(size));
  }
}

std::string client_frame(std::size_t size) {
  return client_frame(ws::Opcode::binary, std::string(size, 'x'));
}

std::string client_frame(ws::Opcode opcode, std::string_view payload) {
  std::string frame(ws::client_header_size(payload.size()), '\0');
  frame += payload;
  constexpr std::uint32_t key = 0x1234abcd;
  std::byte* const to = ws::write_client_header(std::as_writable_bytes(std::span(frame)).data(),
                                                opcode, true, payload.size(), key);
  ws::unmask({to, payload.size()}, key);
  return frame;
}

std::string compressed_server_frame(std::string_view message) {
  BlockPool blocks(0);
  ws::Compressor compressor(blocks, {});
  const auto [block, bytes] =
      compressor.compress(ws::Opcode::text, as_bytes(message), ws::kMaxWindowBits);
  PEAL_CHECK(block);
  std::string frame(as_text(bytes));
  blocks.give(block);
  return frame;
}

std::string compressed_client_frame(std::string_view frame) {
  const auto header = ws::decode_header(as_bytes(frame), ws::Role::client, true);
  std::string masked = client_frame(header.opcode, frame.substr(header.size));
  ws::set_compressed(std::as_writable_bytes(std::span(masked)).data());
  return masked;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace peal::bench
