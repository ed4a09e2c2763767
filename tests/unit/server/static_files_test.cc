// SPDX-License-Identifier: Apache-2.0
#include "server/static_files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "server/media_types.h"
#include "tests/unit/http/requests.h"

namespace peal::server {
namespace {

using http::test::Parsed;
namespace fs = std::filesystem;

constexpr std::int64_t kModified = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT
constexpr std::int64_t kNow = kModified + 60;
constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

/// A folder "site" with some files, and a secret beside it; removed in the end.
class Site {
 public:
  Site() {
    std::string name = (fs::temp_directory_path() / "peal-site-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()));
    outside_ = name;
    root_ = outside_ / "site";
    fs::create_directories(root_ / "sub" / ".git");
    fs::create_directories(root_ / "empty");
    write(outside_ / "secret.txt", "secret");
    write(root_ / "index.html", "<!doctype html>");
    write(root_ / "page.txt", "0123456789");
    write(root_ / "sub" / "index.html", "sub");
    write(root_ / "sub" / ".hidden", "hidden");
    write(root_ / "sub" / ".git" / "config", "hidden");
    fs::create_symlink("page.txt", root_ / "inside.txt");
    fs::create_symlink("../secret.txt", root_ / "outside.txt");
    fs::create_symlink(outside_ / "secret.txt", root_ / "absolute.txt");
    fs::create_symlink("..", root_ / "up");
    REQUIRE(::mkfifo((root_ / "fifo").c_str(), 0600) == 0);
    const timespec times[] = {{kModified, 0}, {kModified, 5}};
    REQUIRE(::utimensat(AT_FDCWD, (root_ / "page.txt").c_str(), times, 0) == 0);
  }
  ~Site() { fs::remove_all(outside_); }

  StaticFiles files() const {
    auto opened = StaticFiles::open_root(root_.string(), "index.html");
    REQUIRE(opened);
    return std::move(*opened);
  }

  const fs::path& root() const { return root_; }

  static void write(const fs::path& path, std::string_view text) { std::ofstream(path) << text; }

 private:
  fs::path outside_;
  fs::path root_;
};

std::string content(const File& file) {
  std::array<char, 64> text;
  const auto size = ::pread(file.fd.get(), text.data(), text.size(), 0);
  return size < 0 ? "unreadable" : std::string(text.data(), static_cast<std::size_t>(size));
}

/// The content of what is found, or "404", "directory", "unavailable".
std::string look_up(const StaticFiles& files, std::string_view path) {
  const auto file = files.open(path);
  if (file) return content(*file);
  switch (file.error()) {
    case Miss::not_found:
      return "404";
    case Miss::directory:
      return "directory";
    case Miss::unavailable:
      return "unavailable";
  }
  return "";
}

/// A request for page.txt and what is answered.
struct Exchange {
  Parsed parsed;
  FileAnswer answer;
  std::string head;

  Exchange(const File& file, std::string_view fields, std::string_view method = "GET")
      : parsed(std::string(method) + " /page.txt HTTP/1.1\r\nHost: a\r\n" + std::string(fields) +
               "\r\n") {
    REQUIRE(parsed.accepted());
    answer = plan(parsed.request(), file);
    std::array<std::byte, 1024> memory;
    head = as_text(memory).substr(0, write_file_head(memory, parsed.request(), file, answer, kNow));
  }

  bool has(std::string_view line) const {
    return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
  }
};

TEST_CASE("StaticFiles: files and the index of folders") {
  const Site site;
  const StaticFiles files = site.files();
  CHECK(look_up(files, "page.txt") == "0123456789");
  CHECK(look_up(files, "") == "<!doctype html>");
  CHECK(look_up(files, "sub/") == "sub");
  CHECK(look_up(files, "sub/index.html") == "sub");
  CHECK(look_up(files, "sub") == "directory");
  CHECK(look_up(files, "empty/") == "404");
  CHECK(look_up(files, "missing") == "404");
  CHECK(look_up(files, "page.txt/") == "404");
  CHECK(look_up(files, "inside.txt") == "0123456789");
}

TEST_CASE("StaticFiles: no way out of the root") {
  const Site site;
  const StaticFiles files = site.files();
  for (const char* path :
       {"../secret.txt", "sub/../../secret.txt", "sub/../page.txt", "./page.txt", "..", ".", "/",
        "/page.txt", "//page.txt", "sub//index.html", "outside.txt", "absolute.txt",
        "up/secret.txt", "up/site/page.txt", "/etc/passwd"}) {
    CAPTURE(path);
    CHECK(look_up(files, path) == "404");
  }
}

TEST_CASE("StaticFiles: what is hidden or no file does not exist") {
  const Site site;
  const StaticFiles files = site.files();
  for (const char* path : {"sub/.hidden", "sub/.git/config", "sub/.git", "sub/.git/", "fifo"}) {
    CAPTURE(path);
    CHECK(look_up(files, path) == "404");
  }
  CHECK(look_up(files, std::string_view("page.txt\0.html", 14)) == "404");
  CHECK(look_up(files, std::string(5000, 'a')) == "404");
  CHECK(look_up(files, std::string(300, 'a')) == "404");
}

TEST_CASE("StaticFiles: a root that is no folder is an error") {
  const Site site;
  CHECK_FALSE(StaticFiles::open_root((site.root() / "page.txt").string(), "index.html"));
  CHECK_FALSE(StaticFiles::open_root((site.root() / "missing").string(), "index.html"));
}

TEST_CASE("StaticFiles: the entity tag changes with the file") {
  const Site site;
  const StaticFiles files = site.files();
  const auto before = files.open("page.txt");
  REQUIRE(before);
  CHECK(before->size == 10);
  CHECK(before->modified == kModified);
  CHECK(before->content_type == "text/plain; charset=utf-8");
  CHECK(before->etag.view().starts_with('"'));
  CHECK(before->etag.view().ends_with('"'));
  CHECK(files.open("page.txt")->etag.view() == before->etag.view());
  Site::write(site.root() / "page.txt", "9876543210");
  CHECK(files.open("page.txt")->etag.view() != before->etag.view());
}

TEST_CASE("plan: GET has the whole file, HEAD the same head") {
  const Site site;
  const auto file = site.files().open("page.txt");
  REQUIRE(file);
  const Exchange get(*file, "");
  CHECK(get.answer.status == 200);
  CHECK(get.answer.length == 10);
  CHECK(get.answer.body_follows());
  CHECK(get.has("Content-Length: 10"));
  CHECK(get.has("Content-Type: text/plain; charset=utf-8"));
  CHECK(get.has("X-Content-Type-Options: nosniff"));
  CHECK(get.has("Last-Modified: " + std::string(kDate)));
  CHECK(get.has("ETag: " + std::string(file->etag.view())));
  CHECK(get.has("Accept-Ranges: bytes"));
  CHECK(get.head.ends_with("\r\n\r\n"));

  const Exchange head(*file, "Range: bytes=0-1\r\n", "HEAD");
  CHECK_FALSE(head.answer.body_follows());
  CHECK(head.head == get.head);
}

TEST_CASE("plan: a request whose body is unread is the last of its connection") {
  const Site site;
  const auto file = site.files().open("page.txt");
  REQUIRE(file);
  const Exchange with_body(*file, "Content-Length: 5\r\n");
  CHECK_FALSE(with_body.answer.keep_alive);
  CHECK(with_body.has("Connection: close"));
}

TEST_CASE("plan: preconditions") {
  const Site site;
  const auto file = site.files().open("page.txt");
  REQUIRE(file);
  const std::string tag(file->etag.view());
  const Exchange unchanged(*file, "If-None-Match: " + tag + "\r\n");
  CHECK(unchanged.answer.status == 304);
  CHECK_FALSE(unchanged.answer.body_follows());
  CHECK(unchanged.has("ETag: " + tag));
  CHECK(unchanged.head.find("Content-Length") == std::string::npos);
  CHECK(Exchange(*file, "If-Modified-Since: " + std::string(kDate) + "\r\n").answer.status == 304);
  CHECK(Exchange(*file, "If-None-Match: \"x\"\r\n").answer.status == 200);
  const Exchange failed(*file, "If-Match: \"x\"\r\n");
  CHECK(failed.answer.status == 412);
  CHECK(failed.head.starts_with("HTTP/1.1 412 Precondition Failed\r\n"));
}

TEST_CASE("plan: ranges") {
  const Site site;
  const auto file = site.files().open("page.txt");
  REQUIRE(file);
  const Exchange part(*file, "Range: bytes=2-4\r\n");
  CHECK(part.answer.status == 206);
  CHECK(part.answer.offset == 2);
  CHECK(part.answer.length == 3);
  CHECK(part.has("Content-Range: bytes 2-4/10"));
  CHECK(part.has("Content-Length: 3"));
  const Exchange beyond(*file, "Range: bytes=10-\r\n");
  CHECK(beyond.answer.status == 416);
  CHECK_FALSE(beyond.answer.body_follows());
  CHECK(beyond.has("Content-Range: bytes */10"));
  CHECK(Exchange(*file, "Range: bytes=0-1,3-4\r\n").answer.status == 200);
  CHECK(Exchange(*file, "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n").answer.status == 200);
}

TEST_CASE("plan: a part for who has the rest is sent without what describes the file") {
  const Site site;
  const auto file = site.files().open("page.txt");
  REQUIRE(file);
  const std::string etag(file->etag.view());
  const Exchange part(*file, "Range: bytes=2-4\r\nIf-Range: " + etag + "\r\n");
  CHECK(part.answer.status == 206);
  CHECK(part.has("ETag: " + etag));
  CHECK(part.has("Content-Range: bytes 2-4/10"));
  CHECK_FALSE(part.head.contains("Content-Type"));
  CHECK_FALSE(part.head.contains("Last-Modified"));
  CHECK(Exchange(*file, "Range: bytes=2-4\r\n").head.contains("Content-Type: text/plain"));
}

TEST_CASE("write_file_head: a file from the future is dated now") {
  const Site site;
  auto file = site.files().open("page.txt");
  REQUIRE(file);
  file->modified = kNow + 86'400;
  CHECK(Exchange(*file, "").has("Last-Modified: Sun, 06 Nov 1994 08:50:37 GMT"));
}

TEST_CASE("media_type: by the last extension, in any case of letters") {
  CHECK(media_type("index.html") == "text/html; charset=utf-8");
  CHECK(media_type("A/B.JS") == "text/javascript; charset=utf-8");
  CHECK(media_type("a.tar.gz") == "application/gzip");
  CHECK(media_type("a.html/b") == "application/octet-stream");
  CHECK(media_type("html") == "application/octet-stream");
  CHECK(media_type("a.") == "application/octet-stream");
  CHECK(media_type("") == "application/octet-stream");
}

}  // namespace
}  // namespace peal::server
