// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace peal::config {

/// A folder for one test, with a folder "site" in it; gone at the end.
class Folder {
 public:
  Folder() { std::filesystem::create_directories(path_ / "site"); }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// Writes a file and returns its path.
  std::string file(const std::string& text, const char* name = "p.toml") const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
    return path_ / name;
  }
  std::string operator/(const char* name) const { return path_ / name; }

 private:
  std::filesystem::path path_ =
      std::filesystem::temp_directory_path() / ("peal-config-test-" + std::to_string(::getpid()));
};

}  // namespace peal::config
