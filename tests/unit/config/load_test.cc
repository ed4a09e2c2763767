// SPDX-License-Identifier: Apache-2.0
#include "config/load.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "tests/unit/config/folder.h"
#include "tests/unit/config/loading.h"

namespace peal::config {
namespace {

TEST_CASE("load_text: the smallest file leaves everything at its default") {
  const Config config = loaded(kSmallest);
  CHECK(config.server == Server{});
  CHECK(config.limits == Limits{});
  CHECK(config.log == Log{});
  CHECK(config.listen == std::vector{Listen{"public", "127.0.0.1", 0, {}}});
  Route echo;
  echo.name = "echo";
  echo.path = "/echo";
  CHECK(config.routes == std::vector{echo});
}

TEST_CASE("load_text: every key is read") {
  const Config config = loaded(R"(
[server]
threads = 3
io = "epoll"
pin = false
[listen.a]
address = "[::1]:8080"
routes = ["chat", "publish"]
tls = { cert = "a.crt", key = "a.key", client_ca = "ca.crt", min_version = "1.3" }
[limits]
connections = 10
connections_per_ip = 3
accept_rate = "2000/s"
header_size = "8KiB"
history_memory = "1GiB"
message_size = 2000
message_fragments = 9
batch_size = "3MiB"
queue_size = "64KiB"
slow_client = "drop"
message_rate = "5/s"
handshake_timeout = "3s"
body_timeout = "6s"
ping_interval = 0
pong_timeout = "4s"
idle_timeout = "1h"
close_timeout = "250ms"
[compression]
enabled = false
min_size = "1KiB"
max_size = "1MiB"
level = 6
context_takeover = true
[drain]
over = "1m"
jitter = 0.5
pause = "10s"
timeout = 0
[log]
level = "debug"
format = "json"
file = "peal.log"
access = true
access_one_in = 10
[route.chat]
path = "/chat/{room}"
type = "pubsub"
hosts = ["A.example.com", "*.b.example.com"]
origins = ["HTTPS://app.example.com"]
subprotocols = ["chat"]
listen = ["a"]
topics = ["chat/{room}", "all/**"]
select = "query"
wildcards = true
max_topics = 7
transports = ["poll", "websocket"]
replay = { last = 20 }
publish = "anyone"
publish_to = "all"
include_sender = false
compression = true
auth = { bearer_file = "/dev/null" }
limits = { message_size = "1KiB", slow_client = "latest", message_rate = 0 }
[route.publish]
path = "/publish"
type = "publish"
topics = ["a"]
auth = "none"
[topic.chat]
match = "chat/**"
history = { size = 100, age = "10m" }
rate = "10/s"
)");
  CHECK(config.server == Server{3, IoChoice::epoll, false});
  const std::string folder = std::filesystem::current_path();
  const Tls tls{{{folder + "/a.crt", folder + "/a.key"}}, folder + "/ca.crt", TlsVersion::v1_3};
  CHECK(config.listen == std::vector{Listen{"a", "::1", 8080, {"chat", "publish"}, tls}});
  const RouteLimits all{2000,
                        9,
                        3 << 20,
                        64 << 10,
                        SlowClient::drop,
                        5,
                        Milliseconds{0},
                        Milliseconds{4000},
                        Milliseconds{3'600'000}};
  CHECK(config.limits == Limits{10, 3, 2000, 8 << 10, 1 << 30, Milliseconds{3000},
                                Milliseconds{6000}, Milliseconds{250}, all});
  CHECK(config.compression == Compression{false, 1024, 1 << 20, 6, true});
  CHECK(config.drain == Drain{Milliseconds{60'000}, 0.5, Milliseconds{10'000}, Milliseconds{0}});
  CHECK(config.log == Log{LogLevel::debug, LogFormat::json, folder + "/peal.log", true, 10});
  REQUIRE(config.routes.size() == 2);
  const Route& chat = config.routes.front();
  CHECK(chat.hosts == std::vector<std::string>{"a.example.com", "*.b.example.com"});
  CHECK(chat.origins == std::vector<std::string>{"https://app.example.com"});
  CHECK(chat.subprotocols == std::vector<std::string>{"chat"});
  CHECK(chat.topics == std::vector<std::string>{"chat/{room}", "all/**"});
  CHECK(chat.select == TopicSelect::query);
  CHECK(chat.wildcards);
  CHECK(chat.max_topics == 7);
  CHECK(chat.transports == std::vector{Transport::poll, Transport::websocket});
  CHECK(chat.replay == Replay{20});
  CHECK(chat.publish == PublishPolicy::anyone);
  CHECK(chat.publish_to == "all");
  CHECK_FALSE(chat.include_sender);
  CHECK(chat.compression);
  CHECK(chat.auth == Auth{"/dev/null"});
  CHECK(chat.limits.message_size == 1024);
  CHECK(chat.limits.message_rate == 0);
  CHECK(chat.limits.slow_client == SlowClient::latest);
  CHECK(chat.limits.queue_size == 64 << 10);
  CHECK(config.routes[1].type == RouteType::publish);
  CHECK(config.topics ==
        std::vector{Topic{"chat", "chat/**", History{100, Milliseconds{600'000}}, 10}});
}

TEST_CASE("load_text: publish_to is the first topic unless given") {
  const Config config =
      loaded(kListen + "[route.a]\npath='/{x}'\ntype='pubsub'\ntopics=['t/{x}','u']\n");
  CHECK(config.routes.front().publish_to == "t/{x}");
}

TEST_CASE("load_text: routes keep the order of the file") {
  const Config config = loaded(kListen +
                               "[route.z]\npath='/z'\ntype='echo'\n[route.a.limits]\n"
                               "queue_size='2MiB'\n[route.a]\npath='/a'\ntype='echo'\n" +
                               kEcho);
  std::vector<std::string> names;
  for (const Route& route : config.routes) names.push_back(route.name);
  CHECK(names == std::vector<std::string>{"z", "a", "echo"});
  CHECK(config.routes[1].limits.queue_size == 2 << 20);
}

TEST_CASE("load_text: all problems are told at once, in the order of the file") {
  const auto lines = problems(kListen + R"([server]
thread = 2
pin = "yes"
[route.echo]
path = "echo"
type = "ecko"
[limits]
idle_timeout = 10
)");
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] ==
        "p.toml:4:1: error: server.thread: expected a key that exists, found \"thread\"; did you "
        "mean \"threads\"?");
  CHECK(lines[1] == "p.toml:5:7: error: server.pin: expected true or false, found \"yes\"");
  CHECK(contains(lines[2], "p.toml:7:8: error: route.echo.path: expected a path such as"));
  CHECK(contains(lines[3], "p.toml:8:8: error: route.echo.type: "));
  CHECK(contains(lines[3], "found \"ecko\"; did you mean \"echo\"?"));
  CHECK(contains(lines[4], "p.toml:10:16: error: limits.idle_timeout: "));
  CHECK(contains(lines[4], "did you mean \"10s\"?"));
}

TEST_CASE("load_text: keys and tables that do not exist are errors") {
  CHECK(contains(problem(kSmallest + "tls = 1\n"), "p.toml:6:1: error: route.echo.tls: "));
  CHECK(contains(problem(kSmallest + "[routes.x]\n"), "p.toml:6:2: error: routes: "));
  CHECK(contains(problem(kSmallest + "[routes.x]\n"), "did you mean \"route\"?"));
  CHECK(contains(problem(kSmallest + "[topics.x]\n"), "did you mean \"topic\"?"));
  CHECK(contains(problem("x = 1\n" + kSmallest), "p.toml:1:1: error: x: "));
  CHECK(contains(problem(kSmallest + "limits = { connections = 3 }\n"),
                 "p.toml:6:12: error: route.echo.limits.connections: "));
  CHECK(contains(problem(kSmallest + "\"\\n\" = 1\n"), "error: route.echo.\"\\u000A\": "));
}

TEST_CASE("load_text: a key of another type of route says which type has it") {
  CHECK(problem(kSmallest + "topics = ['a']\n") ==
        "p.toml:6:1: error: route.echo.topics: expected only where type is \"pubsub\" or "
        "\"publish\", found where it is \"echo\"");
  CHECK(contains(problem(kSmallest + "root = '.'\n"), "only where type is \"files\""));
}

TEST_CASE("load_text: a wrong type hides no other problem and makes none up") {
  const auto lines = problems(kListen + "[route.x]\npath='/x'\ntype='pubsup'\ntopics=['a']\n");
  CHECK(lines.size() == 1);
}

TEST_CASE("load_text: what is required must be there") {
  CHECK(problem("[listen.a]\n" + kEcho) ==
        "p.toml:1:9: error: listen.a.address: expected \"IP:PORT\", \"[IPv6]:PORT\", "
        "\"unix:PATH\" or \"systemd:NAME\", found "
        "nothing");
  const auto lines = problems(kListen + "[route.x]\n");
  REQUIRE(lines.size() == 2);
  CHECK(contains(lines[0], "p.toml:3:8: error: route.x.path: "));
  CHECK(contains(lines[1], "p.toml:3:8: error: route.x.type: "));
  CHECK(contains(problem(kEcho), "listen: expected at least one table"));
  CHECK(contains(problem(kListen), "route: expected at least one table"));
  CHECK(problems("").size() == 2);
}

TEST_CASE("load_text: ranges") {
  const auto limit = [](const char* line) {
    return problem(kSmallest + "[limits]\n" + std::string(line) + '\n');
  };
  CHECK(contains(limit("header_size = 1023"), "a size from 1KiB to 1MiB, found 1023"));
  CHECK(contains(limit("header_size = '2MiB'"), "a size from 1KiB to 1MiB, found \"2MiB\""));
  CHECK(contains(limit("message_size = 0"), "a size from 1 to 512MiB"));
  CHECK(contains(limit("message_size = 536870913"), "a size from 1 to 512MiB"));
  CHECK(contains(limit("message_size = -1"), "a number of bytes"));
  CHECK(contains(limit("message_size = '64kb'"), "did you mean \"64KiB\"?"));
  CHECK(contains(limit("queue_size = 4095"), "a size from 4KiB to 1GiB"));
  CHECK(contains(limit("handshake_timeout = '0s'"), "a duration from 1ms to 24h"));
  CHECK(contains(limit("close_timeout = 0"), "a duration from 1ms to 24h"));
  CHECK(contains(limit("pong_timeout = '25h'"), "a duration from 1ms to 24h"));
  CHECK(contains(limit("idle_timeout = '5 minutes'"), "did you mean \"5m\"?"));
  CHECK(contains(limit("connections = -1"), "a number from 0 to"));
  CHECK(contains(limit("connections = 1.5"), "found a number with a fraction: 1.5"));
  CHECK(contains(limit("connections_per_ip = -1"), "a number from 0 to"));
  CHECK(contains(limit("message_fragments = 0"), "a number from 1 to 16777216"));
  CHECK(contains(limit("history_memory = '1KiB'"), "a size from 1MiB to 1024GiB"));
  CHECK(contains(limit("body_timeout = 0"), "a duration from 1ms to 24h"));
  CHECK(contains(limit("batch_size = 0"), "a size from 1 to 1GiB"));
  CHECK(contains(limit("accept_rate = '1000000001/s'"), "a rate from 0/s to 1000000000/s"));
  for (const char* threads : {"0", "257", "-1", "'many'", "true"})
    CHECK(contains(problem(kSmallest + "[server]\nthreads = " + threads + '\n'),
                   "\"auto\" or a number from 1 to 256"));
}

TEST_CASE("load_text: rates that are not quite right") {
  const auto rate = [](const std::string& value) {
    return problem(kSmallest + "[limits]\nmessage_rate = " + value + '\n');
  };
  for (const char* value : {"2000", "'2000'", "'2000/'", "'2000/sec'", "'2000 / s'",
                            "'2000 per second'", "'2000/second'", "'2000s'"})
    CHECK(rate(value) ==
          "p.toml:7:16: error: limits.message_rate: expected a rate such as \"2000/s\", found " +
              (value[0] == '\'' ? '"' + std::string(value + 1, std::strlen(value) - 2) + '"'
                                : std::string(value)) +
              "; did you mean \"2000/s\"?");
  for (const char* value : {"'60/m'", "'/s'", "''", "-1", "true", "'many'", "1.5"})
    CHECK_FALSE(contains(rate(value), "did you mean"));
}

TEST_CASE("load_text: compression is on for every route that does not say otherwise") {
  const std::string two = kSmallest + "[route.two]\npath='/two'\ntype='echo'\ncompression=false\n";
  const Config config = loaded(two);
  CHECK(config.routes[0].compression);
  CHECK_FALSE(config.routes[1].compression);
  CHECK_FALSE(loaded(two, {"compression.enabled=false"}).routes[0].compression);
  CHECK(contains(problem(kSmallest + "[compression]\nlevel = 10\n"), "a number from 1 to 9"));
  CHECK(contains(problem(kSmallest + "[compresion]\n"), "did you mean \"compression\"?"));
}

TEST_CASE("load_text: certificates and keys go in pairs") {
  const auto tls = [](const std::string& text) { return kListen + text + '\n' + kEcho; };
  const std::string two = "tls = { cert = ['a.crt', 'b.crt'], key = ['a.key', 'b.key'] }";
  const auto pairs = loaded(tls(two)).listen[0].tls->certificates;
  REQUIRE(pairs.size() == 2);
  CHECK(contains(pairs[1].cert, "/b.crt"));
  CHECK(contains(pairs[1].key, "/b.key"));
  CHECK(problem(tls("tls = { cert = ['a', 'b'], key = 'a' }")) ==
        "p.toml:3:34: error: listen.public.tls.key: expected as many files as \"cert\" has, which "
        "are 2, found 1");
  CHECK(problem(tls("tls = { cert = 'a' }")) ==
        "p.toml:3:7: error: listen.public.tls.key: expected a file or a list of files, found "
        "nothing");
  CHECK(problems(tls("tls = {}")).size() == 2);
  CHECK(contains(problem(tls("tls = { cert = [], key = 'a' }")), "found a list without any"));
  CHECK(contains(problem(tls("tls = { cert = ['a', ''], key = ['a', 'b'] }")),
                 "p.toml:3:22: error: listen.public.tls.cert: expected the name of a file"));
  CHECK(contains(problem(tls("tls = { cert = 3, key = 'a' }")), "a list of files, found 3"));
  CHECK(contains(problem(tls("tls = 'yes'")), "expected a table or \"none\", found \"yes\""));
  CHECK(contains(problem(tls("tls = { cert = 'a', key = 'a', min_version = '1.1' }")),
                 "expected \"1.2\" or \"1.3\", found \"1.1\""));
  CHECK(contains(problem(tls("tls = { cert = 'a', key = 'a', ca = 'a' }")), "tls.ca: expected"));
}

TEST_CASE("load_text: tls as a table of its own, by --set, and none") {
  const std::string table = kSmallest + "[listen.public.tls]\ncert = '/a'\nkey = '/b'\n";
  const Tls tls{{{"/a", "/b"}}, "", TlsVersion::v1_2};
  CHECK(loaded(table).listen[0].tls == tls);
  CHECK(
      loaded(kSmallest, {"listen.public.tls.cert=/a", "listen.public.tls.key=/b"}).listen[0].tls ==
      tls);
  CHECK(loaded(table, {"listen.public.tls.cert=/c"}).listen[0].tls->certificates[0].cert == "/c");
  CHECK(loaded(table, {"listen.public.tls=none"}).listen[0].tls == std::nullopt);
}

TEST_CASE("load_text: auth is a file of tokens or none") {
  CHECK(loaded(kSmallest + "auth = 'none'\n").routes[0].auth == std::nullopt);
  const auto auth = [](const std::string& text) { return problem(kSmallest + text + '\n'); };
  CHECK(auth("auth = {}") ==
        "p.toml:6:8: error: route.echo.auth.bearer_file: expected a file of tokens, found nothing");
  CHECK(contains(auth("auth = 'secret'"), "expected a table or \"none\", found \"secret\""));
  CHECK(contains(auth("auth = { bearer_file = '/nowhere/x' }"),
                 "p.toml:6:24: error: route.echo.auth.bearer_file: expected a readable file of "
                 "tokens, found \"/nowhere/x\": No such file or directory"));
  CHECK(contains(auth("auth = { bearer_file = '/' }"), "found \"/\": Is a directory"));
  CHECK(auth("auth = { bearer_file = 3 }").ends_with("expected text in quotes, found 3"));
  const auto misspelt = problems(kSmallest + "auth = { bearer_fil = '/dev/null' }\n");
  REQUIRE(misspelt.size() == 2);  // and the key itself is missing
  CHECK(contains(misspelt[1], "did you mean \"bearer_file\"?"));
}

TEST_CASE("load_text: a check of the caller's own reports among the others") {
  const std::string text = kListen + "tls = { cert = ['a', 'b'], key = ['a', 'b'] }\nrouts = []\n" +
                           kEcho + "hosts = ['/']\n";
  std::size_t seen = 0;
  const Check check = [&](const Config& config, Diagnosis& diagnosis) {
    seen = config.listen[0].tls->certificates.size();
    diagnosis.report_item("listen.public.tls.key", 1, "second key");
    diagnosis.report("route.echo.path", "path");
  };
  const Loaded result = load_text(text, "p.toml", {}, check);
  CHECK(seen == 2);
  CHECK_FALSE(result.config);
  std::vector<std::string> lines;
  for (const Problem& wrong : result.problems) lines.push_back(wrong.text());
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == "p.toml:3:40: error: listen.public.tls.key: second key");
  CHECK(contains(lines[1], "p.toml:4:1: error: listen.public.routs: "));
  CHECK(lines[2] == "p.toml:6:8: error: route.echo.path: path");
  CHECK(contains(lines[3], "p.toml:8:10: error: route.echo.hosts: "));
}

TEST_CASE("load_text: a queue must hold a message of the largest size") {
  CHECK(contains(problem(kSmallest + "[limits]\nmessage_size = '2MiB'\n"),
                 "p.toml:7:16: error: limits.message_size: expected queue_size to be at least "
                 "message_size, found 1MiB and 2MiB"));
  CHECK(contains(problem(kSmallest + "limits = { queue_size = '8KiB' }\n"),
                 "p.toml:6:25: error: route.echo.limits.queue_size: "));
  // Nothing is sent on where clients may not send.
  loaded(kListen +
         "[route.a]\npath='/a'\ntype='pubsub'\ntopics=['a']\nlimits={message_size='2MiB'}\n");
}

TEST_CASE("load_text: elements of lists are checked one by one") {
  CHECK(problem(kSmallest + "origins = ['*',\n  'https://a/']\n") ==
        "p.toml:7:3: error: route.echo.origins: expected \"*\" or an origin such as "
        "\"https://app.example.com\" or \"https://*.example.com\", found \"https://a/\"");
  CHECK(contains(problem(kSmallest + "hosts = ['a', 3]\n"), "p.toml:6:15: error: "));
  CHECK(contains(problem(kSmallest + "subprotocols = ['a b']\n"), "p.toml:6:17: error: "));
  CHECK(contains(problem(kSmallest + "hosts = 'a'\n"), "expected a list"));
}

TEST_CASE("load_text: names of routes and listeners") {
  CHECK(contains(problem(kSmallest + "listen = ['pubic']\n"),
                 "p.toml:6:11: error: route.echo.listen: expected the name of a listener, found "
                 "\"pubic\"; did you mean \"public\"?"));
  CHECK(contains(problem(kListen + "routes = ['echo', 'ecco']\n" + kEcho),
                 "p.toml:3:19: error: listen.public.routes: expected the name of a route, found "
                 "\"ecco\"; did you mean \"echo\"?"));
  CHECK(contains(problem(kSmallest + "[route.'a b']\npath='/a'\ntype='echo'\n"),
                 "expected a name of letters, digits"));
  CHECK(contains(problem(kSmallest + "[route.a]\npath='/a'\ntype='echo'\n[listen.b]\n"
                                     "address='127.0.0.1:0'\nroutes=['a']\n[route.c]\npath='/c'\n"
                                     "type='echo'\nlisten=['b']\n"),
                 "route.c.listen: expected a listener that answers for this route"));
}

TEST_CASE("load_text: one address is taken once, unless the port is chosen by the system") {
  const std::string two = kEcho + "[listen.a]\naddress='[::1]:80'\n[listen.b]\naddress=";
  CHECK(contains(problem(two + "'[0::1]:80'\n"),
                 "p.toml:7:9: error: listen.b.address: expected an address of its own, found "
                 "\"[::1]:80\", which is that of listen.a (p.toml:5:9)"));
  CHECK(contains(problem(two + "'[::]:80'\n"),
                 "p.toml:7:9: error: listen.b.address: expected an address of its own, found "
                 "\"[::]:80\", which overlaps that of listen.a (p.toml:5:9)"));
  loaded(two + "'0.0.0.0:80'\n");
  loaded(two + "'[::]:81'\n");
  loaded(two + "'[::1]:81'\n");
  loaded(kEcho + "[listen.a]\naddress='[::1]:0'\n[listen.b]\naddress='[::1]:0'\n");
}

TEST_CASE("load_text: two routes that could tie are refused, with both places") {
  const auto two = [](const std::string& first, const std::string& second) {
    return kListen + "[listen.b]\naddress='127.0.0.1:0'\n[route.one]\ntype='echo'\n" + first +
           "\n[route.two]\ntype='echo'\n" + second + '\n';
  };
  CHECK(problem(two("path='/{a}'", "path='/{b}'")) ==
        "p.toml:10:6: error: route.two.path: expected a path that no other route can tie with, "
        "found \"/{b}\", which matches what route.one has as \"/{a}\" (p.toml:7:6)");
  problem(two("path='/a/{b...}'\nhosts=['x', 'y']", "path='/a/{c...}'\nhosts=['y']"));
  // One is more specific, or they never meet.
  loaded(two("path='/{a}'", "path='/{a...}'"));
  loaded(two("path='/{a}'", "path='/b'"));
  loaded(two("path='/{a}'\nhosts=['x.y']", "path='/{b}'"));
  loaded(two("path='/{a}'\nhosts=['x.y']", "path='/{b}'\nhosts=['*.y']"));
  loaded(two("path='/{a}'\nlisten=['public']", "path='/{b}'\nlisten=['b']"));
}

TEST_CASE("load_text: text has no control characters") {
  CHECK(contains(problem(kListen + "[route.echo]\npath=\"/a\\u0007\"\ntype='echo'\n"),
                 "p.toml:4:6: error: route.echo.path: expected text without control characters, "
                 "found \"/a\\u0007\""));
}

TEST_CASE("load_text: the first error of syntax ends the reading") {
  CHECK(contains(problem("[limits]\nmessage_size = \"64KiB\n"), "p.toml:2:16: error: "));
  CHECK(contains(problem("[a]\nb = 1\nb = 2\n"), "p.toml:3:5: error: "));
  CHECK(contains(problem("[a]\nb = 1 2\n"), "p.toml:2:7: error: "));
  CHECK(contains(problem("[a]\nb = \n"), "p.toml:2:5: error: missing value"));
  CHECK(problem("a = tru\n") == "p.toml:1:5: error: the next token is not a boolean");
  CHECK(contains(problem("a = [[[[[[[[[[[[[[[[[[[[[[["), "nested too deeply"));
  CHECK(contains(problem("a = []\n[a.b]\n"), "p.toml:2:4: error: \"a\" is a list"));
}

TEST_CASE("--set: values are TOML where they can be, else text") {
  const Config config = loaded(
      kSmallest, {"limits.message_size=64KiB", "server.threads=2", "server.pin=false",
                  "log.level=\"warn\"", "route.chat.path=/chat/{room}", "route.chat.type=pubsub",
                  "route.chat.topics=[\"a\", \"b/{room}\"]", "listen.other.address=[::1]:0"});
  CHECK(config.limits.route.message_size == 64 << 10);
  CHECK(config.server.threads == 2);
  CHECK_FALSE(config.server.pin);
  CHECK(config.log.level == LogLevel::warn);
  REQUIRE(config.routes.size() == 2);
  CHECK(config.routes[1].topics == std::vector<std::string>{"a", "b/{room}"});
  CHECK(config.listen[1].host == "::1");
}

TEST_CASE("--set: text needs no quotes, whatever it is in TOML") {
  const std::vector<std::string> tls{"listen.public.tls.cert=1979-05-27",
                                     "listen.public.tls.key=true"};
  const auto with = [&](std::string more) {
    std::vector<std::string> overrides = tls;
    overrides.push_back(std::move(more));
    return overrides;
  };
  const Config config = loaded(kSmallest, with("listen.public.tls.min_version= 1.3"));
  CHECK(config.listen[0].tls->min_version == TlsVersion::v1_3);
  CHECK(config.listen[0].tls->certificates[0].cert.ends_with("/1979-05-27"));
  CHECK(config.listen[0].tls->certificates[0].key.ends_with("/true"));
  CHECK(contains(problem(kSmallest, with("listen.public.tls.min_version=1.1")),
                 "expected \"1.2\" or \"1.3\", found \"1.1\""));
  const std::vector<std::string> unix_socket{"listen.u.address=unix:/run/u", "listen.u.mode=660"};
  CHECK(loaded(kSmallest, unix_socket).listen[1].mode == 0660);
  // In a file they are needed.
  CHECK(contains(problem(kSmallest + "[log]\nlevel = 1.3\n"), "found a number with a fraction"));
}

TEST_CASE("--set: the last one wins, over the file too") {
  const Config config =
      loaded(kSmallest + "[limits]\nqueue_size=1\n",
             {"limits.queue_size=2MiB", "limits.queue_size=3MiB", "route.echo.path=/other"});
  CHECK(config.limits.route.queue_size == 3 << 20);
  CHECK(config.routes[0].path == "/other");
}

TEST_CASE("--set: the same messages, under its own name") {
  CHECK(problem(kSmallest, {"limits.mesage_size=1KiB"}) ==
        "--set: error: limits.mesage_size: expected a key that exists, found \"mesage_size\"; did "
        "you mean \"message_size\"?");
  CHECK(contains(problem(kSmallest, {"log.level=loud"}), "--set: error: log.level: expected"));
  CHECK(problem(kSmallest, {"nonsense"}) == "--set: error: expected KEY=VALUE, found \"nonsense\"");
  CHECK(contains(problem(kSmallest, {"=1"}), "--set: error: expected a key"));
  CHECK(contains(problem(kSmallest, {"limits..x=1"}), "--set: error: expected a key"));
  CHECK(contains(problem(kSmallest, {"route.echo.path.x=1"}),
                 "--set: error: route.echo.path.x: expected \"path\" to be a table"));
  // A value is one value, whatever lines it brings.
  CHECK(contains(problem(kSmallest, {"server.pin=true\nthreads=1"}), "server.pin: expected true"));
}

TEST_CASE("Provenance: default, file or --set") {
  const std::vector<std::string> overrides{"limits.queue_size=2MiB"};
  const Loaded result = load_text(kSmallest, "p.toml", overrides);
  CHECK(result.provenance.of("route.echo.path") == "p.toml:4");
  CHECK(result.provenance.of("limits.queue_size") == "--set");
  CHECK(result.provenance.of("limits.message_size") == "default");
}

TEST_CASE("load: a root is relative to the folder of the file") {
  const Folder folder;
  const std::string site = "[route.site]\npath='/{p...}'\ntype='files'\nroot=";
  const auto loaded = load({folder.file(kListen + site + "'x/../site'\n"), {}});
  REQUIRE(loaded.config);
  CHECK(loaded.config->routes[0].root == folder / "site");
  const auto missing = load({folder.file(kListen + site + "'nowhere'\n"), {}});
  REQUIRE(missing.problems.size() == 1);
  CHECK(contains(missing.problems[0].text(),
                 "p.toml:6:6: error: route.site.root: expected a "
                 "folder that exists, found"));
  CHECK(load({folder.file(kListen + site + "'p.toml'\n"), {}}).problems.size() == 1);
  CHECK(load({folder.file(kListen + site + "'site'\nindex='../x'\n"), {}}).problems.size() == 1);
}

TEST_CASE("load: files are relative to the folder of the file, and checks run on it too") {
  const Folder folder;
  const std::string text = folder.file(
      kListen + "tls = { cert = 'site/../a.crt', key = '/abs.key', client_ca = 'ca' }\n" + kEcho +
      "auth = { bearer_file = 'p.toml' }\n");
  const auto loaded = load({text, {}});
  REQUIRE(loaded.config);
  const Tls& tls = *loaded.config->listen[0].tls;
  CHECK(tls.certificates[0] == CertificateFiles{folder / "a.crt", "/abs.key"});
  CHECK(tls.client_ca == folder / "ca");
  CHECK(loaded.config->routes[0].auth->bearer_file == text);
  const auto check = [](const Config&, Diagnosis& diagnosis) { diagnosis.report("listen", "no"); };
  CHECK(load({text, {}, check}).problems.size() == 1);
}

TEST_CASE("load: a file that cannot be read is a problem like any other") {
  const Folder folder;
  const auto missing = load({folder / "none.toml", {}});
  REQUIRE(missing.problems.size() == 1);
  CHECK(missing.problems[0].text() ==
        folder / "none.toml: error: expected a readable file, found: No such file or directory");
  const auto directory = load({folder / "site", {}});
  REQUIRE(directory.problems.size() == 1);
  CHECK(contains(directory.problems[0].text(), "found: is a directory"));
  CHECK(load({folder.file(""), {}}).problems.size() == 2);
}

}  // namespace
}  // namespace peal::config
