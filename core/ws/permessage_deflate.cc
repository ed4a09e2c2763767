// SPDX-License-Identifier: Apache-2.0
#include "core/ws/permessage_deflate.h"

#include <algorithm>
#include <array>

namespace peal::ws {
namespace {

constexpr std::string_view kName = "permessage-deflate";
constexpr std::string_view kServerNoTakeover = "server_no_context_takeover";
constexpr std::string_view kClientNoTakeover = "client_no_context_takeover";
constexpr std::string_view kServerBits = "server_max_window_bits";
constexpr std::string_view kClientBits = "client_max_window_bits";

/// A parameter's value as far as it matters: none of ours is longer than two digits.
struct Value {
  static constexpr std::size_t kRoom = 3;

  bool there = false;
  std::array<char, kRoom> text{};
  std::size_t size = 0;  ///< may be above kRoom

  void push(char c) {
    if (size < kRoom) text[size] = c;
    ++size;
  }

  /// 8 to 15 without leading zeros (RFC 7692 section 7.1.2); 0 when it is anything else.
  std::uint8_t window_bits() const {
    const std::string_view digits(text.data(), std::min(size, kRoom));
    const auto number = digits.starts_with('0') ? std::nullopt : ascii::parse_decimal(digits);
    if (!number || *number < kMinWindowBits || *number > kMaxWindowBits) return 0;
    return static_cast<std::uint8_t>(*number);
  }
};

/// Reads a list of extensions, RFC 6455 section 9.1. White space may surround every separator, as
/// the grammar of RFC 2616 that it is written in has it, and list elements may be empty.
class ExtensionParser {
 public:
  explicit ExtensionParser(std::string_view list) : rest_(list) {}

  /// Moves to the next extension; empty at the end and where the list is malformed.
  std::string_view extension() {
    while (skip(',')) {
    }
    if (rest_.empty()) return {};
    return token();
  }

  /// Moves to the next parameter of the extension; empty behind the last, see extension().
  std::string_view parameter(Value& value) {
    value = {};
    if (!skip(';')) {
      malformed_ = malformed_ || !(rest_.empty() || rest_.front() == ',');
      return {};
    }
    const std::string_view name = token();
    if (skip('=')) {
      value.there = true;
      if (!rest_.empty() && rest_.front() == '"')
        quoted_string(value);
      else
        for (const char c : token()) value.push(c);
    }
    return malformed_ ? std::string_view{} : name;
  }

  bool malformed() const { return malformed_; }

 private:
  void skip_blanks() {
    const auto end = rest_.find_first_not_of(" \t");
    rest_.remove_prefix(std::min(end, rest_.size()));
  }

  bool skip(char separator) {
    skip_blanks();
    if (malformed_ || rest_.empty() || rest_.front() != separator) return false;
    rest_.remove_prefix(1);
    skip_blanks();
    return true;
  }

  std::string_view token() {
    const auto* const end =
        std::ranges::find_if_not(rest_, [](char c) { return ascii::is_token_char(c); });
    const std::string_view found = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(found.size());
    malformed_ = malformed_ || found.empty();
    return found;
  }

  /// What is quoted must be a token, too.
  void quoted_string(Value& value) {
    for (rest_.remove_prefix(1); !rest_.empty(); rest_.remove_prefix(1)) {
      if (rest_.front() == '"') {
        rest_.remove_prefix(1);
        malformed_ = malformed_ || value.size == 0;
        return;
      }
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty() || !ascii::is_token_char(rest_.front())) break;
      value.push(rest_.front());
    }
    malformed_ = true;
  }

  std::string_view rest_;
  bool malformed_ = false;
};

/// The parameters of an offer or of an answer.
struct Parameters {
  bool valid = true;
  bool server_no_takeover = false;
  bool client_no_takeover = false;
  bool limits_client = false;    ///< client_max_window_bits is there
  std::uint8_t server_bits = 0;  ///< 0: the parameter is not there
  std::uint8_t client_bits = 0;  ///< 0: the parameter is not there, or has no value

  void note(std::string_view name, const Value& value) {
    if (name == kServerNoTakeover)
      set(server_no_takeover, !value.there);
    else if (name == kClientNoTakeover)
      set(client_no_takeover, !value.there);
    else if (name == kServerBits)
      set_bits(server_bits, value);
    else if (name == kClientBits)
      set_client_bits(value);
    else
      valid = false;
  }

 private:
  void set(bool& flag, bool value_valid) {
    valid = valid && value_valid && !flag;
    flag = true;
  }
  void set_bits(std::uint8_t& bits, const Value& value) {
    valid = valid && bits == 0 && value.window_bits() != 0;
    bits = value.window_bits();
  }
  void set_client_bits(const Value& value) {
    valid = valid && !limits_client;
    limits_client = true;
    if (value.there) set_bits(client_bits, value);
  }
};

Parameters read_parameters(ExtensionParser& parser) {
  Parameters parameters;
  Value value;
  for (auto name = parser.parameter(value); !name.empty(); name = parser.parameter(value))
    parameters.note(name, value);
  return parameters;
}

void write_flag(ExtensionText& text, bool there, std::string_view name) {
  if (there) text.append("; ").append(name);
}

void write_bits(ExtensionText& text, std::uint8_t bits, std::string_view name) {
  if (bits != 0) text.append("; ").append(name).append("=").append(unsigned{bits});
}

/// Section 7.1: the answer repeats what the offer asks for, and asks the client only for what it
/// said it can do; to do without context takeover it may be asked in any case.
DeflateAnswer answer_offer(const Parameters& offer, const DeflatePolicy& policy) {
  DeflateAnswer answer;
  DeflateAgreement& agreed = answer.agreement;
  agreed.on = true;
  if (offer.server_bits != 0) agreed.server_window_bits = offer.server_bits;
  if (offer.client_bits != 0) agreed.client_window_bits = offer.client_bits;
  // zlib compresses with 9 bits where 8 are asked for, so such a client gets messages compressed
  // that are too short to need more, and those without a context.
  agreed.server_takeover = policy.context_takeover && !offer.server_no_takeover &&
                           agreed.server_window_bits > kMinWindowBits;
  agreed.client_takeover = policy.context_takeover && !offer.client_no_takeover;
  answer.text.append(kName);
  write_flag(answer.text, !agreed.server_takeover, kServerNoTakeover);
  write_flag(answer.text, !agreed.client_takeover, kClientNoTakeover);
  write_bits(answer.text, offer.server_bits, kServerBits);
  write_bits(answer.text, offer.client_bits, kClientBits);
  return answer;
}

}  // namespace

std::expected<DeflateAnswer, Rejection> answer_deflate_offers(const http::Request& request,
                                                              const DeflatePolicy& policy) {
  DeflateAnswer answer;
  bool malformed = false;
  request.for_each("Sec-WebSocket-Extensions", [&](std::string_view list) {
    ExtensionParser parser(list);
    for (auto name = parser.extension(); !name.empty(); name = parser.extension()) {
      const Parameters offer = read_parameters(parser);
      if (policy.enabled && name == kName && offer.valid && !answer.agreement.on)
        answer = answer_offer(offer, policy);
    }
    malformed = malformed || parser.malformed();
  });
  if (malformed)
    return std::unexpected(
        Rejection{.status = 400, .reason = "Sec-WebSocket-Extensions is not a list of extensions"});
  return answer;
}

ExtensionText write_deflate_offer(const DeflateOffer& offer) {
  ExtensionText text;
  text.append(kName);
  write_flag(text, offer.server_no_context_takeover, kServerNoTakeover);
  write_flag(text, offer.client_no_context_takeover, kClientNoTakeover);
  write_bits(text, offer.server_max_window_bits, kServerBits);
  write_bits(text, offer.client_max_window_bits, kClientBits);
  return text;
}

std::optional<DeflateAgreement> check_deflate_answer(std::string_view answer,
                                                     const DeflateOffer& offer) {
  if (answer.empty()) return DeflateAgreement{};
  ExtensionParser parser(answer);
  const std::string_view name = parser.extension();
  const Parameters given = read_parameters(parser);
  if (name != kName || !given.valid || !parser.extension().empty() || parser.malformed())
    return std::nullopt;
  const auto within = [](std::uint8_t bits, std::uint8_t most) {
    return most == 0 || (bits != 0 && bits <= most);
  };
  if (offer.server_no_context_takeover && !given.server_no_takeover) return std::nullopt;
  if (!within(given.server_bits, offer.server_max_window_bits)) return std::nullopt;
  if (given.limits_client &&
      (given.client_bits == 0 || given.client_bits > offer.client_max_window_bits))
    return std::nullopt;
  return DeflateAgreement{
      .on = true,
      .server_takeover = !given.server_no_takeover,
      .client_takeover = !given.client_no_takeover && !offer.client_no_context_takeover,
      .server_window_bits = given.server_bits == 0 ? kMaxWindowBits : given.server_bits,
      .client_window_bits = given.client_bits == 0 ? kMaxWindowBits : given.client_bits};
}

}  // namespace peal::ws
