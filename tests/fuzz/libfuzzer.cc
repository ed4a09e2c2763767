// SPDX-License-Identifier: Apache-2.0
// The target named by the first argument, under libFuzzer; the other arguments are libFuzzer's.
#include <cstdio>
#include <cstdlib>

#include "tests/fuzz/target.h"

namespace {

peal::fuzz::Property property = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* count, char*** words);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerInitialize(int* count, char*** words) {
  const char* name = *count > 1 ? (*words)[1] : "";
  property = peal::fuzz::find_target(name);
  if (!property) {
    std::fprintf(stderr, "no target is called \"%s\"\n", name);
    std::exit(2);
  }
  (*words)[1] = (*words)[0];
  ++*words;
  --*count;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  property(data, size);
  return 0;
}
