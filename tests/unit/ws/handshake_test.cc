// SPDX-License-Identifier: Apache-2.0
#include "core/ws/handshake.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/http/requests.h"

namespace peal::ws::handshake_test {
namespace {

using http::test::Parsed;

// The example of RFC 6455 section 1.3.
constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A right request; each line can be left out by changing it.
struct Lines {
  std::string request = "GET /chat HTTP/1.1\r\n";
  std::string host = "Host: a.example\r\n";
  std::string upgrade = "Upgrade: websocket\r\n";
  std::string connection = "Connection: Upgrade\r\n";
  std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  std::string version = "Sec-WebSocket-Version: 13\r\n";
  std::string more{};

  std::string text() const {
    return request + host + upgrade + connection + key + version + more + "\r\n";
  }
};

/// 0 when the handshake is right, else the status of the refusal.
int status_of(const Lines& lines) {
  const Parsed parsed(lines.text());
  REQUIRE(parsed.accepted());
  const auto checked = check_upgrade(parsed.request());
  return checked ? 0 : checked.error().status;
}

int status_of_key(const std::string& key) {
  return status_of({.key = "Sec-WebSocket-Key: " + key + "\r\n"});
}

/// The name chosen, or "400".
std::string choose(std::string_view offers, const std::vector<std::string>& ours) {
  const Parsed parsed(Lines{.more = std::string(offers)}.text());
  REQUIRE(parsed.accepted());
  const auto chosen = choose_subprotocol(parsed.request(), ours);
  return chosen ? std::string(*chosen) : std::to_string(chosen.error().status);
}

std::string accept_text(const UpgradeRequest& request, std::string_view subprotocol) {
  std::array<std::byte, 512> memory;
  return std::string(as_text(memory).substr(0, write_accept(memory, request, subprotocol)));
}

TEST_CASE("check_upgrade: a right request gives its key") {
  const Parsed parsed(Lines{}.text());
  REQUIRE(parsed.accepted());
  const auto checked = check_upgrade(parsed.request());
  REQUIRE(checked);
  CHECK(checked->key == kKey);
}

TEST_CASE("check_upgrade: lists and letters of any case") {
  CHECK(status_of({.upgrade = "upgrade: h2c, WebSocket\r\n"}) == 0);
  CHECK(status_of({.connection = "connection: keep-alive, upgrade\r\n"}) == 0);
  CHECK(status_of({.connection = "Connection: keep-alive\r\nConnection: UPGRADE\r\n"}) == 0);
}

TEST_CASE("check_upgrade: only GET, and Allow says so") {
  const Parsed parsed(Lines{.request = "POST / HTTP/1.1\r\n"}.text());
  const auto checked = check_upgrade(parsed.request());
  REQUIRE_FALSE(checked);
  CHECK(checked.error().status == 405);
  REQUIRE(checked.error().headers.size() == 1);
  CHECK(checked.error().headers[0].name == "Allow");
  CHECK(checked.error().headers[0].value == "GET");
}

TEST_CASE("check_upgrade: 426 names what is spoken here") {
  const Parsed parsed(Lines{.upgrade = "", .connection = ""}.text());
  CHECK_FALSE(wants_upgrade(parsed.request()));
  const auto checked = check_upgrade(parsed.request());
  REQUIRE_FALSE(checked);
  CHECK(checked.error().status == 426);
  std::string fields;
  for (const http::Header& field : checked.error().headers)
    fields.append(field.name).append("=").append(field.value).append(" ");
  CHECK(fields == "Upgrade=websocket Connection=Upgrade Sec-WebSocket-Version=13 ");
}

TEST_CASE("check_upgrade: the request must ask for a WebSocket of version 13") {
  CHECK(status_of({.request = "GET / HTTP/1.0\r\n"}) == 426);
  CHECK(status_of({.upgrade = "Upgrade: h2c\r\n"}) == 426);
  CHECK(status_of({.upgrade = "Upgrade: websocket/13\r\n"}) == 426);
  CHECK(status_of({.connection = "Connection: keep-alive\r\n"}) == 400);
  CHECK(status_of({.connection = ""}) == 400);
  CHECK(status_of({.version = ""}) == 426);
  CHECK(status_of({.version = "Sec-WebSocket-Version: 8\r\n"}) == 426);
  CHECK(status_of({.version = "Sec-WebSocket-Version: 013\r\n"}) == 426);
  CHECK(status_of({.version = "Sec-WebSocket-Version: 13, 8\r\n"}) == 426);
  CHECK(status_of({.more = "Sec-WebSocket-Version: 13\r\n"}) == 426);
}

TEST_CASE("check_upgrade: the key is the canonical base64 of 16 bytes, once") {
  CHECK(status_of({.key = ""}) == 400);
  CHECK(status_of({.more = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"}) == 400);
  CHECK(status_of_key("AAAAAAAAAAAAAAAAAAAAAA==") == 0);
  CHECK(status_of_key("+/+/+/+/+/+/+/+/+/+/+w==") == 0);
  CHECK(status_of_key("") == 400);
  CHECK(status_of_key("AAAAAAAAAAAAAAAAAAAAAB==") == 400);  // bits beyond the 16th byte
  CHECK(status_of_key("AAAAAAAAAAAAAAAAAAAAAA") == 400);
  CHECK(status_of_key("AAAAAAAAAAAAAAAAAAAAAA=A") == 400);
  CHECK(status_of_key("AAAAAAAAAAAAAAAAAAAAA===") == 400);
  CHECK(status_of_key("AAAAAAAAAAAAAAAAAAAAAAA=") == 400);
  CHECK(status_of_key("AAAAAAAAAAAAAAAAAAAA-A==") == 400);
  CHECK(status_of_key("AAAAAAAAAAAAAAAAAAAAAAAAAA==") == 400);
}

TEST_CASE("check_upgrade: no body") {
  CHECK(status_of({.more = "Content-Length: 0\r\n"}) == 0);
  CHECK(status_of({.more = "Content-Length: 1\r\n"}) == 400);
  CHECK(status_of({.more = "Transfer-Encoding: chunked\r\n"}) == 400);
}

TEST_CASE("RFC 9110 section 7.8: no 101 where 100 (Continue) is expected first") {
  CHECK(status_of({.more = "Expect: 100-continue\r\n"}) == 417);
}

TEST_CASE("choose_subprotocol: ours in order of preference") {
  const std::vector<std::string> ours = {"peal.v1", "chat"};
  CHECK(choose("Sec-WebSocket-Protocol: chat, peal.v1\r\n", ours) == "peal.v1");
  CHECK(choose("Sec-WebSocket-Protocol: x\r\nSec-WebSocket-Protocol: y, chat\r\n", ours) == "chat");
  CHECK(choose("Sec-WebSocket-Protocol: Chat\r\n", ours) == "");
  CHECK(choose("", ours) == "");
  CHECK(choose("Sec-WebSocket-Protocol: chat\r\n", {}) == "");
}

TEST_CASE("choose_subprotocol: malformed offers are refused") {
  CHECK(choose("Sec-WebSocket-Protocol: a b\r\n", {}) == "400");
  CHECK(choose("Sec-WebSocket-Protocol: a/b\r\n", {}) == "400");
  CHECK(choose("Sec-WebSocket-Protocol: chat, chat\r\n", {"chat"}) == "400");
  CHECK(choose("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n", {}) == "400");
  std::string many = "Sec-WebSocket-Protocol: n0";
  for (int i = 1; i < 64; ++i) many += ", n" + std::to_string(i);
  CHECK(choose(many + "\r\n", {"n63"}) == "n63");
  CHECK(choose(many + ", n64\r\n", {"n0"}) == "400");
}

TEST_CASE("accept_key: the example of RFC 6455") {
  const AcceptKey accept = accept_key(kKey);
  CHECK(std::string_view(accept.data(), accept.size()) == kAccept);
}

TEST_CASE("write_accept: the whole answer and nothing more") {
  CHECK(accept_text({kKey}, "") ==
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "\r\n");
  CHECK(accept_text({kKey}, "chat").ends_with("\r\nSec-WebSocket-Protocol: chat\r\n\r\n"));
  std::array<std::byte, 64> small;
  CHECK(write_accept(small, {kKey}, "") == 0);
}

TEST_CASE("write_client_request: is accepted, and its answer too") {
  std::array<std::byte, 16> random{};
  random[15] = std::byte{0xff};
  const Key key = make_key(random);
  const std::string_view key_text(key.data(), key.size());
  CHECK(key_text == "AAAAAAAAAAAAAAAAAAAA/w==");

  const http::Header origin[] = {{"Origin", "http://a.example"}};
  std::array<std::byte, 512> memory;
  const std::size_t size =
      write_client_request(memory, {"a.example", "/chat?x=1", key_text, "chat, other", origin});
  const Parsed parsed(as_text(memory).substr(0, size));
  REQUIRE(parsed.accepted());
  CHECK(parsed.request().target == "/chat?x=1");
  CHECK(parsed.request().header("Origin") == "http://a.example");
  const auto checked = check_upgrade(parsed.request());
  REQUIRE(checked);

  const std::string answer = accept_text(*checked, "chat");
  const std::string with_frame = answer + "\x81";
  const ServerAnswer accepted = check_server_answer(with_frame, key_text);
  CHECK(accepted.kind == ServerAnswer::Kind::accepted);
  CHECK(accepted.status == 101);
  CHECK(accepted.head_size == answer.size());
  CHECK(accepted.subprotocol == "chat");
  for (std::size_t cut = 0; cut < answer.size(); ++cut)
    CHECK(check_server_answer(answer.substr(0, cut), key_text).kind ==
          ServerAnswer::Kind::need_more);
}

TEST_CASE("write_client_request: nothing that would break the head") {
  std::array<std::byte, 512> memory;
  CHECK(write_client_request(memory, {"a", "/a b", kKey}) == 0);
  CHECK(write_client_request(memory, {"a", "/a\r\n", kKey}) == 0);
  CHECK(write_client_request(memory, {"a\r\nX: y", "/", kKey}) == 0);
  const std::size_t size = write_client_request(memory, {"a", "/", kKey});
  REQUIRE(size > 0);
  for (std::size_t room = 0; room < size; ++room)
    CHECK(write_client_request(std::span(memory).first(room), {"a", "/", kKey}) == 0);
}

TEST_CASE("check_server_answer: refusals") {
  const auto check = [](std::string_view text) { return check_server_answer(text, kKey); };
  using Kind = ServerAnswer::Kind;
  const std::string right = accept_text({kKey}, "");
  CHECK(check(right).kind == Kind::accepted);
  const ServerAnswer other = check_server_answer(right, "AAAAAAAAAAAAAAAAAAAAAA==");
  CHECK(other.kind == Kind::refused);
  CHECK(std::string_view(other.flaw).contains("Accept does not"));

  const ServerAnswer forbidden = check("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
  CHECK(forbidden.kind == Kind::refused);
  CHECK(forbidden.status == 403);
  const ServerAnswer nonsense = check("SSH-2.0\r\n\r\n");
  CHECK(nonsense.kind == Kind::refused);
  CHECK(nonsense.status == 0);

  for (const char* field : {"Upgrade: websocket\r\n", "Connection: Upgrade\r\n"}) {
    std::string without = right;
    without.erase(without.find(field), std::string_view(field).size());
    const ServerAnswer answer = check(without);
    CHECK(answer.kind == Kind::refused);
    CHECK(std::string_view(answer.flaw).starts_with(std::string_view(field).substr(0, 7)));
  }
  CHECK(check(std::string(16 << 10, 'x')).kind == Kind::refused);
}

}  // namespace
}  // namespace peal::ws::handshake_test
