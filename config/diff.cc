// SPDX-License-Identifier: Apache-2.0
#include "config/diff.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "config/print.h"

namespace peal::config {
namespace {

struct Printed {
  std::string table;
  std::string text;
};

using Values = std::map<std::string, Printed>;

Values values_of(Config config) {
  std::erase_if(config.listen, is_gone);
  Values values;
  for (Setting& setting : settings(config))
    values.emplace(setting.table + '.' + setting.key,
                   Printed{.table = setting.table, .text = std::move(setting.value)});
  return values;
}

std::set<std::string, std::less<>> tables_of(const Values& values) {
  std::set<std::string, std::less<>> tables;
  for (const auto& [key, value] : values) tables.insert(value.table);
  return tables;
}

/// The outermost table around a key that `others` lack, or the key.
std::string missing_name(const std::string& key, const Printed& value,
                         const std::set<std::string, std::less<>>& others) {
  for (auto dot = value.table.find('.'); dot != std::string::npos;
       dot = value.table.find('.', dot + 1)) {
    const auto end = std::min(value.table.find('.', dot + 1), value.table.size());
    const std::string_view outer = std::string_view(value.table).substr(0, end);
    if (!others.contains(outer)) return std::string(outer);
  }
  return key;
}

/// What `values` have and `others` have not.
std::vector<std::string> missing(const Values& values, const Values& others) {
  const auto other_tables = tables_of(others);
  std::vector<std::string> names;
  for (const auto& [key, value] : values) {
    if (others.contains(key)) continue;
    std::string name = missing_name(key, value, other_tables);
    if (names.empty() || names.back() != name) names.push_back(std::move(name));
  }
  return names;
}

/// Takes what both have out of them: a table within a table that was "none", or is now.
std::vector<std::string> take_common(std::vector<std::string>& a, std::vector<std::string>& b) {
  const auto has = [](const std::vector<std::string>& names) {
    return
        [&names](const std::string& name) { return std::ranges::find(names, name) != names.end(); };
  };
  std::vector<std::string> common;
  std::ranges::copy_if(a, std::back_inserter(common), has(b));
  std::erase_if(a, has(common));
  std::erase_if(b, has(common));
  return common;
}

void append(std::string& text, std::string_view what, const std::vector<std::string>& names) {
  if (names.empty()) return;
  if (!text.empty()) text += "; ";
  text.append(what).append(": ");
  for (std::size_t i = 0; i < names.size(); ++i) text.append(i > 0 ? ", " : "").append(names[i]);
}

/// A listener that is gone.
Listen nobody() {
  Listen listen;
  listen.routes = {""};
  return listen;
}

/// Who came in by the one of before gets in by the one of now.
bool same_door(const Listen& before, const Listen& now) {
  if (!before.tls || !now.tls) return !before.tls && !now.tls;
  return now.tls->client_ca.empty() || now.tls->client_ca == before.tls->client_ca;
}

}  // namespace

bool same_address(const Listen& a, const Listen& b) {
  const bool any_port = a.port == 0 && !a.host.empty();
  return a.host == b.host && a.port == b.port && a.path == b.path && a.activation == b.activation &&
         (!any_port || a.name == b.name);
}

std::string Diff::text() const {
  std::string text;
  append(text, "added", added);
  append(text, "removed", removed);
  append(text, "changed", changed);
  return text.empty() ? "nothing has changed" : text;
}

Diff diff(const Config& before, Config& now) {
  Diff diff;
  Values old = values_of(before);
  for (const auto& [key, value] : values_of(now)) {
    const auto found = old.find(key);
    if (value.table != "server" || found->second.text == value.text) continue;
    diff.kept.push_back(key + ": " + found->second.text + " stays, " + value.text +
                        " needs a restart");
  }
  now.server = before.server;
  const Values fresh = values_of(now);
  diff.added = missing(fresh, old);
  diff.removed = missing(old, fresh);
  diff.changed = take_common(diff.added, diff.removed);
  for (const auto& [key, value] : fresh)
    if (const auto found = old.find(key); found != old.end() && found->second.text != value.text)
      diff.changed.push_back(key);
  std::ranges::sort(diff.changed);
  return diff;
}

void keep_places(const std::vector<Listen>& before, Config& now) {
  std::vector<Listen> places(before.size(), nobody());
  std::vector<bool> taken(before.size());
  // Addresses first: a name may have moved to another one.
  const auto place = [&](std::vector<Listen>& all, auto&& same) {
    for (Listen& listen : std::exchange(all, {})) {
      std::size_t i = 0;
      while (i < before.size() && (taken[i] || is_gone(before[i]) || !same(before[i], listen) ||
                                   !same_door(before[i], listen)))
        ++i;
      if (i == before.size()) {
        all.push_back(std::move(listen));
      } else {
        taken[i] = true;
        places[i] = std::move(listen);
      }
    }
  };
  place(now.listen, same_address);
  place(now.listen, [](const Listen& a, const Listen& b) { return a.name == b.name; });
  std::ranges::move(now.listen, std::back_inserter(places));
  now.listen = std::move(places);
}

}  // namespace peal::config
