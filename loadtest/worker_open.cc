// SPDX-License-Identifier: Apache-2.0
// A worker's connections up to the moment when they are open.
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "config/units.h"
#include "core/ws/permessage_deflate.h"
#include "loadtest/machine_limits.h"
#include "loadtest/text.h"
#include "loadtest/worker.h"
#include "loadtest/worker_sink.h"

namespace peal::loadtest {
namespace {

constexpr std::size_t kRequestRoom = 32 << 10;  // bytes
constexpr ws::DeflateOffer kDeflateOffer{.client_max_window_bits = ws::kMaxWindowBits};

/// "connect: Connection refused (nobody listens there)"
std::string failure_text(const char* operation, int error) {
  std::string text = std::string(operation) + ": " + std::strerror(error);
  if (const std::string hint = hint_for(error); !hint.empty()) text += " (" + hint + ")";
  return text;
}

/// The first line of an answer, as far as it is there, and fit to be shown.
std::string first_line(std::string_view answer) {
  std::string line(answer.substr(0, std::min<std::size_t>(answer.find("\r\n"), 120)));
  for (char& c : line)
    if (c < ' ' || c > '~') c = '?';
  return line;
}

/// Why an answer opens nothing.
std::string refusal_text(std::string_view answer, const char* flaw, const char* wanted) {
  if (flaw) return std::string("the answer was 101, but ") + flaw;
  return std::string("the answer was no ") + (may_be_http(answer) ? wanted : "HTTP") +
         " but: " + first_line(answer);
}

/// What a connection waits for in vain.
std::string lateness_text(const Client& client, Duration timeout) {
  const std::string within =
      " within " +
      config::format_duration(std::chrono::duration_cast<config::Milliseconds>(timeout));
  if (client.phase == Phase::securing)
    return "connected, but the TLS handshake was not done" + within;
  if (client.phase == Phase::asking) return "connected, but no answer to the handshake" + within;
  return failure_text("connect", ETIMEDOUT);
}

}  // namespace

void Worker::open_some(Instant now) {
  expire_openings(now);
  const auto count = static_cast<std::uint32_t>(clients_.size());
  const Duration ramp = plan_.options.ramp_up;
  while (next_to_open_ < count && opening_ < plan_.opening_at_once) {
    if (ramp > Duration::zero() && now < plan_.start + ramp / count * next_to_open_) return;
    open(clients_[next_to_open_++]);
  }
}

void Worker::open(Client& client) {
  ++opening_;
  client.opening = std::make_unique<Client::Opening>();
  client.opening->began = Clock::now();
  tally_.first_began = std::min(tally_.first_began, client.opening->began);
  if (auto made = make_socket(client); !made)
    return fail_open(client, failure_text(made.error().operation, made.error().sys_errno));
  client.fd = reactor_->backend().adopt(client.fd);
  client.phase = Phase::connecting;
  client.connect_under_way = true;
  const SocketAddress& server = client.endpoint->address;
  reactor_->backend().connect(client.fd, client.id(), server.get(), server.size);
}

Result<> Worker::make_socket(Client& client) {
  client.fd = ::socket(client.endpoint->address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (client.fd < 0) return last_error("socket");
  const int on = 1;
  setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto& sources = plan_.options.sources;
  if (sources.empty()) return {};
  const SocketAddress& source = sources[client.number % sources.size()];
  // The port is chosen by connect(2), which may use one again that another address has taken.
  setsockopt(client.fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (::bind(client.fd, source.get(), source.size) < 0) return last_error("bind");
  return {};
}

void Worker::on_connect(SlotId id, int error) {
  Client& client = clients_[id.index];
  client.connect_under_way = false;
  if (client.phase == Phase::closed) return finish(client);
  if (error != 0) return fail_open(client, failure_text("connect", error));
  client.receiving = true;
  reactor_->backend().receive(client.fd, id);
  if (client.endpoint->url.secure)
    secure(client);
  else
    ask(client);
}

void Worker::secure(Client& client) {
  client.phase = Phase::securing;
  // The name is checked where there is one; SNI takes no address.
  const Url& url = client.endpoint->url;
  client.secure = std::make_unique<Client::Secure>(
      *plan_.tls, blocks_,
      tls::Engine::ClientStart{.host = url.has_address() ? std::string() : url.host,
                               .hand_over = true});
  outbound_.mark(client);
}

void Worker::ask(Client& client) {
  client.phase = Phase::asking;
  const Endpoint& endpoint = *client.endpoint;
  if (endpoint.transport != Transport::websocket) client.http = std::make_unique<Client::Http>();
  if (endpoint.transport == Transport::publish) return opened(client);
  if (endpoint.transport == Transport::sse) {
    const std::string request = stream_request(endpoint);
    std::memcpy(outbound_.to(client).add(request.size()), request.data(), request.size());
    return;
  }
  std::array<std::byte, 16> octets;
  for (std::byte& octet : octets) octet = static_cast<std::byte>(random_());
  ws::Key& key = client.opening->key = ws::make_key(octets);
  std::vector<http::Header> headers;
  for (const auto& [name, value] : endpoint.headers) headers.push_back({name, value});
  const ws::ExtensionText offer = ws::write_deflate_offer(kDeflateOffer);
  if (endpoint.compress) headers.push_back({"Sec-WebSocket-Extensions", offer.view()});
  const std::size_t size =
      ws::write_client_request({room_.get(), kRequestRoom}, {.host = endpoint.host,
                                                             .target = endpoint.url.target,
                                                             .key = {key.data(), key.size()},
                                                             .headers = headers});
  if (size == 0) return fail_open(client, "the request does not fit 32 KiB");
  std::memcpy(outbound_.to(client).add(size), room_.get(), size);
}

/// Takes the answer off the front of `input`; true when the connection is open.
bool Worker::take_answer(Client& client, MutableBytes& input) {
  if (!client.http) return take_websocket_answer(client, input);
  HttpReader& answers = client.http->answers;
  const HttpReader::Outcome outcome = answers.next(input).outcome;
  if (outcome == HttpReader::Outcome::need_more) return false;
  if (outcome != HttpReader::Outcome::head || answers.status() != 200 ||
      !answers.is_event_stream()) {
    fail_open(client, refusal_text(answers.status_line(), nullptr, "event stream"));
    return false;
  }
  opened(client);
  return true;
}

bool Worker::take_websocket_answer(Client& client, MutableBytes& input) {
  std::string& text = client.opening->answer;
  const std::size_t before = text.size();
  text += as_text(input);
  const ws::Key& key = client.opening->key;
  const ws::ServerAnswer answer = ws::check_server_answer(text, {key.data(), key.size()});
  if (answer.kind == ws::ServerAnswer::Kind::need_more && may_be_http(text)) {
    input = {};
    return false;
  }
  if (answer.kind != ws::ServerAnswer::Kind::accepted) {
    fail_open(client, refusal_text(text, answer.flaw, "WebSocket"));
    return false;
  }
  const bool offered = client.endpoint->compress;
  const auto agreed =
      offered ? ws::check_deflate_answer(answer.extensions, kDeflateOffer) : ws::DeflateAgreement{};
  if (!agreed || (!offered && !answer.extensions.empty())) {
    fail_open(client, "the answer does not fit the offer: Sec-WebSocket-Extensions: " +
                          printable(answer.extensions));
    return false;
  }
  client.compressed = agreed->on;
  tally_.compressed += agreed->on;
  client.frames.set_deflate(agreed->on, agreed->server_takeover, agreed->server_window_bits);
  input = input.subspan(answer.head_size - before);
  opened(client);
  return true;
}

void Worker::opened(Client& client) {
  const Instant now = Clock::now();
  client.phase = Phase::open;
  tally_.openings.record(static_cast<std::uint64_t>((now - client.opening->began).count()));
  tally_.last_opened = now;
  client.opening.reset();
  --opening_;
  tally_.live.opened.fetch_add(1, std::memory_order_relaxed);
}

void Worker::fail_open(Client& client, const std::string& reason) {
  client.opening.reset();
  --opening_;
  tally_.live.unopened.fetch_add(1, std::memory_order_relaxed);
  lose(client, reason);
}

/// Those that take too long are given up; they began in order.
void Worker::expire_openings(Instant now) {
  while (first_opening_ < next_to_open_) {
    Client& client = clients_[first_opening_];
    if (client.opening) {
      if (now - client.opening->began < plan_.options.timeout) return;
      fail_open(client, lateness_text(client, plan_.options.timeout));
    }
    ++first_opening_;
  }
}

}  // namespace peal::loadtest
