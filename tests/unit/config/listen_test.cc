// SPDX-License-Identifier: Apache-2.0
// [listen.NAME]: where it is, and whom it trusts.
#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/unit/config/folder.h"
#include "tests/unit/config/loading.h"

namespace peal::config::listen_test {
namespace {

using namespace peal::config;

/// A listener with these keys, on lines 5 and following.
std::string listening(const std::string& keys) {
  return kEcho + "[listen.a]\n" + keys;
}

Listen listen(const std::string& keys) {
  return loaded(listening(keys)).listen.front();
}

TEST_CASE("load_text: a Unix socket, with who may use it") {
  const Listen plain = listen("address = 'unix:/run/peal.sock'\n");
  CHECK(plain.path == "/run/peal.sock");
  CHECK(plain.mode == 0660);
  CHECK(plain.host.empty());
  const Listen given =
      listen("address = 'unix:/run/peal.sock'\nmode = '0600'\nowner = 'root'\ngroup = 'root'\n");
  CHECK(given.mode == 0600);
  CHECK(given.owner == "root");
  CHECK(given.group == "root");
}

TEST_CASE("load: the path of a Unix socket is seen from the folder of the file") {
  const Folder folder;
  const Loaded result = load({folder.file(listening("address = 'unix:run/s'\n")), {}});
  REQUIRE(result.config);
  CHECK(result.config->listen.front().path == folder / "run/s");
}

TEST_CASE(
    "load_text: keys of a Unix socket are refused elsewhere, and wrong values with a reason") {
  CHECK(contains(problem(listening("address = '127.0.0.1:0'\nmode = '0600'\n")),
                 "p.toml:6:1: error: listen.a.mode: expected only where address is \"unix:PATH\""));
  const std::string local = "address = 'unix:/s'\n";
  CHECK(contains(problem(listening(local + "defer_accept = false\n")),
                 "listen.a.defer_accept: expected only where address is \"IP:PORT\""));
  CHECK(contains(problem(listening(local + "mode = '0999'\n")),
                 "listen.a.mode: expected permissions in octal such as \"0660\", found \"0999\""));
  CHECK(contains(problem(listening(local + "mode = 0o660\n")), "expected permissions in octal"));
  CHECK(contains(problem(listening(local + "owner = 'no-such-user'\n")),
                 "listen.a.owner: expected the name of a user, found \"no-such-user\""));
  CHECK(contains(problem(listening(local + "group = 'no-such-group'\n")), "the name of a group"));
  CHECK(contains(problem(listening("address = 'unix:/" + std::string(107, 'x') + "'\n")),
                 "listen.a.address: expected a path of at most 107 octets, found 108"));
}

TEST_CASE("load_text: an address of IPv4 is not written as one of IPv6, where none can listen") {
  CHECK(contains(problem(listening("address = '[::ffff:127.0.0.1]:80'\n")),
                 "listen.a.address: expected an address of IPv4 without IPv6 around it, found "
                 "\"[::ffff:127.0.0.1]:80\"; did you mean \"127.0.0.1:80\"?"));
}

TEST_CASE("load_text: sockets of systemd by their names, each in one listener") {
  CHECK(listen("address = 'systemd:web'\n").activation == "web");
  for (const std::string address : {"'systemd:web'", "'unix:/s'"})
    CHECK(
        contains(problem(listening("address = " + address + "\n[listen.b]\naddress = " + address)),
                 "listen.b.address: expected an address of its own"));
}

TEST_CASE("load_text: whom a listener trusts") {
  const Listen both = listen(
      "address = '127.0.0.1:0'\nproxy = { protocol = 'v2', trust = ['10.0.0.0/8', '::1', 'unix'] "
      "}\n"
      "forwarded = { header = 'X-Forwarded-For', trust = ['192.0.2.1'] }\n");
  CHECK(both.proxy == Proxy{ProxyProtocol::v2, {"10.0.0.0/8", "::1", "unix"}});
  CHECK(both.forwarded == Forwarded{ForwardedHeader::x_forwarded_for, {"192.0.2.1"}});
  CHECK(listen("address = '127.0.0.1:0'\n").proxy == Proxy{});
}

TEST_CASE("load_text: trust in what is no network, or in nobody, is refused") {
  const std::string local = "address = '127.0.0.1:0'\n";
  CHECK(contains(problem(listening(local + "proxy = { protocol = 'any', trust = ['::1', 'x'] }\n")),
                 "p.toml:6:45: error: listen.a.proxy.trust: expected a network such as "
                 "\"10.0.0.0/8\", an address or \"unix\", found \"x\""));
  CHECK(contains(problem(listening(local + "proxy = { trust = ['10.1.2.3/8'] }\n")),
                 "found \"10.1.2.3/8\"; did you mean \"10.0.0.0/8\"?"));
  CHECK(contains(problem(listening(local + "proxy = { protocol = 'v1' }\n")),
                 "listen.a.proxy.trust: expected the proxies that are believed, as networks, "
                 "addresses or \"unix\", found none"));
  CHECK(contains(problem(listening(local + "forwarded = { header = 'Forwarded' }\n")),
                 "listen.a.forwarded.trust: expected the proxies"));
  CHECK(contains(problem(listening(local + "proxy = { protocol = 'v3', trust = ['::1'] }\n")),
                 "expected \"none\", \"v1\", \"v2\" or \"any\""));
}

TEST_CASE("load_text: credential:NAME is a file that systemd hands over") {
  const Folder folder;
  folder.file("token\n", "tokens");
  const std::string text = kListen + "[route.a]\npath = '/a'\ntype = 'echo'\n" +
                           "auth = { bearer_file = 'credential:tokens' }\n";
  REQUIRE(::unsetenv("CREDENTIALS_DIRECTORY") == 0);
  CHECK(contains(problem(text),
                 "route.a.auth.bearer_file: expected a credential that systemd passes "
                 "(LoadCredential=), found \"credential:tokens\""));
  REQUIRE(::setenv("CREDENTIALS_DIRECTORY",
                   std::filesystem::path(folder / "x").parent_path().c_str(), 1) == 0);
  CHECK(loaded(text).routes.front().auth->bearer_file == folder / "tokens");
  for (const std::string name : {"", ".", "../x", "a/b"})
    CHECK(contains(problem(text, {"route.a.auth.bearer_file=credential:" + name}),
                   "expected \"credential:NAME\" with the name of a credential"));
  ::unsetenv("CREDENTIALS_DIRECTORY");
}

}  // namespace
}  // namespace peal::config::listen_test
