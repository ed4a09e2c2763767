// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace peal::loadtest {

/// The page of --html, in two halves: between them goes the JSON of the result.
extern const std::string_view kPageBeforeData;
extern const std::string_view kPageAfterData;

}  // namespace peal::loadtest
