// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "config/diagnosis.h"

namespace peal::config {

/// The rules that a type cannot express: paths, topics, names, addresses, and what one setting
/// demands of another. Reports to `diagnosis`; keys that have a problem already are passed over.
/// Looks at the file system for the roots of files routes and the files of tokens.
void validate(const Config& config, Diagnosis& diagnosis);

}  // namespace peal::config
