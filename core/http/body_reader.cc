// SPDX-License-Identifier: Apache-2.0
#include "core/http/body_reader.h"

#include <algorithm>
#include <type_traits>

#include "core/base/ascii.h"

namespace peal::http {
namespace {

static_assert(std::is_trivially_copyable_v<BodyReader> && sizeof(BodyReader) <= 24);

constexpr int kMaxSizeDigits = 16;  // no more than 64 bits hold

/// RFC 9110 section 5.5: field-content and white space. Chunk extensions hold nothing else either.
bool is_field_octet(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return c == '\t' || (octet >= 0x20 && octet != 0x7f);
}

}  // namespace

BodyReader::BodyReader(const Request& request, std::uint64_t limit) {
  if (request.chunked) {
    state_ = State::size;
    allowed_ = limit;
  } else if (request.content_length > limit) {
    fail(Fault::too_large);
  } else if (request.content_length > 0) {
    state_ = State::sized;
    left_ = request.content_length;
  }
}

BodyReader::Step BodyReader::next(MutableBytes& input) {
  while (true) {
    switch (state_) {
      case State::done:
        return {.outcome = Outcome::done};
      case State::failed:
        return {.outcome = Outcome::failure};
      default:
        break;
    }
    if (input.empty()) return {.outcome = Outcome::need_more};
    if (state_ == State::sized || state_ == State::data)
      return {.outcome = Outcome::payload, .payload = take_payload(input)};
    read(static_cast<char>(input.front()));
    input = input.subspan(1);
  }
}

MutableBytes BodyReader::take_payload(MutableBytes& input) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  const MutableBytes payload = input.first(size);
  input = input.subspan(size);
  left_ -= size;
  if (left_ == 0) state_ = state_ == State::sized ? State::done : State::data_return;
  return payload;
}

/// One octet of what surrounds the payload of chunks.
void BodyReader::read(char octet) {
  switch (state_) {
    case State::size:
      read_size(octet);
      break;
    case State::blank:
    case State::extension:
      read_extension(octet);
      break;
    case State::size_end:
      expect(octet, '\n', left_ > 0 ? State::data : State::trailer, Fault::bad_extension);
      break;
    case State::data_return:
      expect(octet, '\r', State::data_end, Fault::bad_data_end);
      break;
    case State::data_end:
      expect(octet, '\n', State::size, Fault::bad_data_end);
      digits_ = 0;
      break;
    case State::trailer:
    case State::trailer_name:
    case State::trailer_value:
    case State::trailer_end:
    case State::last_end:
      read_trailer(octet);
      break;
    case State::sized:
    case State::data:
    case State::done:
    case State::failed:
      break;
  }
}

void BodyReader::read_size(char octet) {
  const auto digit = ascii::hex_digit(octet);
  if (!digit) {
    end_size(octet);
  } else if (++digits_ > kMaxSizeDigits) {
    fail(Fault::long_size);
  } else {
    left_ = left_ << 4 | static_cast<std::uint64_t>(*digit);
  }
}

void BodyReader::end_size(char octet) {
  const bool blank = octet == ' ' || octet == '\t';
  if (digits_ == 0 || (octet != '\r' && octet != ';' && !blank)) {
    fail(Fault::bad_size);
  } else if (left_ > allowed_) {
    fail(Fault::too_large);
  } else {
    allowed_ -= left_;
    state_ = octet == '\r' ? State::size_end : octet == ';' ? State::extension : State::blank;
  }
}

/// RFC 9112 section 7.1.1. What an extension says is none of ours, where it ends is.
void BodyReader::read_extension(char octet) {
  if (++extensions_ > kMaxExtensions) {
    fail(Fault::long_extensions);
  } else if (state_ == State::blank) {
    if (octet == ';')
      state_ = State::extension;
    else if (octet != ' ' && octet != '\t')
      fail(Fault::bad_size);
  } else if (octet == '\r') {
    state_ = State::size_end;
  } else if (!is_field_octet(octet)) {
    fail(Fault::bad_extension);
  }
}

/// RFC 9112 section 7.1.2. Trailers are not looked at, but they must be field lines.
void BodyReader::read_trailer(char octet) {
  if (++trailers_ > kMaxTrailers) {
    fail(Fault::long_trailers);
    return;
  }
  switch (state_) {
    case State::trailer:
      if (octet == '\r')
        state_ = State::last_end;
      else if (ascii::is_token_char(octet))
        state_ = State::trailer_name;
      else
        fail(Fault::bad_trailer);
      break;
    case State::trailer_name:
      if (octet == ':')
        state_ = State::trailer_value;
      else if (!ascii::is_token_char(octet))
        fail(Fault::bad_trailer);
      break;
    case State::trailer_value:
      if (octet == '\r')
        state_ = State::trailer_end;
      else if (!is_field_octet(octet))
        fail(Fault::bad_trailer);
      break;
    case State::trailer_end:
      expect(octet, '\n', State::trailer, Fault::bad_trailer);
      break;
    default:
      expect(octet, '\n', State::done, Fault::bad_trailer);
      break;
  }
}

void BodyReader::expect(char octet, char wanted, State next, Fault otherwise) {
  if (octet == wanted)
    state_ = next;
  else
    fail(otherwise);
}

void BodyReader::fail(Fault fault) {
  state_ = State::failed;
  fault_ = fault;
  left_ = 0;
  allowed_ = 0;
}

Failure BodyReader::failure() const {
  switch (fault_) {
    case Fault::none:
      break;
    case Fault::too_large:
      return {413, "the body is too large"};
    case Fault::bad_size:
      return {400, "the size of a chunk is not a hexadecimal number"};
    case Fault::long_size:
      return {400, "the size of a chunk has too many digits"};
    case Fault::bad_extension:
      return {400, "the line with the size of a chunk does not end as it should"};
    case Fault::long_extensions:
      return {400, "the chunk extensions are too long"};
    case Fault::bad_data_end:
      return {400, "a chunk is longer than its size says"};
    case Fault::bad_trailer:
      return {400, "a trailer field is not valid"};
    case Fault::long_trailers:
      return {431, "the trailer fields are too large"};
  }
  return {};
}

}  // namespace peal::http
