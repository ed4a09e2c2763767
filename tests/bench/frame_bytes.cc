// SPDX-License-Identifier: Apache-2.0
// What a byte of payload costs: unmasking, UTF-8 and the whole reader, beside byte loops.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/block_pool.h"
#include "core/base/utf8.h"
#include "core/ws/frame_header.h"
#include "core/ws/mask.h"
#include "core/ws/message_reader.h"
#include "tests/unit/ws/frames.h"

using namespace peal;
using Clock = std::chrono::steady_clock;

namespace {

constexpr std::size_t kSizes[] = {5, 16, 64, 125, 256, 1024, 4096, 16384, 65536};
constexpr std::uint32_t kKey = 0x3d21fa37;

/// Keeps the compiler from dropping the work that made `value`.
template <class T>
void keep(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

/// Nanoseconds for one call of `work`: the best of several short runs, which disturbs least.
template <class Work>
double measure(Work work) {
  constexpr auto kRun = std::chrono::milliseconds(4);
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    long calls = 0;
    const auto start = Clock::now();
    auto now = start;
    for (; now - start < kRun; now = Clock::now())
      for (int i = 0; i < 64; ++i, ++calls) work();
    const double taken = std::chrono::duration<double, std::nano>(now - start).count();
    best = std::min(best, taken / static_cast<double>(calls));
  }
  return best;
}

void unmask_bytes(MutableBytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] ^= static_cast<std::byte>(ws::rotate_key(kKey, i));
    asm volatile("");  // a byte loop, as it is written
  }
}

/// Octet by octet, as a validator without tables does it.
bool utf8_bytes(Bytes text) {
  unsigned left = 0, low = 0x80, high = 0xbf;
  for (std::byte b : text) {
    const auto octet = std::to_integer<unsigned>(b);
    if (left > 0) {
      if (octet < low || octet > high) return false;
      low = 0x80, high = 0xbf, --left;
    } else if (octet >= 0x80) {
      if (octet < 0xc2 || octet > 0xf4) return false;
      left = octet < 0xe0 ? 1 : octet < 0xf0 ? 2 : 3;
      if (octet == 0xe0) low = 0xa0;
      if (octet == 0xed) high = 0x9f;
      if (octet == 0xf0) low = 0x90;
      if (octet == 0xf4) high = 0x8f;
    }
  }
  return left == 0;
}

std::string text_of(std::size_t size, std::string_view pattern) {
  std::string text;
  while (text.size() + pattern.size() <= size) text += pattern;
  return text.append(size - text.size(), '.');
}

std::vector<std::byte> octets_of(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}

void row(const char* what, std::size_t size, double vector, double scalar) {
  std::printf("%-22s %8zu %10.1f %8.2f %10.1f %8.1f\n", what, size, vector,
              static_cast<double>(size) / vector, scalar, scalar / vector);
}

void bench_unmask(std::size_t size) {
  std::vector<std::byte> bytes(size + 6);
  const MutableBytes payload = MutableBytes(bytes).subspan(6);  // as in a receive buffer
  const double vector = measure([&] { keep(ws::unmask(payload, kKey)); });
  row("unmask", size, vector, measure([&] {
        unmask_bytes(payload);
        keep(bytes);
      }));
}

void bench_utf8(const char* what, std::size_t size, std::string_view pattern) {
  const auto text = octets_of(text_of(size, pattern));
  row(what, size, measure([&] { keep(is_utf8(text)); }), measure([&] { keep(utf8_bytes(text)); }));
}

/// The time of one message with eight whole ones in a buffer. The key is zero, so that reading
/// leaves the buffer as it was.
void bench_reader(const char* what, unsigned opcode, std::size_t size, std::string_view pattern) {
  constexpr std::size_t kMessages = 8;
  std::string frames;
  for (std::size_t i = 0; i < kMessages; ++i)
    frames += ws::test::client_frame(ws::test::kFinal | opcode, text_of(size, pattern), {});
  auto buffer = octets_of(frames);
  BlockPool pool(1 << 20);
  ws::ReaderState state;
  const ws::ReaderContext context{pool, 1 << 20, ws::Role::server};
  const double whole = measure([&] {
    MutableBytes input = buffer;
    while (ws::next(state, input, context).kind == ws::Event::Kind::message) {
    }
  });
  const double pieces = measure([&] {
    MutableBytes rest = buffer;
    while (!rest.empty()) {
      MutableBytes input = rest.first(std::min<std::size_t>(rest.size(), 48));
      rest = rest.subspan(input.size());
      for (;;) {
        const ws::Event event = ws::next(state, input, context);
        if (event.kind == ws::Event::Kind::none) break;
        pool.give(event.block);
      }
    }
  });
  row(what, size, whole / kMessages, pieces / kMessages);
}

}  // namespace

int main() {
  constexpr std::string_view kAscii = "The quick brown fox. ";
  constexpr std::string_view kGreek = "\xce\xba\xcf\x8c\xcf\x83\xce\xbc\xce\xb5 ";
  constexpr std::string_view kMixed = "caf\xc3\xa9, \xe6\x97\xa5\xe6\x9c\xac, \xf0\x9f\x98\x80! ";
  std::printf("%-22s %8s %10s %8s %10s %8s\n", "", "bytes", "ns", "GB/s", "byte loop", "ratio");
  for (std::size_t size : kSizes) bench_unmask(size);
  for (std::size_t size : kSizes) bench_utf8("utf8 ascii", size, kAscii);
  for (std::size_t size : kSizes) bench_utf8("utf8 greek", size, kGreek);
  for (std::size_t size : kSizes) bench_utf8("utf8 mixed", size, kMixed);
  std::printf("\n%-22s %8s %10s %8s %10s %8s\n", "", "bytes", "ns", "GB/s", "in pieces", "ratio");
  for (std::size_t size : kSizes) bench_reader("reader binary", 0x2, size, kAscii);
  for (std::size_t size : kSizes) bench_reader("reader text ascii", 0x1, size, kAscii);
  for (std::size_t size : kSizes) bench_reader("reader text mixed", 0x1, size, kMixed);
}
