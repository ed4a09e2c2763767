// SPDX-License-Identifier: Apache-2.0
#include "server/static_files.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "core/http/conditional.h"
#include "core/http/date.h"
#include "core/http/response.h"
#include "server/media_types.h"

namespace peal::server {
namespace {

using RangeKind = http::RangeChoice::Kind;

/// Neither empty nor hidden nor, by that, "." or "..".
bool is_visible(std::string_view path) {
  while (true) {
    const auto slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    if (segment.empty() || segment.starts_with('.')) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

/// openat2(2), which glibc 2.36 does not wrap. The kernel itself keeps the path beneath `root`,
/// whatever links and renames there are.
Fd open_beneath(const Fd& root, const char* path) {
  open_how how{};
  // Without O_NONBLOCK, opening a FIFO would wait for its writer.
  how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(::syscall(SYS_openat2, root.get(), path, &how, sizeof how)));
}

Miss miss_of(int sys_errno) {
  switch (sys_errno) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
    case EAGAIN:  // a rename elsewhere raced with RESOLVE_BENEATH
      return Miss::unavailable;
    default:
      return Miss::not_found;
  }
}

ETag make_etag(const struct stat& info) {
  const auto nanoseconds = static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000 +
                           static_cast<std::uint64_t>(info.st_mtim.tv_nsec);
  ETag etag;
  etag.append("\"").append(nanoseconds, 16);
  etag.append("-").append(static_cast<std::uint64_t>(info.st_size), 16);
  etag.append("-").append(static_cast<std::uint64_t>(info.st_ino), 16);
  etag.append("\"");
  return etag;
}

/// The whole answer for 412 and 416.
std::size_t write_refusal(MutableBytes out, const http::Request& request, const File& file,
                          const FileAnswer& answer, std::int64_t now) {
  http::TextResponse response{.status = answer.status,
                              .now = now,
                              .minor_version = request.minor_version,
                              .keep_alive = answer.keep_alive,
                              .head_only = answer.head_only};
  if (answer.status == 412) {
    response.text = "the file is not in the state that the request asks for";
    return http::write_text_response(out, response);
  }
  response.text = "the file does not have the range that the request asks for";
  const http::ContentRange range = http::content_range(answer.range, file.size);
  const http::Header field{"Content-Range", range.view()};
  response.headers = std::span(&field, 1);
  return http::write_text_response(out, response);
}

}  // namespace

Result<StaticFiles> StaticFiles::open_root(const std::string& root, std::string index) {
  Fd fd(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return last_error("open");
  // A kernel or a sandbox without openat2 is better told at the start than by a 404 for each file.
  if (!open_beneath(fd, ".")) return last_error("openat2");
  return StaticFiles(std::move(fd), std::move(index));
}

std::expected<File, Miss> StaticFiles::open(std::string_view path) const {
  std::array<char, PATH_MAX> name;
  const bool is_folder = path.empty() || path.ends_with('/');
  const std::string_view index = is_folder ? std::string_view(index_) : "";
  if (path.size() + index.size() >= name.size()) return std::unexpected(Miss::not_found);
  path.copy(name.data(), path.size());
  index.copy(name.data() + path.size(), index.size());
  const std::string_view whole(name.data(), path.size() + index.size());
  name[whole.size()] = '\0';
  if (!is_visible(whole) || whole.find('\0') != std::string_view::npos)
    return std::unexpected(Miss::not_found);

  File file;
  file.fd = open_beneath(root_, name.data());
  if (!file.fd) return std::unexpected(miss_of(errno));
  struct stat info;
  if (::fstat(file.fd.get(), &info) != 0) return std::unexpected(miss_of(errno));
  if (S_ISDIR(info.st_mode) && !is_folder) return std::unexpected(Miss::directory);
  if (!S_ISREG(info.st_mode)) return std::unexpected(Miss::not_found);
  file.size = static_cast<std::uint64_t>(info.st_size);
  file.modified = info.st_mtim.tv_sec;
  file.etag = make_etag(info);
  file.content_type = media_type(whole);
  return file;
}

FileAnswer plan(const http::Request& request, const File& file) {
  FileAnswer answer;
  answer.head_only = request.method == "HEAD";
  answer.keep_alive = request.keep_alive && !request.has_body();
  const http::Validators current{file.etag.view(), file.modified};
  const auto precondition = http::evaluate_preconditions(request, current);
  answer.status = precondition == http::Precondition::failed ? 412 : 304;
  if (precondition != http::Precondition::holds) return answer;

  answer.status = 200;
  answer.length = file.size;
  const auto range = request.header("Range");
  // Range is for GET alone (RFC 9110 section 14.2).
  if (!range || answer.head_only || !http::if_range_holds(request, current)) return answer;
  answer.range = http::choose_range(*range, file.size);
  if (answer.range.kind == RangeKind::whole) return answer;
  answer.status = answer.range.kind == RangeKind::part ? 206 : 416;
  answer.offset = answer.range.offset;
  answer.length = answer.range.length;
  return answer;
}

std::size_t write_file_head(MutableBytes out, const http::Request& request, const File& file,
                            const FileAnswer& answer, std::int64_t now) {
  if (answer.status >= 400) return write_refusal(out, request, file, answer, now);
  // RFC 9110 section 15.3.7: who sends If-Range has the rest of the file, and what describes it.
  const bool resumes = answer.status == 206 && request.header("If-Range");
  http::ResponseWriter writer(out);
  writer.status_line(answer.status);
  writer.date(now);
  writer.header("ETag", file.etag.view());
  // RFC 9110 section 8.8.2.1: not later than Date, whatever the file says.
  if (!resumes)
    writer.header("Last-Modified", http::format_date(std::min(file.modified, now)).view());
  if (answer.status != 304) {
    if (!resumes) {
      writer.header("Content-Type", file.content_type);
      writer.header("X-Content-Type-Options", "nosniff");
    }
    writer.header("Accept-Ranges", "bytes");
    if (answer.status == 206)
      writer.header("Content-Range", http::content_range(answer.range, file.size).view());
    writer.header("Content-Length", answer.length);
  }
  writer.connection(answer.keep_alive, request.minor_version);
  writer.end();
  return writer.size();
}

}  // namespace peal::server
