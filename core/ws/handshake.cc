// SPDX-License-Identifier: Apache-2.0
// SHA-1 goes through OpenSSL's older interface: in 3.0, SHA1() allocates three times a call and a
// reused EVP_MD_CTX once, while SHA_CTX lies on the stack and takes half the time.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "core/ws/handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/http/response.h"

namespace peal::ws {
namespace {

using http::Header;

constexpr std::string_view kVersion = "13";
constexpr Header kAllow[] = {{"Allow", "GET"}};
constexpr Header kUpgradeFields[] = {
    {"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Version", kVersion}};

std::unexpected<Rejection> refuse(int status, std::string_view reason,
                                  std::span<const Header> headers = {}) {
  return std::unexpected(Rejection{status, reason, headers});
}

/// The value of a field that is there exactly once.
std::optional<std::string_view> only(const http::Request& request, std::string_view name) {
  return request.count(name) == 1 ? request.header(name) : std::nullopt;
}

bool is_base64(char c) {
  return ascii::is_digit(c) || (ascii::lower(c) >= 'a' && ascii::lower(c) <= 'z') || c == '+' ||
         c == '/';
}

/// The base64 of 16 octets: 22 digits, of which the last carries two bits, and "==".
bool is_key(std::string_view key) {
  constexpr std::size_t kDigits = 22;
  return key.size() == kDigits + 2 && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, kDigits), is_base64) &&
         std::string_view("AQgw").find(key[kDigits - 1]) != std::string_view::npos;
}

/// What clients offer, in their order. Limits: kMax, so that looking for repetitions stays cheap.
struct Offers {
  static constexpr std::size_t kMax = 64;
  std::array<std::string_view, kMax> names;
  std::size_t count = 0;
  bool valid = true;

  bool contains(std::string_view name) const {
    return std::find(names.begin(), names.begin() + count, name) != names.begin() + count;
  }

  void add(std::string_view name) {
    valid = valid && count < kMax && ascii::is_token(name) && !contains(name);
    if (valid) names[count++] = name;
  }
};

template <std::size_t kSize>
std::array<char, kSize> base64(std::span<const unsigned char> octets) {
  std::array<unsigned char, kSize + 1> encoded;  // EVP_EncodeBlock appends a terminator
  EVP_EncodeBlock(encoded.data(), octets.data(), static_cast<int>(octets.size()));
  std::array<char, kSize> text;
  std::memcpy(text.data(), encoded.data(), kSize);
  return text;
}

std::size_t append(MutableBytes out, std::size_t at, std::string_view text) {
  std::memcpy(out.data() + at, text.data(), text.size());
  return at + text.size();
}

/// "GET target HTTP/1.1"; 0 when it does not fit or the target would end early.
std::size_t write_request_line(MutableBytes out, std::string_view target) {
  constexpr std::string_view kMethod = "GET ";
  constexpr std::string_view kEnd = " HTTP/1.1\r\n";
  const bool visible = std::ranges::all_of(target, [](char c) { return c > ' ' && c < 0x7f; });
  if (!visible || out.size() < kMethod.size() + target.size() + kEnd.size()) return 0;
  return append(out, append(out, append(out, 0, kMethod), target), kEnd);
}

/// What a client needs to know of the fields of an answer.
struct AnswerFields {
  bool upgrades = false;
  bool connects = false;
  std::string_view accept;
  std::string_view subprotocol;
  std::string_view extensions;

  void note(std::string_view name, std::string_view value) {
    if (ascii::equal_ignoring_case(name, "Upgrade"))
      upgrades = ascii::equal_ignoring_case(value, "websocket");
    if (ascii::equal_ignoring_case(name, "Connection"))
      ascii::for_each_list_element(value, [this](std::string_view option) {
        connects = connects || ascii::equal_ignoring_case(option, "Upgrade");
      });
    if (ascii::equal_ignoring_case(name, "Sec-WebSocket-Accept")) accept = value;
    if (ascii::equal_ignoring_case(name, "Sec-WebSocket-Protocol")) subprotocol = value;
    if (ascii::equal_ignoring_case(name, "Sec-WebSocket-Extensions")) extensions = value;
  }
};

AnswerFields read_fields(std::string_view lines) {
  AnswerFields fields;
  while (!lines.empty()) {
    const auto end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    const auto colon = line.find(':');
    if (colon != std::string_view::npos)
      fields.note(line.substr(0, colon), ascii::trim(line.substr(colon + 1)));
    lines = end == std::string_view::npos ? std::string_view{} : lines.substr(end + 2);
  }
  return fields;
}

/// nullptr when a 101 with these fields answers `key`.
const char* flaw_of(const AnswerFields& fields, std::string_view key) {
  if (!fields.upgrades) return "Upgrade: websocket is missing";
  if (!fields.connects) return "Connection: Upgrade is missing";
  if (fields.accept.empty()) return "Sec-WebSocket-Accept is missing";
  const AcceptKey expected = accept_key(key);
  if (fields.accept != std::string_view(expected.data(), expected.size()))
    return "Sec-WebSocket-Accept does not answer the key";
  return nullptr;
}

}  // namespace

bool wants_upgrade(const http::Request& request) {
  // RFC 9110 section 7.8: Upgrade in HTTP/1.0 is ignored.
  return request.minor_version == 1 && request.has_token("Upgrade", "websocket");
}

std::expected<UpgradeRequest, Rejection> check_upgrade(const http::Request& request) {
  if (request.method != "GET") return refuse(405, "a WebSocket is opened with GET", kAllow);
  if (!wants_upgrade(request))
    return refuse(426, "this address speaks WebSocket: Upgrade: websocket is missing",
                  kUpgradeFields);
  if (!request.has_token("Connection", "Upgrade"))
    return refuse(400, "Connection: Upgrade is missing; a proxy may have removed it");
  if (only(request, "Sec-WebSocket-Version") != kVersion)
    return refuse(426, "Sec-WebSocket-Version must be 13", kUpgradeFields);
  const auto key = only(request, "Sec-WebSocket-Key");
  if (!key || !is_key(*key))
    return refuse(400, "Sec-WebSocket-Key must be there once: 16 bytes in base64");
  if (request.has_body()) return refuse(400, "the request for a WebSocket has a body");
  // RFC 9110 section 7.8 wants 100 (Continue) before the 101, for a body that is not there.
  if (request.expects_continue) return refuse(417, "a WebSocket is opened without Expect");
  return UpgradeRequest{*key};
}

std::expected<std::string_view, Rejection> choose_subprotocol(const http::Request& request,
                                                              std::span<const std::string> ours) {
  Offers offers;
  request.for_each("Sec-WebSocket-Protocol", [&](std::string_view list) {
    ascii::for_each_list_element(list, [&](std::string_view name) { offers.add(name); });
  });
  if (!offers.valid)
    return refuse(400, "Sec-WebSocket-Protocol must list at most 64 names, each a token, once");
  for (const std::string& name : ours)
    if (offers.contains(name)) return std::string_view(name);
  return std::string_view{};
}

AcceptKey accept_key(std::string_view key) {
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  SHA_CTX sha;
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest;
  SHA1_Init(&sha);
  SHA1_Update(&sha, key.data(), key.size());
  SHA1_Update(&sha, kGuid.data(), kGuid.size());
  SHA1_Final(digest.data(), &sha);
  return base64<std::tuple_size_v<AcceptKey>>(digest);
}

std::size_t write_accept(MutableBytes out, const UpgradeRequest& request,
                         std::string_view subprotocol, std::string_view extensions) {
  const AcceptKey accept = accept_key(request.key);
  http::ResponseWriter writer(out);
  writer.status_line(101);
  writer.header("Upgrade", "websocket");
  writer.header("Connection", "Upgrade");
  writer.header("Sec-WebSocket-Accept", std::string_view(accept.data(), accept.size()));
  if (!subprotocol.empty()) writer.header("Sec-WebSocket-Protocol", subprotocol);
  if (!extensions.empty()) writer.header("Sec-WebSocket-Extensions", extensions);
  writer.end();
  return writer.size();
}

Key make_key(std::span<const std::byte, 16> random) {
  std::array<unsigned char, 16> octets;
  std::memcpy(octets.data(), random.data(), octets.size());
  return base64<std::tuple_size_v<Key>>(octets);
}

std::size_t write_client_request(MutableBytes out, const ClientRequest& request) {
  const std::size_t line = write_request_line(out, request.target);
  if (line == 0) return 0;
  http::ResponseWriter fields(out.subspan(line));
  fields.header("Host", request.host);
  fields.header("Upgrade", "websocket");
  fields.header("Connection", "Upgrade");
  fields.header("Sec-WebSocket-Key", request.key);
  fields.header("Sec-WebSocket-Version", kVersion);
  if (!request.subprotocols.empty()) fields.header("Sec-WebSocket-Protocol", request.subprotocols);
  for (const Header& field : request.headers) fields.header(field.name, field.value);
  fields.end();
  return fields.size() == 0 ? 0 : line + fields.size();
}

ServerAnswer check_server_answer(std::string_view input, std::string_view key) {
  constexpr std::size_t kMaxHead = 16 << 10;
  constexpr std::string_view kHttp = "HTTP/1.1 ";
  ServerAnswer answer;
  const auto end = input.substr(0, kMaxHead).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (input.size() >= kMaxHead) answer.kind = ServerAnswer::Kind::refused;
    return answer;
  }
  answer.kind = ServerAnswer::Kind::refused;
  answer.head_size = end + 4;
  const std::string_view head = input.substr(0, end);
  const auto status = ascii::parse_decimal(head.substr(std::min(kHttp.size(), end), 3));
  if (!head.starts_with(kHttp) || !status) return answer;
  answer.status = static_cast<int>(*status);

  const AnswerFields fields = read_fields(head);
  if (answer.status != 101) return answer;
  answer.flaw = flaw_of(fields, key);
  if (answer.flaw) return answer;
  answer.kind = ServerAnswer::Kind::accepted;
  answer.subprotocol = fields.subprotocol;
  answer.extensions = fields.extensions;
  return answer;
}

}  // namespace peal::ws
