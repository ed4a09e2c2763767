// SPDX-License-Identifier: Apache-2.0
#include "core/ws/message_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "core/ws/deflate.h"
#include "core/ws/frame_header.h"
#include "core/ws/mask.h"

namespace peal::ws {
namespace {

// A block starts with what a header announces, but not with more than this before as much arrived.
constexpr std::uint64_t kUnproven = (64 << 10) - sizeof(Block);  // bytes: a pool's 64 KiB block
constexpr std::uint64_t kProven = 32;                            // times what has arrived
constexpr std::uint64_t kInflation = 4;                          // times what is to be inflated
constexpr std::uint64_t kGrowth = 4;                             // of a large block for it
constexpr std::uint64_t kSmallest = 512 - sizeof(Block);         // bytes for what was inflated
constexpr std::size_t kSlice = 4 << 10;                          // bytes inflated at once

constexpr const char* kNotUtf8 = "text is not UTF-8";
constexpr const char* kTooBig = "a message is above the size limit";

Event failure(CloseCode code, const char* reason) {
  return {.kind = Event::Kind::failure, .code = code, .reason = reason};
}

/// Section 5.4: fragments of one message follow each other. Null when in order.
const char* out_of_order(const ReaderState& state, std::byte first_octet) {
  const auto opcode = static_cast<Opcode>(first_octet & std::byte{0x0f});
  const bool inside = state.message_opcode != Opcode::continuation;
  if (opcode == Opcode::continuation && !inside) return "a continuation has no message";
  if ((opcode == Opcode::text || opcode == Opcode::binary) && inside)
    return "a message begins inside another";
  return nullptr;
}

using HeaderRoom = std::array<std::byte, kMaxClientHeader>;

/// The octets kept of a header and those of `input` that may belong to it.
Bytes join_header(const ReaderState& state, Bytes input, HeaderRoom& room) {
  const std::size_t kept = state.header_size;
  const Bytes rest = input.first(std::min(input.size(), room.size() - kept));
  std::copy_n(state.header.begin(), kept, room.begin());
  std::ranges::copy(rest, room.begin() + kept);
  return Bytes(room).first(kept + rest.size());
}

void keep_header(ReaderState& state, Bytes octets) {
  std::ranges::copy(octets, state.header.begin());
  state.header_size = static_cast<std::uint8_t>(octets.size());
}

void forget_header(ReaderState& state) {
  state.header = {};
  state.header_size = 0;
}

/// The event of a whole control frame.
Event control_event(Opcode opcode, MutableBytes payload) {
  if (opcode == Opcode::ping)
    return {.kind = Event::Kind::ping, .opcode = opcode, .payload = payload};
  if (opcode == Opcode::pong)
    return {.kind = Event::Kind::pong, .opcode = opcode, .payload = payload};
  Event event{.kind = Event::Kind::close, .opcode = opcode, .payload = payload};
  if (payload.empty()) return event;
  const auto code = load_be<std::uint16_t>(payload.data());
  if (!is_valid_close_code_on_wire(code))
    return failure(CloseCode::protocol_error, "a close code is not valid");
  event.code = static_cast<CloseCode>(code);
  event.payload = payload.subspan(sizeof code);
  if (!is_utf8(event.payload))
    return failure(CloseCode::invalid_payload, "a close reason is not UTF-8");
  return event;
}

/// The event of a frame that lies whole at the front of `input`, its header taken already.
Event take_in_place(const FrameHeader& header, MutableBytes& input) {
  const MutableBytes payload = input.first(header.payload_size);
  input = input.subspan(header.payload_size);
  const bool ascii = unmask(payload, header.key);
  if (is_control(header.opcode)) return control_event(header.opcode, payload);
  if (header.opcode == Opcode::text && !ascii && !is_utf8(payload))
    return failure(CloseCode::invalid_payload, kNotUtf8);
  return {.kind = Event::Kind::message, .opcode = header.opcode, .payload = payload};
}

void begin_message(ReaderState& state, const FrameHeader& header) {
  state.message_opcode = header.opcode;
  state.compressed = header.compressed;
}

void begin_frame(ReaderState& state, const FrameHeader& header, BlockPool& pool) {
  state.frame_opcode = header.opcode;
  state.frame_fin = header.fin;
  state.frame_left = header.payload_size;
  state.key = header.key;
  if (is_control(header.opcode))
    state.control = pool.take(kMaxServerHeader + header.payload_size);
  else if (header.opcode != Opcode::continuation)
    begin_message(state, header);
  if (!is_control(header.opcode)) ++state.fragments;
}

std::uint64_t limit(const ReaderContext& context) {
  return std::min(context.message_size, kMaxMessageSize);
}

/// What is in pieces may have begun under a higher limit, before a reload.
bool above_limit(const ReaderState& state, const ReaderContext& context) {
  const bool plain = !state.compressed && !is_control(state.frame_opcode);
  return state.message_size + (plain ? state.frame_left : 0) > limit(context);
}

/// Moves the message to a block of at least `capacity` bytes.
void move_message(ReaderState& state, std::uint64_t capacity, BlockPool& pool) {
  Block* const block = pool.take(capacity);
  if (state.message) {
    std::copy_n(state.message->data() + kMaxServerHeader, state.message_size,
                block->data() + kMaxServerHeader);
    pool.give(state.message);
  }
  state.message = block;
}

/// Makes room in the message's block for the next `size` bytes of the current frame.
void reserve(ReaderState& state, std::size_t size, const ReaderContext& context) {
  const std::uint64_t capacity = state.message ? state.message->capacity : 0;
  const std::uint64_t arrived = kMaxServerHeader + state.message_size + size;
  if (arrived <= capacity) return;

  // Twice the old block at least, or a message of many small fragments is copied for each of them.
  const std::uint64_t announced = kMaxServerHeader + state.message_size + state.frame_left;
  const std::uint64_t wanted =
      std::min({std::max(announced, 2 * capacity), std::max(kUnproven, kProven * arrived),
                kMaxServerHeader + limit(context)});
  move_message(state, wanted, context.pool);
}

/// Ends a control frame in pieces. A refused one stays in `state`.
Event end_control(ReaderState& state) {
  const MutableBytes payload{state.control->data() + kMaxServerHeader, state.control_size};
  Event event = control_event(state.frame_opcode, payload);
  if (event.kind == Event::Kind::failure) return event;
  event.block = std::exchange(state.control, nullptr);
  state.control_size = 0;
  return event;
}

/// Ends a message in pieces.
Event end_message(ReaderState& state) {
  if (!state.text.complete()) return failure(CloseCode::invalid_payload, kNotUtf8);
  state.fragments = 0;
  Block* const block = std::exchange(state.message, nullptr);
  return {.kind = Event::Kind::message,
          .opcode = std::exchange(state.message_opcode, Opcode::continuation),
          .payload = {block->data() + kMaxServerHeader, std::exchange(state.message_size, 0)},
          .block = block};
}

std::byte* end_of_message(const ReaderState& state) {
  return state.message->data() + kMaxServerHeader + state.message_size;
}

/// Counts what lies at the end of the message; false when it is not the text it claims to be.
bool add_to_message(ReaderState& state, Bytes piece, bool ascii) {
  state.message_size += static_cast<std::uint32_t>(piece.size());
  if (state.message_opcode != Opcode::text || (ascii && state.text.complete())) return true;
  return state.text.feed(piece);
}

/// Takes the next `piece` of a message's payload; false when it is not the text it claims to be.
bool gather_message(ReaderState& state, MutableBytes piece, const ReaderContext& context) {
  reserve(state, piece.size(), context);
  std::byte* const to = end_of_message(state);
  const bool ascii = unmask_copy(to, piece, state.key);
  return add_to_message(state, {to, piece.size()}, ascii);
}

/// Room in the block for what `ahead` more octets may be inflated to: one byte more than a message
/// may have, which shows that it has more.
MutableBytes inflation_room(ReaderState& state, std::size_t ahead, const ReaderContext& context) {
  const std::uint64_t used = kMaxServerHeader + state.message_size;
  const std::uint64_t most = kMaxServerHeader + limit(context) + 1;
  if (!state.message || state.message->capacity <= used) {
    const std::uint64_t capacity = state.message ? state.message->capacity : 0;
    const std::uint64_t guess = std::clamp(kInflation * ahead, kSmallest, kUnproven);
    const std::uint64_t growth = capacity < kUnproven ? 2 : kGrowth;
    move_message(state, std::min(std::max(guess, growth * capacity), most), context.pool);
  }
  const std::uint64_t end = std::min<std::uint64_t>(state.message->capacity, most);
  return {state.message->data() + used, end - used};
}

/// Takes bytes off what may still be inflated.
void spend(const ReaderContext& context, std::size_t bytes) {
  if (context.inflation_left) *context.inflation_left -= std::min(*context.inflation_left, bytes);
}

bool used_up(const ReaderContext& context) {
  return context.inflation_left && *context.inflation_left == 0;
}

/// Counts a frame; false when it has to wait.
bool begins(const ReaderContext& context, bool compressed) {
  if (compressed && used_up(context)) return false;
  if (!context.frames_left) return true;
  if (*context.frames_left == 0) return false;
  --*context.frames_left;
  return true;
}

/// Takes the next `piece` of a compressed message's payload, which it advances; `ahead` octets of
/// it are there. An event only when that fails or has to pause.
Event inflate_message(ReaderState& state, Bytes& piece, std::size_t ahead,
                      const ReaderContext& context) {
  if (!state.inflater) state.inflater = context.inflaters->take(context.window_bits);
  while (true) {
    MutableBytes room = inflation_room(state, ahead, context);
    if (context.inflation_left) room = room.first(std::min(room.size(), *context.inflation_left));
    const Inflater::Step step = state.inflater->inflate(piece, room);
    spend(context, step.size);
    const std::uint64_t left = limit(context) - state.message_size;
    const Bytes got = room.first(std::min<std::uint64_t>(step.size, left));
    state.message_size += static_cast<std::uint32_t>(got.size());
    if (state.message_opcode == Opcode::text && !state.text.feed(got))
      return failure(CloseCode::invalid_payload, kNotUtf8);
    if (step.size > left) return failure(CloseCode::message_too_big, kTooBig);
    if (step.outcome == Inflater::Outcome::corrupt)
      return failure(CloseCode::invalid_payload, "a compressed message is corrupt");
    if (step.outcome == Inflater::Outcome::drained) return {};
    // What zlib still holds when all input is taken is little, and comes with what follows.
    if (used_up(context)) return {.kind = piece.empty() ? Event::Kind::none : Event::Kind::paused};
  }
}

/// Ends a compressed message.
Event end_compressed(ReaderState& state, const ReaderContext& context) {
  spend(context, kMessageShare);
  if (Inflater* const inflater = state.inflater) {
    Bytes tail = inflater->tail();
    ReaderContext unpaused = context;
    unpaused.inflation_left = nullptr;
    const Event failed = inflate_message(state, tail, tail.size(), unpaused);
    if (failed.kind != Event::Kind::none) return failed;
    if (!inflater->end_message())
      return failure(CloseCode::invalid_payload, "a compressed message is cut off");
    if (!context.takeover) context.inflaters->give(std::exchange(state.inflater, nullptr));
  }
  inflation_room(state, 0, context);  // of no octets, and still a message
  state.compressed = false;
  Event event = end_message(state);
  event.inflated = true;
  return event;
}

/// Takes the next `piece` of any message's payload, or what of it there is time for: the rest stays
/// in `piece`. An event only when that fails or has to pause.
Event take_piece(ReaderState& state, MutableBytes& piece, const ReaderContext& context) {
  if (!state.compressed) {
    const bool good = gather_message(state, std::exchange(piece, {}), context);
    return good ? Event{} : failure(CloseCode::invalid_payload, kNotUtf8);
  }
  // In slices, as what is not inflated yet is masked again.
  std::uint32_t key = state.key;
  Event event;
  while (!piece.empty() && event.kind == Event::Kind::none) {
    const MutableBytes slice = piece.first(std::min(piece.size(), kSlice));
    unmask(slice, key);
    Bytes rest = slice;
    event = inflate_message(state, rest, piece.size(), context);
    const std::size_t used = slice.size() - rest.size();
    key = rotate_key(key, used);
    unmask(slice.subspan(used), key);
    piece = piece.subspan(used);
  }
  return event;
}

void gather_control(ReaderState& state, MutableBytes piece) {
  unmask_copy(state.control->data() + kMaxServerHeader + state.control_size, piece, state.key);
  state.control_size = static_cast<std::uint8_t>(state.control_size + piece.size());
}

/// Takes what `input` has of the current frame. An event when that ends a message, else none.
Event gather(ReaderState& state, MutableBytes& input, const ReaderContext& context) {
  MutableBytes piece = input.first(std::min(state.frame_left, input.size()));
  std::size_t taken = piece.size();
  const bool control = is_control(state.frame_opcode);
  Event event;
  if (control)
    gather_control(state, piece);
  else
    event = take_piece(state, piece, context);
  if (event.kind == Event::Kind::paused) taken -= piece.size();
  input = input.subspan(taken);
  state.frame_left -= taken;
  state.key = rotate_key(state.key, taken);
  if (event.kind != Event::Kind::none || state.frame_left > 0) return event;

  if (control)
    event = end_control(state);
  else if (state.frame_fin)
    event = state.compressed ? end_compressed(state, context) : end_message(state);
  state.key = 0;
  state.frame_opcode = Opcode::continuation;
  state.frame_fin = false;
  return event;
}

}  // namespace

Event next(ReaderState& state, MutableBytes& input, const ReaderContext& context) {
  if (above_limit(state, context)) return failure(CloseCode::message_too_big, kTooBig);
  while (!input.empty()) {
    if (state.frame_left == 0) {
      HeaderRoom room;
      const std::size_t kept = state.header_size;
      const Bytes octets = kept == 0 ? input : join_header(state, input, room);
      if (const char* error = out_of_order(state, octets.front()))
        return failure(CloseCode::protocol_error, error);
      const FrameHeader header = decode_header(octets, context.role, context.inflaters != nullptr);
      if (header.error) return failure(CloseCode::protocol_error, header.error);
      if (header.size == 0) {
        keep_header(state, octets);
        input = input.last(0);
        return {};
      }
      const bool control = is_control(header.opcode);
      const bool compressed = !control && (header.compressed || state.compressed);
      // What a compressed message inflates to is counted as it comes.
      if (header.payload_size > limit(context) - state.message_size && !control && !compressed)
        return failure(CloseCode::message_too_big, kTooBig);
      if (!control && state.fragments >= context.message_fragments)
        return failure(CloseCode::policy_violation, "a message has too many fragments");
      if (!begins(context, compressed)) return {.kind = Event::Kind::paused};

      input = input.subspan(header.size - kept);
      const bool alone = control || (header.fin && header.opcode != Opcode::continuation);
      if (alone && !compressed && kept == 0 && header.payload_size <= input.size()) [[likely]]
        return take_in_place(header, input);
      forget_header(state);
      begin_frame(state, header, context.pool);
    }
    const Event event = gather(state, input, context);
    if (event.kind != Event::Kind::none) return event;
  }
  return {};
}

bool awaits_payload(const ReaderState& state, std::size_t least, const ReaderContext& context) {
  return state.frame_left >= least && !state.compressed && !is_control(state.frame_opcode) &&
         !above_limit(state, context);
}

MutableBytes room_for_payload(ReaderState& state, const ReaderContext& context) {
  const std::uint64_t wanted = state.frame_left - 1;
  reserve(state, std::min<std::uint64_t>(wanted, kUnproven / 2), context);
  const std::uint64_t free = state.message->capacity - kMaxServerHeader - state.message_size;
  return {end_of_message(state), std::min(wanted, free)};
}

const char* take_payload(ReaderState& state, std::size_t size) {
  const MutableBytes piece{end_of_message(state), size};
  const bool ascii = unmask(piece, state.key);
  state.frame_left -= size;
  state.key = rotate_key(state.key, size);
  return add_to_message(state, piece, ascii) ? nullptr : kNotUtf8;
}

void discard(ReaderState& state, BlockPool& pool, InflaterPool* inflaters) {
  if (inflaters) inflaters->give(state.inflater);
  pool.give(state.message);
  pool.give(state.control);
  state = {};
}

}  // namespace peal::ws
