// SPDX-License-Identifier: Apache-2.0
#include "loadtest/run.h"

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "loadtest/prepare.h"
#include "loadtest/progress.h"
#include "loadtest/text.h"
#include "loadtest/worker.h"

namespace peal::loadtest {
namespace {

using namespace std::chrono_literals;

constexpr Duration kNoLimit = std::chrono::hours(24 * 365);

volatile sig_atomic_t interrupted = 0;

void on_signal(int) {
  interrupted = 1;
  for (const int either : {SIGINT, SIGTERM}) signal(either, SIG_DFL);
}

/// The first one ends the run early, the second one the process, whichever of the two it is.
void catch_signals() {
  interrupted = 0;
  for (const int either : {SIGINT, SIGTERM}) signal(either, on_signal);
}

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

struct CpuReading {
  Instant when;
  CpuTime own;
  std::optional<CpuTime> server;
};

/// Everything between the options and the result. Owner, thread: run().
class Run {
 public:
  explicit Run(std::unique_ptr<Plan> plan)
      : plan_(std::move(plan)),
        options_(plan_->options),
        board_(options_),
        progress_(options_.quiet) {}

  std::expected<Findings, std::string> go();

 private:
  std::expected<void, std::string> start_workers();
  bool open_all();
  void load();
  void hold();
  void enter(Stage stage);
  bool wait(Instant until, const std::function<bool()>& over, const std::string& doing);
  void wait_for_all(const std::atomic<std::uint32_t>& workers);
  void show(const std::string& doing, Duration left);
  std::uint64_t sum(auto member) const;
  CpuReading read_cpu() const;
  void note_cpu(const CpuReading& begin, const CpuReading& end, Duration measured);
  void note_memory();
  std::uint64_t failed() const { return sum(&Tally::Live::unopened) + sum(&Tally::Live::lost); }
  /// There is nobody left who could hear anything.
  bool all_lost() const {
    return failed() >= options_.total() ||
           (options_.scenario == Scenario::fanout && board_.subscribers.load() == 0);
  }
  void gather();

  std::unique_ptr<Plan> plan_;
  const Options& options_;
  Board board_;
  Progress progress_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Findings result_;
  std::uint64_t shown_received_ = 0;
  Instant shown_at_{};
};

std::uint64_t Run::sum(auto member) const {
  std::uint64_t total = 0;
  for (const auto& worker : workers_)
    total += (worker->tally().live.*member).load(std::memory_order_relaxed);
  return total;
}

void Run::show(const std::string& doing, Duration left) {
  const Instant now = Clock::now();
  if (!progress_.shown() || now - shown_at_ < 250ms) return;
  const std::uint64_t received = sum(&Tally::Live::received);
  const double rate = static_cast<double>(received - shown_received_) / seconds_of(now - shown_at_);
  std::string line = doing;
  if (left < kNoLimit) line += "  " + number_text(std::max(0.0, seconds_of(left)), 2) + " s left";
  line += "   " + grouped(sum(&Tally::Live::opened)) + " of " + grouped(options_.total()) + " open";
  if (const std::uint64_t count = failed(); count > 0) line += ", " + grouped(count) + " failed";
  if (received > 0)
    line += "   " + grouped(static_cast<std::uint64_t>(rate)) + " messages/s   " +
            grouped(received) + " received";
  progress_.show(line);
  shown_received_ = received;
  shown_at_ = now;
}

/// Waits until `until`, or until it is `over`; false when a signal or the end of all connections
/// came first.
bool Run::wait(Instant until, const std::function<bool()>& over, const std::string& doing) {
  while (true) {
    if (interrupted || all_lost()) return false;
    const Instant now = Clock::now();
    if (now >= until || over()) return true;
    show(doing, until - now);
    std::this_thread::sleep_for(std::min<Duration>(until - now, 5ms));
  }
}

CpuReading Run::read_cpu() const {
  return {Clock::now(), own_cpu_time(), cpu_time_of(options_.server_pids)};
}

/// Notes the CPU time of what was `measured`. On a busy machine this thread reads later than it
/// should, so the readings may be further apart.
void Run::note_cpu(const CpuReading& begin, const CpuReading& end, Duration measured) {
  const double share = seconds_of(measured) / std::max(1e-9, seconds_of(end.when - begin.when));
  result_.own_cpu = (end.own - begin.own) * share;
  if (begin.server && end.server) result_.server_cpu = (*end.server - *begin.server) * share;
}

/// Of the connections that are open now.
void Run::note_memory() {
  result_.memory_open = memory_of(options_.server_pids);
  result_.open_then = sum(&Tally::Live::opened) - sum(&Tally::Live::lost);
}

void Run::enter(Stage stage) {
  board_.stage.store(stage);
  for (const auto& worker : workers_) worker->wake();
}

std::expected<void, std::string> Run::start_workers() {
  board_.wake = [this](std::uint32_t worker) { workers_[worker]->wake(); };
  plan_->start = Clock::now();
  for (std::uint32_t i = 0; i < options_.threads; ++i)
    workers_.push_back(std::make_unique<Worker>(*plan_, board_, i));
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    auto started = workers_[i]->start();
    if (started) continue;
    const std::string problem = "the back end: " + started.error().text();
    workers_[i]->join();
    board_.stage.store(Stage::closing);
    for (std::size_t k = 0; k < i; ++k) {
      workers_[k]->wake();
      workers_[k]->join();
    }
    return std::unexpected(problem);
  }
  return {};
}

bool Run::open_all() {
  const auto settled = [&] {
    return sum(&Tally::Live::opened) + sum(&Tally::Live::unopened) >= options_.total();
  };
  return wait(Clock::now() + 2 * kNoLimit, settled, "opening") &&
         sum(&Tally::Live::opened) == options_.total() && failed() == 0;
}

/// Has the messages go, and measures.
void Run::load() {
  enter(Stage::ready);
  while (board_.ready.load() < workers_.size() && failed() == 0) std::this_thread::sleep_for(100us);
  Schedule& schedule = board_.schedule;
  schedule.origin = Clock::now();
  schedule.begin = schedule.origin + options_.warmup;
  schedule.end = schedule.begin + options_.duration;
  schedule.interval = result_.interval = std::max<Duration>(options_.duration / 100, 50ms);
  enter(Stage::running);
  const auto never = [] { return false; };
  const bool warm = wait(schedule.begin, never, "warming up");
  const CpuReading begin = read_cpu();
  const bool whole = warm && wait(schedule.end, never, "measuring");
  const CpuReading end = read_cpu();
  board_.measured_until = whole ? schedule.end : std::min(end.when, schedule.end);
  const Duration measured = std::max(Duration{}, board_.measured_until - schedule.begin);
  result_.seconds = seconds_of(measured);
  note_cpu(begin, end, measured);
  note_memory();
  result_.interrupted = interrupted;
  enter(Stage::stopping);
  wait_for_all(board_.stopped);
  enter(Stage::draining);
  wait_for_all(board_.drained);
  result_.interrupted = interrupted;
}

/// Waits until that many are all of them, or their time is over. An interrupt that came before has
/// ended what was measured, one that comes now ends the waiting.
void Run::wait_for_all(const std::atomic<std::uint32_t>& workers) {
  const Instant limit = Clock::now() + options_.timeout;
  const auto given_up = [this] { return interrupted && !result_.interrupted; };
  while (workers.load() < workers_.size() && Clock::now() < limit && !all_lost() && !given_up()) {
    show("finishing", limit - Clock::now());
    std::this_thread::sleep_for(1ms);
  }
}

void Run::hold() {
  const Instant begin = Clock::now();
  wait(
      begin + options_.duration, [] { return false; }, "holding");
  if (!result_.interrupted && sum(&Tally::Live::opened) > 0)
    result_.held = std::max(1e-9, seconds_of(Clock::now() - begin));
  note_memory();
  result_.interrupted = interrupted;
}

void Run::gather() {
  const std::size_t count = workers_.empty() ? 0 : workers_[0]->tally().intervals().size();
  result_.intervals.resize(count);
  Instant first = Instant::max();
  Instant last = Instant::min();
  for (const auto& worker : workers_) {
    const Tally& tally = worker->tally();
    for (std::size_t i = 0; i < tally.intervals().size(); ++i) {
      const Interval& part = tally.intervals()[i];
      result_.intervals[i].messages += part.messages;
      result_.intervals[i].bytes += part.bytes;
      result_.intervals[i].latency.add(part.latency);
    }
    result_.latency.add(tally.late());
    result_.lag.add(tally.lag);
    result_.openings.add(tally.openings);
    result_.faults.add(tally.faults);
    result_.sent += tally.sent;
    result_.unsent += tally.unsent;
    result_.aside += tally.aside();
    result_.opened += tally.openings.count();
    result_.compressed += tally.compressed;
    for (const auto& [reason, times] : tally.failures) result_.failures[reason] += times;
    first = std::min(first, tally.first_began);
    last = std::max(last, tally.last_opened);
  }
  for (const Interval& interval : result_.intervals) {
    result_.messages += interval.messages;
    result_.bytes += interval.bytes;
    result_.latency.add(interval.latency);
  }
  if (result_.opened > 0) result_.opening_seconds = seconds_of(last - first);
}

std::expected<Findings, std::string> Run::go() {
  result_.options = options_;
  result_.url = options_.url_text;
  result_.io = plan_->uring ? "io_uring" : "epoll";
  result_.began = std::time(nullptr);
  for (const pid_t pid : options_.server_pids) {
    const std::string name = name_of_process(pid);
    if (name.empty())
      return std::unexpected("--server-pid: there is no process " + std::to_string(pid));
    if (!result_.server.contains(name))
      result_.server += (result_.server.empty() ? "" : ", ") + name;
  }
  result_.memory_before = memory_of(options_.server_pids);
  const CpuReading begin = read_cpu();
  if (auto started = start_workers(); !started) return std::unexpected(started.error());
  const bool opened = open_all();
  result_.interrupted = interrupted;
  if (options_.scenario == Scenario::connect) {
    const CpuReading end = read_cpu();
    note_cpu(begin, end, end.when - begin.when);
    hold();
  } else if (opened) {
    load();
  }
  enter(Stage::closing);
  progress_.clear();
  for (const auto& worker : workers_) worker->join();
  gather();
  return std::move(result_);
}

}  // namespace

std::expected<Findings, std::string> run(const Options& options) {
  auto plan = prepare(options);
  if (!plan) return std::unexpected(plan.error());
  catch_signals();
  return Run(std::move(*plan)).go();
}

}  // namespace peal::loadtest
