// SPDX-License-Identifier: Apache-2.0
#include "core/http/response.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "core/http/date.h"

namespace peal::http {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};

constexpr Phrase kPhrases[] = {
    {101, "Switching Protocols"},
    {200, "OK"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

bool is_field_value(std::string_view value) {
  return std::ranges::all_of(value, [](char c) {
    return (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) || c == '\t';
  });
}

}  // namespace

std::string_view reason_phrase(int status) {
  const auto* phrase = std::ranges::find(kPhrases, status, &Phrase::status);
  return phrase == std::end(kPhrases) ? std::string_view{} : phrase->text;
}

void ResponseWriter::put(std::string_view text) {
  if (text.empty()) return;  // it may be nowhere, which memcpy does not take
  if (failed_ || text.size() > out_.size() - size_) {
    failed_ = true;
    return;
  }
  std::memcpy(out_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

void ResponseWriter::status_line(int status) {
  put("HTTP/1.1 ");
  put(ShortText<3>().append(static_cast<unsigned>(status)).view());
  put(" ");
  put(reason_phrase(status));
  put("\r\n");
}

void ResponseWriter::header(std::string_view name, std::string_view value) {
  if (!ascii::is_token(name) || !is_field_value(value)) {
    failed_ = true;
    return;
  }
  put(name);
  put(": ");
  put(value);
  put("\r\n");
}

void ResponseWriter::header(std::string_view name, std::uint64_t value) {
  header(name, ShortText<20>().append(value).view());
}

void ResponseWriter::date(std::int64_t now) {
  header("Date", format_date(now).view());
}

void ResponseWriter::connection(bool keep_alive, int minor_version) {
  if (!keep_alive)
    header("Connection", "close");
  else if (minor_version == 0)
    header("Connection", "keep-alive");
}

void ResponseWriter::end() {
  put("\r\n");
}

void ResponseWriter::body(std::string_view text) {
  put(text);
}

std::size_t write_text_response(MutableBytes out, const TextResponse& response) {
  ResponseWriter writer(out);
  writer.status_line(response.status);
  writer.date(response.now);
  for (const Header& field : response.headers) writer.header(field.name, field.value);
  writer.header("Content-Type", "text/plain; charset=utf-8");
  writer.header("Content-Length", response.text.size() + 1);
  writer.connection(response.keep_alive, response.minor_version);
  writer.end();
  if (!response.head_only) {
    writer.body(response.text);
    writer.body("\n");
  }
  return writer.size();
}

std::size_t error_response(MutableBytes out, const Failure& failure, std::int64_t now,
                           std::span<const Header> headers) {
  return write_text_response(out, {.status = failure.status,
                                   .text = failure.reason,
                                   .headers = headers,
                                   .now = now,
                                   .head_only = failure.head_only});
}

}  // namespace peal::http
