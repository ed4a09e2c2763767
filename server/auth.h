// SPDX-License-Identifier: Apache-2.0
// Bearer tokens (RFC 6750): who may use a route that has `auth = { bearer_file = "..." }`.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.h"
#include "config/diagnosis.h"
#include "core/http/request.h"

namespace peal::server {

/// What a request shows.
enum class Access : std::uint8_t { granted, no_token, wrong_token };

/// The tokens of one file, as digests. Immutable, so any thread may ask.
class TokenSet {
 public:
  /// One token a line. Blank lines, white space around a token and lines that begin with "#" mean
  /// nothing. Error: what is wrong with which line, without what it holds.
  static std::expected<TokenSet, std::string> parse(std::string_view text);
  /// The same from a file. Limits: kMaxFile bytes.
  static std::expected<TokenSet, std::string> read(const std::string& path);

  /// Looks at the request's Authorization field. How long that takes tells nothing of the tokens,
  /// their lengths or which of them it was, but only how many there are.
  Access check(const http::Request& request) const;

  std::size_t size() const { return digests_.size(); }

  static constexpr std::size_t kMaxFile = 1 << 20;

 private:
  using Digest = std::array<std::byte, 32>;  // SHA-256

  static Digest digest_of(std::string_view token);
  bool contains(std::string_view token) const;

  std::vector<Digest> digests_;
};

/// The tokens of a file that may change while requests come.
///
/// Owner: the Site. Thread: any.
class TokenStore {
 public:
  explicit TokenStore(TokenSet tokens) { replace(std::move(tokens)); }

  void replace(TokenSet tokens);

 private:
  friend class TokenView;

  mutable std::mutex lock_;
  std::shared_ptr<const TokenSet> current_;
  std::atomic<std::uint64_t> generation_{0};  // of current_
};

/// One shard's view of a TokenStore: takes no lock unless the tokens have changed.
///
/// Owner: a Dispatcher. Thread: the shard's.
class TokenView {
 public:
  /// Requires: the store outlives the view.
  explicit TokenView(const TokenStore& store) : store_(&store) {}

  const TokenSet& get();

 private:
  const TokenStore* store_;
  std::uint64_t generation_ = 0;
  std::shared_ptr<const TokenSet> tokens_;
};

/// Reports every bearer_file that cannot be read as one; for config::load().
void check_tokens(const config::Config& config, config::Diagnosis& diagnosis);

}  // namespace peal::server
