// SPDX-License-Identifier: Apache-2.0
#include "core/http/request_parser.h"

#include <algorithm>
#include <cstring>
#include <expected>
#include <limits>

#include "core/base/check.h"
#include "core/http/target.h"

namespace peal::http {
namespace {

enum CharClass : std::uint8_t {
  kToken = 1,   // RFC 9110 section 5.6.2
  kTarget = 2,  // see the header
  kValue = 4,   // field-content (RFC 9110 section 5.5): visible, SP, HTAB, obs-text
};

constexpr std::uint32_t kMaxScanned = (1u << 31) - 1;

constexpr auto kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (int octet = 0; octet < 256; ++octet) {
    const char c = static_cast<char>(octet);
    const bool visible = octet > 0x20 && octet < 0x7f;
    unsigned bits = 0;
    if (ascii::is_token_char(c)) bits |= kToken;
    if (visible && c != '"' && c != '#' && c != '<' && c != '>') bits |= kTarget;
    if (visible || octet >= 0x80 || c == ' ' || c == '\t') bits |= kValue;
    classes[static_cast<std::size_t>(octet)] = static_cast<std::uint8_t>(bits);
  }
  return classes;
}();

/// Fields that may be there once.
enum Singleton : unsigned {
  kHost = 1,
  kOrigin = 2,
  kContentType = 4,
  kAuthorization = 8,
  kContentLength = 16,
  kTransferEncoding = 32,
};

bool is(char c, CharClass wanted) {
  return kClasses[static_cast<unsigned char>(c)] & wanted;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

std::unexpected<Failure> refuse(int status, std::string_view reason) {
  return std::unexpected(Failure{status, reason});
}

/// Looks at the first octets alone, so that what is no HTTP is not waited for.
std::expected<void, Failure> check_method(std::string_view input) {
  std::size_t length = 0;
  while (length < input.size() && is(input[length], kToken))
    if (++length > kMaxMethodLength) return refuse(501, "the method is not known");
  if (length == input.size()) return {};
  if (length == 0 || input[length] != ' ')
    return refuse(400, "the request does not begin with a method");
  return {};
}

/// RFC 9110 section 9.1 and RFC 5789: a method that nobody has heard of is 501, by every route.
bool is_known_method(std::string_view method) {
  switch (method.size()) {
    case 3:
      return method == "GET" || method == "PUT";
    case 4:
      return method == "HEAD" || method == "POST";
    case 5:
      return method == "PATCH" || method == "TRACE";
    case 6:
      return method == "DELETE";
    case 7:
      return method == "OPTIONS" || method == "CONNECT";
    default:
      return false;
  }
}

/// The size of the head, 0 while its end is not there. Decides by the first offence in the order of
/// the octets, which is why the outcome does not depend on how they are cut.
std::expected<std::size_t, Failure> find_end(std::string_view input, HeadScan& scan,
                                             std::size_t start) {
  if (auto method = check_method(input.substr(start)); !method)
    return std::unexpected(method.error());
  std::size_t at = std::max<std::size_t>(scan.scanned, start);
  while (const void* found = std::memchr(input.data() + at, '\n', input.size() - at)) {
    at = static_cast<std::size_t>(static_cast<const char*>(found) - input.data());
    if (input[at - 1] != '\r') return refuse(400, "a line ends without a carriage return");
    ++at;
    if (input[at - 3] == '\n') return at;
  }
  scan.scanned = static_cast<std::uint32_t>(input.size()) & kMaxScanned;
  return 0;
}

/// Reads a whole head of which find_end() has said: it ends with an empty line, and each line feed
/// follows a carriage return. So every loop over a class of characters stops at a line's end.
class HeadReader {
 public:
  using Step = std::expected<void, Failure>;

  HeadReader(std::string_view head, std::size_t start, Request& request,
             std::array<Header, kMaxHeaders>& headers)
      : head_(head), at_(start), request_(request), headers_(headers) {
    request_ = Request{};
    request_.head_size = head.size();
  }

  Step read() {
    if (Step line = read_request_line(); !line) return line;
    std::size_t count = 0;
    while (at_ + 2 < head_.size()) {
      if (count == kMaxHeaders) return refuse(431, "there are too many header fields");
      Header& field = headers_[count++];
      if (Step step = read_field(field); !step) return step;
      if (Step step = note_field(field); !step) return step;
    }
    request_.headers = std::span(headers_.data(), count);
    if (Step step = settle_host(); !step) return step;
    return settle_body();
  }

 private:
  std::string_view take(CharClass wanted) {
    const std::size_t from = at_;
    while (is(head_[at_], wanted)) ++at_;
    return head_.substr(from, at_ - from);
  }

  bool take_line_end() {
    if (head_[at_] != '\r' || head_[at_ + 1] != '\n') return false;
    at_ += 2;
    return true;
  }

  Step read_request_line() {
    request_.method = take(kToken);
    ++at_;  // the space that check_method() has seen
    request_.target = take(kTarget);
    if (head_[at_] == '\r' && head_[at_ + 1] == '\n')
      return refuse(400, "the request line has no HTTP version");
    if (head_[at_] != ' ')
      return refuse(400, "the request target holds a character that must be percent-encoded");
    ++at_;
    if (Step step = read_version(); !step) return step;
    if (!is_known_method(request_.method)) return refuse(501, "the method is not known");
    if (request_.method == "CONNECT") return refuse(501, "this server is not a proxy");
    return split_target();
  }

  Step read_version() {
    constexpr std::string_view kName = "HTTP/";
    const std::string_view rest = head_.substr(at_);
    if (!rest.starts_with(kName) || !ascii::is_digit(rest[5]) || rest[6] != '.' ||
        !ascii::is_digit(rest[7]))
      return refuse(400, "the request line does not end with an HTTP version");
    if (rest[5] != '1' || rest[7] > '1')
      return refuse(505, "only HTTP/1.1 and 1.0 are spoken here");
    request_.minor_version = rest[7] - '0';
    at_ += kName.size() + 3;
    if (!take_line_end()) return refuse(400, "something follows the HTTP version");
    return {};
  }

  /// RFC 9112 section 3.2.
  Step split_target() {
    std::string_view rest = request_.target;
    const bool options = request_.method == "OPTIONS";
    if (rest == "*" && !options) return refuse(400, "the target * is for OPTIONS only");
    if (!rest.starts_with('/') && rest != "*") {
      if (Step step = take_authority(rest); !step) return step;
      // Section 3.2.4: this is how OPTIONS * looks on its way through proxies.
      if (rest.empty() && options) rest = "*";
    }
    const auto question = rest.find('?');
    request_.path = question == 0 || rest.empty() ? "/" : rest.substr(0, question);
    if (question != std::string_view::npos) request_.query = rest.substr(question + 1);
    // Elsewhere it may separate segments, as "/" does. Queries have it from browsers.
    if (request_.path.find('\\') != std::string_view::npos)
      return refuse(400, "the path holds a backslash");
    return {};
  }

  /// Takes scheme and authority off the absolute form.
  Step take_authority(std::string_view& rest) {
    const auto scheme_end = rest.find("://");
    request_.scheme = rest.substr(0, scheme_end);
    if (scheme_end == std::string_view::npos ||
        !(ascii::equal_ignoring_case(request_.scheme, "http") ||
          ascii::equal_ignoring_case(request_.scheme, "https")))
      return refuse(400, "the request target is neither a path nor an http URL");
    rest.remove_prefix(scheme_end + 3);
    request_.host = rest.substr(0, rest.find_first_of("/?"));
    if (!parse_authority(request_.host)) return refuse(400, "the target names no valid host");
    rest.remove_prefix(request_.host.size());
    return {};
  }

  Step read_field(Header& field) {
    if (is_blank(head_[at_])) return refuse(400, "a header field is folded");
    field.name = take(kToken);
    if (is_blank(head_[at_])) return refuse(400, "white space precedes the colon of a field");
    if (field.name.empty() || head_[at_] != ':')
      return refuse(400, "the name of a header field is not valid");
    ++at_;
    padded_value_ = take(kValue);
    field.value = ascii::trim(padded_value_);
    if (!take_line_end()) return refuse(400, "a header field holds a control character");
    return {};
  }

  /// Remembers the fields that the message itself depends on, and those of which somebody else
  /// might take another one than we do.
  Step note_field(const Header& field) {
    const auto named = [&](std::string_view name) {
      return ascii::equal_ignoring_case(field.name, name);
    };
    switch (field.name.size()) {
      case 4:
        if (named("Host")) return note_host(field.value);
        break;
      case 6:
        if (named("Expect")) return note_expect(field.value);
        if (named("Origin")) return note_once(kOrigin, "there are several Origin fields");
        break;
      case 10:
        if (named("Connection")) return note_connection(field.value);
        break;
      case 12:
        if (named("Content-Type"))
          return note_once(kContentType, "there are several Content-Type fields");
        break;
      case 13:
        if (named("Authorization"))
          return note_once(kAuthorization, "there are several Authorization fields");
        break;
      case 14:
        if (named("Content-Length")) return note_content_length(field.value);
        break;
      case 17:
        if (named("Transfer-Encoding")) return note_transfer_encoding(field.value);
        break;
    }
    return {};
  }

  /// `field`: one of Singleton.
  Step note_once(unsigned field, std::string_view reason) {
    if (seen_ & field) return refuse(400, reason);
    seen_ |= field;
    return {};
  }

  Step note_host(std::string_view value) {
    if (Step step = note_once(kHost, "there are several Host fields"); !step) return step;
    host_ = value;
    if (!parse_authority(value)) return refuse(400, "the Host field is not valid");
    return {};
  }

  /// RFC 9110 section 10.1.1; HTTP/1.0 has no expectations.
  Step note_expect(std::string_view value) {
    if (request_.minor_version == 0) return {};
    bool met = true;
    ascii::for_each_list_element(value, [&](std::string_view expectation) {
      met = met && ascii::equal_ignoring_case(expectation, "100-continue");
      request_.expects_continue = true;
    });
    if (!met) return refuse(417, "the only expectation met here is 100-continue");
    return {};
  }

  Step note_connection(std::string_view value) {
    ascii::for_each_list_element(value, [this](std::string_view option) {
      close_ = close_ || ascii::equal_ignoring_case(option, "close");
      persist_ = persist_ || ascii::equal_ignoring_case(option, "keep-alive");
    });
    return {};
  }

  Step note_content_length(std::string_view value) {
    if (Step step = note_once(kContentLength, "there are several Content-Length fields"); !step)
      return step;
    const auto length = ascii::parse_decimal(value);
    // Beyond it, others overflow.
    if (!length || *length > std::numeric_limits<std::int64_t>::max() || is_tabbed())
      return refuse(400, "the Content-Length field is not valid");
    request_.content_length = *length;
    return {};
  }

  Step note_transfer_encoding(std::string_view value) {
    if (request_.minor_version == 0) return refuse(400, "HTTP/1.0 has no Transfer-Encoding");
    if (Step step = note_once(kTransferEncoding, "there are several Transfer-Encoding fields");
        !step)
      return step;
    if (!ascii::equal_ignoring_case(value, "chunked")) return refuse_codings(value);
    if (is_tabbed()) return refuse(400, "a tab is beside the transfer coding");
    request_.chunked = true;
    return {};
  }

  /// Right by RFC 9110 section 5.6.3, but to llhttp "chunked\t" is another coding.
  bool is_tabbed() const { return padded_value_.find('\t') != std::string_view::npos; }

  /// RFC 9112 sections 6.1 and 6.3: a body with an end is not understood, one without is wrong.
  Step refuse_codings(std::string_view list) {
    int chunked = 0;
    bool last = false;
    ascii::for_each_list_element(list, [&](std::string_view coding) {
      last = ascii::equal_ignoring_case(coding, "chunked");
      chunked += last;
    });
    if (chunked == 1 && last) return refuse(501, "the only transfer coding read here is chunked");
    return refuse(400, "the transfer codings do not end with chunked, once");
  }

  /// RFC 9112 section 3.2: exactly one Host; the absolute form must agree with it.
  Step settle_host() {
    const bool has_host = seen_ & kHost;
    if (!has_host && request_.minor_version == 1) return refuse(400, "the Host field is missing");
    const bool absolute = !request_.host.empty();
    if (absolute && has_host && !ascii::equal_ignoring_case(request_.host, host_))
      return refuse(400, "the request target and the Host field name different hosts");
    if (!absolute) request_.host = host_;
    return {};
  }

  /// RFC 9112 sections 6.3 and 9.3. Both fields at once are how requests are smuggled.
  Step settle_body() {
    if ((seen_ & kContentLength) && request_.chunked)
      return refuse(400, "both Content-Length and Transfer-Encoding are given");
    request_.keep_alive = !close_ && (persist_ || request_.minor_version == 1);
    return {};
  }

  std::string_view head_;
  std::size_t at_;
  Request& request_;
  std::array<Header, kMaxHeaders>& headers_;
  std::string_view host_;          // the value of the Host field
  std::string_view padded_value_;  // of the last field, with the white space around it
  unsigned seen_ = 0;              // of Singleton
  bool close_ = false;
  bool persist_ = false;
};

}  // namespace

RequestParser::Outcome RequestParser::parse(std::string_view input, HeadScan& scan,
                                            std::size_t header_limit) {
  PEAL_DCHECK(header_limit <= kMaxScanned);
  const bool full = input.size() >= header_limit;
  input = input.substr(0, header_limit);
  if (!full && (input.empty() || (input == "\r" && !scan.dropped))) return Outcome::need_more;

  const std::size_t start = !scan.dropped && input.starts_with("\r\n") ? 2 : 0;
  const auto fail = [&](const Failure& failure) {
    failure_ = failure;
    failure_.head_only = input.substr(start).starts_with("HEAD ");
    return Outcome::failure;
  };
  const auto end = find_end(input, scan, start);
  if (!end) return fail(end.error());
  if (*end == 0) {
    if (!full) return Outcome::need_more;
    const bool one_line = input.find('\n', start) == std::string_view::npos;
    return fail(one_line ? Failure{414, "the request target is too long"}
                         : Failure{431, "the header fields are too large"});
  }
  const auto step = HeadReader(input.substr(0, *end), start, request_, headers_).read();
  if (!step) return fail(step.error());
  scan = {};
  return Outcome::request;
}

}  // namespace peal::http
