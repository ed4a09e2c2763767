// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "loadtest/report.h"

namespace peal::loadtest {
namespace {

using Json = nlohmann::ordered_json;

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

double micros(std::uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e3;
}

Json percentiles_json(const Histogram& histogram) {
  Json json = {{"count", histogram.count()}};
  if (histogram.count() == 0) return json;
  json["min"] = micros(histogram.least());
  constexpr std::array<std::pair<const char*, double>, 8> kPercentiles = {{{"p50", 50},
                                                                           {"p75", 75},
                                                                           {"p90", 90},
                                                                           {"p95", 95},
                                                                           {"p99", 99},
                                                                           {"p99.9", 99.9},
                                                                           {"p99.99", 99.99},
                                                                           {"p99.999", 99.999}}};
  for (const auto& [name, percent] : kPercentiles)
    json[name] = micros(histogram.percentile(percent));
  json["max"] = micros(histogram.largest());
  json["mean"] = histogram.mean() / 1e3;
  return json;
}

/// [highest value, how many values], of each bucket.
Json buckets_json(const Histogram& histogram) {
  Json json = Json::array();
  histogram.for_each([&](std::uint64_t, std::uint64_t high, std::uint64_t count) {
    json.push_back({micros(high), count});
  });
  return json;
}

Json options_json(const Findings& result) {
  const Options& options = result.options;
  Json json = {{"scenario", name_of(options.scenario)},
               {"url", result.url},
               {"command", result.command},
               {"description", describe(result)},
               {"threads", options.threads},
               {"io", result.io},
               {"tls", options.url.secure},
               {"compress", options.compress},
               {"transport", options.transport == Transport::sse ? "sse" : "websocket"}};
  json[options.scenario == Scenario::fanout ? "subscribers" : "connections"] = options.connections;
  if (options.scenario == Scenario::fanout) json["publishers"] = options.publishers;
  json["duration_s"] = seconds_of(options.duration);
  if (!result.has_messages()) return json;
  json["warmup_s"] = seconds_of(options.warmup);
  json["depth"] = options.depth;
  json["rate"] = options.rate;
  Json sizes = Json::array();
  for (const auto& [size, weight] : options.sizes.shares())
    sizes.push_back({{"bytes", size}, {"weight", weight}});
  json["sizes"] = std::move(sizes);
  return json;
}

Json cpu_json(const Findings& result, const CpuTime& cpu) {
  return {{"us_per_unit", result.us_per_unit(cpu)},
          {"total_s", seconds_of(cpu.total)},
          {"user_s", seconds_of(cpu.user)},
          {"system_s", seconds_of(cpu.system)}};
}

Json memory_json(const Memory& memory) {
  return {{"rss", memory.resident}, {"pss", memory.proportional}};
}

Json connections_json(const Findings& result) {
  Json failures = Json::object();
  for (const auto& [reason, times] : result.failures) failures[reason] = times;
  const double seconds = result.opening_seconds;
  return {{"opened", result.opened},
          {"seconds", seconds},
          {"per_second", seconds > 0 ? static_cast<double>(result.opened) / seconds : 0},
          {"compressed", result.compressed},
          {"opening_us", percentiles_json(result.openings)},
          {"opening_buckets_us", buckets_json(result.openings)},
          {"failures", std::move(failures)}};
}

Json messages_json(const Findings& result) {
  return {{"received", result.messages},
          {"received_by_publishers", result.aside},
          {"sent", result.sent},
          {"unsent", result.unsent},
          {"payload_bytes", result.bytes},
          {"seconds", result.seconds},
          {"per_second", static_cast<double>(result.messages) / std::max(1e-9, result.seconds)},
          {"latency_us", percentiles_json(result.latency)},
          {"latency_buckets_us", buckets_json(result.latency)},
          {"lag_us", percentiles_json(result.lag)},
          {"faults",
           {{"wrong", result.faults.wrong},
            {"out_of_order", result.faults.out_of_order},
            {"unexpected", result.faults.unexpected},
            {"missing", result.faults.missing},
            {"refused", result.faults.refused}}}};
}

Json series_json(const Findings& result) {
  Json series = Json::array();
  const double width = seconds_of(result.interval);
  for (std::size_t i = 0; i < result.intervals.size(); ++i) {
    const Interval& interval = result.intervals[i];
    const double at = static_cast<double>(i) * width;
    if (at >= result.seconds) break;  // it was interrupted
    const double length = std::min(width, result.seconds - at);
    const Histogram& latency = interval.latency;
    series.push_back({{"t_s", at},
                      {"per_second", static_cast<double>(interval.messages) / length},
                      {"bytes_per_second", static_cast<double>(interval.bytes) / length},
                      {"p50_us", micros(latency.percentile(50))},
                      {"p99_us", micros(latency.percentile(99))},
                      {"p999_us", micros(latency.percentile(99.9))},
                      {"max_us", micros(latency.largest())}});
  }
  return series;
}

}  // namespace

std::string json_report(const Findings& result) {
  Json json = {{"peal_load", 1},
               {"good", result.good()},
               {"interrupted", result.interrupted},
               {"began", static_cast<std::int64_t>(result.began)},
               {"options", options_json(result)},
               {"connections", connections_json(result)}};
  if (!result.has_messages()) {
    json["held_s"] = result.held;
  } else {
    json["messages"] = messages_json(result);
    json["series"] = series_json(result);
  }
  json["cpu_unit"] = result.has_messages() ? "message" : "connection";
  json["own_cpu"] = cpu_json(result, result.own_cpu);
  if (result.has_messages()) json["own_cpu"]["busy"] = result.busy();
  if (result.server_cpu) json["server_cpu"] = cpu_json(result, *result.server_cpu);
  if (!result.server.empty()) json["server"] = result.server;
  if (result.memory_before) json["server_memory_before"] = memory_json(*result.memory_before);
  if (result.memory_open) json["server_memory_open"] = memory_json(*result.memory_open);
  if (result.memory_before && result.memory_open && result.open_then > 0) {
    const auto grown = [&](std::uint64_t now, std::uint64_t before) {
      return (static_cast<double>(now) - static_cast<double>(before)) /
             static_cast<double>(result.open_then);
    };
    json["server_memory_per_connection"] = {
        {"rss", grown(result.memory_open->resident, result.memory_before->resident)},
        {"pss", grown(result.memory_open->proportional, result.memory_before->proportional)}};
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace peal::loadtest
