// SPDX-License-Identifier: Apache-2.0
#include "core/base/slab.h"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <vector>

using namespace peal;

namespace {

/// Counts the living, to see that each is destroyed once.
struct Guest {
  Guest(SlotId own_id, int mark, int& count) : id(own_id), number(mark), living(count) { ++living; }
  Guest(const Guest&) = delete;
  ~Guest() { --living; }
  SlotId id;
  int number;
  int& living;
};

}  // namespace

TEST_CASE("Slab: an object is found by its id and knows it") {
  int living = 0;
  Slab<Guest> slab;
  Guest& guest = slab.emplace(7, living);
  CHECK(slab.find(guest.id) == &guest);
  CHECK(guest.number == 7);
  CHECK(slab.size() == 1);
}

TEST_CASE("Slab: ids that were never given find nothing") {
  int living = 0;
  Slab<Guest> slab;
  CHECK(slab.find(SlotId{}) == nullptr);
  CHECK(slab.find(SlotId{0, 0}) == nullptr);
  const SlotId id = slab.emplace(1, living).id;
  CHECK(slab.find({id.index, id.generation + 1}) == nullptr);
  CHECK(slab.find({id.index + 1, 0}) == nullptr);
  CHECK(slab.find({1'000'000, 0}) == nullptr);
}

TEST_CASE("Slab: the id of an earlier stay is stale though the slot is taken again") {
  int living = 0;
  Slab<Guest> slab;
  const SlotId first = slab.emplace(1, living).id;
  slab.erase(first);
  CHECK(living == 0);
  CHECK(slab.find(first) == nullptr);
  const SlotId second = slab.emplace(2, living).id;
  CHECK(second.index == first.index);
  CHECK(second != first);
  CHECK(slab.find(first) == nullptr);
  CHECK(slab.find(second)->number == 2);
}

TEST_CASE("Slab: generations stay within 24 bits") {
  int living = 0;
  Slab<Guest> slab;
  SlotId id = slab.emplace(0, living).id;
  for (std::uint32_t stay = 0; stay < SlotId::kGenerationMask; ++stay) {
    slab.erase(id);
    id = slab.emplace(0, living).id;
  }
  CHECK(id == SlotId{0, SlotId::kGenerationMask});
  slab.erase(id);
  CHECK(slab.emplace(0, living).id == SlotId{0, 0});
}

TEST_CASE("Slab: growing moves nobody") {
  int living = 0;
  Slab<Guest> slab;
  std::vector<Guest*> guests;
  for (int i = 0; i < 1000; ++i) guests.push_back(&slab.emplace(i, living));
  for (int i = 0; i < 1000; ++i) {
    Guest* guest = guests[static_cast<std::size_t>(i)];
    REQUIRE(guest->number == i);
    REQUIRE(slab.find(guest->id) == guest);
  }
}

TEST_CASE("Slab: a visitor may erase the object it is given") {
  int living = 0;
  Slab<Guest> slab;
  for (int i = 0; i < 100; ++i) slab.emplace(i, living);
  int visits = 0;
  slab.for_each([&](Guest& guest, SlotId id) {
    ++visits;
    if (guest.number % 2) slab.erase(id);
  });
  CHECK(visits == 100);
  CHECK(slab.size() == 50);
  slab.for_each([](Guest& guest, SlotId id) {
    CHECK(guest.number % 2 == 0);
    CHECK(guest.id == id);
  });
}

TEST_CASE("Slab: destroys who is left") {
  int living = 0;
  {
    Slab<Guest> slab;
    for (int i = 0; i < 70; ++i) slab.emplace(i, living);
    CHECK(living == 70);
  }
  CHECK(living == 0);
}

TEST_CASE("Slab: agrees with a plain model under random use") {
  constexpr std::uint64_t seed = 22;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  struct Stay {
    SlotId id;
    int number;
  };
  int living = 0;
  Slab<Guest> slab;
  std::vector<Stay> present;
  std::vector<SlotId> gone;
  for (int step = 0; step < 20'000; ++step) {
    if (present.empty() || random() % 100 < 52) {
      present.push_back({slab.emplace(step, living).id, step});
    } else {
      std::swap(present[random() % present.size()], present.back());
      slab.erase(present.back().id);
      gone.push_back(present.back().id);
      present.pop_back();
    }
    REQUIRE(slab.size() == present.size());
    if (!present.empty()) {
      const Stay& stay = present[random() % present.size()];
      REQUIRE(slab.find(stay.id)->number == stay.number);
    }
    if (!gone.empty()) REQUIRE(slab.find(gone[random() % gone.size()]) == nullptr);
  }
  std::set<int> expected, visited;
  for (const Stay& stay : present) expected.insert(stay.number);
  slab.for_each([&](Guest& guest, SlotId) { visited.insert(guest.number); });
  CHECK(visited == expected);
  CHECK(static_cast<std::size_t>(living) == present.size());
}
