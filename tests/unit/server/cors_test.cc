// SPDX-License-Identifier: Apache-2.0
#include "server/cors.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace peal::server {
namespace {

std::string fields(Page page) {
  std::string text;
  const CorsFields cors(page, "https://a.example");
  for (const http::Header& field : cors.fields())
    text.append(field.name).append(": ").append(field.value).append("\n");
  return text;
}

Page judge(std::string_view origin, const std::vector<std::string>& list) {
  return judge_origin(origin, "https", "own.example", list);
}

TEST_CASE("CorsFields: who is listed by name gets credentials, anybody else \"*\"") {
  CHECK(fields(Page::listed) ==
        "Access-Control-Allow-Origin: https://a.example\n"
        "Access-Control-Allow-Credentials: true\n"
        "Vary: Origin\n"
        "Access-Control-Expose-Headers: Peal-Next\n");
  CHECK(fields(Page::any) ==
        "Access-Control-Allow-Origin: *\n"
        "Access-Control-Expose-Headers: Peal-Next\n");
  for (const Page page : {Page::none, Page::own, Page::foreign}) CHECK(fields(page).empty());
}

TEST_CASE("judge_origin: a name in the list counts more than a star beside it") {
  const std::vector<std::string> list{"*", "https://a.example"};
  CHECK(judge("", list) == Page::none);
  CHECK(judge("https://own.example", list) == Page::own);
  CHECK(judge("https://a.example", list) == Page::listed);
  CHECK(judge("https://b.example", list) == Page::any);
  CHECK(judge("null", list) == Page::any);
  CHECK(judge("https://b.example", {"https://*.b.example"}) == Page::foreign);
  CHECK(judge("https://a.b.example", {"https://*.b.example"}) == Page::listed);
}

TEST_CASE("judge_origin: a name that is longer than any is nobody's") {
  const std::string origin = "https://" + std::string(600, 'a') + ".b.example";
  CHECK(judge(origin, {"https://*.b.example"}) == Page::foreign);
}

TEST_CASE("is_preflight: OPTIONS of a page that names a method") {
  std::vector<http::Header> headers{{"Origin", "https://a.example"},
                                    {"Access-Control-Request-Method", "GET"}};
  http::Request request;
  request.method = "OPTIONS";
  request.headers = headers;
  CHECK(is_preflight(request));
  request.method = "GET";
  CHECK_FALSE(is_preflight(request));
  request.method = "OPTIONS";
  for (const auto& header : headers) {
    request.headers = {&header, 1};
    CHECK_FALSE(is_preflight(request));
  }
}

}  // namespace
}  // namespace peal::server
