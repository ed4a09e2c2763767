// SPDX-License-Identifier: Apache-2.0
#include "core/http/media_type.h"

#include <doctest/doctest.h>

namespace peal::http {
namespace {

TEST_CASE("parse_media_type: case does not matter, parameters are set aside") {
  for (const std::string_view text :
       {"application/octet-stream", "Application/OCTET-Stream", "  application/octet-stream\t",
        "application/octet-stream;a=b", "application/octet-stream ; a=b;\tc=\"d;e\"",
        "application/octet-stream;", "application/octet-stream; ;a=b;"}) {
    const auto media = parse_media_type(text);
    REQUIRE_MESSAGE(media, text);
    CHECK(media->is("application", "octet-stream"));
    CHECK_FALSE(media->is("application", "octet"));
    CHECK_FALSE(media->is("text", "octet-stream"));
    CHECK(media->charset.empty());
  }
}

TEST_CASE("parse_media_type: the charset") {
  CHECK(parse_media_type("text/plain;charset=utf-8")->charset == "utf-8");
  CHECK(parse_media_type("text/plain; x=y; CharSet=\"UTF-8\"")->charset == "UTF-8");
  CHECK(parse_media_type("text/plain;x=\"a\\\";charset=b\";charset=c")->charset == "c");
  CHECK(parse_media_type("text/plain;charset=a;charset=b")->charset == "a");
  CHECK(parse_media_type("text/plain;charsets=a")->charset.empty());
}

TEST_CASE("parse_media_type: malformed ones") {
  for (const std::string_view text : {"",
                                      "text",
                                      "text/",
                                      "/plain",
                                      "text /plain",
                                      "text/ plain",
                                      "text/plain x",
                                      "text/plain,x/y",
                                      "text/plain;a",
                                      "text/plain;a=",
                                      "text/plain;=b",
                                      "text/plain;a =b",
                                      "text/plain;a= b",
                                      "text/plain;a=\"b",
                                      "text/plain;a=\"b\\",
                                      "text/plain;a=\"b\"c",
                                      "text/pl\xc3\xa4in",
                                      "te@xt/plain",
                                      "text/plain;a=b c=d",
                                      "*/*;q=,"})
    CHECK_MESSAGE(!parse_media_type(text), text);
}

}  // namespace
}  // namespace peal::http
