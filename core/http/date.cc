// SPDX-License-Identifier: Apache-2.0
#include "core/http/date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

#include "core/base/ascii.h"

namespace peal::http {
namespace {

constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> kLongDays = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                       "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

constexpr std::int64_t kYear0 = -62'167'219'200;
constexpr std::int64_t kYear9999 = 253'402'300'799;  // its last second

void append_digits(DateText& text, unsigned number, std::size_t count) {
  std::array<char, 4> digits;
  for (std::size_t i = count; i-- > 0; number /= 10)
    digits[i] = static_cast<char>('0' + number % 10);
  text.append({digits.data(), count});
}

/// Takes a date apart from left to right; after the first mismatch everything is false.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : rest_(text) {}

  bool literal(std::string_view expected) {
    good_ = good_ && rest_.starts_with(expected);
    if (good_) rest_.remove_prefix(expected.size());
    return good_;
  }

  /// The index of the name that comes next.
  template <std::size_t kCount>
  std::size_t name(const std::array<std::string_view, kCount>& names) {
    for (std::size_t i = 0; i < kCount; ++i)
      if (good_ && rest_.starts_with(names[i])) {
        rest_.remove_prefix(names[i].size());
        return i;
      }
    good_ = false;
    return 0;
  }

  int number(std::size_t digits) {
    const auto value = ascii::parse_decimal(rest_.substr(0, digits));
    good_ = good_ && value && rest_.size() >= digits;
    if (!good_) return 0;
    rest_.remove_prefix(digits);
    return static_cast<int>(*value);
  }

  bool at_end() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

struct Fields {
  int year = 0;
  std::size_t month = 0;  // from 0
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

void read_time(DateReader& reader, Fields& fields) {
  fields.hour = reader.number(2);
  reader.literal(":");
  fields.minute = reader.number(2);
  reader.literal(":");
  fields.second = reader.number(2);
}

/// "Sun, 06 Nov 1994 08:49:37 GMT"
bool read_fixdate(DateReader reader, Fields& fields) {
  reader.name(kDays);
  reader.literal(", ");
  fields.day = reader.number(2);
  reader.literal(" ");
  fields.month = reader.name(kMonths);
  reader.literal(" ");
  fields.year = reader.number(4);
  reader.literal(" ");
  read_time(reader, fields);
  return reader.literal(" GMT") && reader.at_end();
}

/// "Sunday, 06-Nov-94 08:49:37 GMT"
bool read_rfc850(DateReader reader, Fields& fields) {
  reader.name(kLongDays);
  reader.literal(", ");
  fields.day = reader.number(2);
  reader.literal("-");
  fields.month = reader.name(kMonths);
  reader.literal("-");
  const int year = reader.number(2);
  fields.year = year + (year < 70 ? 2000 : 1900);
  reader.literal(" ");
  read_time(reader, fields);
  return reader.literal(" GMT") && reader.at_end();
}

/// "Sun Nov  6 08:49:37 1994"
bool read_asctime(DateReader reader, Fields& fields) {
  reader.name(kDays);
  reader.literal(" ");
  fields.month = reader.name(kMonths);
  DateReader padded = reader;
  if (padded.literal("  ")) {
    reader = padded;
    fields.day = reader.number(1);
  } else {
    reader.literal(" ");
    fields.day = reader.number(2);
  }
  reader.literal(" ");
  read_time(reader, fields);
  reader.literal(" ");
  fields.year = reader.number(4);
  return reader.at_end();
}

}  // namespace

DateText format_date(std::int64_t seconds) {
  using namespace std::chrono;
  const sys_seconds time{std::chrono::seconds(std::clamp(seconds, kYear0, kYear9999))};
  const auto midnight = floor<days>(time);
  const year_month_day date(midnight);
  const hh_mm_ss clock(time - midnight);

  DateText text;
  text.append(kDays[weekday(midnight).c_encoding()]).append(", ");
  append_digits(text, static_cast<unsigned>(date.day()), 2);
  text.append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  append_digits(text, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  text.append(" ");
  append_digits(text, static_cast<unsigned>(clock.hours().count()), 2);
  text.append(":");
  append_digits(text, static_cast<unsigned>(clock.minutes().count()), 2);
  text.append(":");
  append_digits(text, static_cast<unsigned>(clock.seconds().count()), 2);
  text.append(" GMT");
  return text;
}

std::optional<std::int64_t> parse_date(std::string_view text) {
  Fields fields;
  const DateReader reader(text);
  if (!read_fixdate(reader, fields) && !read_rfc850(reader, fields) &&
      !read_asctime(reader, fields))
    return std::nullopt;
  using namespace std::chrono;
  const year_month_day date(year(fields.year), month(static_cast<unsigned>(fields.month) + 1),
                            day(static_cast<unsigned>(fields.day)));
  // 60 is a leap second, which the clock of POSIX gives to the next minute.
  if (!date.ok() || fields.hour > 23 || fields.minute > 59 || fields.second > 60)
    return std::nullopt;
  const sys_seconds time =
      sys_days(date) + hours(fields.hour) + minutes(fields.minute) + seconds(fields.second);
  return time.time_since_epoch().count();
}

}  // namespace peal::http
