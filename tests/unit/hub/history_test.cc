// SPDX-License-Identifier: Apache-2.0
#include "core/hub/history.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/unit/hub/hub_rig.h"

namespace peal::hub::history_test {
namespace {

using namespace test;
using std::chrono::seconds;

/// A history with its memory; at its end nothing may be left.
struct Kept {
  explicit Kept(const TopicPolicy& its_policy) : policy(its_policy), memory(0, buffers, 1 << 20) {}
  ~Kept() {
    history.clear(memory);
    CHECK(history.size() == 0);
    CHECK(memory.messages.out() == 0);
    CHECK(memory.forms.out() == 0);
    CHECK(memory.blocks.bytes_out() == 0);
  }

  void add(std::string_view text, Instant now = {}) {
    Message* message = memory.make_message(ws::Opcode::text, as_bytes(text));
    message->offset = ++offset;
    history.add(memory, message, now, SIZE_MAX);
    memory.release(message);
  }

  Texts page(std::uint64_t from, FormSet forms = Form::frame, std::size_t room = 1 << 20) {
    const std::unique_ptr<Page> page(history.page(memory, from, room, forms, "kept"));
    Texts texts;
    for (const Page::Entry& entry : page->entries) {
      CHECK(entry.offset == from++);
      texts.push_back(text_of(entry.message->form(Form::frame)));
      memory.release(entry.message);
    }
    return texts;
  }

  TopicPolicy policy;
  io::BufferPool buffers;
  Memory memory;
  History history{{}, policy};
  std::uint64_t offset = 0;
};

TEST_CASE("History: keeps so many and no more, the newest") {
  Kept kept({.history_size = 3});
  CHECK(kept.history.empty());
  for (const char* text : {"1", "2", "3", "4", "5"}) kept.add(text);
  CHECK(kept.history.size() == 3);
  CHECK(kept.history.first_offset() == 3);
  CHECK(kept.page(3) == numbers(3, 5));
  CHECK(kept.page(5) == numbers(5, 5));
  CHECK(kept.page(6).empty());
}

TEST_CASE("History: those of an age go, and no younger ones") {
  Kept kept({.history_size = 100, .history_age = seconds(10)});
  for (int i = 0; i < 20; ++i) kept.add("x", Instant(seconds(i)));
  CHECK(kept.history.first_offset(Instant(seconds(9))) == 1);
  CHECK(kept.history.first_offset(Instant(seconds(19))) == 11);
  CHECK(kept.history.first_offset(Instant(seconds(29))) == 21);
  CHECK(kept.history.expire(kept.memory, Instant(seconds(19)), 3) == 3);
  CHECK(kept.history.first_offset() == 4);
  CHECK(kept.history.first_offset(Instant(seconds(19))) == 11);
  kept.history.expire(kept.memory, Instant(seconds(19)), 100);
  CHECK(kept.history.first_offset() == 11);  // that of second 10
  CHECK(kept.history.size() == 10);
  CHECK(kept.history.newest() == Instant(seconds(19)));
  kept.history.expire(kept.memory, Instant(seconds(29)), 100);
  CHECK(kept.history.empty());
}

TEST_CASE("History: without an age none is too old") {
  Kept kept({.history_size = 2});
  kept.add("1");
  const Instant late(std::chrono::hours(100'000));
  CHECK(kept.history.first_offset(late) == 1);
  CHECK(kept.history.expire(kept.memory, late, 100) == 0);
  CHECK(kept.history.size() == 1);
}

TEST_CASE("History: a page has no more messages and no more bytes than it may") {
  Kept kept({.history_size = 1000});
  for (const std::string& number : numbers(1, 200)) kept.add(number);
  CHECK(kept.page(1) == numbers(1, History::kPageMessages));
  CHECK(kept.page(150) == numbers(150, 200));

  const std::string large(History::kPageBytes / 3, 'x');
  for (int i = 0; i < 5; ++i) kept.add(large);
  CHECK(kept.page(201).size() == 2);
  kept.add(std::string(2 * History::kPageBytes, 'x'));
  kept.add("small");
  CHECK(kept.page(206).size() == 1);  // one that is larger than a page goes alone

  CHECK(kept.page(1, Form::frame, 10 * (Outbox::kSegmentCost + 3)) == numbers(1, 9));
  CHECK(kept.page(1, Form::json, 10 * (Outbox::kSegmentCost + 3)).size() < 9);
  CHECK(kept.page(1, Form::frame, 0) == numbers(1, 1));
}

TEST_CASE("History: what waits in it is kept in one form only") {
  Kept kept({.history_size = 10});
  kept.add("1");
  const std::size_t before = kept.memory.blocks.bytes_out();
  for (int i = 0; i < 3; ++i) {
    CHECK(kept.page(1, FormSet(Form::json) | Form::event | Form::deflated).size() == 1);
    CHECK(kept.memory.forms.out() == 0);
    CHECK(kept.memory.blocks.bytes_out() == before);
  }
}

TEST_CASE("History: what it says it costs is about what it takes") {
  for (const std::size_t size : {0, 1, 64, 100, 128, 300, 1000, 1030, 5000, 70'000}) {
    for (const std::size_t count : {1, 4, 5, 100}) {
      CAPTURE(size);
      CAPTURE(count);
      Kept kept({.history_size = count});
      const std::string text(size, 'x');
      for (std::size_t i = 0; i < 2 * count; ++i) kept.add(text);
      const std::size_t taken =
          kept.memory.blocks.bytes_out() + kept.memory.messages.out() * sizeof(Message);
      CHECK(kept.history.cost() >= taken);
      CHECK(kept.history.cost() <= taken + taken / 4 + 128);
    }
  }
}

TEST_CASE("History: the room of a burst is counted, or given back") {
  Kept kept({.history_size = 1 << 16, .history_age = seconds(10)});
  for (int i = 0; i < 10'000; ++i) kept.add("x");
  kept.add("y", Instant(seconds(5)));
  kept.history.expire(kept.memory, Instant(seconds(12)), 20'000);
  CHECK(kept.history.size() == 1);
  CHECK(kept.history.cost() >= 10'000 * 16);
  kept.history.expire(kept.memory, Instant(seconds(30)), 20'000);
  CHECK(kept.history.cost() == 0);
}

}  // namespace
}  // namespace peal::hub::history_test
