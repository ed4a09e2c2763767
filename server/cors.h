// SPDX-License-Identifier: Apache-2.0
// What pages of other origins may see of an answer (WHATWG Fetch, section 3.2).
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "config/config.h"
#include "core/http/request.h"
#include "server/origin.h"

namespace peal::server {

/// Fields of an answer. Holds views of the origin.
class CorsFields {
 public:
  static constexpr std::size_t kMost = 4;

  /// None.
  CorsFields() = default;

  /// `page`: as judge_origin() says of `origin`. For pages of our own there is nothing to say.
  CorsFields(Page page, std::string_view origin);

  std::span<const http::Header> fields() const { return {fields_.data(), count_}; }

 private:
  void add(std::string_view name, std::string_view value) { fields_[count_++] = {name, value}; }

  std::array<http::Header, kMost> fields_;
  std::size_t count_ = 0;
};

/// Whether a request asks on behalf of a browser what a page may do (section 3.2.2).
bool is_preflight(const http::Request& request);
/// Whether pages of other origins may ask a route for more than a simple request.
bool takes_preflights(const config::Route& route);

}  // namespace peal::server
