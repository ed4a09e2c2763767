// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace peal::loadtest {

/// One line on a terminal that is written over and over; nothing where standard error is none.
/// Owner: the run. Thread: main's.
class Progress {
 public:
  explicit Progress(bool quiet);
  ~Progress() { clear(); }

  bool shown() const { return shown_; }
  void show(const std::string& line);
  void clear();

 private:
  bool shown_;
  bool dirty_ = false;
};

}  // namespace peal::loadtest
