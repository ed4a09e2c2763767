// SPDX-License-Identifier: Apache-2.0
#include "config/print.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "config/address.h"
#include "config/document.h"
#include "config/names.h"
#include "config/schema.h"
#include "config/units.h"

namespace peal::config {
namespace {

/// Writes down one table's fields: the Table of schema.h that only looks.
class SettingLister {
 public:
  SettingLister(std::string table, std::vector<Setting>& out)
      : table_(std::move(table)), end_(out.size()), out_(out) {}

  void text(std::string_view key, const std::string& field) { add(key, in_quotes(field)); }

  void list(std::string_view key, const std::vector<std::string>& field) {
    std::string value = "[";
    for (const std::string& item : field) {
      if (value.size() > 1) value += ", ";
      value += in_quotes(item);
    }
    add(key, value + ']');
  }

  void flag(std::string_view key, bool field) { add(key, field ? "true" : "false"); }

  void count(std::string_view key, std::uint64_t field, SizeRange) {
    add(key, std::to_string(field));
  }

  void count_or_auto(std::string_view key, unsigned field, unsigned) {
    add(key, field == 0 ? in_quotes("auto") : std::to_string(field));
  }

  void size(std::string_view key, std::uint64_t field, SizeRange) {
    add(key, in_quotes(format_size(field)));
  }

  void rate(std::string_view key, std::uint32_t field, SizeRange) {
    add(key, in_quotes(format_rate(field)));
  }

  void duration(std::string_view key, Milliseconds field, DurationRange) {
    add(key, in_quotes(format_duration(field)));
  }

  void fraction(std::string_view key, double field) {
    std::array<char, 32> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), field).ptr;
    std::string value(text.data(), end);
    // TOML has another type for what looks like a whole number, which would do as well.
    if (value.find_first_of(".e") == std::string::npos) value += ".0";
    add(key, value);
  }

  void address(std::string_view key, const Listen& listen) {
    add(key, in_quotes(address_text(listen)));
  }

  void mode(std::string_view key, std::uint32_t field) { add(key, in_quotes(format_mode(field))); }

  void certificates(std::string_view cert, std::string_view key,
                    const std::vector<CertificateFiles>& field) {
    files(cert, field, &CertificateFiles::cert);
    files(key, field, &CertificateFiles::key);
  }

  template <class Enum>
  void choice(std::string_view key, Enum field) {
    add(key, in_quotes(name(field)));
  }

  template <class Enum>
  void choices(std::string_view key, const std::vector<Enum>& field) {
    std::vector<std::string> words;
    for (const Enum value : field) words.emplace_back(name(value));
    list(key, words);
  }

  template <class Visit>
  void table(std::string_view key, Visit&& visit) {
    SettingLister inner(table_ + '.' + std::string(key), out_);
    visit(inner);
  }

  template <class Value, class Visit>
  void table_or_none(std::string_view key, const std::optional<Value>& field, Visit&& visit) {
    if (!field) return add(key, in_quotes("none"));
    table(key, [&](SettingLister& inner) { visit(inner, *field); });
  }

 private:
  void files(std::string_view key, const std::vector<CertificateFiles>& field,
             std::string CertificateFiles::*which) {
    if (field.size() == 1) return text(key, field.front().*which);
    std::vector<std::string> names;
    for (const CertificateFiles& files : field) names.push_back(files.*which);
    list(key, names);
  }

  /// In front of the tables within: what follows the header of one in a file belongs to it.
  void add(std::string_view key, std::string value) {
    const auto end = out_.begin() + static_cast<std::ptrdiff_t>(end_++);
    out_.insert(end, {table_, std::string(key), std::move(value)});
  }

  std::string table_;
  std::size_t end_;  // of the table's own settings
  std::vector<Setting>& out_;
};

}  // namespace

std::vector<Setting> settings(const Config& config) {
  std::vector<Setting> out;
  const auto lister = [&](std::string table) { return SettingLister(std::move(table), out); };
  auto server = lister("server");
  visit_server(server, config.server);
  for (const Listen& listen : config.listen) {
    auto table = lister("listen." + listen.name);
    visit_listen(table, listen);
  }
  auto limits = lister("limits");
  visit_limits(limits, config.limits);
  auto compression = lister("compression");
  visit_compression(compression, config.compression);
  auto drain = lister("drain");
  visit_drain(drain, config.drain);
  auto log = lister("log");
  visit_log(log, config.log);
  for (const Route& route : config.routes) {
    auto table = lister("route." + route.name);
    visit_route(table, route);
  }
  for (const Topic& topic : config.topics) {
    auto table = lister("topic." + topic.name);
    visit_topic(table, topic);
  }
  return out;
}

std::string print(const Config& config) {
  std::string out;
  std::string_view table;
  const auto all = settings(config);
  for (const Setting& setting : all) {
    if (setting.table != table) {
      out += (out.empty() ? "[" : "\n[") + setting.table + "]\n";
      table = setting.table;
    }
    out += setting.key + " = " + setting.value + '\n';
  }
  return out;
}

}  // namespace peal::config
