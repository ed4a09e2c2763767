// SPDX-License-Identifier: Apache-2.0
// A result as people and programs read it.
#pragma once

#include <string>

#include "loadtest/findings.h"

namespace peal::loadtest {

/// What was done: "64 connections, 1 thread, 64 B, depth 1, closed loop, io_uring".
std::string describe(const Findings& result);

/// The table at the end of a run.
std::string text_report(const Findings& result);

/// What went wrong, a line each; empty when nothing did.
std::string trouble_report(const Findings& result);

/// One JSON object; peal-load(1) says what is in it.
std::string json_report(const Findings& result);

/// One HTML page that needs nothing else.
std::string html_report(const Findings& result);

}  // namespace peal::loadtest
