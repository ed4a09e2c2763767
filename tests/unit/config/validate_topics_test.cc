// SPDX-License-Identifier: Apache-2.0
#include "config/validate_topics.h"

#include <doctest/doctest.h>

#include "config/print.h"
#include "tests/unit/config/loading.h"

namespace peal::config {
namespace {

const std::string kPubsub = kListen + "[route.a]\npath='/{x}'\ntype='pubsub'\n";
const std::string kPublish = kListen + "[route.a]\npath='/{x}'\ntype='publish'\n";

TEST_CASE("validate_route_topics: topics may use the captures of the path only") {
  CHECK(contains(problem(kPubsub + "topics=['a', 'b/{y}']\n"),
                 "p.toml:6:14: error: route.a.topics: expected a topic such as \"chat/{room}\", "
                 "found \"b/{y}\": {y} is no capture of the path"));
  CHECK(contains(problem(kPubsub + "topics=['a']\npublish_to='{y}'\n"), "p.toml:7:12: error: "));
  CHECK(contains(problem(kPubsub + "topics=['a']\npublish_to=''\n"), "it is empty"));
  CHECK(contains(problem(kPubsub + "topics=[]\n"), "p.toml:6:8: error: route.a.topics: "));
  CHECK(contains(problem(kPubsub), "route.a.topics: expected at least one topic"));
}

TEST_CASE("validate_route_topics: what can name no topic is refused") {
  const auto why = [](const std::string& topic) {
    return problem(kPubsub + "topics=['" + topic + "']\n");
  };
  CHECK(contains(why("/a"), "found \"/a\": it begins with \"/\""));
  CHECK(contains(why("{x}/"), "it ends in \"/\""));
  CHECK(contains(why("a//{x}"), "it has an empty segment"));
  CHECK(contains(why("a/*"), "a pattern needs select = \"query\""));
  CHECK(contains(why(std::string(256, 'a')), "it has more than 255 octets"));
  CHECK(contains(problem(kPubsub + "topics=['a']\npublish_to='a/**'\n"), "\"**\""));
}

TEST_CASE("validate_route_topics: with select = \"query\" topics are patterns") {
  const std::string query = kPubsub + "select='query'\n";
  loaded(query + "topics=['prices/*', 'news/{x}/**', 'a']\nwildcards=true\n");
  const auto why = [&](const std::string& topic) {
    return problem(query + "topics=['" + topic + "']\n");
  };
  CHECK(why("**/a") ==
        "p.toml:7:9: error: route.a.topics: expected a pattern such as \"prices/*\", found "
        "\"**/a\": \"**\" is not the last segment");
  CHECK(contains(why("a*/b"), "\"*\" is a whole segment, not a part of one: \"a*\""));
  CHECK(contains(why("a/*{x}"), "\"*\" is a whole segment"));
  CHECK(contains(why("{y}/*"), "{y} is no capture of the path"));
  CHECK(contains(why("/*"), "it begins with \"/\""));
  CHECK(contains(problem(query), "route.a.topics: expected at least one pattern"));
  CHECK(problem(kPubsub + "topics=['a']\nwildcards=true\n") ==
        "p.toml:7:11: error: route.a.wildcards: expected only where select is \"query\", found "
        "where it is \"route\"");
  CHECK(contains(problem(query + "topics=['a']\nmax_topics=0\n"), "a number from 1 to 1024"));
  CHECK(contains(problem(query + "topics=['a']\nmax_topics=1025\n"), "a number from 1 to 1024"));
  CHECK(contains(problem(kPubsub + "topics=['a']\nselect='quer'\n"), "did you mean \"query\"?"));
}

TEST_CASE("validate_route_topics: with select = \"query\" no topic is the first one") {
  const std::string query = kPubsub + "select='query'\ntopics=['a/*']\n";
  CHECK(loaded(query).routes[0].publish_to.empty());
  CHECK(problem(query + "publish='anyone'\n") ==
        "p.toml:3:8: error: route.a.publish_to: expected the topic that messages go to, as with "
        "select = \"query\" there is no first one, found nothing");
  CHECK(contains(problem(query + "publish='anyone'\npublish_to=''\n"), "p.toml:9:12: error: "));
  CHECK(loaded(query + "publish='anyone'\npublish_to='b/{x}'\n").routes[0].publish_to == "b/{x}");
}

TEST_CASE("load_text: transports are a list of words, not empty") {
  const std::string route = kPubsub + "topics=['a']\n";
  CHECK(loaded(route).routes[0].transports.size() == 3);
  const Route sse = loaded(route + "transports=['sse']\n").routes[0];
  CHECK(offers(sse, Transport::sse));
  CHECK_FALSE(offers(sse, Transport::websocket));
  CHECK(
      contains(problem(route + "transports=[]\n"),
               "expected a list of \"websocket\", \"sse\" or \"poll\", found a list without any"));
  CHECK(contains(problem(route + "transports='sse'\n"), "expected a list of"));
  CHECK(
      problem(route + "transports=['sse', 'websockets']\n") ==
      "p.toml:7:20: error: route.a.transports: expected \"websocket\", \"sse\" or \"poll\", found "
      "\"websockets\"; did you mean \"websocket\"?");
  CHECK(contains(problem(route + "transports=[3]\n"), "found 3"));
  CHECK(contains(problem(route + "replay={last=1000001}\n"), "a number from 0 to 1000000"));
  CHECK(contains(problem(route + "replay=20\n"), "expected a table or \"none\", found 20"));
  CHECK(loaded(route + "replay='none'\n").routes[0].replay == std::nullopt);
}

TEST_CASE("load_text: a publish route says who may publish") {
  CHECK(problem(kPublish + "topics=['{x}']\n") ==
        "p.toml:3:8: error: route.a.auth: expected { bearer_file = \"FILE\" } with the tokens of "
        "those who may publish, or \"none\" where anybody may, found nothing");
  CHECK(loaded(kPublish + "topics=['{x}']\nauth='none'\n").routes[0].auth == std::nullopt);
  CHECK(loaded(kPublish + "topics=['{x}']\nauth={bearer_file='/dev/null'}\n").routes[0].auth);
  CHECK(loaded(kPublish + "topics=['{x}']\n", {"route.a.auth=none"}).routes.size() == 1);
}

TEST_CASE("load_text: \"none\" is an auth of every type of route") {
  for (const char* rest : {"type='echo'", "type='health'", "type='files'\nroot='/'",
                           "type='pubsub'\ntopics=['a']", "type='publish'\ntopics=['a']"})
    loaded(kListen + "[route.a]\npath='/'\nauth='none'\n" + rest + '\n');
}

TEST_CASE("load_text: what makes no sense for a publish route is refused") {
  const std::string route = kPublish + "auth='none'\n";
  std::string topics = "topics=['a0'";
  for (int i = 1; i < 16; ++i) topics += ", 'a" + std::to_string(i) + '\'';
  CHECK(loaded(route + topics + "]\n").routes[0].topics.size() == 16);
  CHECK(contains(problem(route + topics + ", 'b']\n"), "expected at most 16 topics, found 17"));
  CHECK(contains(problem(route), "expected at least one topic"));
  CHECK(contains(problem(route + "topics=['a/*']\n"), "which stands for others"));
  CHECK(problem(route + "topics=['a']\nsubprotocols=['a']\n") ==
        "p.toml:8:1: error: route.a.subprotocols: expected only where type is \"echo\", "
        "\"pubsub\", \"files\", \"health\" or \"metrics\", found where it is \"publish\"");
  for (const char* key :
       {"compression=true", "select='query'", "wildcards=true", "max_topics=3", "publish='anyone'",
        "publish_to='a'", "include_sender=true", "replay={}", "transports=['sse']", "root='/'"})
    CHECK(contains(problem(route + "topics=['a']\n" + key + '\n'), "expected only where type is"));
}

TEST_CASE("validate_topic_classes: patterns") {
  const auto match = [](const std::string& pattern) {
    return problem(kSmallest + "[topic.a]\nmatch='" + pattern + "'\n");
  };
  CHECK(match("chat/**/x") ==
        "p.toml:7:7: error: topic.a.match: expected a pattern such as \"chat/**\", found "
        "\"chat/**/x\": \"**\" is not the last segment");
  CHECK(contains(match("chat*"), "\"*\" is a whole segment, not a part of one: \"chat*\""));
  CHECK(contains(match("chat/{room}"), "captures are for routes"));
  CHECK(contains(match("/chat"), "it begins with \"/\""));
  CHECK(contains(match(""), "it is empty"));
  CHECK(problem(kSmallest + "[topic.a]\n") ==
        "p.toml:6:8: error: topic.a.match: expected a pattern of topics such as \"chat/**\", found "
        "nothing");
  CHECK(contains(problem(kSmallest + "[topic.'a b']\nmatch='a'\n"), "expected a name of letters"));
}

TEST_CASE("validate_topic_classes: history and rate") {
  const auto topic = [](const std::string& text) {
    return kSmallest + "[topic.a]\nmatch='a'\n" + text + '\n';
  };
  CHECK(loaded(topic("")).topics[0] == Topic{"a", "a", std::nullopt, 0});
  CHECK(loaded(topic("history={size=3}")).topics[0].history == History{3, Milliseconds{0}});
  CHECK(loaded(topic("history='none'")).topics[0].history == std::nullopt);
  CHECK(problem(topic("history={age='10m'}")) ==
        "p.toml:8:9: error: topic.a.history.size: expected how many messages to keep, found "
        "nothing");
  CHECK(contains(problem(topic("history={size=1000001}")), "a number from 0 to 1000000"));
  CHECK(contains(problem(topic("history={size=1, age=10}")), "did you mean \"10s\"?"));
  CHECK(contains(problem(topic("history={size=1, ages='1s'}")), "did you mean \"age\"?"));
  CHECK(contains(problem(topic("rate='1001/s'")), "a rate from 0/s to 1000/s"));
  CHECK(contains(problem(topic("rat='1/s'")), "did you mean \"rate\"?"));
}

TEST_CASE("validate_topic_classes: two that could tie are refused, with both places") {
  const auto two = [](const char* first, const char* second) {
    return kSmallest + "[topic.a]\nmatch='" + first + "'\n[topic.b]\nmatch='" + second + "'\n";
  };
  CHECK(problem(two("chat/*/**", "chat/*/**")) ==
        "p.toml:9:7: error: topic.b.match: expected a pattern that no other class can tie with, "
        "found \"chat/*/**\", which matches what topic.a has as \"chat/*/**\" (p.toml:7:7)");
  CHECK(contains(problem(two("**", "*/**")), "which matches what topic.a has as \"**\""));
  loaded(two("a/*", "*/a"));
  loaded(two("a", "a/**"));
  loaded(two("a/*/**", "a/**"));
}

TEST_CASE("validate_topic_classes: \"default\" is the name of what no class matches") {
  CHECK(loaded(kSmallest + "[topic.default]\nmatch='**'\n").topics.size() == 1);
  CHECK(contains(problem(kSmallest + "[topic.default]\nmatch='a/**'\n"),
                 "p.toml:7:7: error: topic.default.match: expected \"**\""));
}

TEST_CASE("print: tables of a route and a topic, in any mix with \"none\", load back equal") {
  const std::string text = kPubsub +
                           "topics=['a/*']\nselect='query'\nreplay={last=3}\nauth='none'\n" +
                           "[topic.a]\nmatch='a'\nhistory={size=3}\nrate='1/s'\n";
  const Config config = loaded(text);
  CHECK(loaded(print(config)) == config);
}

}  // namespace
}  // namespace peal::config
