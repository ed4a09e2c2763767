// SPDX-License-Identifier: Apache-2.0
#include "server/resume.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

#include "core/hub/message_id.h"
#include "server/long_poll.h"

namespace peal::server {
namespace {

using From = hub::Replay::From;

constexpr std::string_view kEpoch = "0123456789abcdef";

/// What a request with that query, and header where it is not null, resumes at; the stream's rules
/// with a header.
std::expected<Resume, TopicRefusal> resume_of(const std::string& query, std::size_t topics = 1,
                                              const char* last_event_id = nullptr,
                                              std::uint32_t route_last = 0) {
  config::Route route;
  if (route_last > 0) route.replay.emplace(route_last);
  const std::array<http::Header, 1> headers{
      {{"last-event-id", last_event_id ? last_event_id : ""}}};
  http::Request request;
  request.query = query;
  request.headers = headers;
  return last_event_id ? read_stream_resume(request, route, topics)
                       : read_resume(request, route, topics);
}

std::string since(std::string_view offsets) {
  return std::string("since=").append(kEpoch).append("-").append(offsets);
}

TEST_CASE("read_resume: without a wish it is what the route says") {
  CHECK(resume_of("")->replay(0).from == From::now);
  CHECK(resume_of("topic=a&wait=5s")->from == From::now);
  const auto resume = resume_of("", 1, nullptr, 7);
  CHECK(resume->from == From::last);
  CHECK(resume->replay(0).value == 7);
  CHECK(resume_of("last=0", 1, nullptr, 7)->from == From::now);
}

TEST_CASE("read_resume: a number of messages, or where it was") {
  CHECK(resume_of("last=1000000")->replay(0).value == 1'000'000);
  const auto resume = resume_of(since("5.0.18446744073709551615"), 3);
  REQUIRE(resume);
  CHECK(resume->replay(1).epoch == 0x0123456789abcdef);
  CHECK(resume->replay(0).value == 5);
  CHECK(resume->replay(1).value == 0);
  CHECK(resume->replay(2).value == 18446744073709551615u);
  CHECK(resume_of("since=0123456789abcde%66%2D5")->replay(0).value == 5);
}

TEST_CASE("read_resume: a position is for as many topics as there are, one at least") {
  CHECK(resume_of(since("1"), 0)->since());
  CHECK(resume_of(since("1.2"), 2)->since());
  for (const std::size_t topics : {0u, 1u, 3u}) CHECK_FALSE(resume_of(since("1.2"), topics));
}

TEST_CASE("read_resume: what is malformed is refused") {
  for (const char* query :
       {"last=", "last", "last=x", "last=-1", "last=1000001", "last=1.5",
        "last=99999999999999999999", "last=1&last=1", "since=", "since", "since=0123456789abcdef",
        "since=0123456789abcdef-", "since=0123456789abcdef-1.", "since=0123456789abcdef-x",
        "since=123-1", "since=%zz", "since=0123456789abcdef-1&last=1",
        "since=0123456789abcdef-1&since=0123456789abcdef-1"}) {
    CAPTURE(query);
    const auto resume = resume_of(query);
    REQUIRE_FALSE(resume);
    CHECK(resume.error().status == 400);
  }
}

TEST_CASE("read_stream_resume: Last-Event-ID goes before all else, unless it is empty") {
  CHECK(resume_of(since("5"), 1, "0123456789abcdef-6")->replay(0).value == 6);
  CHECK(resume_of("last=x", 1, "0123456789abcdef-6")->replay(0).value == 6);
  CHECK(resume_of(since("5"), 1, "")->replay(0).value == 5);
  CHECK_FALSE(resume_of("last=x", 1, ""));
}

TEST_CASE("read_stream_resume: one that is not known means that something is lost") {
  for (const char* id : {"x", "0123456789abcdef-1.2", "17"}) {
    CAPTURE(id);
    const auto resume = resume_of("", 1, id);
    REQUIRE(resume);
    CHECK(resume->since());
    CHECK(resume->replay(0).epoch != hub::process_epoch());
  }
}

TEST_CASE("read_wait: a duration up to five minutes") {
  CHECK(read_wait("") == std::chrono::seconds(25));
  CHECK(read_wait("topic=a&wait=250ms") == std::chrono::milliseconds(250));
  CHECK(read_wait("wait=0") == Duration::zero());
  CHECK(read_wait("wait=5m") == std::chrono::minutes(5));
  CHECK(read_wait("wait=%31s") == std::chrono::seconds(1));
  for (const char* query : {"wait", "wait=", "wait=25", "wait=-1s", "wait=301s", "wait=1h",
                            "wait=1s ", "wait=%zz", "wait=99999999999999999999s"}) {
    CAPTURE(query);
    CHECK_FALSE(read_wait(query));
  }
}

}  // namespace
}  // namespace peal::server
