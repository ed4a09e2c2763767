// SPDX-License-Identifier: Apache-2.0
#include "core/http/proxy_protocol.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "core/base/ascii.h"

namespace peal::http {
namespace {

// ---- Version 1: a line of text, section 2.1
// ------------------------------------------------------

constexpr std::string_view kTextMark = "PROXY ";
constexpr std::size_t kMaxLine = 107;  // octets, CR LF included

/// Takes the word up to the next space off the front; nullopt when there is no space.
std::optional<std::string_view> take_word(std::string_view& line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space + 1);
  return word;
}

bool is_port(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return false;
  const auto number = ascii::parse_decimal(text);
  return number && *number <= 65535;
}

/// "TCP4" SP source SP destination SP port SP port
bool read_line(std::string_view line, ProxyHeader& header) {
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return true;
  const auto family = take_word(line);
  const auto source = take_word(line);
  const auto destination = take_word(line);
  const auto port = take_word(line);
  if (!port || !is_port(*port) || !is_port(line)) return false;
  if (*family != "TCP4" && *family != "TCP6") return false;
  const bool v6 = *family == "TCP6";
  for (const std::string_view text : {*source, *destination})
    if (v6 != (text.find(':') != std::string_view::npos)) return false;
  const auto client = IpAddress::parse(*source);
  if (!client || !IpAddress::parse(*destination)) return false;
  header.source = ProxyHeader::Source::ip;
  header.client = *client;
  return true;
}

ProxyOutcome read_text(std::string_view input, ProxyHeader& header) {
  const std::string_view most = input.substr(0, kMaxLine);
  const auto end = most.find('\n');
  if (end == std::string_view::npos)
    return input.size() < kMaxLine ? ProxyOutcome::need_more : ProxyOutcome::failure;
  std::string_view line = most.substr(kTextMark.size(), end - kTextMark.size());
  if (!line.ends_with('\r')) return ProxyOutcome::failure;
  line.remove_suffix(1);
  header.size = end + 1;
  return read_line(line, header) ? ProxyOutcome::header : ProxyOutcome::failure;
}

// ---- Version 2: binary, section 2.2
// --------------------------------------------------------------

constexpr std::string_view kBinaryMark("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kBinaryHead = 16;  // octets up to the addresses
constexpr std::size_t kUnixAddresses = 216;
constexpr std::uint8_t kTypeSsl = 0x20;
constexpr std::size_t kSslHead = 5;  // octets of its value before the fields within it
constexpr std::uint8_t kClientSsl = 0x01;

std::uint8_t octet(Bytes bytes, std::size_t at) {
  return std::to_integer<std::uint8_t>(bytes[at]);
}

/// Section 2.2: a sequence of type, length and value to the end.
bool read_fields(Bytes fields, ProxyHeader& header) {
  constexpr std::size_t kFieldHead = 3;
  while (!fields.empty()) {
    if (fields.size() < kFieldHead) return false;
    const std::uint8_t type = octet(fields, 0);
    const std::size_t size = load_be<std::uint16_t>(fields.data() + 1);
    fields = fields.subspan(kFieldHead);
    if (size > fields.size()) return false;
    if (type == kTypeSsl) {
      if (size < kSslHead) return false;
      header.tls = (octet(fields, 0) & kClientSsl) != 0;
    }
    fields = fields.subspan(size);
  }
  return true;
}

/// Addresses and fields, as `family` has them: address family and transport, a nibble each.
bool read_addresses(Bytes block, std::uint8_t family, ProxyHeader& header) {
  using Source = ProxyHeader::Source;
  constexpr std::array<std::size_t, 4> kSizes{0, 12, 36, kUnixAddresses};
  const unsigned address_family = family >> 4;
  const unsigned transport = family & 0xf;
  if (address_family >= kSizes.size() || transport > 2) return false;
  if (address_family == 0) return true;  // UNSPEC: whatever is there means nothing
  const std::size_t addresses = kSizes[address_family];
  if (block.size() < addresses || !read_fields(block.subspan(addresses), header)) return false;
  if (transport != 1) return true;  // no stream, so not what this connection is about
  header.source = address_family == 3 ? Source::unix_socket : Source::ip;
  if (address_family == 1) header.client = IpAddress::of_v4(block.first<4>());
  if (address_family == 2) header.client = IpAddress::of_v6(block.first<16>());
  return true;
}

ProxyOutcome read_binary(Bytes input, ProxyHeader& header) {
  constexpr std::uint8_t kVersion = 2;
  if (input.size() < kBinaryHead) return ProxyOutcome::need_more;
  const std::uint8_t command = octet(input, kBinaryMark.size());
  if (command >> 4 != kVersion || (command & 0xf) > 1) return ProxyOutcome::failure;
  const std::size_t size = load_be<std::uint16_t>(input.data() + kBinaryHead - 2);
  if (size > kMaxProxyHeader - kBinaryHead) return ProxyOutcome::failure;
  if (input.size() < kBinaryHead + size) return ProxyOutcome::need_more;
  header.size = kBinaryHead + size;
  const bool local = (command & 0xf) == 0;  // its block is to be discarded, whatever is there
  const Bytes block = input.subspan(kBinaryHead, size);
  return local || read_addresses(block, octet(input, kBinaryMark.size() + 1), header)
             ? ProxyOutcome::header
             : ProxyOutcome::failure;
}

/// Whether one is the beginning of the other.
bool begins_alike(std::string_view input, std::string_view mark) {
  const std::size_t size = std::min(input.size(), mark.size());
  return input.substr(0, size) == mark.substr(0, size);
}

}  // namespace

ProxyOutcome read_proxy_header(Bytes input, ProxyVersions versions, ProxyHeader& header) {
  header = {};
  const std::string_view text = as_text(input);
  const bool binary = versions != ProxyVersions::v1 && begins_alike(text, kBinaryMark);
  const bool line = versions != ProxyVersions::v2 && begins_alike(text, kTextMark);
  if (!binary && !line) return ProxyOutcome::failure;
  if (text.size() < (binary ? kBinaryMark : kTextMark).size()) return ProxyOutcome::need_more;
  return binary ? read_binary(input, header) : read_text(text, header);
}

}  // namespace peal::http
