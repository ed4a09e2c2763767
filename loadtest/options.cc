// SPDX-License-Identifier: Apache-2.0
#include "loadtest/options.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <thread>

#include "config/units.h"
#include "core/base/ascii.h"
#include "loadtest/sources.h"
#include "loadtest/stamp.h"

namespace peal::loadtest {
namespace {

using Problems = std::vector<std::string>;

constexpr std::int64_t kMaxConnections = 4'000'000;
constexpr std::int64_t kMaxThreads = 256;
constexpr std::int64_t kMaxDepth = 65'536;
constexpr std::uint64_t kMaxRate = 1'000'000'000;
constexpr std::uint64_t kMaxPairs = 256 << 20;    // of a publisher and a subscriber: 4 bytes each
constexpr std::uint64_t kMaxUnderWay = 64 << 20;  // messages of a closed loop: 8 bytes each

std::string quoted(std::string_view text) {
  return '"' + std::string(text) + '"';
}

std::uint32_t check_number(const char* option, std::optional<std::int64_t> given,
                           std::int64_t otherwise, std::int64_t most, Problems& problems) {
  const std::int64_t value = given.value_or(otherwise);
  if (value >= 1 && value <= most) return static_cast<std::uint32_t>(value);
  problems.push_back(std::string(option) +
                     (value < 1 ? ": at least 1" : ": at most " + std::to_string(most)) + ", not " +
                     std::to_string(value));
  return 1;
}

Duration check_duration(const char* option, std::string_view text, Duration otherwise,
                        Problems& problems) {
  if (text.empty()) return otherwise;
  constexpr auto kMost = std::chrono::hours(24 * 7);
  const auto duration = config::parse_duration(text);
  if (duration && *duration <= kMost) return *duration;
  problems.push_back(std::string(option) + ": expected a duration such as 500ms, 10s, 5m or 1h, " +
                     "a week at most, not " + quoted(text));
  return otherwise;
}

/// "5000" or "5000/s".
std::uint64_t check_rate(std::string_view text, Problems& problems) {
  if (text.empty()) return 0;
  const std::string_view number = text.ends_with("/s") ? text.substr(0, text.size() - 2) : text;
  const auto rate = ascii::parse_decimal(number);
  if (rate && *rate > 0 && *rate <= kMaxRate) return *rate;
  problems.push_back("--rate: expected messages a second such as 5000 or 5000/s, not " +
                     quoted(text));
  return 0;
}

/// A second one would contradict what is written of itself, or break the request.
bool is_ours(std::string_view name) {
  constexpr std::array<std::string_view, 6> kOurs = {"Connection",        "Content-Length",
                                                     "Sec-WebSocket-Key", "Sec-WebSocket-Version",
                                                     "Transfer-Encoding", "Upgrade"};
  return std::ranges::any_of(
      kOurs, [&](std::string_view ours) { return ascii::equal_ignoring_case(name, ours); });
}

HeaderFields check_headers(const char* option, const std::vector<std::string>& lines,
                           Problems& problems) {
  HeaderFields fields;
  for (const std::string& line : lines) {
    const auto colon = std::min(line.find(':'), line.size());
    const std::string name = line.substr(0, colon);
    const std::string_view value =
        ascii::trim(std::string_view(line).substr(std::min(colon + 1, line.size())));
    const bool plain = std::ranges::all_of(
        value, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7f; });
    if (colon == line.size() || !ascii::is_token(name) || !plain)
      problems.push_back(std::string(option) + ": expected 'Name: value', not " + quoted(line));
    else if (is_ours(name))
      problems.push_back(std::string(option) + ": " + name +
                         " cannot be chosen, as the handshake " +
                         "and the length of what is posted are peal-load's own");
    else
      fields.emplace_back(name, value);
  }
  return fields;
}

void check_urls(const RawOptions& raw, Options& options, Problems& problems) {
  if (auto url = parse_url(raw.url))
    options.url = *url;
  else
    problems.push_back("URL: " + url.error());
  if (raw.publish_url.empty()) return;
  if (raw.scenario != Scenario::fanout) return problems.push_back("--publish-url is of fanout");
  if (auto url = parse_url(raw.publish_url))
    options.publish_url = *url;
  else
    problems.push_back("--publish-url: " + url.error());
}

void check_transport(const RawOptions& raw, Options& options, Problems& problems) {
  if (raw.transport == "sse")
    options.transport = Transport::sse;
  else if (!raw.transport.empty() && raw.transport != "websocket")
    problems.push_back("--transport: expected websocket or sse, not " + quoted(raw.transport));
  if (options.transport != Transport::sse) return;
  if (raw.scenario == Scenario::echo)
    problems.push_back(
        "--transport sse: an event stream cannot echo; it is for fanout and connect");
  if (raw.compress) problems.push_back("--compress: event streams are not compressed here");
  options.text = true;  // a binary message would come as base64
}

void check_io(const RawOptions& raw, Options& options, Problems& problems) {
  if (raw.io == "io_uring")
    options.io = IoWish::io_uring;
  else if (raw.io == "epoll")
    options.io = IoWish::epoll;
  else if (!raw.io.empty() && raw.io != "auto")
    problems.push_back("--io: expected auto, io_uring or epoll, not " + quoted(raw.io));
}

void check_counts(const RawOptions& raw, Options& options, Problems& problems) {
  const bool fanout = raw.scenario == Scenario::fanout;
  if (fanout && raw.connections)
    problems.push_back("--connections: fanout has --subscribers and --publishers");
  if (!fanout && raw.subscribers)
    problems.push_back("--subscribers is of fanout; here it is --connections");
  if (!fanout && raw.publishers) problems.push_back("--publishers is of fanout");
  options.connections =
      fanout ? check_number("--subscribers", raw.subscribers, 1000, kMaxConnections, problems)
             : check_number("--connections", raw.connections,
                            raw.scenario == Scenario::echo ? 64 : 1000, kMaxConnections, problems);
  if (fanout)
    options.publishers = check_number("--publishers", raw.publishers, 1, 100'000, problems);
  if (std::uint64_t{options.publishers} * options.connections > kMaxPairs)
    problems.push_back("--publishers times --subscribers: at most " + std::to_string(kMaxPairs));
  // Half of the CPUs are the server's, if it is here.
  const unsigned cpus = std::max(1u, std::thread::hardware_concurrency());
  options.threads =
      check_number("--threads", raw.threads, std::max(1u, cpus / 2), kMaxThreads, problems);
  options.threads =
      std::min<std::uint32_t>(options.threads, static_cast<std::uint32_t>(options.total()));
  options.depth =
      check_number("--depth", raw.depth, options.rate > 0 ? 1024 : 1, kMaxDepth, problems);
  const std::uint64_t senders = fanout ? options.publishers : options.connections;
  if (options.rate == 0 && senders * options.depth > kMaxUnderWay)
    problems.push_back("--depth: at most " + std::to_string(kMaxUnderWay) +
                       " messages under way of all senders together");
}

void check_load(const RawOptions& raw, Options& options, Problems& problems) {
  if (!raw.size.empty()) {
    if (auto sizes = parse_sizes(raw.size))
      options.sizes = *sizes;
    else
      problems.push_back("--size: " + sizes.error());
  }
  if (raw.scenario == Scenario::fanout && options.sizes.least() < kStampSize)
    problems.push_back("--size: messages of fanout carry " + std::to_string(kStampSize) +
                       " bytes that say who sent them and when, so none is smaller");
  if (raw.scenario == Scenario::connect && (!raw.size.empty() || !raw.rate.empty() || raw.depth))
    problems.push_back("--size, --rate and --depth are of echo and fanout; connect sends nothing");
}

void check_server(const RawOptions& raw, Options& options, Problems& problems) {
  for (const std::int64_t pid : raw.server_pids) {
    const auto known = static_cast<pid_t>(pid);
    if (pid <= 0 || pid > std::numeric_limits<pid_t>::max())
      problems.push_back("--server-pid: " + std::to_string(pid) + " is no process");
    else if (std::ranges::find(options.server_pids, known) == options.server_pids.end())
      options.server_pids.push_back(known);
  }
}

void check_output(const RawOptions& raw, Options& options, Problems& problems) {
  options.quiet = raw.quiet;
  options.json = raw.json;
  options.html = raw.html;
  if (!raw.json.empty() && raw.json == raw.html)
    problems.push_back("--json and --html: " + quoted(raw.json) + " cannot be both");
}

}  // namespace

const char* name_of(Scenario scenario) {
  switch (scenario) {
    case Scenario::echo:
      return "echo";
    case Scenario::fanout:
      return "fanout";
    case Scenario::connect:
      break;
  }
  return "connect";
}

std::expected<Options, std::vector<std::string>> check_options(const RawOptions& raw) {
  using namespace std::chrono_literals;
  Problems problems;
  Options options;
  options.scenario = raw.scenario;
  options.url_text = raw.url;
  options.text = raw.text;
  options.compress = raw.compress;
  options.insecure = raw.insecure;
  options.ca = raw.ca;
  options.rate = check_rate(raw.rate, problems);
  check_urls(raw, options, problems);
  check_transport(raw, options, problems);
  check_io(raw, options, problems);
  check_load(raw, options, problems);
  check_counts(raw, options, problems);
  check_server(raw, options, problems);
  check_output(raw, options, problems);
  options.duration = check_duration("--duration", raw.duration, 10s, problems);
  options.warmup = check_duration("--warmup", raw.warmup, 1s, problems);
  options.ramp_up = check_duration("--ramp-up", raw.ramp_up, 0s, problems);
  options.timeout = check_duration("--timeout", raw.timeout, 10s, problems);
  if (options.duration < 100ms) problems.push_back("--duration: at least 100ms");
  if (options.scenario == Scenario::connect) options.warmup = 0s;
  options.headers = check_headers("--header", raw.headers, problems);
  options.publish_headers = check_headers("--publish-header", raw.publish_headers, problems);
  for (const std::string& source : raw.sources)
    if (auto added = add_sources(source, options.sources); !added)
      problems.push_back("--source: " + added.error());
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return options;
}

}  // namespace peal::loadtest
