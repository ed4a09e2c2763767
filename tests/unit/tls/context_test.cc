// SPDX-License-Identifier: Apache-2.0
#include "core/tls/context.h"

#include <doctest/doctest.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include <array>
#include <string>
#include <vector>

#include "tests/unit/tls/pair.h"

namespace peal::tls::test {
namespace {

using Which = ContextProblem::Which;

std::vector<ContextProblem> problems_of(const ServerOptions& options) {
  TicketKeys keys;
  auto context = Context::make_server(options, keys);
  REQUIRE(!context);
  return context.error();
}

ContextProblem only_problem(const CertificateFiles& files) {
  const auto problems = problems_of({.certificates = {files}, .client_ca = ""});
  REQUIRE(problems.size() == 1);
  return problems.front();
}

/// The common name of the certificate that a client is shown.
std::string shown_name(const Context& server, const Context& client, const std::string& host) {
  Pair pair(server, client, {.host = host});
  pair.carry();
  if (!pair.both_open()) return pair.client.failure();
  std::array<char, 64> name{};
  X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(pair.client.native())),
                            NID_commonName, name.data(), name.size());
  return name.data();
}

TEST_CASE("Context: files that are not there, not PEM or not what they should be") {
  const TemporaryFolder folder;
  const CertificateFiles good = folder.write("good", certificate_of(KeyType::ecdsa));
  const std::string missing = folder.path("missing");
  const std::string text = folder.write("text", "hello\n");
  const std::string empty = folder.write("empty", "");

  const ContextProblem no_cert = only_problem({.cert = missing, .key = good.key});
  CHECK(no_cert.which == Which::cert);
  CHECK(no_cert.file == missing);
  CHECK(no_cert.reason == "No such file or directory");
  const ContextProblem no_key = only_problem({.cert = good.cert, .key = missing});
  CHECK(no_key.which == Which::key);
  CHECK(no_key.reason == "No such file or directory");

  for (const std::string& file : {text, empty, good.key})
    CHECK(only_problem({.cert = file, .key = good.key}).reason == "no start line");
  for (const std::string& file : {text, empty, good.cert}) {
    const ContextProblem problem = only_problem({.cert = good.cert, .key = file});
    CHECK(problem.which == Which::key);
    CHECK(problem.reason == "no private key in PEM form");
  }
  CHECK(only_problem({.cert = folder.path("."), .key = good.key}).reason == "Is a directory");
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  CHECK(only_problem({.cert = folder.path("pipe"), .key = good.key}).reason == "is a pipe");
}

TEST_CASE("Context: a damaged certificate or chain is refused") {
  const TemporaryFolder folder;
  const CertificateText& text = certificate_of(KeyType::ecdsa);
  std::string damaged = text.cert;
  damaged[100] = '*';
  const std::string key = folder.write("key", text.key);
  CHECK(only_problem({.cert = folder.write("damaged", damaged), .key = key}).which == Which::cert);
  CHECK(only_problem({.cert = folder.write("chain", text.cert + damaged), .key = key}).which ==
        Which::cert);
  const std::string cut = text.cert + text.cert.substr(0, 200);
  CHECK(only_problem({.cert = folder.write("cut", cut), .key = key}).which == Which::cert);
}

TEST_CASE("Context: a key that belongs to another certificate") {
  const TemporaryFolder folder;
  const CertificateText other = make_certificate({});
  const std::string cert = folder.write("cert", certificate_of(KeyType::ecdsa).cert);
  const ContextProblem values = only_problem({.cert = cert, .key = folder.write("a", other.key)});
  CHECK(values.which == Which::key);
  CHECK(values.reason == "key values mismatch");
  const ContextProblem type =
      only_problem({.cert = cert, .key = folder.write("b", certificate_of(KeyType::rsa).key)});
  CHECK(type.which == Which::key);
  CHECK(type.reason == "different key types");
}

TEST_CASE("Context: an encrypted key is refused and nobody is asked for the passphrase") {
  const TemporaryFolder folder;
  const CertificateText& text = certificate_of(KeyType::ecdsa);
  const ContextProblem problem =
      only_problem({.cert = folder.write("cert", text.cert),
                    .key = folder.write("key", peal::test::encrypt_key(text.key))});
  CHECK(problem.which == Which::key);
  CHECK(problem.reason == "the key is encrypted");
}

TEST_CASE("Context: a key that OpenSSL finds too small") {
  const TemporaryFolder folder;
  const CertificateFiles files =
      folder.write("small", make_certificate({.key_type = KeyType::small_rsa}));
  const ContextProblem problem = only_problem(files);
  CHECK(problem.which == Which::cert);
  CHECK(problem.reason == "ee key too small");
}

TEST_CASE("Context: all problems are found at once, each with its place") {
  const TemporaryFolder folder;
  const CertificateFiles good = folder.write("good", certificate_of(KeyType::ecdsa));
  const auto problems = problems_of({.certificates = {{.cert = "/nowhere/a", .key = "/nowhere/b"},
                                                      good,
                                                      {.cert = good.cert, .key = "/nowhere/c"}},
                                     .client_ca = folder.write("ca", "no")});
  REQUIRE(problems.size() == 4);
  CHECK(problems[0].which == Which::cert);
  CHECK(problems[1].which == Which::key);
  CHECK(problems[1].index == 0);
  CHECK(problems[2].which == Which::key);
  CHECK(problems[2].index == 2);
  CHECK(problems[3].which == Which::ca);
  CHECK(problems[3].reason == "no start line");
}

TEST_CASE("Context: certificate and key may share a file, and an expired one is served") {
  const TemporaryFolder folder;
  const CertificateText text = make_certificate({.common_name = "old", .expired = true});
  const std::string both = folder.write("both", text.key + text.cert);
  TicketKeys keys;
  const auto server =
      server_context({.certificates = {{.cert = both, .key = both}}, .client_ca = ""}, keys);
  CHECK(shown_name(*server, *trusting_client(), "") == "old");
}

TEST_CASE("Context: the certificate is chosen by name") {
  const TemporaryFolder folder;
  TicketKeys keys;
  const auto files = [&](const std::string& name, const std::vector<std::string>& names) {
    return folder.write(name, make_certificate({.common_name = name, .names = names}));
  };
  const auto server = server_context(
      {.certificates = {files("first", {"first.test", "www.first.test"}),
                        files("wild", {"*.wild.test", "Wild.Test"}),
                        files("exact", {"a.wild.test"}), files("common.test", {}),
                        files("ignored.test", {"other.test"}), files("second", {"first.test"})},
       .client_ca = ""},
      keys);
  const auto client = trusting_client();
  const auto shown = [&](const char* host) { return shown_name(*server, *client, host); };
  CHECK(shown("") == "first");
  CHECK(shown("unknown.test") == "first");
  CHECK(shown("first.test") == "first");
  CHECK(shown("www.first.test") == "first");
  CHECK(shown("wild.test") == "wild");
  CHECK(shown("b.wild.test") == "wild");
  CHECK(shown("B.WILD.test") == "wild");
  CHECK(shown("a.wild.test") == "exact");
  CHECK(shown("a.b.wild.test") == "first");
  CHECK(shown("common.test") == "common.test");
  CHECK(shown("ignored.test") == "first");
  CHECK(shown("other.test") == "ignored.test");
}

TEST_CASE("Context: ECDSA and RSA certificates for one name, by what the client can do") {
  const TemporaryFolder folder;
  TicketKeys keys;
  const auto server = server_context(
      {.certificates = {folder.write("default", make_certificate({.names = {"default.test"}})),
                        folder.write("rsa", make_certificate({.common_name = "rsa",
                                                              .names = {"both.test", "rsa.test"},
                                                              .key_type = KeyType::rsa})),
                        folder.write("ecdsa", make_certificate({.common_name = "ecdsa",
                                                                .names = {"both.test"}})),
                        folder.write("edwards", make_certificate({.common_name = "edwards",
                                                                  .names = {"edwards.test"},
                                                                  .key_type = KeyType::ed25519}))},
       .client_ca = ""},
      keys);
  for (const Version version : kVersions) {
    const auto modern = trusting_client();
    limit_to(*modern, version);
    CHECK(shown_name(*server, *modern, "both.test") == "ecdsa");
    CHECK(shown_name(*server, *modern, "rsa.test") == "rsa");
    CHECK(shown_name(*server, *modern, "edwards.test") == "edwards");
    const auto old = trusting_client();
    limit_to(*old, version);
    REQUIRE(SSL_CTX_set1_sigalgs_list(old->native(), "RSA-PSS+SHA256:RSA+SHA256") == 1);
    CHECK(shown_name(*server, *old, "both.test") == "rsa");
  }
}

TEST_CASE("Context: the chain goes with the certificate, and a client checks it and the name") {
  const TemporaryFolder folder;
  TicketKeys keys;
  const CertificateText root = make_certificate({.common_name = "root", .is_ca = true});
  const CertificateText middle =
      make_certificate({.common_name = "middle", .is_ca = true, .issuer = &root});
  CertificateText site = make_certificate({.names = {"site.test"}, .issuer = &middle});
  site.cert += middle.cert;
  const auto server =
      server_context({.certificates = {folder.write("site", site)}, .client_ca = ""}, keys);
  const auto client = client_context({.ca = folder.write("root.crt", root.cert), .identity = {}});

  Pair right(*server, *client, {.host = "site.test"});
  right.carry();
  CHECK(right.both_open());
  Pair wrong_name(*server, *client, {.host = "other.test"});
  wrong_name.carry();
  CHECK(std::string_view(wrong_name.client.failure()) == "hostname mismatch");
  CHECK(wrong_name.server.state() == State::failed);
  const auto stranger = client_context({.ca = folder.write("ca", middle.cert), .identity = {}});
  Pair untrusted(*server, *stranger, {.host = "site.test"});
  untrusted.carry();
  CHECK(untrusted.client.state() == State::failed);
}

TEST_CASE("Context: http/1.1 is the one protocol of ALPN") {
  const Simple simple;
  struct Case {
    std::string offer;
    bool opens;
  };
  for (const Case& c :
       {Case{"", true}, Case{"\x08http/1.1", true}, Case{"\x02h2\x08http/1.1", true},
        Case{"\x02h2", false}, Case{"\x08http/1.0\x02h3", false}}) {
    for (const Version version : kVersions) {
      CAPTURE(c.offer);
      const auto client = trusting_client();
      limit_to(*client, version);
      SSL_CTX_set_alpn_protos(client->native(),
                              reinterpret_cast<const unsigned char*>(c.offer.data()),
                              static_cast<unsigned>(c.offer.size()));
      Pair pair(*simple.server, *client);
      pair.carry();
      CHECK(pair.both_open() == c.opens);
      if (c.opens) {
        const unsigned char* chosen = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(pair.client.native(), &chosen, &size);
        CHECK(size == (c.offer.empty() ? 0 : 8));
      } else {
        CHECK(std::string_view(pair.client.failure()) == "tlsv1 alert no application protocol");
      }
    }
  }
}

struct ClientAuthority {
  TemporaryFolder folder;
  TicketKeys keys;
  CertificateText root = make_certificate({.common_name = "root", .is_ca = true});
  CertificateText other_root = make_certificate({.common_name = "other", .is_ca = true});

  std::unique_ptr<Context> server(const CertificateText& ca) {
    return server_context({.certificates = {folder.write("site", certificate_of(KeyType::ecdsa))},
                           .client_ca = folder.write("ca", ca.cert)},
                          keys);
  }

  std::unique_ptr<Context> client(const CertificateText& issuer, bool expired = false) const {
    const CertificateText text =
        make_certificate({.common_name = "client", .expired = expired, .issuer = &issuer});
    return client_context({.ca = "", .insecure = true, .identity = folder.write("client", text)});
  }
};

TEST_CASE("Context: client_ca lets in who shows a certificate of that authority") {
  ClientAuthority authority;
  const auto server = authority.server(authority.root);
  struct Case {
    std::unique_ptr<Context> client;
    const char* failure;
  };
  Case cases[] = {
      {authority.client(authority.root), ""},
      {trusting_client(), "peer did not return a certificate"},
      {authority.client(authority.other_root), "unable to get local issuer certificate"},
      {authority.client(authority.root, true), "certificate has expired"}};
  for (const Case& c : cases) {
    for (const Version version : kVersions) {
      CAPTURE(c.failure);
      limit_to(*c.client, version);
      Pair pair(*server, *c.client);
      pair.carry();
      CHECK(std::string_view(pair.server.failure()) == c.failure);
      CHECK((pair.client.state() == State::open) == (*c.failure == '\0'));
      if (pair.server.state() == State::open) CHECK(pair.server.agreement().has_peer_certificate);
    }
  }
}

TEST_CASE("Context: a session of one authority is not resumed where another is asked for") {
  ClientAuthority authority;
  const auto server = authority.server(authority.root);
  const auto renewed = authority.server(authority.root);
  const auto other = authority.server(authority.other_root);
  const auto client = authority.client(authority.root);
  for (const Version version : kVersions) {
    limit_to(*client, version);
    Pair first(*server, *client);
    first.carry();
    REQUIRE(first.both_open());
    const Session session = first.client.session();
    REQUIRE(session);
    Pair again(*renewed, *client, {.host = "", .resume = session.get()});
    again.carry();
    CHECK(again.both_open());
    CHECK(again.server.agreement().resumed);
    CHECK(again.server.agreement().has_peer_certificate);
    Pair elsewhere(*other, *client, {.host = "", .resume = session.get()});
    elsewhere.carry();
    CHECK(elsewhere.server.state() == State::failed);
  }
}

TEST_CASE("Context: a session is not resumed when its client's certificate has expired since") {
  ClientAuthority authority;
  const auto before = authority.server(authority.root);
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(before->native()), X509_V_FLAG_NO_CHECK_TIME);
  const auto now = authority.server(authority.root);
  const auto client = authority.client(authority.root, true);
  for (const Version version : kVersions) {
    limit_to(*client, version);
    Pair first(*before, *client);
    first.carry();
    REQUIRE(first.both_open());
    const Session session = first.client.session();
    REQUIRE(session);
    Pair again(*now, *client, {.host = "", .resume = session.get()});
    again.carry();
    CHECK(again.server.state() == State::failed);
  }
}

TEST_CASE("Context: a session of one server name is not resumed under another") {
  const TemporaryFolder folder;
  TicketKeys keys;
  const auto files = [&](const std::string& name) {
    return folder.write(name, make_certificate({.common_name = name, .names = {name}}));
  };
  const auto server =
      server_context({.certificates = {files("a.test"), files("b.test")}, .client_ca = ""}, keys);
  const auto client = trusting_client();
  for (const Version version : kVersions) {
    limit_to(*client, version);
    Pair first(*server, *client, {.host = "a.test"});
    first.carry();
    REQUIRE(first.both_open());
    const Session session = first.client.session();
    REQUIRE(session);
    for (const char* host : {"a.test", "b.test"}) {
      CAPTURE(host);
      Pair again(*server, *client, {.host = host, .resume = session.get()});
      again.carry();
      CHECK(again.both_open());
      CHECK(again.server.agreement().resumed == (std::string_view(host) == "a.test"));
    }
  }
}

}  // namespace
}  // namespace peal::tls::test
