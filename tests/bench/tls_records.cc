// SPDX-License-Identifier: Apache-2.0
// Time for a message in one record: a server's engine, whose records are ours, beside a client's,
// whose records are OpenSSL's.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "tests/bench/tls_pair.h"

namespace {

using namespace peal;
using namespace peal::bench;

constexpr std::size_t kRecords = 2000;
constexpr int kRounds = 9;

struct Nanoseconds {
  double seal = 0;
  double open = 0;
};

double since(Instant start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count() / kRecords;
}

/// `from` writes, `to` reads.
Nanoseconds run(tls::Engine& from, tls::Engine& to, BlockPool& pool, const std::string& message,
                bool measures_sender) {
  std::vector<std::string> records;
  records.reserve(kRecords);
  Nanoseconds spent;
  auto start = Clock::now();
  for (std::size_t i = 0; i < kRecords; ++i) {
    from.write(as_bytes(message));
    if (!measures_sender) records.push_back(take_output(from, pool));
    while (from.has_output()) pool.give(from.take_output().block);
  }
  spent.seal = since(start);
  start = Clock::now();
  for (const std::string& record : records) PEAL_CHECK(read_all(to, record) == message.size());
  spent.open = since(start);
  return spent;
}

double median(std::vector<double>& values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Medians over the rounds, of one engine writing and, in a connection of its own, reading.
Nanoseconds measure(const TlsContexts& contexts, bool server, const std::string& message) {
  std::vector<double> seal;
  std::vector<double> open;
  BlockPool pool(1 << 20);
  for (int round = 0; round < kRounds; ++round) {
    for (const bool writes : {true, false}) {
      tls::Engine ours(*contexts.server, pool);
      tls::Engine theirs(*contexts.client, pool, tls::Engine::ClientStart{});
      shake_hands(ours, theirs, pool);
      tls::Engine& from = writes == server ? ours : theirs;
      tls::Engine& to = writes == server ? theirs : ours;
      const Nanoseconds spent = run(from, to, pool, message, writes);
      writes ? seal.push_back(spent.seal) : open.push_back(spent.open);
    }
  }
  return {median(seal), median(open)};
}

}  // namespace

int main() {
  std::printf("ns a record    %14s %14s\n%-10s %8s %7s %7s %7s %7s\n", "write", "read", "TLS",
              "bytes", "ours", "OpenSSL", "ours", "OpenSSL");
  const TlsContexts contexts(test::CertificateSpec::KeyType::ecdsa);
  for (const tls::Version version : {tls::Version::tls12, tls::Version::tls13}) {
    limit_client(contexts, version);
    for (const std::size_t size : {64, 1024, 16 << 10}) {
      const std::string message(size, 'x');
      const Nanoseconds ours = measure(contexts, true, message);
      const Nanoseconds theirs = measure(contexts, false, message);
      std::printf("%-10s %8zu %7.0f %7.0f %7.0f %7.0f\n",
                  version == tls::Version::tls12 ? "1.2" : "1.3", size, ours.seal, theirs.seal,
                  ours.open, theirs.open);
    }
  }
  return 0;
}
