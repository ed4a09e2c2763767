// SPDX-License-Identifier: Apache-2.0
#include "loadtest/http_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

namespace peal::loadtest::http_reader_test {
namespace {

/// All that is read of `octets` in pieces of `size`: "[200]body|" for each answer.
std::string read(std::string octets, std::size_t size) {
  HttpReader reader;
  std::string text;
  MutableBytes all = std::as_writable_bytes(std::span(octets));
  while (!all.empty()) {
    MutableBytes piece = all.first(std::min(size, all.size()));
    all = all.subspan(piece.size());
    while (true) {
      const auto [outcome, body] = reader.next(piece);
      if (outcome == HttpReader::Outcome::head) text += "[" + std::to_string(reader.status()) + "]";
      if (outcome == HttpReader::Outcome::body) text += as_text(body);
      if (outcome == HttpReader::Outcome::done) text += "|";
      if (outcome == HttpReader::Outcome::failed) return text + "failed";
      if (outcome == HttpReader::Outcome::need_more) break;
    }
  }
  return text;
}

TEST_CASE("HttpReader: answers of every framing, however they are cut") {
  const std::string octets =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
      "HTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 204 No Content\r\n\r\n"
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
      "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: without end";
  for (std::size_t size = 1; size <= octets.size(); ++size) {
    CAPTURE(size);
    CHECK(read(octets, size) == "[200]hello|[100]|[204]|[200]abcde|[429]|[200]data: without end");
  }
}

TEST_CASE("HttpReader: what is no answer fails") {
  CHECK(read("SSH-2.0-OpenSSH_9.2\r\n\r\n", 100) == "failed");
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", 100) == "failed");
  CHECK(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx", 100) == "[200]failed");
  CHECK(read(std::string(20'000, 'x'), 1000) == "failed");
  CHECK(read("HTTP/1.1 200 OK\r\n" + std::string(20'000, 'x'), 1000) == "failed");
}

TEST_CASE("HttpReader: what is no HTTP fails at once, and can be shown") {
  std::string octets = "SSH-2.0-OpenSSH_9.2\r\n";
  HttpReader reader;
  MutableBytes input = std::as_writable_bytes(std::span(octets));
  CHECK(reader.next(input).outcome == HttpReader::Outcome::failed);
  CHECK(reader.status_line() == "SSH-2.0-OpenSSH_9.2");
}

}  // namespace
}  // namespace peal::loadtest::http_reader_test
