// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace peal::server {

/// The CPUs this process may run on (sched_getaffinity(2)), by number; at least one.
std::vector<int> allowed_cpus();

/// Keeps the calling thread on one CPU. False when the kernel refuses.
bool pin_to_cpu(int cpu);

}  // namespace peal::server
