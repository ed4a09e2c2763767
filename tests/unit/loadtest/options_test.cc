// SPDX-License-Identifier: Apache-2.0
#include "loadtest/options.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

namespace peal::loadtest::options_test {
namespace {

using namespace std::chrono_literals;

RawOptions echo() {
  RawOptions raw;
  raw.url = "ws://127.0.0.1:8080/echo";
  return raw;
}

RawOptions fanout() {
  RawOptions raw = echo();
  raw.scenario = Scenario::fanout;
  return raw;
}

/// The problems, one a line.
std::string problems_of(const RawOptions& raw) {
  const auto options = check_options(raw);
  if (options) return {};
  std::string text;
  for (const std::string& problem : options.error()) text += problem + '\n';
  return text;
}

TEST_CASE("Options: what is not given has its default") {
  const auto options = check_options(echo());
  REQUIRE(options);
  CHECK(options->connections == 64);
  CHECK(options->depth == 1);
  CHECK(options->rate == 0);
  CHECK(options->duration == 10s);
  CHECK(options->warmup == 1s);
  CHECK(options->sizes.text() == "64 B");
  CHECK(options->threads >= 1);
  const auto many = check_options(fanout());
  REQUIRE(many);
  CHECK(many->connections == 1000);
  CHECK(many->publishers == 1);
  CHECK(many->total() == 1001);
}

TEST_CASE("Options: all of them are taken") {
  RawOptions raw = fanout();
  raw.subscribers = 10;
  raw.publishers = 2;
  raw.publish_url = "http://h/publish/x";
  raw.threads = 2;
  raw.rate = "5000/s";
  raw.size = "64:9,1KiB:1";
  raw.duration = "500ms";
  raw.warmup = "0s";
  raw.headers = {"Authorization: Bearer  x y"};
  raw.transport = "sse";
  raw.sources = {"127.0.0.2-127.0.0.3"};
  raw.server_pids = {1};
  const auto options = check_options(raw);
  REQUIRE(options);
  CHECK(options->connections == 10);
  CHECK(options->rate == 5000);
  CHECK(options->depth == 1024);
  CHECK(options->duration == 500ms);
  CHECK(options->warmup == 0s);
  CHECK(options->publish_url->host == "h");
  CHECK(options->transport == Transport::sse);
  CHECK(options->text);
  CHECK(options->headers == HeaderFields{{"Authorization", "Bearer  x y"}});
  CHECK(options->sources.size() == 2);
  CHECK(options->server_pids.size() == 1);
}

TEST_CASE("Options: no more threads than connections") {
  RawOptions raw = echo();
  raw.connections = 3;
  raw.threads = 8;
  CHECK(check_options(raw)->threads == 3);
}

TEST_CASE("Options: every problem is told, with the option's name") {
  RawOptions raw = fanout();
  raw.url = "nonsense";
  raw.publish_url = "ftp://x";
  raw.connections = 5;
  raw.size = "16";
  raw.rate = "fast";
  raw.duration = "1ms";
  raw.warmup = "soon";
  raw.headers = {"no colon", "Bad Name: x", "X: a\nb"};
  raw.publish_headers = {"x"};
  raw.transport = "pigeon";
  raw.io = "kqueue";
  raw.sources = {"nowhere"};
  raw.server_pids = {0};
  raw.depth = 1'000'000;
  raw.threads = 1000;
  const std::string problems = problems_of(raw);
  for (const char* name :
       {"URL: ", "--publish-url: ", "--connections: ", "--size: ", "--rate: ", "--duration: ",
        "--warmup: ", "--header: ", "--publish-header: ", "--transport: ", "--io: ", "--source: ",
        "--server-pid: ", "--depth: ", "--threads: "}) {
    CAPTURE(name);
    CHECK(problems.contains(name));
  }
}

TEST_CASE("Options: fields of the handshake are not to be chosen") {
  for (const char* name : {"Upgrade", "connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version",
                           "Content-Length", "transfer-encoding"}) {
    CAPTURE(name);
    RawOptions raw = fanout();
    raw.headers = {std::string(name) + ": x"};
    CHECK(problems_of(raw).contains(std::string("--header: ") + name + " cannot be chosen"));
    raw.publish_headers = std::exchange(raw.headers, {});
    CHECK(problems_of(raw).contains(std::string("--publish-header: ") + name));
  }
  RawOptions raw = echo();
  raw.headers = {"Host: foo.example", "Sec-WebSocket-Protocol: chat"};
  CHECK(check_options(raw)->headers.size() == 2);
}

TEST_CASE("Options: a number that is given is at least 1") {
  for (const std::int64_t number : {0, -1}) {
    const std::string least = ": at least 1, not " + std::to_string(number) + '\n';
    RawOptions raw = echo();
    raw.connections = raw.threads = raw.depth = number;
    CHECK(problems_of(raw) == "--connections" + least + "--threads" + least + "--depth" + least);
    raw = fanout();
    raw.subscribers = raw.publishers = number;
    CHECK(problems_of(raw) == "--subscribers" + least + "--publishers" + least);
  }
  RawOptions raw = echo();
  raw.connections = 4'000'001;
  CHECK(problems_of(raw) == "--connections: at most 4000000, not 4000001\n");
}

TEST_CASE("Options: a process that is named twice counts once") {
  RawOptions raw = echo();
  raw.server_pids = {7, 8, 7};
  CHECK(check_options(raw)->server_pids == std::vector<pid_t>{7, 8});
}

TEST_CASE("Options: two results do not go to one place") {
  RawOptions raw = echo();
  raw.json = raw.html = "-";
  CHECK(problems_of(raw) == "--json and --html: \"-\" cannot be both\n");
  raw.html = "page.html";
  CHECK(check_options(raw));
}

TEST_CASE("Options: a closed loop keeps no more messages under way than there is memory for") {
  RawOptions raw = echo();
  raw.connections = 1024;
  raw.depth = 65'536;
  CHECK(check_options(raw));
  raw.connections = 1025;
  CHECK(problems_of(raw).contains("--depth: at most 67108864 messages under way"));
  raw.rate = "1";
  CHECK(check_options(raw));
}

TEST_CASE("Options: what does not go with a scenario is refused") {
  RawOptions raw = echo();
  raw.transport = "sse";
  CHECK(problems_of(raw).contains("cannot echo"));
  raw = echo();
  raw.publishers = 1;
  raw.subscribers = 1;
  raw.publish_url = "ws://h/";
  CHECK(problems_of(raw).contains("--publishers is of fanout"));
  CHECK(problems_of(raw).contains("--subscribers is of fanout"));
  CHECK(problems_of(raw).contains("--publish-url is of fanout"));
  raw = echo();
  raw.scenario = Scenario::connect;
  raw.rate = "5";
  CHECK(problems_of(raw).contains("connect sends nothing"));
  raw = fanout();
  raw.transport = "sse";
  raw.compress = true;
  CHECK(problems_of(raw).contains("--compress"));
}

}  // namespace
}  // namespace peal::loadtest::options_test
