// SPDX-License-Identifier: Apache-2.0
// That who waits for clients is not taken for somebody who waits for a disk.
#include "core/io/uring_enter.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <climits>
#include <fstream>
#include <string>
#include <thread>

#include "core/io/uring_backend.h"
#include "tests/unit/io/backend_rig.h"

namespace peal::io::uring_enter_test {
namespace {

using namespace backend_rig;

/// Whether this kernel can be asked to: Linux 6.15.
bool can_tell() {
  io_uring ring{};
  io_uring_params params{};
  if (io_uring_queue_init_params(1, &ring, &params) < 0) return false;
  io_uring_queue_exit(&ring);
  return params.features & 1U << 17;  // IORING_FEAT_NO_IOWAIT
}

/// Threads of the whole system that wait for a disk, the fewest in some milliseconds.
int fewest_blocked() {
  int fewest = INT_MAX;
  for (int sample = 0; sample < 10; ++sample) {
    std::ifstream file("/proc/stat");
    for (std::string word; file >> word;)
      if (int count; word == "procs_blocked" && file >> count) fewest = std::min(fewest, count);
    std::this_thread::sleep_for(2ms);
  }
  return fewest;
}

/// The same while `wait` is under way, which takes 100 ms.
template <class Wait>
int fewest_blocked_beside(Wait&& wait) {
  int fewest = 0;
  std::thread observer([&] {
    std::this_thread::sleep_for(20ms);
    fewest = fewest_blocked();
  });
  wait();
  observer.join();
  return fewest;
}

TEST_CASE("UringBackend: to wait for a client does not count as waiting for a disk") {
  const auto features = probe_uring();
  if (!features || !can_tell()) return;
  Rig rig(std::move(UringBackend::create(*features).value()));
  const Pair pair(rig);
  rig.backend->receive(pair.near, {0, 0});
  // Others wait for disks as well, more or fewer of them; ours would each time.
  bool none_of_ours = false;
  for (int attempt = 0; attempt < 20 && !none_of_ours; ++attempt) {
    const int before = fewest_blocked_beside([] { std::this_thread::sleep_for(100ms); });
    const int within = fewest_blocked_beside([&] { CHECK(rig.backend->wait(100ms)); });
    const int after = fewest_blocked_beside([] { std::this_thread::sleep_for(100ms); });
    none_of_ours = within <= std::min(before, after);
  }
  CHECK(none_of_ours);
  rig.end(pair.near, 0, true);
}

}  // namespace
}  // namespace peal::io::uring_enter_test
