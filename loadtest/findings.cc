// SPDX-License-Identifier: Apache-2.0
#include "loadtest/findings.h"

#include <algorithm>

namespace peal::loadtest {

double Findings::us_per_unit(const CpuTime& cpu) const {
  if (units() == 0) return 0;
  return std::chrono::duration<double, std::micro>(cpu.total).count() /
         static_cast<double>(units());
}

double Findings::busy() const {
  const double whole = seconds * options.threads;
  return whole > 0 ? std::min(1.0, std::chrono::duration<double>(own_cpu.total).count() / whole)
                   : 0;
}

bool Findings::good() const {
  return faults.sum() == 0 && failures.empty() && opened == options.total() &&
         (!has_messages() || messages > 0);
}

}  // namespace peal::loadtest
