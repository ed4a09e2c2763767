// SPDX-License-Identifier: Apache-2.0
#include "core/http/response.h"

#include <doctest/doctest.h>

#include <array>
#include <string>

namespace peal::http {
namespace {

constexpr std::int64_t kNow = 784'111'777;

struct Page {
  std::array<std::byte, 512> memory{};
  std::string text(std::size_t size) const { return std::string(as_text(memory).substr(0, size)); }
};

TEST_CASE("ResponseWriter: a response, line by line") {
  Page page;
  ResponseWriter writer(page.memory);
  writer.status_line(200);
  writer.date(kNow);
  writer.header("Content-Length", 2);
  writer.header("X-Tab", "a\tb");
  writer.connection(true);
  writer.end();
  writer.body("ok");
  CHECK(page.text(writer.size()) ==
        "HTTP/1.1 200 OK\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Length: 2\r\n"
        "X-Tab: a\tb\r\n"
        "\r\n"
        "ok");
}

TEST_CASE("ResponseWriter: Connection says what the version does not") {
  const auto field = [](bool keep_alive, int minor_version) {
    Page page;
    ResponseWriter writer(page.memory);
    writer.connection(keep_alive, minor_version);
    return page.text(writer.size());
  };
  CHECK(field(true, 1) == "");
  CHECK(field(false, 1) == "Connection: close\r\n");
  CHECK(field(true, 0) == "Connection: keep-alive\r\n");
  CHECK(field(false, 0) == "Connection: close\r\n");
}

TEST_CASE("ResponseWriter: a field that would break the head spoils the response") {
  const auto size_with = [](std::string_view name, std::string_view value) {
    Page page;
    ResponseWriter writer(page.memory);
    writer.status_line(200);
    writer.header(name, value);
    writer.end();
    return writer.size();
  };
  CHECK(size_with("Location", "/a") > 0);
  CHECK(size_with("Location", "/a\r\nSet-Cookie: x") == 0);
  CHECK(size_with("Location", "/a\n") == 0);
  CHECK(size_with("Location", std::string_view("a\0", 2)) == 0);
  CHECK(size_with("Loca tion", "/a") == 0);
  CHECK(size_with("", "/a") == 0);
}

TEST_CASE("ResponseWriter: nothing is written past the end") {
  const TextResponse response{.status = 404, .text = "there is nothing here", .now = kNow};
  Page page;
  const std::size_t size = write_text_response(page.memory, response);
  REQUIRE(size > 0);
  for (std::size_t room = 0; room <= size; ++room) {
    std::string memory(size + 1, '#');
    const auto out = std::as_writable_bytes(std::span(memory)).first(room);
    CHECK(write_text_response(out, response) == (room == size ? size : 0));
    CHECK(memory.find_first_not_of('#', room) == std::string::npos);
  }
}

TEST_CASE("write_text_response: a whole answer") {
  Page page;
  const Header allow[] = {{"Allow", "GET"}};
  TextResponse response{
      .status = 405, .text = "only GET", .headers = allow, .now = kNow, .keep_alive = true};
  const std::string head =
      "HTTP/1.1 405 Method Not Allowed\r\n"
      "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "Allow: GET\r\n"
      "Content-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: 9\r\n"
      "\r\n";
  CHECK(page.text(write_text_response(page.memory, response)) == head + "only GET\n");
  response.head_only = true;
  CHECK(page.text(write_text_response(page.memory, response)) == head);
}

TEST_CASE("error_response: closes the connection") {
  Page page;
  const std::string text = page.text(error_response(page.memory, {431, "too large"}, kNow));
  CHECK(text.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  CHECK(text.find("\r\nConnection: close\r\n") != std::string::npos);
  CHECK(text.ends_with("\r\n\r\ntoo large\n"));
  const std::string head = page.text(
      error_response(page.memory, {.status = 431, .reason = "too large", .head_only = true}, kNow));
  CHECK(head.ends_with("\r\nContent-Length: 10\r\nConnection: close\r\n\r\n"));
  const std::array<Header, 1> more{{{"Vary", "Origin"}}};
  CHECK(page.text(error_response(page.memory, {431, "too large"}, kNow, more))
            .find("\r\nVary: Origin\r\n") != std::string::npos);
}

TEST_CASE("reason_phrase: empty for what is not sent here") {
  CHECK(reason_phrase(426) == "Upgrade Required");
  CHECK(reason_phrase(418) == "");
}

}  // namespace
}  // namespace peal::http
