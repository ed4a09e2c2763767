// SPDX-License-Identifier: Apache-2.0
#include "server/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace peal::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Label = std::pair<std::string_view, std::string_view>;
using LabelList = std::initializer_list<Label>;

double seconds(Duration time) {
  return std::chrono::duration<double>(time).count();
}

/// One family under way.
class Family {
 public:
  Family(std::vector<MetricFamily>& families, MetricType type, std::string_view name,
         std::string_view help)
      : family_(families.emplace_back()) {
    family_.name = name;
    family_.help = help;
    family_.type = type;
  }

  Family& add(LabelList labels, double value) {
    ClientMetric& metric = sample(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    return *this;
  }
  Family& add(LabelList labels, std::uint64_t value) {
    return add(labels, static_cast<double>(value));
  }

  void add(const DurationHistogram& times) {
    auto& histogram = sample({}).histogram;
    for (std::size_t i = 0; i < DurationHistogram::kBounds.size(); ++i) {
      histogram.sample_count += times.count(i);
      histogram.bucket.push_back({.cumulative_count = histogram.sample_count,
                                  .upper_bound = seconds(DurationHistogram::kBounds[i])});
    }
    histogram.sample_count = times.total();
    histogram.sample_sum = seconds(times.sum());
  }

 private:
  ClientMetric& sample(LabelList labels) {
    ClientMetric& metric = family_.metric.emplace_back();
    for (const auto& [name, value] : labels)
      metric.label.push_back({std::string(name), std::string(value)});
    return metric;
  }

  MetricFamily& family_;
};

/// Makes the families of some figures.
class Exposition {
 public:
  explicit Exposition(const Figures& figures) : figures_(figures) {
    for (const Snapshot& shard : figures.shards) all_ += shard;
    all_.routes.resize(figures.routes.size());
    all_.deliveries.resize(figures.routes.size());
    all_.publications.resize(figures.topic_classes.size());
  }

  std::vector<MetricFamily> families() {
    families_.reserve(64);  // they stay where they are
    connections();
    handshakes();
    messages();
    slow_clients();
    topics();
    limits();
    reactors();
    memory();
    process();
    return std::move(families_);
  }

 private:
  Family counter(std::string_view name, std::string_view help) {
    return {families_, MetricType::Counter, name, help};
  }
  Family gauge(std::string_view name, std::string_view help) {
    return {families_, MetricType::Gauge, name, help};
  }
  Family histogram(std::string_view name, std::string_view help) {
    return {families_, MetricType::Histogram, name, help};
  }

  /// Calls `visit(name, counters, deliveries)` for each route that clients have come to, so that
  /// there are no series of what a route does not have.
  template <class Visit>
  void each_route(bool (*shown)(const RouteCounters&), Visit&& visit) const {
    for (std::size_t i = 1; i < figures_.routes.size(); ++i)
      if (shown(all_.routes[i])) visit(figures_.routes[i], all_.routes[i], all_.deliveries[i]);
  }

  static bool is_listened_to(const RouteCounters& route) {
    return route.opened > 0 || std::ranges::any_of(route.handshakes, std::identity{});
  }
  static bool has_messages(const RouteCounters& route) {
    return is_listened_to(route) || route.messages_received > 0;
  }

  void connections() {
    gauge("peal_open_connections", "Connections of any kind, those between requests included.")
        .add({}, all_.connections);
    Family by_route = gauge("peal_connections", "Clients that listen, and WebSockets.");
    each_route(is_listened_to, [&](std::string_view name, const RouteCounters& route, const auto&) {
      for (std::size_t i = 0; i < kTransportLabels.size(); ++i)
        by_route.add({{"route", name}, {"transport", kTransportLabels[i]}}, route.connections[i]);
    });
    counter("peal_connections_accepted_total", "Connections that have come.")
        .add({}, all_.table.accepted);
    Family ended = counter("peal_connections_ended_total",
                           "Connections that have begun to end, by what made them.");
    for (std::size_t i = 1; i < kEndingLabels.size(); ++i)
      ended.add({{"reason", kEndingLabels[i]}}, all_.table.endings[i]);
    Family closes = counter("peal_closes_total",
                            "WebSockets that have ended, by close code; 1006: without a close "
                            "frame.");
    for (std::size_t i = 0; i < kCloseLabels.size(); ++i)
      closes.add({{"code", kCloseLabels[i]}}, all_.closes[i]);
    counter("peal_bytes_received_total", "Bytes from sockets, with TLS as they were encrypted.")
        .add({}, all_.table.bytes_received);
    counter("peal_bytes_sent_total", "Bytes to sockets, with TLS as they were encrypted.")
        .add({}, all_.table.bytes_sent);
  }

  void handshakes() {
    Family results = counter("peal_handshakes_total",
                             "Requests for a WebSocket or an event stream, by what came of them.");
    each_route(is_listened_to, [&](std::string_view name, const RouteCounters& route, const auto&) {
      for (std::size_t i = 0; i < kHandshakeResults.size(); ++i)
        results.add({{"route", name}, {"result", kHandshakeResults[i]}}, route.handshakes[i]);
    });
    histogram("peal_handshake_seconds",
              "From accept to the answer that lets a WebSocket or an event stream in, TLS "
              "included; in steps of 4 ms.")
        .add(all_.table.handshake);
    Family answers = counter("peal_http_responses_total",
                             "Requests answered, by status; those that no route answers have an "
                             "empty route.");
    for (std::size_t i = 0; i < figures_.routes.size(); ++i)
      for (std::size_t status = 0; status < kStatuses.size(); ++status)
        if (const std::uint64_t count = all_.routes[i].answers[status]; count > 0)
          answers.add({{"route", figures_.routes[i]}, {"code", std::to_string(kStatuses[status])}},
                      count);
  }

  void messages() {
    Family received = counter("peal_messages_received_total",
                              "Messages from clients, those published by HTTP included.");
    each_route(has_messages, [&](std::string_view name, const RouteCounters& route, const auto&) {
      received.add({{"route", name}}, route.messages_received);
    });
    Family sent = counter("peal_messages_sent_total",
                          "Messages put into the queues of clients: published ones and echoes.");
    each_route(has_messages,
               [&](std::string_view name, const RouteCounters& route, const auto& hub) {
                 sent.add({{"route", name}}, hub.delivered + route.messages_echoed);
               });
    Family publishes =
        counter("peal_publishes_total", "Messages published, by the class of their topic.");
    for (std::size_t i = 0; i < figures_.topic_classes.size(); ++i)
      publishes.add({{"topic_class", figures_.topic_classes[i]}}, all_.publications[i]);
    counter("peal_messages_paced_total",
            "Messages that nobody was sent, as a newer one came within the time of topic.rate.")
        .add({}, all_.paced);
    histogram("peal_fanout_seconds",
              "From when a message came until the last of its subscribers on a reactor was sent "
              "it; of one message a millisecond and reactor.")
        .add(all_.fanout);
  }

  void slow_clients() {
    Family slow = counter("peal_slow_clients_total",
                          "What slow clients have cost: clients closed (disconnect), messages left "
                          "out (drop), messages that a newer one took the place of (latest).");
    each_route(is_listened_to,
               [&](std::string_view name, const RouteCounters& route, const auto& hub) {
                 slow.add({{"route", name}, {"action", "disconnect"}}, route.slow_closed);
                 slow.add({{"route", name}, {"action", "drop"}}, hub.dropped);
                 slow.add({{"route", name}, {"action", "latest"}}, hub.conflated);
               });
    gauge("peal_queue_bytes", "Bytes that wait to be sent, of all clients.")
        .add({}, all_.queue_bytes);
  }

  void topics() {
    gauge("peal_topics", "Topics that somebody uses, or that keep a history.").add({}, all_.topics);
    gauge("peal_subscriptions", "Topics and patterns that clients hear, of all clients.")
        .add({}, all_.subscriptions);
    gauge("peal_history_bytes", "What histories take, of limits.history_memory.")
        .add({}, all_.history_bytes);
  }

  void limits() {
    Family limits = counter("peal_limit_hits_total",
                            "How many times a limit was met, or something else that the log warns "
                            "of, by its word there.");
    for (std::size_t i = 0; i < kNotices; ++i)
      limits.add({{"limit", name(static_cast<Notice>(i))}}, figures_.notices[i]);
    counter("peal_log_lines_lost_total",
            "Lines of the log that are lost: they came too fast, or the disk had no room.")
        .add({}, figures_.log_lines_lost);
    counter("peal_config_reloads_total", "Configurations read again.")
        .add({{"result", "ok"}}, figures_.reloads_done)
        .add({{"result", "refused"}}, figures_.reloads_refused);
  }

  template <class Value>
  void by_reactor(Family family, Value&& value) {
    for (std::size_t i = 0; i < figures_.shards.size(); ++i)
      family.add({{"reactor", std::to_string(i)}}, value(figures_.shards[i]));
  }

  void reactors() {
    by_reactor(gauge("peal_reactor_connections", "Connections of a reactor."),
               [](const Snapshot& shard) { return shard.connections; });
    by_reactor(counter("peal_reactor_turns_total", "Turns of a reactor's loop."),
               [](const Snapshot& shard) { return shard.turns; });
    by_reactor(counter("peal_reactor_cpu_seconds_total", "CPU time of a reactor's thread."),
               [](const Snapshot& shard) { return seconds(shard.cpu); });
    by_reactor(gauge("peal_reactor_receive_buffers", "Receive buffers of a reactor in use."),
               [](const Snapshot& shard) { return shard.receive_buffers; });
  }

  void memory() {
    gauge("peal_block_bytes", "Memory of messages, requests and answers.")
        .add({{"state", "used"}}, all_.block_bytes_used)
        .add({{"state", "kept"}}, all_.block_bytes_kept);
  }

  void process() {
    const ProcessFigures& process = figures_.process;
    gauge("peal_build_info", "The version, and how the kernel is asked; always 1.")
        .add({{"version", figures_.version}, {"io", figures_.io}}, 1.0);
    counter("process_cpu_seconds_total", "User and system CPU time.").add({}, process.cpu_seconds);
    gauge("process_open_fds", "Open file descriptors.").add({}, process.open_files);
    gauge("process_max_fds", "The limit of open file descriptors.").add({}, process.most_files);
    gauge("process_threads", "Threads.").add({}, process.threads);
    gauge("process_virtual_memory_bytes", "Virtual memory.").add({}, process.virtual_bytes);
    gauge("process_resident_memory_bytes", "Resident memory.").add({}, process.resident_bytes);
    gauge("process_start_time_seconds", "When the process began, in seconds since 1970.")
        .add({}, process.start_time_seconds);
  }

  const Figures& figures_;
  Snapshot all_;
  std::vector<MetricFamily> families_;
};

}  // namespace

std::string metrics_text(const Figures& figures) {
  auto families = Exposition(figures).families();
  // A family without a sample is nothing but noise.
  std::erase_if(families, [](const MetricFamily& family) { return family.metric.empty(); });
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace peal::server
