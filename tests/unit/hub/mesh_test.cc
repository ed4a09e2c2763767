// SPDX-License-Identifier: Apache-2.0
#include "core/hub/mesh.h"

#include <doctest/doctest.h>

#include <vector>

namespace peal::hub::mesh_test {
namespace {

Parcel numbered(Parcel::Kind kind, std::uint32_t number) {
  return {.kind = kind, .topic = {number, 0}};
}

TEST_CASE("MeshPort: parcels of a lane come in order, however many wait for room") {
  Mesh mesh(2);
  MeshPort from(mesh, 0), to(mesh, 1);
  constexpr std::uint32_t kCount = 5000;  // more than a queue takes
  for (std::uint32_t i = 0; i < kCount; ++i) {
    from.send(1, numbered(Parcel::Kind::publish, i));
    from.send(1, numbered(Parcel::Kind::deliver, i));
  }
  CHECK(from.congested());
  std::uint32_t up = 0, down = 0;
  Parcel parcel;
  while (up < kCount || down < kCount) {
    REQUIRE(to.has_mail());
    while (to.take(0, Mesh::Lane::up, parcel)) CHECK(parcel.topic.index == up++);
    while (to.take(0, Mesh::Lane::down, parcel)) CHECK(parcel.topic.index == down++);
    from.flush([](ShardIndex) {});
  }
  CHECK_FALSE(from.congested());
  CHECK_FALSE(to.has_mail());
}

TEST_CASE("MeshPort: flush() tells once of each shard that something was sent to") {
  Mesh mesh(4);
  MeshPort port(mesh, 1);
  std::vector<ShardIndex> woken;
  const auto wake = [&](ShardIndex shard) { woken.push_back(shard); };
  port.flush(wake);
  CHECK(woken.empty());
  port.send(0, numbered(Parcel::Kind::publish, 0));
  port.send(3, numbered(Parcel::Kind::deliver, 0));
  port.send(3, numbered(Parcel::Kind::deliver, 1));
  port.flush(wake);
  CHECK(woken == std::vector<ShardIndex>{0, 3});
  port.flush(wake);
  CHECK(woken.size() == 2);
}

TEST_CASE("MeshPort: one's own mail is not has_mail() of another") {
  Mesh mesh(3);
  MeshPort zero(mesh, 0), one(mesh, 1), two(mesh, 2);
  zero.send(2, numbered(Parcel::Kind::answer, 0));
  CHECK_FALSE(zero.has_mail());
  CHECK_FALSE(one.has_mail());
  CHECK(two.has_mail());
}

}  // namespace
}  // namespace peal::hub::mesh_test
