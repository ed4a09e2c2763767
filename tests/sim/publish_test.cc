// SPDX-License-Identifier: Apache-2.0
// Publishing over HTTP: any requests, in any pieces, on any shards.
#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <set>

#include "tests/sim/world.h"

namespace peal::sim {
namespace {

const std::string kPublishRoutes = R"(
[limits]
queue_size = "64MiB"

[route.hear]
path = "/hear/{topic...}"
type = "pubsub"
topics = ["{topic}"]

[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"

[route.both]
path = "/both/{one}/{other}"
type = "publish"
topics = ["{one}", "{other}"]
auth = "none"
)";

constexpr std::size_t kTopics = 4;
constexpr std::size_t kShareOfTurn = 256;  // lines, at most

std::string topic_name(std::size_t number) {
  return "topic/" + std::to_string(number);
}

/// What a request must bring about.
struct Expected {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> messages;  ///< topic and text, of the answer
};

struct Answer {
  int status = 0;
  std::string body;
};

/// The fields of an object of ours; `at` is where to look for it, and then behind it.
struct Published {
  std::string id;
  std::string topic;
  std::size_t subscribers = 0;
};

std::string field(std::string_view body, std::string_view name, std::string_view end,
                  std::size_t& at) {
  const std::string key = "\"" + std::string(name) + "\":";
  const auto begin = body.find(key, at);
  REQUIRE(begin != body.npos);
  at = body.find(end, begin + key.size() + 1);
  REQUIRE(at != body.npos);
  return std::string(body.substr(begin + key.size(), at - begin - key.size()));
}

std::vector<Published> published_in(std::string_view body) {
  std::vector<Published> all;
  std::size_t at = 0;
  while (body.find("{\"id\":", at) != body.npos) {
    Published one;
    one.id = field(body, "id", "\"", at).substr(1);
    one.topic = field(body, "topic", "\"", at).substr(1);
    one.subscribers = std::stoul(field(body, "subscribers", "}", at));
    all.push_back(std::move(one));
  }
  return all;
}

/// A client that publishes over one connection without waiting for answers.
class HttpClient {
 public:
  HttpClient(World& world, std::size_t number)
      : client(world.connect("/")), world_(world), number_(number) {
    client.unsent.clear();
    client.reads = false;  // no WebSocket
  }

  /// Something that is drawn: right or wrong, and with its body in one way or another.
  void ask() {
    switch (world_.below(6)) {
      case 0:
        ask_batch(world_.below(5), world_.one_in(4));
        break;
      case 1:
        ask_batch(kShareOfTurn / 2 + world_.below(2 * kShareOfTurn), world_.one_in(8));
        break;
      case 2:
        ask_both();
        break;
      case 3:
        request("/publish/" + topic_name(0), "not UTF-8: \xff", {.status = 400, .messages = {}});
        break;
      default:
        ask_one();
    }
  }

  void ask_one() {
    const std::string topic = draw_topic();
    const std::string text = draw_text();
    request("/publish/" + topic, text, {200, {{topic, text}}});
  }

  void ask_both() {
    const std::string one = std::to_string(world_.below(2));
    const std::string other = std::to_string(world_.below(2));
    const std::string text = draw_text();
    Expected wanted{200, {{one, text}}};
    if (other != one) wanted.messages.push_back({other, text});
    request("/both/" + one + "/" + other, text, wanted);
  }

  void ask_batch(std::size_t lines, bool wrong) {
    std::string body;
    Expected wanted;
    const std::size_t wrong_line = wrong ? world_.below(lines + 1) : lines + 1;
    for (std::size_t i = 0; i <= lines; ++i) {
      if (i == wrong_line) body += "{\"topic\":\"a\"}\n";
      if (i == lines) break;
      if (world_.one_in(10)) body += "\r\n";
      const std::string topic = draw_topic();
      const std::string text = draw_text();
      body += "{\"topic\":\"" + topic + "\",\"data\":\"" + text + "\"}\n";
      wanted.messages.push_back({topic, text});
    }
    if (wrong) wanted = {.status = 400, .messages = {}};
    request("/publish/", body, wanted, "Content-Type: application/x-ndjson\r\n");
  }

  void read() { received += client.socket.read(1 + world_.below(20'000)); }

  std::vector<Answer> answers() const {
    std::vector<Answer> all;
    std::string_view rest = received;
    while (!rest.empty()) {
      const auto end = rest.find("\r\n\r\n");
      REQUIRE(end != rest.npos);
      REQUIRE(rest.starts_with("HTTP/1.1 "));
      Answer answer{.status = std::stoi(std::string(rest.substr(9, 3))), .body = {}};
      const auto length = rest.find("Content-Length: ");
      const std::size_t size = length < end ? std::stoul(std::string(rest.substr(length + 16))) : 0;
      answer.body = rest.substr(end + 4, size);
      rest.remove_prefix(end + 4 + size);
      if (answer.status != 100) all.push_back(std::move(answer));
    }
    return all;
  }

  Client& client;
  std::vector<Expected> expected;
  std::string received;

 private:
  std::string draw_topic() { return topic_name(world_.below(kTopics)); }

  std::string draw_text() {
    std::string text = std::to_string(number_) + ":" + std::to_string(texts_++) + ":";
    text.append(world_.one_in(50) ? world_.below(30'000) : world_.below(30), 'x');
    return text;
  }

  void request(const std::string& path, const std::string& body, Expected wanted,
               const std::string& headers = {}) {
    std::string& out = client.unsent;
    out += (world_.one_in(2) ? "POST " : "PUT ") + path + " HTTP/1.1\r\nHost: a\r\n" + headers;
    if (world_.one_in(8)) out += "Expect: 100-continue\r\n";
    if (world_.one_in(2)) {
      out += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    } else {
      out += "Transfer-Encoding: chunked\r\n\r\n";
      std::string_view rest = body;
      while (!rest.empty()) {
        const std::string_view piece = rest.substr(0, 1 + world_.below(rest.size()));
        std::array<char, 16> size;
        out.append(size.data(),
                   std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr);
        out += (world_.one_in(3) ? ";a=b\r\n" : "\r\n") + std::string(piece) + "\r\n";
        rest.remove_prefix(piece.size());
      }
      out += world_.one_in(3) ? "0\r\nA: b\r\n\r\n" : "0\r\n\r\n";
    }
    expected.push_back(std::move(wanted));
  }

  World& world_;
  std::size_t number_;
  std::size_t texts_ = 0;
};

/// Subscribers of every topic, and clients that publish there.
struct Press {
  explicit Press(World& its_world) : world(its_world) {
    for (std::size_t i = 0; i < kTopics; ++i) {
      listeners[topic_name(i)] = listen("/hear/" + topic_name(i));
      if (i < 2) listeners[std::to_string(i)] = listen("/hear/" + std::to_string(i));
    }
    world.settle();
  }

  std::vector<Client*> listen(const std::string& path) {
    std::vector<Client*> all;
    for (std::size_t count = world.below(3); count > 0; --count)
      all.push_back(&world.connect(path, world.draw_offer()));
    return all;
  }

  void read_all() {
    bool any = true;
    while (any) {
      world.settle();
      any = false;
      for (HttpClient& publisher : publishers) {
        any = any || publisher.client.socket.unread() > 0;
        publisher.received += publisher.client.socket.read();
      }
    }
  }

  World& world;
  std::map<std::string, std::vector<Client*>> listeners;
  std::deque<HttpClient> publishers;
};

/// By topic: the text of each offset that an answer told.
using Orders = std::map<std::string, std::map<std::uint64_t, std::string>>;

void check_answers(const Press& press, const HttpClient& publisher, Orders& orders) {
  const std::vector<Answer> answers = publisher.answers();
  REQUIRE(answers.size() == publisher.expected.size());
  std::map<std::string, std::uint64_t> last;  // of this client's
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const Expected& expected = publisher.expected[i];
    REQUIRE(answers[i].status == expected.status);
    if (expected.status != 200) continue;
    const auto published = published_in(answers[i].body);
    REQUIRE(published.size() == expected.messages.size());
    for (std::size_t j = 0; j < published.size(); ++j) {
      const auto& [topic, text] = expected.messages[j];
      REQUIRE(published[j].topic == topic);
      REQUIRE(published[j].subscribers == press.listeners.at(topic).size());
      const std::uint64_t offset = std::stoull(published[j].id.substr(17));
      REQUIRE(offset > last[topic]);
      last[topic] = offset;
      REQUIRE(orders[topic].emplace(offset, text).second);
    }
  }
}

TEST_CASE("Publisher: every request is answered in its order, and each listener hears that order") {
  for_seeds(100, [](std::uint64_t seed) {
    World world(seed, kPublishRoutes);
    Press press(world);
    for (std::size_t i = 0; i < 3; ++i) press.publishers.emplace_back(world, i);
    for (int step = 0; step < 400; ++step) {
      HttpClient& publisher = press.publishers[world.below(press.publishers.size())];
      if (world.one_in(20)) publisher.ask();
      if (world.one_in(2)) publisher.read();
      world.step();
    }
    press.read_all();
    Orders orders;
    for (const HttpClient& publisher : press.publishers) check_answers(press, publisher, orders);
    for (const auto& [topic, listeners] : press.listeners) {
      std::vector<std::string> order;
      for (const auto& [offset, text] : orders[topic]) order.push_back(text);
      for (const Client* listener : listeners) {
        REQUIRE(listener->peer.error == "");
        REQUIRE(listener->peer.messages.size() == order.size());
        for (std::size_t i = 0; i < order.size(); ++i)
          REQUIRE(listener->peer.messages[i].payload == order[i]);
      }
    }
    world.finish();
  });
}

TEST_CASE(
    "Publisher: a batch is published as a whole or not at all, whatever becomes of its client") {
  int whole = 0;
  int nothing = 0;
  for_seeds(150, [&](std::uint64_t seed) {
    World world(seed, kPublishRoutes);
    Press press(world);
    HttpClient& publisher = press.publishers.emplace_back(world, 0);
    publisher.ask_batch(1 + world.below(4 * kShareOfTurn), false);
    for (std::size_t steps = world.below(60); steps > 0; --steps) world.step();
    world.kill(publisher.client);
    world.settle();
    std::map<std::string, std::vector<std::string>> sent;
    for (const auto& [topic, text] : publisher.expected[0].messages) sent[topic].push_back(text);
    std::set<bool> heard;
    for (const auto& [topic, texts] : sent)
      for (const Client* listener : press.listeners.at(topic)) {
        const auto& messages = listener->peer.messages;
        heard.insert(!messages.empty());
        if (messages.empty()) continue;
        REQUIRE(messages.size() == texts.size());
        for (std::size_t i = 0; i < texts.size(); ++i) REQUIRE(messages[i].payload == texts[i]);
      }
    REQUIRE(heard.size() <= 1);
    if (!heard.empty()) ++(*heard.begin() ? whole : nothing);
    world.finish();
  });
  if (!std::getenv("PEAL_SEED")) {
    CHECK(whole > 0);
    CHECK(nothing > 0);
  }
}

TEST_CASE("Publisher: connections that break leave nothing behind") {
  for_seeds(150, [](std::uint64_t seed) {
    World world(seed, kPublishRoutes, true);
    Press press(world);
    for (std::size_t i = 0; i < 4; ++i) press.publishers.emplace_back(world, i);
    for (int step = 0; step < 300; ++step) {
      HttpClient& publisher = press.publishers[world.below(press.publishers.size())];
      if (world.one_in(10)) publisher.ask();
      if (world.one_in(2)) publisher.read();
      if (world.one_in(100)) world.kill(publisher.client);
      world.step();
    }
    press.read_all();
    world.finish();
  });
}

}  // namespace
}  // namespace peal::sim
