// SPDX-License-Identifier: Apache-2.0
// The sub-protocol peal.v1: a message is a command or the reason why it is none. Where the message
// is UTF-8, as every text of a WebSocket is, so is all that comes of it; one reader reads the same
// twice, and what it has read before makes no difference.
#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/check.h"
#include "core/base/utf8.h"
#include "server/peal_v1_commands.h"
#include "server/peal_v1_replies.h"
#include "tests/fuzz/target.h"

namespace peal::fuzz_peal_v1 {

using namespace server;

PEAL_FUZZ_TARGET(peal_v1) {
  const std::string_view text = as_text(std::as_bytes(std::span(data, size)));
  if (!is_utf8(as_bytes(text))) return;

  static PealReader reader;
  std::string reply;
  const auto command = reader.read(text);
  if (!command) {
    const PealProblem& problem = command.error();
    PEAL_CHECK(problem.code == kNotJson || problem.code == kBadCommand);
    PEAL_CHECK(!problem.message.empty());
    write_error(reply, problem.code, problem.message, problem.ref);
    PEAL_CHECK(is_utf8(as_bytes(reply)));
    // An error is no command, and JSON.
    const auto error = reader.read(reply);
    PEAL_CHECK(!error && error.error().code == kBadCommand);
    return;
  }
  PEAL_CHECK(is_utf8(as_bytes(command->topic)));
  if (command->is_text) PEAL_CHECK(is_utf8(as_bytes(command->payload)));

  // Written as a command again it is the same one.
  const std::string topic(command->topic);
  const std::string payload(command->payload);
  write_unsubscribed(reply, topic, command->ref);
  reply.replace(reply.find("subscribed"), 10, "subscribe");
  PealReader other;
  const auto again = other.read(reply);
  PEAL_CHECK(again && again->topic == topic && again->ref == command->ref);
  const auto same = other.read(text);
  PEAL_CHECK(same && same->payload == payload && same->topic == topic);
}

}  // namespace peal::fuzz_peal_v1
