// SPDX-License-Identifier: Apache-2.0
// Batches of messages: whatever the lines are, what comes out is within the limits, and comes out
// again when it is written anew.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/topic_pattern.h"
#include "core/base/base64.h"
#include "core/base/check.h"
#include "core/base/utf8.h"
#include "core/hub/encoding.h"
#include "server/batch_reader.h"
#include "tests/fuzz/target.h"

namespace peal::fuzz_batch {
namespace {

using server::BatchReader;

constexpr std::uint64_t kMessageSize = 64;

struct Read {
  std::string lines;  // as we write them
  std::size_t messages = 0;
  bool failed = false;
};

void append_string(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  out.resize(before + hub::json_string_size(text));
  hub::write_json_string(out.data() + before, text);
}

void append(std::string& out, const BatchReader::Line& line) {
  out += R"({"topic":")";
  append_string(out, line.topic);
  out += line.is_text ? R"(","data":")" : R"(","base64":")";
  if (line.is_text) {
    append_string(out, as_text(line.payload));
  } else {
    const std::size_t before = out.size();
    out.resize(before + base64_size(line.payload.size()));
    write_base64(out.data() + before, line.payload);
  }
  out += "\"}\n";
}

Read read(std::string_view body) {
  static server::BatchParser parser;
  const config::TopicTemplate any{{{.literal = {}, .capture = 0}}};
  const std::string_view nothing;
  BatchReader reader({{&any, 1}, {&nothing, 1}, true}, kMessageSize);
  Read result;
  Bytes rest = as_bytes(body);
  while (true) {
    const auto outcome = reader.next(parser, rest);
    if (outcome == BatchReader::Outcome::end) return result;
    if (outcome == BatchReader::Outcome::failure) {
      PEAL_CHECK(reader.problem().starts_with("line "));
      result.failed = true;
      return result;
    }
    if (outcome == BatchReader::Outcome::blank) continue;
    const BatchReader::Line& line = reader.line();
    PEAL_CHECK(!config::topic_name_problem(line.topic));
    PEAL_CHECK(line.payload.size() <= kMessageSize);
    PEAL_CHECK(!line.is_text || is_utf8(line.payload));
    append(result.lines, line);
    ++result.messages;
  }
}

}  // namespace

PEAL_FUZZ_TARGET(batch) {
  const Read first = read(as_text(std::as_bytes(std::span(data, size))));
  const Read again = read(first.lines);
  PEAL_CHECK(!again.failed);
  PEAL_CHECK(again.messages == first.messages);
  PEAL_CHECK(again.lines == first.lines);
}

}  // namespace peal::fuzz_batch
