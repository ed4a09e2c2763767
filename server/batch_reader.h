// SPDX-License-Identifier: Apache-2.0
// A batch of messages: JSON objects, one a line (application/x-ndjson).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "server/batch_topics.h"

namespace peal::server {

/// Reads JSON for batches, one line after the other. Memory that grew is used again, but above
/// kKeep bytes of a line not kept for the next batch.
///
/// Owner: a Publisher. Thread: the shard's.
class BatchParser {
 public:
  BatchParser();
  ~BatchParser();

  void trim();

 private:
  friend class BatchReader;
  static constexpr std::size_t kKeep = 64 << 10;

  struct Json;
  std::unique_ptr<Json> json_;
  std::vector<std::byte> octets_;  // decoded from base64
};

/// Where the reading of one batch stands. Each line is {"topic":"..","data":".."} or
/// {"topic":"..","base64":".."}, without any other key or the same one twice; "topic" may be left
/// out where there is but one. Lines of blanks only mean nothing.
///
/// Errors: the first line that is wrong, see problem().
class BatchReader {
 public:
  enum class Outcome : std::uint8_t { message, blank, end, failure };

  /// A message; the views end with the next call for any batch of the parser.
  struct Line {
    std::string_view topic;  ///< has no config::topic_name_problem()
    Bytes payload;
    bool is_text = true;  ///< then the payload is UTF-8
  };

  /// `message_size`: bytes of a payload.
  BatchReader(BatchTopics topics, std::uint64_t message_size)
      : topics_(std::move(topics)), message_size_(message_size) {}

  /// Takes a line off the front of `rest`; `end`: there is none.
  Outcome next(BatchParser& parser, Bytes& rest);

  /// Valid after Outcome::message.
  const Line& line() const { return line_; }
  /// Valid after Outcome::failure: "line 3: it has no \"data\"". Holds nothing of the line.
  const std::string& problem() const { return problem_; }

 private:
  bool fail(std::string_view why);
  bool read(BatchParser& parser, std::string_view text);
  bool read_fields(BatchParser& parser, std::string_view text);
  bool take_topic(bool given);

  BatchTopics topics_;
  std::uint64_t message_size_;
  std::uint64_t number_ = 0;  // of the line
  Line line_;
  std::string problem_;
};

}  // namespace peal::server
