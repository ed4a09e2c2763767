// SPDX-License-Identifier: Apache-2.0
// A target without libFuzzer: runs the one named by the first argument on files, and on all files
// of folders. A folder that is not there holds nothing. The name of an input is printed before it
// runs, so that the last one is the one that failed.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/target.h"

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs_in(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> inputs(fs::directory_iterator{path}, {});
  std::ranges::sort(inputs);
  return inputs;
}

void replay(peal::fuzz::Property property, const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  // An exact allocation, so that AddressSanitizer sees a read beyond the end.
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::vector<std::uint8_t> octets(text.begin(), text.end());
  property(octets.data(), octets.size());
}

}  // namespace

int main(int count, char** words) {
  const peal::fuzz::Property property = count > 1 ? peal::fuzz::find_target(words[1]) : nullptr;
  int replayed = 0;
  for (int i = 2; property && i < count; ++i) {
    if (!fs::exists(words[i])) continue;
    for (const fs::path& path : inputs_in(words[i])) {
      std::printf("%s\n", path.c_str());
      std::fflush(stdout);
      replay(property, path);
      ++replayed;
    }
  }
  std::printf("%d passed, %d failed\n", replayed, replayed > 0 ? 0 : 1);
  return replayed > 0 ? 0 : 1;
}
