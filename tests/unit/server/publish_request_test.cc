// SPDX-License-Identifier: Apache-2.0
#include "server/publish_request.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace peal::server {
namespace {

using Form = PublishForm;

std::expected<Form, int> form_of(const std::vector<http::Header>& headers) {
  http::Request request;
  request.headers = headers;
  const auto form = publish_form(request);
  if (!form) return std::unexpected(form.error().status);
  return *form;
}

TEST_CASE("publish_form: what Content-Type says") {
  CHECK(form_of({}) == Form::text);
  CHECK(form_of({{"content-type", "application/octet-stream"}}) == Form::binary);
  CHECK(form_of({{"Content-Type", "APPLICATION/Octet-Stream; charset=latin1"}}) == Form::binary);
  CHECK(form_of({{"Content-Type", "application/x-ndjson"}}) == Form::batch);
  CHECK(form_of({{"Content-Type", "Application/X-NDJSON; Charset=\"UTF-8\""}}) == Form::batch);
  for (const std::string_view text :
       {"text/plain", "application/json", "application/x-www-form-urlencoded",
        "text/plain;charset=utf-8", "text/html; charset=US-ASCII", "application/octet-streams"})
    CHECK_MESSAGE(form_of({{"Content-Type", text}}) == Form::text, text);
}

TEST_CASE("publish_form: what cannot be read is refused") {
  CHECK(form_of({{"Content-Type", "text"}}).error() == 400);
  CHECK(form_of({{"Content-Type", ""}}).error() == 400);
  CHECK(form_of({{"Content-Type", "text/plain; charset=iso-8859-1"}}).error() == 415);
  CHECK(form_of({{"Content-Type", "application/x-ndjson; charset=utf-16"}}).error() == 415);
  CHECK(form_of({{"Content-Encoding", "gzip"}}).error() == 415);
  CHECK(form_of({{"Content-Encoding", "identity"}, {"Content-Encoding", "br"}}).error() == 415);
  CHECK(form_of({{"Content-Encoding", "Identity"}}) == Form::text);
}

TEST_CASE("has_length: of whatever kind, and be it 0") {
  http::Request request;
  CHECK_FALSE(has_length(request));
  request.chunked = true;
  CHECK(has_length(request));
  request.chunked = false;
  request.content_length = 7;
  CHECK(has_length(request));
  request.content_length = 0;
  const http::Header empty{"content-length", "0"};
  request.headers = {&empty, 1};
  CHECK(has_length(request));
}

TEST_CASE("utf8_mistake: the first octet that spoils it") {
  const auto at = [](std::string_view text) { return utf8_mistake(as_bytes(text)); };
  CHECK(at("") == std::nullopt);
  CHECK(at("gr\xc3\xbc\xc3\x9f dich") == std::nullopt);
  CHECK(at("ab\xff"
           "cd") == 2);
  CHECK(at("\xc3(") == 1);
  CHECK(at("a\xe2\x82") == 3);
  CHECK(at("\xed\xa0\x80") == 1);
  CHECK(at(std::string(1000, 'x') + "\xc0\xaf") == 1000);
}

}  // namespace
}  // namespace peal::server
