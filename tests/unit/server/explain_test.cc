// SPDX-License-Identifier: Apache-2.0
#include "server/explain.h"

#include <doctest/doctest.h>

#include "config/load.h"

namespace peal::server {
namespace {

constexpr std::string_view kText = R"([listen.public]
address = "127.0.0.1:8080"
[limits]
message_size = "64KiB"
[route.chat]
path = "/chat/{room}"
type = "pubsub"
topics = ["chat/{room}"]
publish = "anyone"
origins = ["https://app.example.com"]
subprotocols = ["chat"]
[route.any]
path = "/{path...}"
type = "echo"
hosts = ["app"]
[route.health]
path = "/healthz"
type = "health"
[route.secret]
path = "/secret"
type = "health"
auth = { bearer_file = "/dev/null" }
[listen.secure]
address = "127.0.0.1:8443"
tls = { cert = "a.crt", key = "a.key" }
[compression]
enabled = false
[route.publish]
path = "/publish/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = "none"
[route.guarded]
path = "/guarded/{topic...}"
type = "publish"
topics = ["{topic}"]
auth = { bearer_file = "/dev/null" }
[route.live]
path = "/live"
type = "pubsub"
select = "query"
topics = ["chat/*", "news/**"]
wildcards = true
[route.only]
path = "/only"
type = "pubsub"
topics = ["only"]
transports = ["websocket"]
[topic.chat]
match = "chat/*"
history = { size = 100, age = "10m" }
[topic.news]
match = "news/**"
history = { size = 3 }
rate = "10/s"
[topic.plain]
match = "plain"
)";

std::expected<std::string, std::string> run(const ExplainRequest& request) {
  const std::vector<std::string> overrides{"limits.ping_interval=3s"};
  const auto loaded = config::load_text(kText, "p.toml", overrides);
  REQUIRE(loaded.config);
  return explain(*loaded.config, loaded.provenance, request);
}

/// The explanation with each run of spaces made one.
std::string text(const std::string& method, const std::string& url,
                 const std::vector<std::string>& headers = {}) {
  const auto explained = run({method, url, headers});
  REQUIRE(explained);
  std::string out;
  for (const char c : *explained)
    if (c != ' ' || !out.ends_with(' ')) out += c;
  return out;
}

bool contains(const std::string& text, std::string_view part) {
  if (text.find(part) != std::string::npos) return true;
  MESSAGE(text);
  return false;
}

const std::vector<std::string> kUpgrade{"Upgrade: websocket", "Connection: Upgrade",
                                        "Sec-WebSocket-Version: 13",
                                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="};

TEST_CASE("explain: the route, its captures, what else matched, the topics") {
  const std::string out = text("GET", "ws://localhost:8080/chat/the%20lobby?x=1");
  CHECK(contains(out, "route route.chat, path \"/chat/{room}\", type pubsub\n"));
  CHECK(contains(out, "capture room = \"the lobby\"\n"));
  CHECK(contains(out, "topic \"chat/the lobby\"\n"));
  CHECK(contains(out, "class chat, match \"chat/*\": history of 100 messages, 10m at most\n"));
  CHECK(contains(out, "publishes to \"chat/the lobby\", class chat\n"));
  CHECK(contains(out, "answer 101: a WebSocket without a sub-protocol\n"));
}

TEST_CASE("explain: routes that are less specific are named") {
  const std::string out = text("GET", "http://app:8080/healthz");
  CHECK(contains(out, "route route.any, path \"/{path...}\", type echo, only for host app\n"));
  CHECK(contains(out, "why it is for this host, which goes before the path\n"));
  CHECK(contains(out, "less specific route.health, path \"/healthz\", type health\n"));
  CHECK(contains(text("GET", "http://other:8080/healthz"), "it is the only route that matches\n"));
}

TEST_CASE("explain: each setting and where it came from") {
  const std::string out = text("GET", "/chat/x");
  CHECK(contains(out, " path \"/chat/{room}\" (p.toml:6)\n"));
  CHECK(contains(out, " publish_to \"chat/{room}\" (default: the first topic)\n"));
  CHECK(contains(out, " include_sender true (default)\n"));
  CHECK(contains(out, " limits.message_size \"64KiB\" (p.toml:4)\n"));
  CHECK(contains(out, " limits.ping_interval \"3s\" (--set)\n"));
  CHECK(contains(out, " limits.queue_size \"1MiB\" (default)\n"));
  CHECK(contains(out, " compression false (p.toml:27)\n"));
  CHECK(contains(out, " auth \"none\" (default)\n"));
  CHECK(contains(text("GET", "/secret"), " auth.bearer_file \"/dev/null\" (p.toml:22)\n"));
}

TEST_CASE("explain: why nothing answers") {
  const std::string out = text("GET", "http://other:8080/nowhere");
  CHECK(contains(out, "answer 404: "));
  CHECK(contains(out, "passed over route.chat, path \"/chat/{room}\", type pubsub\n"));
  CHECK(contains(text("GET", "/chat/a%2Fb"), "answer 400: the path is malformed"));
}

TEST_CASE("explain: the origin") {
  const auto with = [](const char* origin) {
    return text("GET", "ws://localhost:8080/chat/x", {std::string("Origin: ") + origin});
  };
  CHECK(contains(with("https://app.example.com"), "origin \"https://app.example.com\" passes\n"));
  CHECK(contains(with("http://localhost:8080"), "passes\n"));
  CHECK(contains(with("https://evil.example"), "answer 403: "));
  CHECK(contains(text("GET", "ws://localhost:8080/chat/x"), "origin none given"));
}

TEST_CASE("explain: a listener with TLS is of the origin https") {
  const auto with = [](const char* origin) {
    return text("GET", "wss://localhost:8443/chat/x", {std::string("Origin: ") + origin});
  };
  CHECK(contains(with("https://localhost:8443"), "passes\n"));
  CHECK(contains(with("https://localhost:8443"), "listen.secure, 127.0.0.1:8443, TLS\n"));
  CHECK(contains(with("http://localhost:8443"), "answer 403: "));
  CHECK_FALSE(with("https://evil.example").find("speaks http") != std::string::npos);
}

TEST_CASE("explain: the transport of a pubsub route") {
  const auto accepting = [](const char* what) {
    return text("GET", "/chat/x", {std::string("Accept: ") + what});
  };
  CHECK(contains(text("GET", "/chat/x"), "answer 200 or 204: a long poll"));
  CHECK(contains(accepting("text/event-stream"), "answer 200: an event stream"));
  CHECK(
      contains(accepting("image/png"), "answer 406: this route has WebSockets and event streams"));
  CHECK(contains(text("POST", "/chat/x"), "answer 405: "));
  CHECK(contains(text("OPTIONS", "/chat/x"), "answer 204: "));
  CHECK(contains(text("GET", "/live"), "answer 400: "));
}

TEST_CASE("explain: from where, and for how long") {
  const auto answer = [](const std::string& url, const std::vector<std::string>& headers = {}) {
    const std::string all = text("GET", url, headers);
    constexpr std::string_view kLabel = "\n answer ";
    const auto at = all.find(kLabel) + kLabel.size();
    return all.substr(at, all.find('\n', at) - at);
  };
  CHECK(answer("/chat/a?since=x") == "400: \"since\" is no message's id: EPOCH-OFFSET");
  CHECK(answer("ws://x/chat/a?last=x") == "400: \"last\" is a number of messages up to 1000000");
  CHECK(answer("/chat/a?wait=6m") == "400: \"wait\" is a duration up to 5m, such as 25s");
  CHECK(answer("ws://x/chat/a?wait=6m").starts_with("101: "));
  CHECK(answer("/live?topic=chat/a&topic=chat/b&since=0123456789abcdef-1.2").starts_with("200 or"));
  CHECK(answer("/live?topic=chat/a&topic=news/**&since=0123456789abcdef-1.2").starts_with("400: "));
  CHECK(answer("/chat/a", {"Accept: text/event-stream", "Last-Event-ID: x"}).starts_with("200: "));
}

TEST_CASE("explain: the method and the headers of an upgrade") {
  CHECK(contains(text("GET", "/chat/x", kUpgrade), "answer 101: "));
  CHECK(contains(text("GET", "/only"), "answer 426: "));
  CHECK(contains(text("POST", "/chat/x", kUpgrade), "answer 405: "));
  auto draft = kUpgrade;
  draft[2] = "Sec-WebSocket-Version: 8";
  CHECK(contains(text("GET", "/chat/x", draft), "answer 426: "));
  auto chat = kUpgrade;
  chat.push_back("Sec-WebSocket-Protocol: other, chat");
  CHECK(contains(text("GET", "/chat/x", chat), "with sub-protocol \"chat\"\n"));
  CHECK(contains(text("HEAD", "http://x:8080/healthz"), "answer an ordinary HTTP response\n"));
  CHECK(contains(text("PUT", "http://x:8080/healthz"), "answer 405: "));
}

TEST_CASE("explain: a route for those with a token") {
  CHECK(contains(text("GET", "/secret"), "answer 401: "));
  CHECK(contains(text("GET", "/secret"), "token none given"));
  const auto shown = text("GET", "/secret", {"Authorization: Bearer sesame"});
  CHECK(contains(shown, "answer 401: "));
  CHECK(contains(shown, "token is none of those in \"/dev/null\"\n"));
}

TEST_CASE("explain: a preflight, which shows no token") {
  const auto ask = [](const std::string& url, const std::string& origin) {
    return text("OPTIONS", url,
                {"Host: x", "Origin: " + origin, "Access-Control-Request-Method: PUT"});
  };
  for (const std::string url : {"/publish/x", "/chat/x", "/only", "/guarded/x"}) {
    CAPTURE(url);
    CHECK(contains(ask(url, "http://x"), "answer 204: what a page may ask\n"));
    CHECK(contains(ask(url, "https://evil.example"), "answer 403: the origin\n"));
  }
  CHECK(contains(ask("/secret", "http://x"), "answer 401: "));
}

TEST_CASE("explain: a publish route, and the class of its topic") {
  const std::string out = text("POST", "/publish/chat/lobby");
  CHECK(contains(out, "route route.publish, path \"/publish/{topic...}\", type publish\n"));
  CHECK(contains(out, "topic \"chat/lobby\"\n"));
  CHECK(contains(out, "class chat, match \"chat/*\": history of 100 messages, 10m at most\n"));
  CHECK(contains(out, "answer 200: the body is published as text, if it is UTF-8\n"));
  CHECK(contains(text("PUT", "/publish/plain"), "class plain, match \"plain\": no history\n"));
  CHECK(
      contains(text("PUT", "/publish/x"), "class default: no class matches, so without history\n"));
  const std::vector<std::string> batch{"Content-Type: application/x-ndjson"};
  CHECK(contains(text("POST", "/publish/chat/", batch), " topics \"chat/**\"\n"));
  CHECK(contains(text("POST", "/publish/", batch), "answer 200: the lines of the body are "));
  CHECK(contains(text("POST", "/publish/x", {"Content-Type: application/octet-stream"}),
                 "answer 200: the body is published as binary\n"));
  CHECK(contains(text("POST", "/publish/x", {"Content-Encoding: gzip"}), "answer 415: "));
  CHECK(contains(text("POST", "/publish/"), "answer 400: the path makes no topic"));
  CHECK(contains(text("GET", "/publish/x"), "answer 405: "));
  CHECK(contains(text("POST", "/publish/a//b"),
                 "answer 400: the path makes no topic: it has an empty segment\n"));
  CHECK(contains(text("POST", "http://x:8080/publish/x", {"Origin: https://evil.example"}),
                 "answer 403: the origin\n"));
}

TEST_CASE("explain: topics that the query asks for") {
  const std::string out = text("GET", "ws://x:8080/live?topic=chat/a&topic=news/en/*");
  CHECK(contains(out, "topic \"chat/a\"\n"));
  CHECK(contains(out, "pattern \"news/en/*\"\n"));
  CHECK(contains(out, "answer 101: "));
  CHECK(contains(out, " publish_to \"\" (default)\n"));
  CHECK(contains(
      text("GET", "ws://x:8080/live?topic=news"),
      "class news, match \"news/**\": history of 3 messages; the newest message, at 10/s\n"));
  CHECK(contains(text("GET", "ws://x:8080/live?topic=other"),
                 "answer 403: topic 1 of the query: this route does not have it\n"));
  CHECK(contains(text("GET", "ws://x:8080/live"), "answer 400: no topic is asked for"));
}

TEST_CASE("explain: the Host header decides over the URL") {
  CHECK(contains(text("GET", "http://x:8080/a", {"Host: app"}), "route route.any"));
}

TEST_CASE("explain: a port that nobody listens on is said") {
  CHECK(contains(text("GET", "http://localhost/a"), "no listener has port 80;"));
  CHECK(contains(text("GET", "wss://localhost/a"), "no listener has port 443;"));
}

TEST_CASE("explain: requests that are none") {
  for (const ExplainRequest& request :
       {ExplainRequest{"GET", "chat", {}}, ExplainRequest{"GET", "ftp://x/", {}},
        ExplainRequest{"GET", "http:///x", {}}, ExplainRequest{"G T", "/", {}},
        ExplainRequest{"GET", "/", {"no colon"}}, ExplainRequest{"GET", "/", {"a b: c"}}})
    CHECK_FALSE(run(request));
}

}  // namespace
}  // namespace peal::server
