// SPDX-License-Identifier: Apache-2.0
#include "core/base/intrusive_list.h"

#include <doctest/doctest.h>

#include <array>
#include <deque>
#include <memory>
#include <random>

using namespace peal;

namespace {

struct Item : ListHook<Item> {};

}  // namespace

TEST_CASE("IntrusiveList: first in, first out") {
  Item a, b;
  IntrusiveList<Item> list;
  CHECK(list.empty());
  list.push_back(a);
  list.push_back(b);
  CHECK_FALSE(list.empty());
  CHECK(list.pop_front() == &a);
  CHECK_FALSE(a.linked());
  CHECK(b.linked());
  CHECK(list.pop_front() == &b);
  CHECK(list.pop_front() == nullptr);
}

TEST_CASE("IntrusiveList: an item leaves from anywhere, and may come back") {
  Item a, b, c;
  IntrusiveList<Item> list;
  list.push_back(a);
  list.push_back(b);
  list.push_back(c);
  b.unlink();
  b.unlink();
  list.push_back(b);
  CHECK(list.pop_front() == &a);
  CHECK(list.pop_front() == &c);
  CHECK(list.pop_front() == &b);
}

TEST_CASE("IntrusiveList: an item that is destroyed unlinks itself") {
  Item first;
  auto second = std::make_unique<Item>();
  IntrusiveList<Item> list;
  list.push_back(first);
  list.push_back(*second);
  second.reset();
  CHECK(list.pop_front() == &first);
  CHECK(list.empty());
}

TEST_CASE("IntrusiveList: items outlive their list") {
  Item item;
  {
    IntrusiveList<Item> list;
    list.push_back(item);
  }
  CHECK_FALSE(item.linked());
}

TEST_CASE("IntrusiveList: agrees with a plain queue under random use") {
  constexpr std::uint64_t seed = 21;
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  std::array<Item, 50> items;
  IntrusiveList<Item> list;
  std::deque<Item*> model;
  for (int step = 0; step < 10'000; ++step) {
    Item& item = items[random() % items.size()];
    if (item.linked()) {
      item.unlink();
      std::erase(model, &item);
    } else if (random() % 3) {
      list.push_back(item);
      model.push_back(&item);
    } else {
      Item* expected = model.empty() ? nullptr : model.front();
      if (expected) model.pop_front();
      REQUIRE(list.pop_front() == expected);
    }
    REQUIRE(list.empty() == model.empty());
  }
}
