// SPDX-License-Identifier: Apache-2.0
#include "loadtest/event_reader.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace peal::loadtest::event_reader_test {
namespace {

class Recorder final : public MessageSink {
 public:
  void on_piece(const Piece& piece) override {
    CHECK(piece.offset == message.size());
    message += as_text(piece.bytes);
    if (piece.last) messages.push_back(std::exchange(message, {}));
  }
  void on_ping(Bytes) override {}
  void on_close(ws::CloseCode, std::string_view) override {}

  std::string message;
  std::vector<std::string> messages;
};

TEST_CASE("EventReader: any segmentation gives the same messages") {
  const std::string stream =
      "retry: 3000\nid: 5-1\n\n"
      "id: 5-2\nevent: message\ndata: first\n\n"
      ": a comment\n\n"
      "data:second\n\n"
      "data: two\ndata: lines\n\n"
      "event: gap\ndata: {\"next\":\"5-9\"}\n\n"
      "data:  blank, and: colon\r\n\r\n"
      "database: no\nid\n\n"
      "event: binary\ndata: AAAA\n\n"
      "data: " +
      std::string(5000, 'x') + "\nid: 5-3\n\ndata: not ended\n";
  const std::vector<std::string> expected = {"first", "second", "two\nlines", " blank, and: colon",
                                             std::string(5000, 'x')};
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const std::size_t most = seed == 0 ? 1 : 1 + random() % 300;
    EventReader reader;
    Recorder recorder;
    std::string_view rest = stream;
    while (!rest.empty()) {
      const std::string piece(rest.substr(0, 1 + random() % most));
      rest.remove_prefix(piece.size());
      reader.read(as_bytes(piece), recorder);
    }
    CHECK(recorder.messages == expected);
  }
}

}  // namespace
}  // namespace peal::loadtest::event_reader_test
