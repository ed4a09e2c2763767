// SPDX-License-Identifier: Apache-2.0
// Files beneath one folder, answered as RFC 9110 has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/bytes.h"
#include "core/base/error.h"
#include "core/base/fd.h"
#include "core/base/short_text.h"
#include "core/http/range.h"
#include "core/http/request.h"

namespace peal::server {

/// A strong entity tag: the quoted modification time, size and inode.
using ETag = ShortText<52>;

/// An open regular file and what is known of it since then. Owner: whoever sends it.
struct File {
  Fd fd;
  std::uint64_t size = 0;     ///< bytes
  std::int64_t modified = 0;  ///< seconds since 1970
  ETag etag;
  std::string_view content_type{};  ///< static
};

enum class Miss : std::uint8_t {
  not_found,    ///< 404: not there, hidden, not a regular file, or not ours to read
  directory,    ///< 301: it is one, and the path does not end in "/"
  unavailable,  ///< 503: no descriptor or memory left, or the disk failed
};

/// The files beneath a root. Nothing outside it can be reached: not by "..", not by a symbolic
/// link, not by an encoding. Names that begin with "." do not exist.
///
/// Owner: the route. Thread: any, it is constant. Errors: Miss.
class StaticFiles {
 public:
  /// Opens the folder `root`; files are then served from it even when it is renamed.
  /// `index`: the file that stands for a folder.
  static Result<StaticFiles> open_root(const std::string& root, std::string index);

  /// `path`: decoded (http::decode_path), relative to the root, so without a "/" in front; empty or
  /// with a "/" at its end it means the index of that folder. Blocks for as long as open(2) does.
  std::expected<File, Miss> open(std::string_view path) const;

 private:
  StaticFiles(Fd root, std::string index) : root_(std::move(root)), index_(std::move(index)) {}

  Fd root_;
  std::string index_;
};

/// What to answer with: the head by write_file_head(), then, where body_follows(), `length` bytes
/// of the file from `offset`.
struct FileAnswer {
  int status = 0;             ///< 200, 206, 304, 412 or 416
  std::uint64_t offset = 0;   ///< bytes
  std::uint64_t length = 0;   ///< bytes; of a HEAD what GET would have
  http::RangeChoice range{};  ///< for Content-Range
  bool head_only = false;
  bool keep_alive =
      false;  ///< as the client wishes, unless a body is unread; the caller may clear it

  bool body_follows() const { return length > 0 && !head_only; }
};

/// Applies the preconditions and the range of `request` to `file`. Requires: it is GET or HEAD.
FileAnswer plan(const http::Request& request, const File& file);

/// Writes the response head, and for 412 and 416 the whole response. `now`: seconds since
/// 1970. Returns the octets written, 0 when `out` is too small; 1024 always suffice.
std::size_t write_file_head(MutableBytes out, const http::Request& request, const File& file,
                            const FileAnswer& answer, std::int64_t now);

}  // namespace peal::server
