// SPDX-License-Identifier: Apache-2.0
#include "server/auth.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "core/base/ascii.h"
#include "core/base/fd.h"

namespace peal::server {
namespace {

constexpr std::string_view kScheme = "Bearer";

std::string why(int sys_errno) {
  return strerrordesc_np(sys_errno);
}

/// A whole file. Not more than `most` bytes, and nothing that never ends.
std::expected<std::string, std::string> read_file(const std::string& path, std::size_t most) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return std::unexpected(why(errno));
  std::string text(most + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0) return std::unexpected(why(errno));
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > most) return std::unexpected("it is larger than a file of tokens may be");
  text.resize(size);
  return text;
}

/// The token that a request shows (RFC 6750 section 2.1); empty where the field holds none.
/// Nullopt: no such field, or one of another scheme.
std::optional<std::string_view> shown_token(const http::Request& request) {
  const auto field = request.header("Authorization");
  if (!field) return std::nullopt;
  const auto scheme = field->substr(0, field->find(' '));
  if (!ascii::equal_ignoring_case(scheme, kScheme)) return std::nullopt;
  return ascii::trim(field->substr(scheme.size()));
}

}  // namespace

std::expected<TokenSet, std::string> TokenSet::parse(std::string_view text) {
  TokenSet tokens;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = ascii::trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    const auto visible = [](char c) { return c > ' ' && c < 0x7f; };
    if (!std::ranges::all_of(line, visible))
      return std::unexpected("line " + std::to_string(number) +
                             " is no token: it has white space or other than ASCII inside");
    tokens.digests_.push_back(digest_of(line));
  }
  return tokens;
}

std::expected<TokenSet, std::string> TokenSet::read(const std::string& path) {
  auto text = read_file(path, kMaxFile);
  if (!text) return std::unexpected(std::move(text.error()));
  auto tokens = parse(*text);
  OPENSSL_cleanse(text->data(), text->size());
  return tokens;
}

TokenSet::Digest TokenSet::digest_of(std::string_view token) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

bool TokenSet::contains(std::string_view token) const {
  const Digest shown = digest_of(token);
  bool found = false;
  for (const Digest& known : digests_)
    found |= CRYPTO_memcmp(known.data(), shown.data(), shown.size()) == 0;
  return found;
}

Access TokenSet::check(const http::Request& request) const {
  const auto token = shown_token(request);
  if (!token) return Access::no_token;
  return contains(*token) ? Access::granted : Access::wrong_token;
}

void TokenStore::replace(TokenSet tokens) {
  auto fresh = std::make_shared<const TokenSet>(std::move(tokens));
  const std::lock_guard guard(lock_);
  current_ = std::move(fresh);
  generation_.fetch_add(1, std::memory_order_release);
}

const TokenSet& TokenView::get() {
  if (store_->generation_.load(std::memory_order_acquire) != generation_) {
    const std::lock_guard guard(store_->lock_);
    tokens_ = store_->current_;
    generation_ = store_->generation_.load(std::memory_order_relaxed);
  }
  return *tokens_;
}

void check_tokens(const config::Config& config, config::Diagnosis& diagnosis) {
  for (const config::Route& route : config.routes) {
    if (!route.auth) continue;
    const std::string key = "route." + route.name + ".auth.bearer_file";
    if (diagnosis.failed(key)) continue;
    if (auto tokens = TokenSet::read(route.auth->bearer_file); !tokens)
      diagnosis.report(key, "expected a file of tokens, found \"" + route.auth->bearer_file +
                                "\": " + tokens.error());
  }
}

}  // namespace peal::server
