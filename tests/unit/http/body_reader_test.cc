// SPDX-License-Identifier: Apache-2.0
#include "core/http/body_reader.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "tests/unit/http/bodies.h"

namespace peal::http {
namespace {

using test::read_body;
using test::ReadBody;

constexpr std::uint64_t kLimit = 1000;

BodyReader sized(std::uint64_t length, std::uint64_t limit = kLimit) {
  Request request;
  request.content_length = length;
  return {request, limit};
}

BodyReader chunked(std::uint64_t limit = kLimit) {
  Request request;
  request.chunked = true;
  return {request, limit};
}

ReadBody read_chunked(std::string_view text) {
  return read_body(chunked(), text);
}

/// 0 unless refused.
int status_of(std::string_view text) {
  return read_chunked(text).status;
}

TEST_CASE("BodyReader: a request without a body is done at once") {
  CHECK(read_body(BodyReader(), "next").done());
  CHECK(read_body(sized(0), "next").done());
  CHECK(read_body(sized(0), "next").consumed == 0);
}

TEST_CASE("BodyReader: a Content-Length counts octets, and what follows is left alone") {
  const ReadBody read = read_body(sized(5), "helloGET /");
  CHECK(read.done());
  CHECK(read.payload == "hello");
  CHECK(read.consumed == 5);
  CHECK(read_body(sized(5), "hell").outcome == BodyReader::Outcome::need_more);
}

TEST_CASE("BodyReader: a Content-Length above the limit is refused before a single octet") {
  CHECK(read_body(sized(kLimit), std::string(kLimit, 'x')).done());
  CHECK(read_body(sized(kLimit + 1), "").status == 413);
}

TEST_CASE("BodyReader: chunks are put together") {
  const ReadBody read = read_chunked("5\r\nhello\r\n001\r\n \r\nA\r\n0123456789\r\n0\r\n\r\nGET");
  CHECK(read.done());
  CHECK(read.payload == "hello 0123456789");
  CHECK(read.consumed ==
        std::string_view("5\r\nhello\r\n001\r\n \r\nA\r\n0123456789\r\n0\r\n\r\n").size());
  CHECK(read_chunked("0\r\n\r\n").done());
}

TEST_CASE("BodyReader: chunks above the limit together are refused") {
  const std::string half = "1F4\r\n" + std::string(500, 'x') + "\r\n";
  CHECK(read_chunked(half + half + "0\r\n\r\n").payload.size() == 1000);
  CHECK(read_chunked(half + half + "0\r\n\r\n").done());
  CHECK(status_of(half + half + "1\r\n") == 413);
  CHECK(status_of("3E9\r\n") == 413);
  CHECK(status_of("FFFFFFFFFFFFFFFF\r\n") == 413);
}

TEST_CASE("BodyReader: a chunk size of 17 digits is refused") {
  CHECK(read_chunked("0000000000000001\r\nx\r\n0\r\n\r\n").payload == "x");
  CHECK(status_of("00000000000000001\r\nx") == 400);
  CHECK(status_of("10000000000000001\r\nx") == 400);
}

TEST_CASE("BodyReader: a chunk size is hexadecimal digits alone") {
  for (const auto* text :
       {"\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1_0\r\n", "1.\r\n", ";a\r\n"}) {
    CAPTURE(text);
    CHECK(status_of(text) == 400);
  }
}

TEST_CASE("BodyReader: a bare LF or CR is refused wherever it stands") {
  for (const auto* text :
       {"1\nx\r\n0\r\n\r\n", "1\rx", "1\r\nx\n0\r\n\r\n", "1\r\nx\rx", "1;a\nx\r\n", "1;a\rb\r\n",
        "0\n\n", "0\r\n\n", "0\r\n\rx", "0\r\na: b\n\r\n", "0\r\na: b\rc\r\n"}) {
    CAPTURE(text);
    CHECK(status_of(text) == 400);
  }
}

TEST_CASE("BodyReader: a chunk longer or shorter than its size is refused") {
  CHECK(status_of("1\r\nxy\r\n0\r\n\r\n") == 400);
  CHECK(status_of("3\r\nxy\r\n0\r\n\r\n") == 400);
}

TEST_CASE("BodyReader: extensions are skipped") {
  CHECK(read_chunked("1;a=b\r\nx\r\n0;last\r\n\r\n").payload == "x");
  CHECK(read_chunked("1 \t; a = \"q;\xc3\xa4\"\r\nx\r\n0\r\n\r\n").done());
  CHECK(status_of("1 \r\nx") == 400);
  CHECK(status_of("1 x\r\n") == 400);
  CHECK(status_of(std::string_view("1;a\0\r\n", 6)) == 400);
}

TEST_CASE("BodyReader: extensions of all chunks together are bounded") {
  const std::string half = "1;" + std::string(kMaxExtensions / 2 - 2, 'a') + "\r\nx\r\n";
  CHECK(read_chunked(half + half + "0\r\n\r\n").done());
  CHECK(status_of(half + half + "0;ab\r\n\r\n") == 400);
  CHECK(status_of("1" + std::string(kMaxExtensions + 2, ' ')) == 400);
}

TEST_CASE("BodyReader: trailers are skipped") {
  const std::string text = "1\r\nx\r\n0\r\nDigest: abc=\r\nX:\r\n\r\n";
  const ReadBody read = read_chunked(text + "GET");
  CHECK(read.done());
  CHECK(read.payload == "x");
  CHECK(read.consumed == text.size());
}

TEST_CASE("BodyReader: what is no trailer is refused") {
  for (const auto* text : {"0\r\n folded\r\n\r\n", "0\r\n: x\r\n\r\n", "0\r\na b: c\r\n",
                           "0\r\na\r\n\r\n", "0\r\na : b\r\n", "0\r\na: \x01\r\n",
                           "0\r\na: b\r\n folded\r\n\r\n", "0\r\nGET / HTTP/1.1\r\n"}) {
    CAPTURE(text);
    CHECK(status_of(text) == 400);
  }
}

TEST_CASE("BodyReader: trailers are bounded") {
  const std::string most = "0\r\na:" + std::string(kMaxTrailers - 6, 'b') + "\r\n\r\n";
  CHECK(read_chunked(most).done());
  CHECK(status_of("0\r\na:" + std::string(kMaxTrailers - 5, 'b') + "\r\n\r\n") == 431);
}

TEST_CASE("BodyReader: after a failure nothing is taken") {
  BodyReader reader = chunked();
  std::string text = "x1\r\nx\r\n0\r\n\r\n";
  MutableBytes input = std::as_writable_bytes(std::span(text));
  CHECK(reader.next(input).outcome == BodyReader::Outcome::failure);
  const std::size_t left = input.size();
  CHECK(reader.next(input).outcome == BodyReader::Outcome::failure);
  CHECK(input.size() == left);
}

TEST_CASE("BodyReader: it knows how much may come") {
  CHECK(sized(5).most_left() == 5);
  BodyReader reader = chunked(100);
  CHECK(reader.most_left() == 100);
  std::string text = "0f\r\n12345";
  MutableBytes input = std::as_writable_bytes(std::span(text)).first(2);
  reader.next(input);
  CHECK(reader.most_left() == 100);  // a size half read is no promise
  input = std::as_writable_bytes(std::span(text)).subspan(2);
  reader.next(input);
  CHECK(reader.most_left() == 95);
}

/// A chunked body that is mostly right, from parts of which some are wrong.
std::string random_body(std::mt19937_64& random) {
  static const std::vector<std::string> parts = {"1\r\nx\r\n",
                                                 "5\r\nhello\r\n",
                                                 "1;a=b\r\ny\r\n",
                                                 "2 ;q\r\n\r\n\r\n",
                                                 "0003\r\n0\r\n\r\n",
                                                 "1F\r\n",
                                                 "A",
                                                 "\r\n",
                                                 "\n",
                                                 "\r",
                                                 "0\r\n\r\n",
                                                 " ",
                                                 ";",
                                                 "00000000",
                                                 "G"};
  std::string text;
  for (auto count = random() % 6; count > 0; --count)
    text += parts[random() % (random() % 4 == 0 ? parts.size() : 5)];
  if (random() % 4 != 0) text += "0\r\n";
  if (random() % 3 == 0) text += random() % 2 ? "Some: trailer\r\n" : " not: one\r\n";
  text += "\r\nGET";
  if (random() % 4 == 0) text[random() % text.size()] = static_cast<char>(random());
  return text;
}

TEST_CASE("BodyReader: any segmentation gives the same result, and the right one") {
  const std::uint64_t seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  int done = 0;
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = random_body(random);
    const std::uint64_t limit = random() % 4 == 0 ? random() % 12 : kLimit;
    CAPTURE(text);
    CAPTURE(limit);
    const ReadBody whole = read_body(chunked(limit), text);
    const auto pieces =
        read_body(chunked(limit), text, [&] { return std::size_t{1} + random() % 5; });
    REQUIRE(whole == pieces);
    const auto expected = test::decode_chunked(text, limit);
    REQUIRE(whole.done() == expected.has_value());
    if (expected) REQUIRE(whole == *expected);
    done += whole.done();
    refused += whole.status != 0;
  }
  CHECK(done > 2000);
  CHECK(refused > 2000);
}

}  // namespace
}  // namespace peal::http
