// SPDX-License-Identifier: Apache-2.0
// Whatever a client sends, a server's engine only goes forward in its states, its output stays in
// proportion, what it decrypts is what the client wrote, and every block comes back.
// Input: an octet of choices, then either what happens to a real client's octets, as triples of a
// position and a value to change it by, where 0 puts the rest of the input in place of what
// follows; or records to seal rightly, each a type, a length and content.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "core/tls/engine.h"
#include "tests/fuzz/target.h"
#include "tests/support/certificates.h"
#include "tests/unit/tls/sealer.h"

namespace peal::fuzz_tls_records {

using namespace tls;

namespace {

// More than a handshake and its alerts take.
constexpr std::size_t kMostOutput = 16 << 10;

struct Contexts {
  peal::test::TemporaryFolder folder;
  TicketKeys keys;
  std::unique_ptr<Context> server =
      Context::make_server(
          {.certificates = {folder.write("site", peal::test::make_certificate({}))},
           .client_ca = ""},
          keys)
          .value();
  std::unique_ptr<Context> client =
      Context::make_client({.ca = "", .insecure = true, .identity = {}}).value();
};

/// How the client's octets are changed on their way. Each octet is changed once at most.
class Mutation {
 public:
  Mutation(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  void apply(std::string& octets) {
    const std::size_t begin = seen_;
    seen_ += octets.size();
    while (size_ >= 3) {
      const std::size_t at = static_cast<std::size_t>(data_[0]) << 8 | data_[1];
      if (at >= seen_) return;
      const std::uint8_t change = data_[2];
      data_ += 3;
      size_ -= 3;
      if (at < begin) continue;
      touched_ = true;
      if (change != 0) {
        octets[at - begin] = static_cast<char>(octets[at - begin] ^ change);
        continue;
      }
      octets.resize(at - begin);
      octets.append(reinterpret_cast<const char*>(data_), size_);
      size_ = 0;
    }
  }

  bool touched() const { return touched_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t seen_ = 0;  ///< octets of the client so far
  bool touched_ = false;
};

struct Server {
  explicit Server(const Context& context) : engine(context, pool) {}

  std::string feed(std::string_view octets, std::size_t longest) {
    std::string plaintext;
    while (!octets.empty()) {
      Bytes input = as_bytes(octets.substr(0, longest));
      octets.remove_prefix(input.size());
      read_all(input, plaintext);
    }
    return plaintext;
  }

  void read_all(Bytes input, std::string& plaintext) {
    std::byte place[300];
    std::size_t size = sizeof place;
    while (size == sizeof place) {
      const Engine::State before = engine.state();
      size = engine.read(input, place);
      PEAL_CHECK(engine.state() >= before);
      plaintext += as_text({place, size});
    }
    const bool over =
        engine.state() == Engine::State::ended || engine.state() == Engine::State::failed;
    PEAL_CHECK(over || input.empty());
    PEAL_CHECK((engine.state() == Engine::State::failed) == (*engine.failure() != '\0'));
  }

  std::string take() {
    std::string all;
    while (engine.has_output()) {
      const Engine::Output output = engine.take_output();
      all += as_text({output.block->data(), output.size});
      pool.give(output.block);
    }
    sent += all.size();
    return all;
  }

  BlockPool pool{0};
  Engine engine;
  std::size_t sent = 0;
};

std::string output_of(Engine& client, BlockPool& pool) {
  std::string all;
  while (client.has_output()) {
    const Engine::Output output = client.take_output();
    all += as_text({output.block->data(), output.size});
    pool.give(output.block);
  }
  return all;
}

/// Records of any type and content that the peer has the keys for.
void fuzz_sealed(Version version, std::string_view input) {
  BlockPool pool(0);
  {
    Wire wire(pool);
    RecordBuffer buffer(pool);
    tls::test::Sealer sealer(version, tls::test::traffic(1));
    RecordLayer records(version, tls::test::traffic(1), tls::test::traffic(2), buffer, wire, pool);
    std::size_t output = 0;
    while (input.size() >= 2) {
      const auto type = static_cast<std::uint8_t>(input[0]);
      const std::string_view content = input.substr(2, static_cast<std::uint8_t>(input[1]));
      input.remove_prefix(2 + content.size());
      const std::string record = sealer.sealed(type, content);
      const RecordLayer::State before = records.state();
      Bytes octets = as_bytes(record);
      std::byte place[300];
      const std::size_t size = records.read(octets, place);
      PEAL_CHECK(records.state() >= before);
      // A type of 0 is padding, and the content then ends with the type.
      const bool is_data = type == tls::test::kData && as_text({place, size}) == content;
      PEAL_CHECK(size == 0 || is_data || type == 0);
      while (wire.has_output()) {
        const Wire::Output sent = wire.take_output();
        output += sent.size;
        pool.give(sent.block);
      }
      PEAL_CHECK(output <= 64 || version == Version::tls12);
      if (version == Version::tls13 && records.state() == RecordLayer::State::open &&
          type == tls::test::kHandshake && content.size() == 5)
        sealer.update_key();
    }
  }
  PEAL_CHECK(pool.bytes_out() == 0);
}

}  // namespace

PEAL_FUZZ_TARGET(tls_records) {
  static const Contexts contexts;
  if (size < 1) return;
  if (data[0] & 0x40) {
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    fuzz_sealed(data[0] & 1 ? Version::tls12 : Version::tls13, input);
    return;
  }
  const std::size_t longest = data[0] & 1 ? 1 + data[0] / 2 % 8 : 100'000;
  const bool resumes = data[0] & 0x80;
  static Session session;
  Mutation mutation(data + 1, size - 1);

  BlockPool client_pool(0);
  Server server(*contexts.server);
  {
    Engine client(*contexts.client, client_pool,
                  {.host = "localhost", .resume = resumes ? session.get() : nullptr});
    std::string received;
    std::string written;
    // The handshake, then two writes; each round carries both ways once.
    for (int round = 0; round < 6; ++round) {
      if (round >= 3 && client.state() == Engine::State::open) {
        written += "some words";
        client.write(as_bytes("some words"));
      }
      if (round == 5) client.shut_down();
      std::string octets = output_of(client, client_pool);
      mutation.apply(octets);
      received += server.feed(octets, longest);
      PEAL_CHECK(written.starts_with(received));
      const std::string answer = server.take();
      Bytes input = as_bytes(answer);
      std::byte place[300];
      while (client.read(input, place) == sizeof place) {
      }
    }
    PEAL_CHECK(server.sent < kMostOutput + size);
    PEAL_CHECK(mutation.touched() || server.engine.state() == Engine::State::ended);
    if (!mutation.touched()) PEAL_CHECK(received == written);
    if (!session) session = client.session();
  }
  PEAL_CHECK(client_pool.bytes_out() == 0);
}

}  // namespace peal::fuzz_tls_records
