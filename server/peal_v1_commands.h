// SPDX-License-Identifier: Apache-2.0
// What a client says in the sub-protocol peal.v1 (docs/PROTOCOL.md), without a connection.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/hub/message_id.h"

namespace peal::server {

inline constexpr std::string_view kPealV1 = "peal.v1";  ///< the sub-protocol's name

/// One command. Its views end with the next PealReader::read().
struct PealCommand {
  enum class Kind : std::uint8_t { subscribe, unsubscribe, publish };

  Kind kind = Kind::publish;
  std::string_view topic;               ///< `publish`: empty where the route is to say
  std::optional<hub::MessageId> since;  ///< `subscribe`: the last message that the client has
  std::optional<std::uint32_t> last;    ///< `subscribe`: how many of the newest messages it wants
  std::string_view payload;             ///< `publish`
  bool is_text = true;                  ///< of the payload; it is UTF-8 then
  std::optional<std::uint32_t> ref;     ///< what the client calls the command; below 2^31
};

/// Why there is no command.
struct PealProblem {
  std::string_view code;  ///< "not_json" or "bad_command"
  std::string message;    ///< what was wrong
  std::optional<std::uint32_t> ref;
};

inline constexpr std::string_view kNotJson = "not_json";
inline constexpr std::string_view kBadCommand = "bad_command";

/// Reads commands, one at a time.
///
/// Owner: who reads with it. Thread: its owner's. Limits: it keeps memory for commands of 64 KiB,
/// and of the last one where that was longer; nothing is allocated for one that fits.
class PealReader {
 public:
  PealReader();
  PealReader(const PealReader&) = delete;
  PealReader& operator=(const PealReader&) = delete;
  ~PealReader();

  std::expected<PealCommand, PealProblem> read(std::string_view text);

 private:
  struct Json;
  std::unique_ptr<Json> json_;
};

}  // namespace peal::server
