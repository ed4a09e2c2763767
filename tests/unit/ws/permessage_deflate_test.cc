// SPDX-License-Identifier: Apache-2.0
#include "core/ws/permessage_deflate.h"

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

#include "tests/unit/http/requests.h"

namespace peal::ws::permessage_deflate_test {
namespace {

using http::test::Parsed;

constexpr DeflatePolicy kAlone{};  // as it is by default
constexpr DeflatePolicy kTakeover{.enabled = true, .context_takeover = true};
constexpr std::string_view kPlainAnswer =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

/// The answer to a request with these field values; "400" when it is refused.
std::string answer_all(const std::vector<std::string>& fields,
                       const DeflatePolicy& policy = kAlone) {
  std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (const std::string& field : fields) head += "Sec-WebSocket-Extensions: " + field + "\r\n";
  const Parsed parsed(head + "\r\n");
  REQUIRE(parsed.accepted());
  const auto got = answer_deflate_offers(parsed.request(), policy);
  if (!got) return std::to_string(got.error().status);
  CHECK(got->agreement.on == !got->text.view().empty());
  return std::string(got->text.view());
}

std::string answer(const std::string& field, const DeflatePolicy& policy = kAlone) {
  return answer_all({field}, policy);
}

DeflateAgreement agreement(const std::string& field, const DeflatePolicy& policy) {
  const Parsed parsed("GET / HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Extensions: " + field +
                      "\r\n\r\n");
  REQUIRE(parsed.accepted());
  return answer_deflate_offers(parsed.request(), policy)->agreement;
}

TEST_CASE("PermessageDeflate: no offer, no answer; a route without compression answers none") {
  CHECK(answer_all({}) == "");
  CHECK(answer("permessage-deflate", {.enabled = false}) == "");
  CHECK(answer("permessage-deflate; =", {.enabled = false}) == "400");
  CHECK(answer("x-webkit-deflate-frame, foo; bar=1; baz") == "");
}

TEST_CASE("PermessageDeflate: what browsers offer") {
  CHECK(answer("permessage-deflate; client_max_window_bits") == kPlainAnswer);
  CHECK(answer("permessage-deflate") == kPlainAnswer);
  CHECK(answer("permessage-deflate; client_max_window_bits", kTakeover) == "permessage-deflate");
  CHECK(agreement("permessage-deflate", kTakeover) ==
        DeflateAgreement{.on = true, .server_takeover = true, .client_takeover = true});
}

// RFC 7692 section 7.1: the value a parameter has in an offer, and whether that is valid.
struct Choice {
  std::string text;  // behind the name; "-" when the parameter is not there
  bool valid;
  int bits;  // 0 when none are named
};

std::vector<Choice> bit_choices(bool may_lack_value) {
  std::vector<Choice> choices{{"-", true, 0}, {"", may_lack_value, 0}};
  for (int bits = 8; bits <= 15; ++bits) {
    choices.push_back({"=" + std::to_string(bits), true, bits});
    choices.push_back({"=\"" + std::to_string(bits) + "\"", true, bits});
  }
  choices.push_back({"=\"1\\2\"", true, 12});
  for (const char* wrong : {"=7", "=16", "=0", "=08", "=010", "=100", "=1x", "=x", "=+9", "=-9",
                            "=9.0", "=\"09\"", "=99999999999999999999"})
    choices.push_back({wrong, false, 0});
  return choices;
}

std::string parameter(std::string_view name, const Choice& choice) {
  return choice.text == "-" ? "" : "; " + std::string(name) + choice.text;
}

TEST_CASE("PermessageDeflate: every parameter in every combination") {
  const std::vector<Choice> flags{{"-", true, 0}, {"", true, 0}, {"=1", false, 0}};
  std::size_t accepted = 0;
  for (const bool takeover : {false, true})
    for (const Choice& server_flag : flags)
      for (const Choice& client_flag : flags)
        for (const Choice& server : bit_choices(false))
          for (const Choice& client : bit_choices(true)) {
            const std::string offer = "permessage-deflate" +
                                      parameter("client_max_window_bits", client) +
                                      parameter("server_no_context_takeover", server_flag) +
                                      parameter("server_max_window_bits", server) +
                                      parameter("client_no_context_takeover", client_flag);
            CAPTURE(offer);
            const bool valid =
                server_flag.valid && client_flag.valid && server.valid && client.valid;
            std::string expected;
            if (valid) {
              ++accepted;
              expected = "permessage-deflate";
              if (!takeover || server_flag.text.empty() || server.bits == 8)
                expected += "; server_no_context_takeover";
              if (!takeover || client_flag.text.empty()) expected += "; client_no_context_takeover";
              if (server.bits)
                expected += "; server_max_window_bits=" + std::to_string(server.bits);
              if (client.bits)
                expected += "; client_max_window_bits=" + std::to_string(client.bits);
            }
            const DeflatePolicy policy{.enabled = true, .context_takeover = takeover};
            REQUIRE(answer(offer, policy) == expected);
            // A declined offer leaves the next one its chance (section 5.1).
            REQUIRE(answer(offer + ", permessage-deflate; server_max_window_bits=10", policy) ==
                    (valid ? expected
                           : answer("permessage-deflate; server_max_window_bits=10", policy)));
          }
  CHECK(accepted == 2 * 2 * 2 * 18 * 19);
}

TEST_CASE("PermessageDeflate: unknown and repeated parameters are declined") {
  for (const char* offer :
       {"permessage-deflate; unknown", "permessage-deflate; server_max_window_bits=10; x=1",
        "permessage-deflate; Server_Max_Window_Bits=10",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9",
        "permessage-deflate; client_max_window_bits; client_max_window_bits",
        "permessage-deflate; client_max_window_bits=9; client_max_window_bits",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=9"}) {
    CAPTURE(offer);
    CHECK(answer(offer) == "");
    CHECK(answer(std::string(offer) + ", permessage-deflate") == kPlainAnswer);
    CHECK(answer_all({offer, "permessage-deflate"}) == kPlainAnswer);
  }
}

TEST_CASE("PermessageDeflate: the first offer that can be met is the one, other extensions apart") {
  CHECK(answer("foo; a=\"b\", permessage-deflate; server_max_window_bits=9, permessage-deflate") ==
        std::string(kPlainAnswer) + "; server_max_window_bits=9");
  CHECK(answer("Permessage-Deflate") == "");  // a token is itself only
}

TEST_CASE("PermessageDeflate: white space and empty elements where the grammar has them") {
  CHECK(answer(" permessage-deflate ;\tserver_max_window_bits = \"9\" , foo ") ==
        std::string(kPlainAnswer) + "; server_max_window_bits=9");
  CHECK(answer(",, permessage-deflate ,") == kPlainAnswer);
  CHECK(answer("") == "");
}

TEST_CASE("PermessageDeflate: a field that is no list of extensions is refused (RFC 6455 9.1)") {
  for (const char* field :
       {"permessage-deflate;", "permessage-deflate; ", ";", "=", "permessage-deflate; =9",
        "permessage-deflate; server_max_window_bits=", "permessage-deflate foo",
        "permessage-deflate; server_max_window_bits=\"9", "permessage-deflate; a=\"\"",
        "permessage-deflate; a=\"b c\"", "permessage-deflate; a=\"b\\", "permessage-deflate; a=b=c",
        "permessage-deflate; a=\"b\"c", "permessage-deflate; a b", "\"permessage-deflate\"",
        "permessage-deflate, (foo)", "permessage/deflate", "permessage-deflate;; a"}) {
    CAPTURE(field);
    CHECK(answer(field) == "400");
    CHECK(answer_all({"permessage-deflate", field}) == "400");
  }
}

TEST_CASE("PermessageDeflate: a window of 2^8 gets no context: zlib has no such window") {
  const DeflateAgreement agreed =
      agreement("permessage-deflate; server_max_window_bits=8", kTakeover);
  CHECK(agreed.server_window_bits == 8);
  CHECK_FALSE(agreed.server_takeover);
  CHECK(agreed.client_takeover);
  CHECK(agreed.longest_shared() == 256);
}

TEST_CASE("PermessageDeflate: who shares what is compressed once") {
  CHECK(DeflateAgreement{}.longest_shared() == 0);
  DeflateAgreement agreed{.on = true};
  CHECK(agreed.longest_shared() > std::uint64_t{1} << 32);
  CHECK(agreed.shares_all());
  agreed.server_window_bits = 12;
  CHECK(agreed.longest_shared() == 4096);
  CHECK_FALSE(agreed.shares_all());
  agreed.server_takeover = true;
  CHECK(agreed.longest_shared() == 0);
}

TEST_CASE("PermessageDeflate: a client takes every answer to its offer, and both agree") {
  std::mt19937_64 random(7);
  const auto bits = [&]() -> std::uint8_t {
    return random() % 2 ? 0 : static_cast<std::uint8_t>(8 + random() % 8);
  };
  for (int i = 0; i < 1000; ++i) {
    const DeflateOffer offer{.server_no_context_takeover = random() % 2 == 0,
                             .client_no_context_takeover = random() % 2 == 0,
                             .server_max_window_bits = bits(),
                             .client_max_window_bits = bits()};
    const std::string text(write_deflate_offer(offer).view());
    CAPTURE(text);
    const DeflatePolicy policy{.enabled = true, .context_takeover = random() % 2 == 0};
    const auto checked = check_deflate_answer(answer(text, policy), offer);
    REQUIRE(checked);
    REQUIRE(*checked == agreement(text, policy));
  }
}

TEST_CASE("PermessageDeflate: a client fails what it did not offer (RFC 7692 section 7.1)") {
  const DeflateOffer plain{};
  CHECK(check_deflate_answer("", plain) == DeflateAgreement{});
  CHECK(check_deflate_answer("permessage-deflate", plain));
  CHECK(check_deflate_answer("permessage-deflate; server_max_window_bits=9", plain));
  for (const char* wrong : {"foo", "permessage-deflate, permessage-deflate",
                            "permessage-deflate; x", "permessage-deflate; client_max_window_bits=9",
                            "permessage-deflate; =", "permessage-deflate; server_max_window_bits=7",
                            "permessage-deflate; client_max_window_bits"})
    CHECK_FALSE(check_deflate_answer(wrong, plain));
  CHECK_FALSE(check_deflate_answer("permessage-deflate", {.server_no_context_takeover = true}));
  CHECK_FALSE(check_deflate_answer("permessage-deflate", {.server_max_window_bits = 10}));
  CHECK_FALSE(check_deflate_answer("permessage-deflate; server_max_window_bits=11",
                                   {.server_max_window_bits = 10}));
  CHECK(check_deflate_answer("permessage-deflate; client_max_window_bits=9",
                             {.client_max_window_bits = 10}));
  CHECK_FALSE(check_deflate_answer("permessage-deflate; client_max_window_bits",
                                   {.client_max_window_bits = 10}));
}

}  // namespace
}  // namespace peal::ws::permessage_deflate_test
