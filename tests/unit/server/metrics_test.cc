// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"

#include <doctest/doctest.h>

#include <set>
#include <sstream>

namespace peal::server::metrics_test {
namespace {

using namespace std::chrono_literals;

/// Two shards, of which the second knows more routes.
Figures figures() {
  Figures all{.routes = {"", "echo", "chat", "idle"}, .topic_classes = {"default", "news"}};
  for (std::uint64_t i = 1; i <= 2; ++i) {
    Snapshot shard;
    shard.connections = 10 * i;
    shard.turns = i;
    shard.cpu = 250ms;
    shard.table.accepted = i;
    shard.table.endings[static_cast<std::size_t>(conn::Ending::idle)] = i;
    shard.table.handshake.observe(1ms * i);
    shard.closes[close_index(1001)] = i;
    shard.routes.resize(1 + i);
    shard.routes[1].opened = 1;
    shard.routes[1].handshakes[0] = i;
    shard.routes[1].connections[0] = i;
    shard.routes[1].messages_received = i;
    shard.routes[1].messages_echoed = i;
    shard.routes[0].answers[status_index(404)] = i;
    shard.deliveries.resize(2);
    shard.deliveries[1] = {.delivered = 100, .dropped = 7, .conflated = 9};
    shard.publications.assign(i, 4);
    all.shards.push_back(shard);
  }
  all.shards[1].routes[2].messages_received = 5;  // of a route that is published to alone
  all.notices[static_cast<std::size_t>(Notice::auth)] = 3;
  all.reloads_refused = 1;
  all.process.open_files = 12;
  all.version = "1.2.3";
  all.io = "epoll";
  return all;
}

bool has(const std::string& text, const std::string& line) {
  return text.find('\n' + line + '\n') != std::string::npos;
}

TEST_CASE("metrics_text: the sum of all shards, and of each reactor its own") {
  const std::string text = metrics_text(figures());
  CHECK(has(text, "peal_open_connections 30"));
  CHECK(has(text, "peal_connections_accepted_total 3"));
  CHECK(has(text, "peal_connections_ended_total{reason=\"idle\"} 3"));
  CHECK(has(text, "peal_closes_total{code=\"1001\"} 3"));
  CHECK(has(text, "peal_handshakes_total{route=\"echo\",result=\"accepted\"} 3"));
  CHECK(has(text, "peal_handshakes_total{route=\"echo\",result=\"forbidden\"} 0"));
  CHECK(has(text, "peal_connections{route=\"echo\",transport=\"websocket\"} 3"));
  CHECK(has(text, "peal_messages_received_total{route=\"echo\"} 3"));
  CHECK(has(text, "peal_messages_sent_total{route=\"echo\"} 203"));
  CHECK(has(text, "peal_slow_clients_total{route=\"echo\",action=\"drop\"} 14"));
  CHECK(has(text, "peal_slow_clients_total{route=\"echo\",action=\"latest\"} 18"));
  CHECK(has(text, "peal_http_responses_total{route=\"\",code=\"404\"} 3"));
  CHECK(has(text, "peal_publishes_total{topic_class=\"default\"} 8"));
  CHECK(has(text, "peal_publishes_total{topic_class=\"news\"} 4"));
  CHECK(has(text, "peal_reactor_connections{reactor=\"0\"} 10"));
  CHECK(has(text, "peal_reactor_connections{reactor=\"1\"} 20"));
  CHECK(has(text, "peal_reactor_cpu_seconds_total{reactor=\"1\"} 0.25"));
  CHECK(has(text, "peal_limit_hits_total{limit=\"auth\"} 3"));
  CHECK(has(text, "peal_config_reloads_total{result=\"refused\"} 1"));
  CHECK(has(text, "peal_build_info{version=\"1.2.3\",io=\"epoll\"} 1"));
  CHECK(has(text, "process_open_fds 12"));
}

TEST_CASE("metrics_text: a histogram counts from the least to the most") {
  const std::string text = metrics_text(figures());
  CHECK(has(text, "peal_handshake_seconds_bucket{le=\"0.0005\"} 0"));
  CHECK(has(text, "peal_handshake_seconds_bucket{le=\"0.001\"} 1"));
  CHECK(has(text, "peal_handshake_seconds_bucket{le=\"0.0025\"} 2"));
  CHECK(has(text, "peal_handshake_seconds_bucket{le=\"+Inf\"} 2"));
  CHECK(has(text, "peal_handshake_seconds_count 2"));
  CHECK(has(text, "peal_handshake_seconds_sum 0.003"));
}

TEST_CASE("metrics_text: a route has what it was used for, and every family HELP and TYPE") {
  const std::string text = metrics_text(figures());
  CHECK(text.find("idle\",") == std::string::npos);
  CHECK(has(text, "peal_messages_received_total{route=\"chat\"} 5"));
  CHECK(text.find("peal_connections{route=\"chat\"") == std::string::npos);
  std::set<std::string> told;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark;
    std::string what;
    std::string name;
    words >> mark >> what >> name;
    if (mark == "#") told.insert(what + ' ' + name);
    if (mark == "#") continue;
    std::string family = mark.substr(0, mark.find('{'));
    for (const char* part : {"_bucket", "_sum", "_count"})
      if (family.ends_with(part)) family.resize(family.size() - std::string_view(part).size());
    CHECK_MESSAGE(told.contains("HELP " + family), line);
    CHECK_MESSAGE(told.contains("TYPE " + family), line);
  }
}

TEST_CASE("read_process_figures: what this process is") {
  const ProcessFigures figures = read_process_figures();
  CHECK(figures.open_files >= 3);
  CHECK(figures.most_files >= figures.open_files);
  CHECK(figures.threads >= 1);
  CHECK(figures.resident_bytes > 0);
  CHECK(figures.virtual_bytes >= figures.resident_bytes);
  CHECK(figures.start_time_seconds > 1.6e9);
}

}  // namespace
}  // namespace peal::server::metrics_test
