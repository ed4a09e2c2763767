// SPDX-License-Identifier: Apache-2.0
#include "loadtest/prepare.h"

#include <algorithm>
#include <random>
#include <utility>

#include "loadtest/machine_limits.h"

namespace peal::loadtest {
namespace {

using Problem = std::unexpected<std::string>;

std::expected<Endpoint, std::string> make_endpoint(const Url& url, Transport transport,
                                                   HeaderFields headers, bool compress) {
  auto address = resolve(url);
  if (!address) return Problem(address.error());
  const auto host = take_host(headers);
  return Endpoint{.url = url,
                  .address = *address,
                  .transport = transport,
                  .host = host.value_or(url.authority()),
                  .headers = std::move(headers),
                  .compress = compress && transport == Transport::websocket};
}

std::expected<void, std::string> add_endpoints(Plan& plan) {
  const Options& options = plan.options;
  auto endpoint = make_endpoint(options.url, options.transport, options.headers, options.compress);
  if (!endpoint) return Problem(endpoint.error());
  plan.endpoint = std::move(*endpoint);
  const bool elsewhere = options.publish_url.has_value();
  if (options.scenario != Scenario::fanout ||
      (!elsewhere && options.transport == Transport::websocket && options.publish_headers.empty()))
    return {};
  const Url& url = elsewhere ? *options.publish_url : options.url;
  const Transport transport =
      elsewhere && !url.websocket ? Transport::publish : Transport::websocket;
  HeaderFields headers = elsewhere ? HeaderFields{} : options.headers;
  headers.insert(headers.end(), options.publish_headers.begin(), options.publish_headers.end());
  auto publish = make_endpoint(url, transport, headers, options.compress);
  if (!publish) return Problem(publish.error());
  plan.publish_endpoint = std::move(*publish);
  return {};
}

std::expected<void, std::string> add_tls(Plan& plan) {
  if (!plan.endpoint.url.secure && !plan.publishers_endpoint().url.secure) return {};
  auto context = tls::Context::make_client(
      {.ca = plan.options.ca, .insecure = plan.options.insecure, .identity = {}});
  if (!context) {
    const tls::ContextProblem& problem = context.error().front();
    return Problem("--ca: " + problem.file + ": " + problem.reason);
  }
  plan.tls = std::move(*context);
  return {};
}

std::expected<void, std::string> add_io(Plan& plan) {
  if (plan.options.io == IoWish::epoll) return {};
  const auto features = io::probe_uring();
  if (features)
    plan.uring = *features;
  else if (plan.options.io == IoWish::io_uring)
    return Problem("--io io_uring: it cannot be used: " + features.error().text());
  return {};
}

void add_payload(Plan& plan) {
  const Options& options = plan.options;
  if (options.scenario == Scenario::connect) return;
  // What is posted has the type text/plain.
  const bool text = options.text || plan.publishers_endpoint().transport == Transport::publish;
  std::uint32_t key = 0;
  std::random_device random;
  while (key == 0) key = random();
  plan.payload.emplace(options.sizes, text ? ws::Opcode::text : ws::Opcode::binary, key,
                       options.compress);
}

}  // namespace

std::expected<std::unique_ptr<Plan>, std::string> prepare(const Options& options) {
  auto plan = std::make_unique<Plan>();
  plan->options = options;
  if (auto done = add_endpoints(*plan); !done) return Problem(done.error());
  if (auto done = add_io(*plan); !done) return Problem(done.error());
  const std::uint64_t rings = plan->uring && plan->uring->aside ? options.threads : 0;
  if (auto done = ensure_files(files_needed(options.total(), options.threads), rings); !done)
    return Problem(done.error());
  if (auto done = ensure_ports(plan->options, plan->endpoint.address, local_ports()); !done)
    return Problem(done.error());
  if (auto done = add_tls(*plan); !done) return Problem(done.error());
  add_payload(*plan);
  // A quarter of the queue that a server can have at most, so that none of ours is dropped there.
  plan->opening_at_once = std::clamp(accept_queue() / 4 / options.threads, 1u, 128u);
  return plan;
}

}  // namespace peal::loadtest
