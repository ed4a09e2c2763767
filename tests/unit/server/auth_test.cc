// SPDX-License-Identifier: Apache-2.0
#include "server/auth.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace peal::server {
namespace {

/// What a request with these Authorization fields gets.
Access check(const TokenSet& tokens, std::vector<std::string_view> fields) {
  std::vector<http::Header> headers;
  for (const std::string_view field : fields) headers.push_back({"authorization", field});
  http::Request request;
  request.headers = headers;
  return tokens.check(request);
}

TEST_CASE("TokenSet: one token a line, blank lines and comments aside") {
  const auto tokens =
      TokenSet::parse("# for the press\r\nfirst\r\n\n  \t\n\tsecond==  \n#third\nlast");
  REQUIRE(tokens);
  CHECK(tokens->size() == 3);
  for (const auto* shown : {"Bearer first", "bearer second==", "BEARER   last"})
    CHECK(check(*tokens, {shown}) == Access::granted);
  for (const auto* shown :
       {"Bearer #third", "Bearer third", "Bearer firs", "Bearer first2", "Bearer First",
        "Bearer first second==", "Bearer", "Bearer ", "Bearer # for the press"})
    CHECK(check(*tokens, {shown}) == Access::wrong_token);
}

TEST_CASE("TokenSet: no field and other schemes show no token") {
  const auto tokens = TokenSet::parse("first\n");
  CHECK(check(*tokens, {}) == Access::no_token);
  CHECK(check(*tokens, {""}) == Access::no_token);
  CHECK(check(*tokens, {"first"}) == Access::no_token);
  CHECK(check(*tokens, {"Basic Zmlyc3Q="}) == Access::no_token);
  CHECK(check(*tokens, {"Bearerfirst"}) == Access::no_token);
}

TEST_CASE("TokenSet: an empty file lets nobody in") {
  for (const auto* text : {"", "\n\n", "# nobody\n"}) {
    const auto tokens = TokenSet::parse(text);
    REQUIRE(tokens);
    CHECK(tokens->size() == 0);
    CHECK(check(*tokens, {"Bearer "}) == Access::wrong_token);
    CHECK(check(*tokens, {"Bearer # nobody"}) == Access::wrong_token);
  }
}

TEST_CASE("TokenSet: a line that is no token is named by its number, not by what it holds") {
  for (const auto* text : {"good\nse cret\n", "good\nse\tcret", "good\nsecr\xc3\xa9t\n"}) {
    const auto tokens = TokenSet::parse(text);
    REQUIRE_FALSE(tokens);
    CHECK(tokens.error().starts_with("line 2 "));
    CHECK(tokens.error().find("cret") == std::string::npos);
  }
}

TEST_CASE("TokenSet: what is no file of tokens is an error") {
  CHECK(TokenSet::read("/nowhere/tokens").error() == "No such file or directory");
  CHECK(TokenSet::read("/proc").error() == "Is a directory");
  CHECK_FALSE(TokenSet::read("/dev/zero"));
}

TEST_CASE("TokenStore: a view sees the tokens of now, while they are replaced") {
  TokenStore store(TokenSet::parse("0\n").value());
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      TokenView view(store);
      while (!stop) CHECK(view.get().size() == 1);
    });
  TokenView view(store);
  for (int i = 1; i <= 500; ++i) {
    const std::string token = std::to_string(i);
    store.replace(TokenSet::parse(token).value());
    CHECK(check(view.get(), {"Bearer " + token}) == Access::granted);
    CHECK(check(view.get(), {"Bearer 0"}) == Access::wrong_token);
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace peal::server
