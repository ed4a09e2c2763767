// SPDX-License-Identifier: Apache-2.0
#include "loadtest/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace peal::loadtest::report_test {
namespace {

using namespace std::chrono_literals;

Findings findings() {
  Findings found;
  found.options.scenario = Scenario::echo;
  found.options.connections = 2;
  found.options.duration = 2s;
  found.options.warmup = 1s;
  found.url = "ws://h/echo?</script>";
  found.command = "peal-load echo";
  found.io = "epoll";
  found.opened = 2;
  found.opening_seconds = 0.5;
  found.openings.record(1'000'000);
  found.openings.record(2'000'000);
  found.seconds = 2;
  found.interval = 1s;
  found.intervals.resize(2);
  for (Interval& interval : found.intervals)
    for (std::uint64_t i = 1; i <= 1000; ++i) {
      interval.latency.record(i * 1000);
      found.latency.record(i * 1000);
      ++interval.messages;
      ++found.messages;
      interval.bytes += 64;
      found.bytes += 64;
    }
  found.sent = 2000;
  found.own_cpu = {.total = 20ms, .user = 5ms, .system = 15ms};
  found.server_cpu = CpuTime{.total = 40ms, .user = 10ms, .system = 30ms};
  found.memory_before = Memory{.resident = 1000, .proportional = 1000};
  found.memory_open = Memory{.resident = 2000, .proportional = 1600};
  found.open_then = 2;
  return found;
}

TEST_CASE("Findings: good only when everything arrived, was right and lived") {
  CHECK(findings().good());
  Findings found = findings();
  found.faults.missing = 1;
  CHECK_FALSE(found.good());
  found = findings();
  found.failures["reset"] = 1;
  CHECK_FALSE(found.good());
  found = findings();
  found.opened = 1;
  CHECK_FALSE(found.good());
  found = findings();
  found.messages = 0;
  CHECK_FALSE(found.good());
}

TEST_CASE("report: the table has the figures") {
  const std::string text = text_report(findings());
  for (const char* part :
       {"peal-load echo ws://h/echo", "2 connections, 1 thread, 64 B", "2 opened in 500 ms",
        "2,000, 1,000 a second", "20 µs a message (25 % user)", "10 µs a message",
        "grown by 500 (PSS 300) bytes a connection", "every message: count, order, content"}) {
    CAPTURE(text);
    CAPTURE(part);
    CHECK(text.contains(part));
  }
  CHECK(trouble_report(findings()).empty());
}

TEST_CASE("report: what went wrong is told, each kind on a line") {
  Findings found = findings();
  found.faults = {.wrong = 1,
                  .out_of_order = 2,
                  .unexpected = 3,
                  .missing = 4,
                  .refused = 5,
                  .refused_status = 403};
  found.failures["connect: Connection refused"] = 6;
  found.unsent = 7;
  const std::string text = trouble_report(found);
  for (const char* part : {"1 messages were not", "2 messages came out of order", "3 messages came",
                           "4 messages did not", "5 publications were answered with 403",
                           "6 connections failed: connect", "7 messages were due"}) {
    CAPTURE(part);
    CHECK(text.contains(part));
  }
  CHECK(text_report(found).contains("FAILED"));
}

TEST_CASE("report: of many reasons the most frequent are told") {
  Findings found = findings();
  for (int i = 0; i < 300; ++i) found.failures["reason " + std::to_string(i)] = 1;
  found.failures["the usual one"] = 7;
  const std::string text = trouble_report(found);
  CHECK(text.starts_with("7 connections failed: the usual one\n1 connection failed: reason 0\n"));
  CHECK(text.ends_with("\n291 connections failed for 291 other reasons\n"));
  CHECK(std::ranges::count(text, '\n') == 11);
}

TEST_CASE("report: a rate that could not be kept has a cause, but not when answers were refusals") {
  Findings found = findings();
  found.unsent = 7;
  CHECK(found.good());
  CHECK(trouble_report(found).contains("could not be sent in time: the server does not keep up"));
  found.faults.refused = 5;
  CHECK(trouble_report(found).contains("7 messages were due and could not be sent in time\n"));
}

TEST_CASE("report: a client that is busy all the time says so, and blames nobody else") {
  Findings found = findings();
  found.unsent = 7;
  CHECK_FALSE(text_report(found).contains("it may be the limit"));
  found.options.threads = 2;
  found.own_cpu.total = 3900ms;
  CHECK(text_report(found).contains("195 % of a CPU: it may be the limit, see --threads\n"));
  CHECK(trouble_report(found).contains("peal-load itself was busy"));
  CHECK(nlohmann::json::parse(json_report(found))["own_cpu"]["busy"] == 0.975);
}

TEST_CASE("report: JSON has the same") {
  const auto json = nlohmann::json::parse(json_report(findings()));
  CHECK(json["good"] == true);
  CHECK(json["options"]["scenario"] == "echo");
  CHECK(json["options"]["connections"] == 2);
  CHECK(json["messages"]["received"] == 2000);
  CHECK(json["messages"]["per_second"] == 1000.0);
  CHECK(json["messages"]["latency_us"]["max"] == 1000.0);
  CHECK(json["messages"]["latency_us"]["p99.99"] == 1000.0);
  CHECK(json["messages"]["latency_us"]["p50"] >= 500.0);
  CHECK(json["messages"]["latency_us"]["p50"] <= 504.0);
  CHECK(json["server_cpu"]["us_per_unit"] == 20.0);
  CHECK(json["own_cpu"]["us_per_unit"] == 10.0);
  CHECK(json["server_memory_per_connection"]["pss"] == 300.0);
  CHECK(json["series"].size() == 2);
  CHECK(json["series"][1]["per_second"] == 1000.0);
}

TEST_CASE("report: the page carries the JSON, and no text of it ends the script") {
  const std::string page = html_report(findings());
  CHECK(page.starts_with("<!doctype html>"));
  CHECK_FALSE(page.contains("echo?</script>"));
  const std::string mark = "type=\"application/json\">";
  const auto begin = page.find(mark) + mark.size();
  const auto end = page.find("</script>", begin);
  const auto json = nlohmann::json::parse(page.substr(begin, end - begin));
  CHECK(json["options"]["url"] == "ws://h/echo?</script>");
  for (const char* reach : {"http://", "https://", "src=", "@import", "url("}) {
    CAPTURE(reach);
    const std::string rest = page.substr(0, begin) + page.substr(end);
    CHECK_FALSE(rest.contains(reach));
  }
}

}  // namespace
}  // namespace peal::loadtest::report_test
