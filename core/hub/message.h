// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

#include "core/base/block_pool.h"
#include "core/base/bytes.h"

namespace peal::hub {

using ShardIndex = std::uint16_t;

/// What a message looks like on its way to one kind of subscriber or another.
enum class Form : std::uint8_t {
  frame,          ///< a WebSocket frame with the payload as published
  deflated,       ///< the same compressed, see ws::DeflateAgreement
  json,           ///< a text frame with {"id":..,"topic":..,"data":..}, or "base64" for binary
  json_deflated,  ///< the same compressed
  event,          ///< of text/event-stream: id, event and data
  json_event,     ///< the same with the JSON object as its data
  json_item,      ///< a comma and the JSON object, as they follow in an array
};
inline constexpr std::size_t kForms = 7;

/// Some of the forms.
class FormSet {
 public:
  constexpr FormSet() = default;
  constexpr FormSet(Form form) : bits_(static_cast<std::uint8_t>(1u << static_cast<int>(form))) {}

  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool has(Form form) const { return bits_ & FormSet(form).bits_; }
  constexpr FormSet& operator|=(FormSet more) {
    bits_ |= more.bits_;
    return *this;
  }
  friend constexpr FormSet operator|(FormSet one, FormSet other) { return one |= other; }
  friend constexpr bool operator==(FormSet, FormSet) = default;

 private:
  std::uint8_t bits_ = 0;
};

/// The forms of a message besides its frame, made when first wanted.
struct Forms {
  struct Made {
    Bytes bytes;  ///< empty: not made, or not worth it
    Block* block = nullptr;
  };
  std::array<Made, kForms> made{};  ///< by Form; that of `frame` is not used
  FormSet tried;
};

/// A message as every receiver of it on one shard sees it: immutable but for forms that are added,
/// and counted without atomics. One that came from another shard is a stand-in for the original
/// there, which lives until the stand-in has been let go of (see Hub).
///
/// Owner: its references, all on the shard that made it.
struct Message {
  Bytes frame;               ///< one final frame, header and payload; or any octets, see Memory
  std::uint64_t offset = 0;  ///< in its topic's order; 0 before its home has put it there
  std::uint32_t references = 1;
  ShardIndex home = 0;          ///< where the original is
  bool owns_forms = false;      ///< or else they are the original's
  bool kept = false;            ///< by a history, which has one of the references
  Block* block = nullptr;       ///< the memory behind `frame`; null in a stand-in
  Message* original = nullptr;  ///< in a stand-in
  Forms* forms = nullptr;

  /// Empty when there is none of that form.
  Bytes form(Form which) const {
    if (which == Form::frame) return frame;
    return forms ? forms->made[static_cast<std::size_t>(which)].bytes : Bytes{};
  }
};

}  // namespace peal::hub
