// SPDX-License-Identifier: Apache-2.0
#include "server/certificates.h"

#include <string>
#include <utility>

#include "config/document.h"

namespace peal::server {
namespace {

tls::ServerOptions options_of(const config::Tls& tls) {
  tls::ServerOptions options;
  for (const config::CertificateFiles& files : tls.certificates)
    options.certificates.push_back({.cert = files.cert, .key = files.key});
  options.client_ca = tls.client_ca;
  options.min_version =
      tls.min_version == config::TlsVersion::v1_3 ? tls::Version::tls13 : tls::Version::tls12;
  return options;
}

void report(const tls::ContextProblem& problem, const std::string& table, bool listed,
            config::Diagnosis& diagnosis) {
  using Which = tls::ContextProblem::Which;
  const auto say = [&](const std::string& key, const std::string& what, bool item) {
    const std::string message =
        "expected " + what + ", found " + config::in_quotes(problem.file) + ": " + problem.reason;
    if (item)
      diagnosis.report_item(table + key, problem.index, message);
    else
      diagnosis.report(table + key, message);
  };
  switch (problem.which) {
    case Which::cert:
      say("cert", "a certificate in PEM", listed);
      break;
    case Which::key:
      say("key", "the private key of the certificate, in PEM and not encrypted", listed);
      break;
    case Which::ca:
      say("client_ca", "root certificates in PEM", false);
      break;
  }
}

}  // namespace

std::vector<std::string> certificate_files(const config::Tls& tls) {
  std::vector<std::string> names;
  for (const config::CertificateFiles& files : tls.certificates)
    names.insert(names.end(), {files.cert, files.key});
  if (!tls.client_ca.empty()) names.push_back(tls.client_ca);
  return names;
}

Certificates::Certificates(const config::Config& config, config::Diagnosis& diagnosis,
                           std::shared_ptr<tls::TicketKeys> keys)
    : keys_(std::move(keys)) {
  for (const config::Listen& listen : config.listen) {
    if (!listen.tls || listen.tls->certificates.empty()) continue;
    const std::string table = "listen." + listen.name + ".tls.";
    if (diagnosis.failed(table + "cert") || diagnosis.failed(table + "key") ||
        diagnosis.failed(table + "client_ca"))
      continue;
    auto context = tls::Context::make_server(options_of(*listen.tls), *keys_);
    if (context) {
      by_name_[listen.name] = std::move(*context);
      continue;
    }
    for (const tls::ContextProblem& problem : context.error())
      report(problem, table, listen.tls->certificates.size() > 1, diagnosis);
  }
  arrange(config);
}

void Certificates::arrange(const config::Config& config) {
  contexts_.clear();
  for (const config::Listen& listen : config.listen) {
    const auto found = by_name_.find(listen.name);
    contexts_.push_back(found == by_name_.end() ? nullptr : found->second.get());
  }
}

}  // namespace peal::server
