// SPDX-License-Identifier: Apache-2.0
#include "loadtest/findings.h"

namespace peal::loadtest {

double Findings::us_per_unit(const CpuTime& cpu) const {
  if (units() == 0) return 0;
  return std::chrono::duration<double, std::micro>(cpu.total).count() /
         static_cast<double>(units());
}

bool Findings::good() const {
  return faults.sum() == 0 && failures.empty() && opened == options.total() &&
         (!has_messages() || messages > 0);
}

}  // namespace peal::loadtest
