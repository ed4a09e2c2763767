// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "loadtest/plan.h"

namespace peal::loadtest {

/// Makes of the options what the workers need: addresses, payload, certificates, back end; and sees
/// to it that there are files and ports enough. Error: for people.
std::expected<std::unique_ptr<Plan>, std::string> prepare(const Options& options);

}  // namespace peal::loadtest
