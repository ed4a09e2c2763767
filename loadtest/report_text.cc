// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "config/units.h"
#include "loadtest/report.h"
#include "loadtest/text.h"

namespace peal::loadtest {
namespace {

constexpr std::size_t kNameWidth = 14;

/// Columns that a terminal takes for `text`, which is UTF-8.
std::size_t width_of(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text) width += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return width;
}

std::string line(std::string_view name, const std::string& value) {
  std::string text("  ");
  text += name;
  text.append(name.size() < kNameWidth ? kNameWidth - name.size() : 1, ' ');
  return text + value + '\n';
}

std::string plural(std::uint64_t count, std::string_view word) {
  std::string text = grouped(count) + ' ' + std::string(word);
  return count == 1 ? text : text + 's';
}

std::string latency_table(const Histogram& latency) {
  constexpr std::array<std::pair<const char*, double>, 7> kRows = {{{"50 %", 50},
                                                                    {"75 %", 75},
                                                                    {"90 %", 90},
                                                                    {"99 %", 99},
                                                                    {"99.9 %", 99.9},
                                                                    {"99.99 %", 99.99},
                                                                    {"99.999 %", 99.999}}};
  std::string heads;
  std::string values;
  const auto column = [&](const std::string& head, const std::string& value) {
    const std::size_t width = std::max(width_of(head), width_of(value)) + 3;
    heads.append(width - width_of(head), ' ').append(head);
    values.append(width - width_of(value), ' ').append(value);
  };
  const auto time = [](std::uint64_t ns) { return time_text(static_cast<double>(ns)); };
  column("least", time(latency.least()));
  for (const auto& [name, percent] : kRows) {
    // A percentile says something when at least one value is above it.
    if (static_cast<double>(latency.count()) * (100 - percent) < 100) break;
    column(name, time(latency.percentile(percent)));
  }
  column("largest", time(latency.largest()));
  column("mean", time_text(latency.mean()));
  return line("latency", heads.substr(3)) + line("", values.substr(3));
}

std::string cpu_line(const Findings& result, const CpuTime& cpu, double seconds) {
  const double total = std::chrono::duration<double>(cpu.total).count();
  const double user = std::chrono::duration<double>(cpu.user).count();
  const double system = std::chrono::duration<double>(cpu.system).count();
  std::string text = number_text(result.us_per_unit(cpu)) + " µs a " +
                     (result.has_messages() ? "message" : "connection");
  if (user + system > 0) text += " (" + number_text(100 * user / (user + system), 2) + " % user)";
  if (seconds > 0) text += ", " + number_text(100 * total / seconds, 3) + " % of a CPU";
  return text;
}

std::string memory_line(const Findings& result) {
  const Memory& open = *result.memory_open;
  std::string text = "RSS " + size_text(static_cast<double>(open.resident));
  if (open.proportional > 0) text += ", PSS " + size_text(static_cast<double>(open.proportional));
  if (!result.memory_before || result.open_then == 0) return text;
  const auto grown = [&](std::uint64_t now, std::uint64_t before) {
    const double bytes = static_cast<double>(now) - static_cast<double>(before);
    return grouped(static_cast<std::uint64_t>(
        std::max(0.0, bytes) / static_cast<double>(result.open_then) + 0.5));
  };
  text += "; grown by " + grown(open.resident, result.memory_before->resident);
  if (open.proportional > 0)
    text += " (PSS " + grown(open.proportional, result.memory_before->proportional) + ")";
  return text + " bytes a connection";
}

std::string message_lines(const Findings& result) {
  const double rate = static_cast<double>(result.messages) / result.seconds;
  std::string text =
      line("messages", grouped(result.messages) + ", " + rate_text(rate) + " a second, " +
                           byte_rate_text(static_cast<double>(result.bytes) / result.seconds));
  if (result.options.rate > 0) {
    std::string lag = "sent later than due by " +
                      time_text(static_cast<double>(result.lag.percentile(50))) + " (50 %), " +
                      time_text(static_cast<double>(result.lag.percentile(99))) + " (99 %), " +
                      time_text(static_cast<double>(result.lag.largest())) + " at most";
    text += line("schedule", lag);
  }
  if (result.latency.count() > 0) text += latency_table(result.latency);
  return text;
}

std::string verdict(const Findings& result) {
  if (!result.good()) return "FAILED, see below";
  if (result.has_messages())
    return "every message: count, order, content; " + grouped(result.sent) + " sent";
  return std::string("every connection opened and stayed") +
         (result.interrupted ? " until the interruption" : "");
}

/// How long it went on, and whether that was as long as it should; may be empty.
std::string time_line(const Findings& result) {
  if (result.cut_short()) return "  interrupted while connections were opened\n";
  const auto milliseconds = std::chrono::duration_cast<config::Milliseconds>(result.options.warmup);
  std::string text;
  if (result.has_messages() && result.seconds > 0)
    text = number_text(result.seconds) + " s after " + config::format_duration(milliseconds) +
           " of warm-up";
  else if (result.held > 0)
    text = "held for " + number_text(result.held) + " s";
  else if (result.interrupted)
    return "  interrupted before anything was measured\n";
  if (text.empty()) return {};
  return "  " + text + (result.interrupted ? ", interrupted" : "") + '\n';
}

std::string connections_line(const Findings& result) {
  std::string opened = grouped(result.opened) + " opened";
  if (result.opening_seconds > 0)
    opened += " in " + time_text(result.opening_seconds * 1e9) + ", " +
              rate_text(static_cast<double>(result.opened) / result.opening_seconds) +
              " handshakes a second";
  if (result.openings.count() > 0)
    opened += "; 50 % within " + time_text(static_cast<double>(result.openings.percentile(50))) +
              ", 99 % within " + time_text(static_cast<double>(result.openings.percentile(99)));
  return line("connections", opened);
}

/// The most frequent reasons: a server may give each connection another one.
std::string failure_lines(const Findings& result) {
  constexpr std::size_t kShown = 10;
  std::vector<std::pair<std::string, std::uint64_t>> reasons(result.failures.begin(),
                                                             result.failures.end());
  std::ranges::sort(reasons, [](const auto& a, const auto& b) {
    return std::tie(b.second, a.first) < std::tie(a.second, b.first);
  });
  std::string text;
  std::uint64_t others = 0;
  for (std::size_t i = 0; i < reasons.size(); ++i) {
    if (i >= kShown)
      others += reasons[i].second;
    else
      text += plural(reasons[i].second, "connection") + " failed: " + reasons[i].first + '\n';
  }
  if (others > 0)
    text += plural(others, "connection") + " failed for " +
            plural(reasons.size() - kShown, "other reason") + '\n';
  return text;
}

}  // namespace

std::string describe(const Findings& result) {
  const Options& options = result.options;
  std::string text;
  if (options.scenario == Scenario::fanout)
    text = plural(options.connections,
                  options.transport == Transport::sse ? "SSE subscriber" : "subscriber") +
           ", " + plural(options.publishers, "publisher");
  else
    text = plural(options.connections, "connection");
  text += ", " + plural(options.threads, "thread");
  if (result.has_messages()) {
    text += ", " + options.sizes.text() + ", ";
    text += options.rate > 0 ? "open loop of " + grouped(options.rate) + " messages/s"
                             : "closed loop of depth " + std::to_string(options.depth);
  }
  if (result.compressed > 0) text += ", compressed";
  if (options.url.secure) text += ", TLS";
  return text + ", " + result.io;
}

std::string text_report(const Findings& result) {
  std::string text =
      std::string("peal-load ") + name_of(result.options.scenario) + ' ' + result.url + '\n';
  text += "  " + describe(result) + '\n' + time_line(result) + '\n';
  text += connections_line(result);
  if (result.has_messages() && result.seconds > 0) text += message_lines(result);
  const double seconds = result.has_messages() ? result.seconds : 0;
  if (result.units() > 0) {
    if (result.server_cpu)
      text += line("server CPU", cpu_line(result, *result.server_cpu, seconds));
    text += line("own CPU", cpu_line(result, result.own_cpu, seconds) +
                                (result.saturated() ? ": it may be the limit, see --threads" : ""));
  }
  if (result.memory_open) text += line("server memory", memory_line(result));
  text += line("verified", verdict(result));
  return text;
}

std::string trouble_report(const Findings& result) {
  std::string text = failure_lines(result);
  const auto tell = [&](std::uint64_t count, std::string_view what) {
    if (count > 0) text += grouped(count) + ' ' + std::string(what) + '\n';
  };
  if (result.cut_short())
    text += "interrupted when " + grouped(result.opened) + " of " +
            plural(result.options.total(), "connection") + " were open\n";
  const Faults& faults = result.faults;
  tell(faults.wrong, "messages were not what was sent");
  tell(faults.out_of_order, "messages came out of order or twice");
  tell(faults.unexpected, "messages came that nobody had sent");
  tell(faults.missing, "messages did not come");
  if (faults.refused > 0)
    tell(faults.refused,
         "publications were answered with " + std::to_string(faults.refused_status));
  // What was refused is never over, so that depth runs out however fast the server is.
  const std::string_view cause = faults.refused > 0 ? ""
                                 : result.saturated()
                                     ? ": peal-load itself was busy all the time, so give it more "
                                       "--threads; the latencies above are too good"
                                     : ": the server does not keep up with --rate, or --depth is "
                                       "too small for it; the latencies above are too good";
  tell(result.unsent, "messages were due and could not be sent in time" + std::string(cause));
  if (result.has_messages() && result.messages == 0 && result.opened == result.options.total())
    text += std::string("no message came while it was measured") +
            (result.interrupted ? ", as it was interrupted\n" : "\n");
  return text;
}

}  // namespace peal::loadtest
