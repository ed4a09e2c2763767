// SPDX-License-Identifier: Apache-2.0
// The same with sockets that come to be: accept and connect.
#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "tests/unit/io/backend_rig.h"

namespace peal::io::backend_accept_test {
namespace {

using namespace backend_rig;

TEST_CASE("Backend: an accept storm, and accepting stops when told") {
  on_each([](Rig& rig) {
    auto group = open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    const auto connect = [&] { return connect_to(group->port); };
    constexpr std::size_t kClients = 500;
    std::vector<Fd> clients;
    for (std::size_t i = 0; i < kClients / 2; ++i) clients.push_back(connect());
    rig.backend->accept(3, group->sockets[0].get());
    for (std::size_t i = 0; i < kClients / 2; ++i) clients.push_back(connect());
    std::size_t most = 0;  // of one turn, so that a storm leaves room for the others
    std::size_t before = 0;
    rig.until([&] {
      most = std::max(most, rig.sink.accepted.size() - before);
      before = rig.sink.accepted.size();
      return before == kClients;
    });
    CHECK(most <= Backend::kMostAccepts);
    CHECK(rig.sink.accept_ends.empty());
    rig.backend->stop_accept(3, group->sockets[0].get());
    rig.idle();
    clients.push_back(connect());
    rig.idle();
    CHECK(rig.sink.accepted.size() == kClients);
    rig.sink.accept_ends.clear();
    rig.backend->accept(3, group->sockets[0].get());
    rig.until([&] { return rig.sink.accepted.size() == kClients + 1; });
    rig.backend->stop_accept(3, group->sockets[0].get());
    rig.idle();
  });
}

TEST_CASE("Backend: accept_at_most() bounds what a turn accepts") {
  on_each([](Rig& rig) {
    auto group = open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    std::vector<Fd> clients;
    std::size_t accepted = 0;
    const auto most_of_a_turn = [&] {
      for (int i = 0; i < 60; ++i) clients.push_back(connect_to(group->port));
      std::size_t most = 0;
      rig.until([&] {
        most = std::max(most, rig.sink.accepted.size() - accepted);
        accepted = rig.sink.accepted.size();
        return accepted == clients.size();
      });
      return most;
    };
    rig.backend->accept_at_most(2);
    rig.backend->accept(3, group->sockets[0].get());
    CHECK(most_of_a_turn() == 2);
    rig.backend->accept_at_most(Backend::kMostAccepts);
    CHECK(most_of_a_turn() == Backend::kMostAccepts);
    rig.backend->stop_accept(3, group->sockets[0].get());
    rig.idle();
  });
}

TEST_CASE("Backend: accept_waiting() gives who waits when accepting has ended, and no more") {
  on_each([](Rig& rig) {
    auto group = open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    Fd& listener = group->sockets[0];
    rig.backend->accept(3, listener.get());
    rig.idle();
    rig.backend->stop_accept(3, listener.get());
    rig.idle();
    std::vector<Fd> clients;
    for (int i = 0; i < 10; ++i) clients.push_back(connect_to(group->port));
    std::vector<Fd> waiting;
    for (int fd; (fd = rig.backend->accept_waiting(listener.get())) >= 0;) waiting.emplace_back(fd);
    CHECK(waiting.size() == clients.size());
    listener.reset();
    rig.idle();
    CHECK(rig.sink.accepted.empty());
    std::vector<Handle> sockets;
    for (Fd& fd : waiting) sockets.push_back(rig.backend->adopt(fd.release()));
    for (std::uint32_t i = 0; i < sockets.size(); ++i) rig.backend->receive(sockets[i], {i, 1});
    for (const Fd& client : clients) CHECK(::send(client.get(), "x", 1, MSG_NOSIGNAL) == 1);
    for (std::uint32_t i = 0; i < sockets.size(); ++i) {
      rig.until([&] { return rig.seen(i).bytes == "x"; });
      rig.end(sockets[i], i, true);
    }
  });
}

TEST_CASE("Backend: accept_one() accepts one and says so, until it is asked again") {
  on_each([](Rig& rig) {
    auto group = open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    const int listener = group->sockets[0].get();
    std::vector<Fd> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(connect_to(group->port));
    for (std::size_t count = 1; count <= 4; ++count) {
      rig.backend->accept_one(3, listener);
      if (count == 4) clients.push_back(connect_to(group->port));  // accepting waits for it
      rig.until([&] { return rig.sink.accept_ends.size() == count; });
      rig.idle();
      CHECK(rig.sink.accepted.size() == count);
      CHECK(rig.sink.accept_ends.back() == 0);
    }
    rig.backend->accept_one(3, listener);
    rig.idle();
    rig.backend->stop_accept(3, listener);
    rig.idle();
    clients.push_back(connect_to(group->port));
    rig.idle();
    CHECK(rig.sink.accepted.size() == 4);
  });
}

TEST_CASE("Backend: connect() makes a socket that receives and sends") {
  on_each([](Rig& rig) {
    auto group = open_listeners("127.0.0.1", 0, 1);
    REQUIRE(group);
    const sockaddr_in address = loopback(group->port);
    constexpr std::uint32_t kClients = 100;
    std::vector<int> fds;
    std::vector<Fd> far;
    for (std::uint32_t i = 0; i < kClients; ++i) {
      fds.push_back(rig.backend->adopt(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
      rig.backend->connect(fds[i], {i, 0}, reinterpret_cast<const sockaddr*>(&address),
                           sizeof address);
    }
    rig.until([&] { return rig.sink.connects.size() == kClients; });
    for (std::uint32_t i = 0; i < kClients; ++i) {
      CHECK(rig.sink.connects[i] == std::vector{0});
      far.emplace_back(::accept4(group->sockets[0].get(), nullptr, nullptr, SOCK_CLOEXEC));
      REQUIRE(::send(far.back().get(), "hello", 5, MSG_NOSIGNAL) == 5);
      if (i % 2) rig.turn(0ms);  // the bytes may come before the receive, or after
      rig.backend->receive(fds[i], {i, 0});
    }
    std::size_t waiting = 0;
    for (std::uint32_t i = 0; i < kClients; ++i)
      if (!rig.backend->send(fds[i], {i, 0}, as_bytes("world"))) ++waiting;
    rig.until([&] {
      std::size_t sent = 0;
      std::size_t got = 0;
      for (auto& [index, seen] : rig.sink.by_id) {
        sent += seen.sends.size();
        got += seen.bytes == "hello";
      }
      return sent == waiting && got == kClients;
    });
    std::string text(5, '\0');
    for (const Fd& fd : far) {
      CHECK(::recv(fd.get(), text.data(), text.size(), MSG_WAITALL) == 5);
      CHECK(text == "world");
    }
    for (std::uint32_t i = 0; i < kClients; ++i) rig.end(fds[i], i, true);
  });
}

TEST_CASE("Backend: connect() where nobody listens is refused") {
  on_each([](Rig& rig) {
    std::uint16_t port = 0;
    {
      auto group = open_listeners("127.0.0.1", 0, 1);
      REQUIRE(group);
      port = group->port;
    }
    const sockaddr_in address = loopback(port);
    const Handle fd = rig.backend->adopt(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    rig.backend->connect(fd, {0, 0}, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    rig.until([&] { return !rig.sink.connects.empty(); });
    CHECK(rig.sink.connects[0] == std::vector{ECONNREFUSED});
    rig.end(fd, 0, false);
  });
}

TEST_CASE("Backend: connect() to an address that cannot be reached fails at once or later, once") {
  on_each([](Rig& rig) {
    sockaddr_in address = loopback(1);
    address.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    const Handle fd = rig.backend->adopt(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    rig.backend->connect(fd, {0, 0}, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    rig.until([&] { return !rig.sink.connects.empty(); });
    rig.idle();
    REQUIRE(rig.sink.connects[0].size() == 1);
    CHECK(rig.sink.connects[0][0] != 0);
    rig.end(fd, 0, false);
  });
}

}  // namespace
}  // namespace peal::io::backend_accept_test
