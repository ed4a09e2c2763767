// SPDX-License-Identifier: Apache-2.0
#include "loadtest/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace peal::loadtest {
namespace {

/// The front of `line` that fits the terminal, cut between characters.
std::string cut(const std::string& line) {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  std::size_t columns = known ? size.ws_col - 1u : 79;
  std::size_t end = 0;
  while (end < line.size()) {
    const bool begins = (static_cast<unsigned char>(line[end]) & 0xc0) != 0x80;
    if (begins && columns-- == 0) break;
    ++end;
  }
  return line.substr(0, end);
}

/// A line can be written over: on a terminal that obeys.
bool can_rewrite() {
  const char* const kind = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && kind && std::string_view(kind) != "dumb";
}

}  // namespace

Progress::Progress(bool quiet) : shown_(!quiet && can_rewrite()) {}

void Progress::show(const std::string& line) {
  if (!shown_) return;
  std::fputs(("\r" + cut(line) + "\033[K").c_str(), stderr);
  dirty_ = true;
}

void Progress::clear() {
  if (!dirty_) return;
  std::fputs("\r\033[K", stderr);
  dirty_ = false;
}

}  // namespace peal::loadtest
