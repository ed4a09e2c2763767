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

/// libFuzzer starts itself anew to minimise, merge and fork, without the words that are taken out
/// here: the environment tells those the name.
extern "C" int LLVMFuzzerInitialize(int* count, char*** words) {
  constexpr const char* kTold = "PEAL_FUZZ_TARGET";
  const char* told = std::getenv(kTold);
  const char* name = told ? told : *count > 1 ? (*words)[1] : "";
  property = peal::fuzz::find_target(name);
  if (!property) {
    std::fprintf(stderr, "no target is called \"%s\"\n", name);
    std::exit(2);
  }
  if (told) return 0;
  setenv(kTold, name, 1);
  (*words)[1] = (*words)[0];
  ++*words;
  --*count;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  property(data, size);
  return 0;
}
