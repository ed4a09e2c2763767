// SPDX-License-Identifier: Apache-2.0
#include "core/http/forwarded.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace peal::http::forwarded_test {
namespace {

/// "203.0.113.7 https, -": addresses and schemes, "-" for none, the nearest last.
std::string hops(std::vector<Header> fields, ForwardedField kind) {
  Request request;
  request.headers = fields;
  std::vector<ForwardedHop> read;
  read_forwarded(request, kind, read);
  std::string text;
  for (const ForwardedHop& hop : read) {
    if (!text.empty()) text += ", ";
    text += hop.client ? hop.client->text() : "-";
    if (!hop.scheme.empty()) text.append(" ").append(hop.scheme);
  }
  return text;
}

std::string forwarded(std::vector<std::string_view> lines) {
  std::vector<Header> fields;
  for (const std::string_view line : lines) fields.push_back({"forwarded", line});
  return hops(fields, ForwardedField::forwarded);
}

std::string x_forwarded(std::string_view list, std::string_view scheme = {}) {
  std::vector<Header> fields{{"X-Forwarded-For", list}};
  if (!scheme.empty()) fields.push_back({"X-Forwarded-Proto", scheme});
  return hops(fields, ForwardedField::x_forwarded_for);
}

TEST_CASE("X-Forwarded-For: addresses in all the forms that proxies write") {
  CHECK(x_forwarded("203.0.113.7") == "203.0.113.7");
  CHECK(x_forwarded("203.0.113.7:4711,2001:db8::1 , [2001:db8::2],[2001:db8::3]:80") ==
        "203.0.113.7, 2001:db8::1, 2001:db8::2, 2001:db8::3");
  CHECK(x_forwarded(", ,203.0.113.7,") == "203.0.113.7");
  CHECK(x_forwarded("") == "");
}

TEST_CASE("X-Forwarded-For: what is no address is none") {
  CHECK(x_forwarded("unknown, _hidden, 1.2.3, [::1, [::1]x, [1.2.3.4], example.com") ==
        "-, -, -, -, -, -, -");
}

TEST_CASE("X-Forwarded-For: several fields are one list") {
  CHECK(hops({{"X-Forwarded-For", "10.0.0.1"}, {"x-forwarded-for", "10.0.0.2, 10.0.0.3"}},
             ForwardedField::x_forwarded_for) == "10.0.0.1, 10.0.0.2, 10.0.0.3");
}

TEST_CASE("X-Forwarded-Proto: holds for the client, and no other value is a scheme") {
  CHECK(x_forwarded("10.0.0.1, 10.0.0.2", "https") == "10.0.0.1 https, 10.0.0.2 https");
  CHECK(x_forwarded("10.0.0.1", "HTTPS, http") == "10.0.0.1 HTTPS");
  CHECK(x_forwarded("10.0.0.1", "ws") == "10.0.0.1");
  CHECK(hops({{"X-Forwarded-Proto", "https"}}, ForwardedField::x_forwarded_for) == "- https");
}

TEST_CASE("X-Forwarded-For: Forwarded is not looked at, nor the other way round") {
  const std::vector<Header> both{{"Forwarded", "for=10.0.0.1"}, {"X-Forwarded-For", "10.0.0.2"}};
  CHECK(hops(both, ForwardedField::x_forwarded_for) == "10.0.0.2");
  CHECK(hops(both, ForwardedField::forwarded) == "10.0.0.1");
}

TEST_CASE("Forwarded: the examples of RFC 7239 section 4") {
  CHECK(forwarded({R"(for="_gazonk")"}) == "-");
  CHECK(forwarded({R"(For="[2001:db8:cafe::17]:4711")"}) == "2001:db8:cafe::17");
  CHECK(forwarded({"for=192.0.2.60;proto=http;by=203.0.113.43"}) == "192.0.2.60 http");
  CHECK(forwarded({"for=192.0.2.43, for=198.51.100.17"}) == "192.0.2.43, 198.51.100.17");
}

TEST_CASE("Forwarded: pairs in any order, empty ones, and white space around commas") {
  CHECK(forwarded({"proto=https;for=10.0.0.1;;x=y", " , for=10.0.0.2 ,"}) ==
        "10.0.0.1 https, 10.0.0.2");
  CHECK(forwarded({R"(for="10.0.0.1:80";host="a,b;c\"=d", for=10.0.0.2)"}) == "10.0.0.1, 10.0.0.2");
  CHECK(forwarded({"by=10.0.0.9"}) == "-");
}

TEST_CASE("Forwarded: what is malformed names nobody, and ends its field alone") {
  CHECK(forwarded({R"(for="10.0.0.1)", "for=10.0.0.2"}) == "-, 10.0.0.2");
  CHECK(forwarded({"for=10.0.0.1, for, for=10.0.0.2"}) == "10.0.0.1, -");
  CHECK(forwarded({"for=10.0.0.1, =x, for=10.0.0.2"}) == "10.0.0.1, -");
  CHECK(forwarded({"for=, for=10.0.0.2"}) == "-");
  CHECK(forwarded({R"(for="10.0.0.1\)"}) == "-");
  CHECK(forwarded({R"(for=")"}) == "-");
}

TEST_CASE("X-Forwarded-For and Forwarded: of very many the nearest are kept") {
  std::string list;
  std::string elements;
  for (int i = 0; i < 100; ++i) {
    list += ",10.0.0." + std::to_string(i);
    elements += ",for=10.0.0." + std::to_string(i);
  }
  for (const std::string& read : {x_forwarded(list), forwarded({elements})}) {
    CHECK(read.starts_with("10.0.0.36, "));
    CHECK(read.ends_with(", 10.0.0.99"));
  }
}

}  // namespace
}  // namespace peal::http::forwarded_test
