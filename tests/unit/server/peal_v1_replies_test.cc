// SPDX-License-Identifier: Apache-2.0
#include "server/peal_v1_replies.h"

#include <doctest/doctest.h>

namespace peal::server {
namespace {

TEST_CASE("peal.v1 replies: one of each, with and without what may be missing") {
  std::string out = "what was there before";
  write_subscribed(out, "a/b", hub::MessageId{255, 7}, 3);
  CHECK(out == R"({"subscribed":"a/b","next":"00000000000000ff-7","ref":3})");
  write_subscribed(out, "a/**", {}, {});
  CHECK(out == R"({"subscribed":"a/**"})");
  write_gap(out, "a", hub::MessageId{1, 0});
  CHECK(out == R"({"gap":true,"topic":"a","next":"0000000000000001-0"})");
  write_unsubscribed(out, "a", 0);
  CHECK(out == R"({"unsubscribed":"a","ref":0})");
  write_published(out, "a", {1, 18446744073709551615u}, 4294967295u, 2147483647u);
  CHECK(out == R"({"published":"a","id":"0000000000000001-18446744073709551615",)"
               R"("subscribers":4294967295,"ref":2147483647})");
  write_error(out, "bad_command", "it is wrong", {});
  CHECK(out == R"({"error":"bad_command","message":"it is wrong"})");
}

TEST_CASE("peal.v1 replies: what a client brings is escaped") {
  std::string out;
  write_error(out, "bad_command", "no command has \"\n\"", 1);
  CHECK(out == R"({"error":"bad_command","message":"no command has \"\n\"","ref":1})");
  write_unsubscribed(out, "\"\\\x1f\xc3\xbc", {});
  CHECK(out == "{\"unsubscribed\":\"\\\"\\\\\\u001f\xc3\xbc\"}");
}

}  // namespace
}  // namespace peal::server
