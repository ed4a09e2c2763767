// SPDX-License-Identifier: Apache-2.0
#include "server/spread.h"

namespace peal::server {

Spread::Spread(Instant start, const SpreadPolicy& policy, std::size_t count, std::uint32_t seed)
    : start_(start), policy_(policy), count_(count), random_(seed) {
  if (!done()) place();
}

void Spread::take() {
  ++taken_;
  if (!done()) place();
}

/// Each has a share of the time to itself, and is somewhere about the middle of it.
void Spread::place() {
  std::uniform_real_distribution<double> aside(-0.5, 0.5);
  const double place = static_cast<double>(taken_) + 0.5 + policy_.jitter * aside(random_);
  const double after =
      static_cast<double>(policy_.over.count()) * place / static_cast<double>(count_);
  next_ = start_ + Duration(static_cast<Duration::rep>(after));
}

}  // namespace peal::server
