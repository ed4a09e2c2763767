// SPDX-License-Identifier: Apache-2.0
// Request heads on standard input, each after its length in four octets, big endian; on standard
// output what RequestParser makes of each, a line of JSON whose characters are octets (Latin-1).
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "tests/unit/http/requests.h"

namespace peal::http {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    char escape[sizeof("\\u0000")];
    std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned char>(c));
    out += escape;
  }
  return out + '"';
}

std::string framing_of(const Request& request) {
  return request.chunked ? quoted("chunked") : std::to_string(request.content_length);
}

std::string reading_of(const Request& request) {
  std::string out = "{\"outcome\": \"accepted\", \"method\": " + quoted(request.method) +
                    ", \"target\": " + quoted(request.target) +
                    ", \"version\": " + quoted("1." + std::to_string(request.minor_version)) +
                    ", \"size\": " + std::to_string(request.head_size) +
                    ", \"framing\": " + framing_of(request) + ", \"fields\": [";
  for (const Header& field : request.headers) {
    if (out.back() != '[') out += ", ";
    out += "[" + quoted(field.name) + ", " + quoted(field.value) + "]";
  }
  return out + "]}";
}

std::string reading_of(std::string_view head) {
  const test::Parsed parsed(head);
  switch (parsed.outcome) {
    case RequestParser::Outcome::need_more:
      return R"({"outcome": "incomplete"})";
    case RequestParser::Outcome::failure:
      return R"({"outcome": "refused", "reason": )" + quoted(parsed.parser.failure().reason) + "}";
    case RequestParser::Outcome::request:
      break;
  }
  return reading_of(parsed.request());
}

}  // namespace
}  // namespace peal::http

int main() {
  std::ios::sync_with_stdio(false);
  const std::string input(std::istreambuf_iterator<char>(std::cin), {});
  std::string_view rest = input;
  while (rest.size() >= sizeof(std::uint32_t)) {
    const auto size = peal::load_be<std::uint32_t>(peal::as_bytes(rest).data());
    rest.remove_prefix(sizeof(std::uint32_t));
    std::cout << peal::http::reading_of(rest.substr(0, size)) << '\n';
    rest.remove_prefix(size);
  }
  return rest.empty() ? 0 : 1;
}
