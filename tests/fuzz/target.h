// SPDX-License-Identifier: Apache-2.0
// A fuzz target: what any one input must bring about. All targets are in one program, which
// compiles in a fifth of the time of a program for each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace peal::fuzz {

using Octets = const std::uint8_t*;

// Does not return if a property does not hold. The input is valid for the call only.
using Property = void (*)(Octets data, std::size_t size);

// Adds a target before main() runs. `name` lives as long as the program.
struct Target {
  Target(std::string_view name, Property property);
};

// Returns null if there is no such target.
Property find_target(std::string_view name);

}  // namespace peal::fuzz

// Defines the body of the target NAME, of `data` and `size`; in a namespace of its own.
#define PEAL_FUZZ_TARGET(NAME)                                          \
  static void fuzz_##NAME(::peal::fuzz::Octets data, std::size_t size); \
  static const ::peal::fuzz::Target target_##NAME{#NAME, fuzz_##NAME};  \
  static void fuzz_##NAME(::peal::fuzz::Octets data, std::size_t size)
