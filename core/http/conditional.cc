// SPDX-License-Identifier: Apache-2.0
#include "core/http/conditional.h"

#include <optional>

#include "core/http/date.h"

namespace peal::http {
namespace {

enum class Comparison : std::uint8_t { strong, weak };

bool is_weak(std::string_view etag) {
  return etag.starts_with("W/");
}

/// RFC 9110 section 8.8.3.2.
bool same_etag(std::string_view a, std::string_view b, Comparison comparison) {
  if (comparison == Comparison::strong) return a == b && !is_weak(a);
  if (is_weak(a)) a.remove_prefix(2);
  if (is_weak(b)) b.remove_prefix(2);
  return a == b;
}

/// Whether the lists of that field name `etag` or "*"; nullopt when there is no such field.
/// A tag of somebody else may hold a comma; its pieces, having one quote each, match nothing.
std::optional<bool> lists_etag(const Request& request, std::string_view name, std::string_view etag,
                               Comparison comparison) {
  std::optional<bool> listed;
  request.for_each(name, [&](std::string_view list) {
    listed = listed.value_or(false);
    ascii::for_each_list_element(list, [&](std::string_view candidate) {
      if (candidate == "*" || same_etag(candidate, etag, comparison)) listed = true;
    });
  });
  return listed;
}

std::optional<std::int64_t> date_of(const Request& request, std::string_view name) {
  const auto value = request.header(name);
  return value ? parse_date(*value) : std::nullopt;
}

}  // namespace

Precondition evaluate_preconditions(const Request& request, const Validators& current) {
  if (const auto match = lists_etag(request, "If-Match", current.etag, Comparison::strong)) {
    if (!*match) return Precondition::failed;
  } else if (const auto date = date_of(request, "If-Unmodified-Since")) {
    if (current.last_modified > *date) return Precondition::failed;
  }
  if (const auto match = lists_etag(request, "If-None-Match", current.etag, Comparison::weak))
    return *match ? Precondition::not_modified : Precondition::holds;
  const auto date = date_of(request, "If-Modified-Since");
  return date && current.last_modified <= *date ? Precondition::not_modified : Precondition::holds;
}

bool if_range_holds(const Request& request, const Validators& current) {
  const auto value = request.header("If-Range");
  if (!value) return true;
  if (value->starts_with('"') || is_weak(*value))
    return same_etag(*value, current.etag, Comparison::strong);
  return parse_date(*value) == current.last_modified;
}

}  // namespace peal::http
