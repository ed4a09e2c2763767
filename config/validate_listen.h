// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "config/diagnosis.h"

namespace peal::config {

/// Checks where one listener is, and whom it trusts.
void validate_listen(const Listen& listen, Diagnosis& diagnosis);

/// Reports addresses that two listeners have, or of which one has the other in it.
void refuse_duplicate_addresses(const Config& config, Diagnosis& diagnosis);

}  // namespace peal::config
