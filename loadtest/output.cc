// SPDX-License-Identifier: Apache-2.0
#include "loadtest/output.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace peal::loadtest {
namespace {

constexpr const char* kStandardOutput = "standard output";

std::unexpected<std::string> failure(const std::string& name) {
  return std::unexpected(name + ": " + std::strerror(errno));
}

Fd open_file(const std::string& name, int flags) {
  return Fd(::open(name.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666));
}

bool is_of_kind(int fd, mode_t kind) {
  struct stat status {};
  return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == kind;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size < 0 && errno != EINTR) return false;
    if (size > 0) text.remove_prefix(static_cast<std::size_t>(size));
  }
  return true;
}

}  // namespace

void hold_standard_streams() {
  // For reading only, so that writing fails as it would have.
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (fcntl(fd, F_GETFD) < 0) ::open("/dev/null", O_RDONLY);
}

std::expected<void, std::string> write_standard_output(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text)) return failure(kStandardOutput);
  return {};
}

std::expected<ResultFile, std::string> ResultFile::open(const std::string& name) {
  const bool standard = name == "-";
  Fd fd =
      standard ? Fd(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)) : open_file(name, O_CREAT | O_EXCL);
  const bool made = fd && !standard;
  if (!fd && errno == EEXIST) fd = open_file(name, O_CREAT);
  const std::string shown = standard ? kStandardOutput : name;
  if (!fd) return failure(shown);
  // A device, such as /dev/full, tells at once whether it takes anything.
  if (is_of_kind(fd.get(), S_IFCHR) && ::write(fd.get(), "", 0) < 0) return failure(shown);
  return ResultFile(name, std::move(fd), made);
}

ResultFile::ResultFile(std::string name, Fd fd, bool made)
    : name_(std::move(name)), fd_(std::move(fd)), made_(made) {}

ResultFile::ResultFile(ResultFile&& other) noexcept
    : name_(std::move(other.name_)),
      fd_(std::move(other.fd_)),
      made_(std::exchange(other.made_, false)) {}

ResultFile::~ResultFile() {
  if (made_) ::unlink(name_.c_str());
}

std::expected<void, std::string> ResultFile::write(std::string_view text) {
  made_ = false;
  const bool standard = name_ == "-";
  const bool emptied =
      standard || !is_of_kind(fd_.get(), S_IFREG) || ::ftruncate(fd_.get(), 0) == 0;
  const bool written = emptied && write_all(fd_.get(), text);
  // Some file systems tell only now that they are full.
  if (!written || ::close(fd_.release()) < 0) return failure(standard ? kStandardOutput : name_);
  return {};
}

}  // namespace peal::loadtest
