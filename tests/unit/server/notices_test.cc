// SPDX-License-Identifier: Apache-2.0
#include "server/notices.h"

#include <doctest/doctest.h>
#include <poll.h>

#include <thread>

namespace peal::server {
namespace {

using namespace std::chrono_literals;

/// Waits for the next summaries.
std::vector<std::string> next_summaries(Notices& notices) {
  pollfd due{.fd = notices.fd(), .events = POLLIN, .revents = 0};
  REQUIRE(::poll(&due, 1, 5000) == 1);
  return notices.take_summaries();
}

TEST_CASE("Notices: the first of a kind is told, the others are summed up until there are none") {
  Notices notices(2, 20ms);
  CHECK(notices.take_summaries().empty());
  CHECK(notices.count(0, Notice::message_rate));
  CHECK_FALSE(notices.count(0, Notice::message_rate));
  CHECK_FALSE(notices.count(1, Notice::message_rate));
  CHECK(notices.count(1, Notice::auth));
  CHECK(next_summaries(notices) ==
        std::vector<std::string>{"message_rate: 2 more since the last line about it"});

  CHECK_FALSE(notices.count(1, Notice::message_rate));
  CHECK(next_summaries(notices) ==
        std::vector<std::string>{"message_rate: 1 more since the last line about it"});

  CHECK(next_summaries(notices).empty());
  CHECK(notices.count(1, Notice::message_rate));
  CHECK(notices.total(Notice::message_rate) == 5);
  CHECK(notices.total(Notice::auth) == 1);
  CHECK(notices.total(Notice::slow_client) == 0);
}

TEST_CASE("Notices: every one is told or summed up, whichever shard counts") {
  constexpr unsigned kShards = 4;
  constexpr std::uint64_t kEach = 20'000;
  Notices notices(kShards, 1ms);
  std::atomic<std::uint64_t> told{0};
  std::atomic<unsigned> done{0};
  std::vector<std::thread> threads;
  for (hub::ShardIndex shard = 0; shard < kShards; ++shard)
    threads.emplace_back([&, shard] {
      for (std::uint64_t i = 0; i < kEach; ++i)
        if (notices.count(shard, Notice::bad_request)) ++told;
      ++done;
    });
  const auto add_up = [&] {
    for (const std::string& line : notices.take_summaries())
      told += std::stoull(line.substr(line.find(' ')));
  };
  while (done < kShards) add_up();
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 100 && told < kShards * kEach; ++i) {
    if (notices.count(0, Notice::bad_request)) ++told;
    std::this_thread::sleep_for(2ms);
    add_up();
  }
  CHECK(told == notices.total(Notice::bad_request));
}

TEST_CASE("Notices: every limit that ends a connection is told, an ordinary end is not") {
  for (const conn::Ending ending : {conn::Ending::client, conn::Ending::lost, conn::Ending::server,
                                    conn::Ending::answered, conn::Ending::idle})
    CHECK_FALSE(notice_of(ending));
  CHECK(name(*notice_of(conn::Ending::message_rate)) == "message_rate");
  CHECK(name(*notice_of(conn::Ending::slow_client)) == "slow_client");
  CHECK(name(*notice_of(conn::Ending::handshake_timeout)) == "handshake_timeout");
  for (std::size_t i = 0; i < kNotices; ++i) CHECK_FALSE(deed(static_cast<Notice>(i)).empty());
}

}  // namespace
}  // namespace peal::server
