// SPDX-License-Identifier: Apache-2.0
// What this process may not do with files.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/config/folder.h"
#include "tests/unit/config/loading.h"

namespace peal::config {
namespace {

/// Root may do everything, so somebody else takes its place for a moment.
class Unprivileged {
 public:
  Unprivileged() { REQUIRE(::seteuid(me_ == 0 ? 65534 : me_) == 0); }
  ~Unprivileged() { CHECK(::seteuid(me_) == 0); }
  Unprivileged(const Unprivileged&) = delete;
  Unprivileged& operator=(const Unprivileged&) = delete;

 private:
  const uid_t me_ = ::geteuid();
};

/// The problems of a text whose first line is line 6, seen from `folder`.
std::vector<std::string> problems_in(const Folder& folder, const std::string& text) {
  const Unprivileged here;
  std::vector<std::string> lines;
  for (const Problem& problem : load_text(kSmallest + text, folder / "p.toml").problems)
    lines.push_back(problem.text());
  return lines;
}

using Lines = std::vector<std::string>;

TEST_CASE("load: the root of files can be read") {
  const Folder folder;
  const std::string site = "[route.site]\npath='/{p...}'\ntype='files'\nroot='site'\n";
  CHECK(problems_in(folder, site).empty());
  REQUIRE(::chmod((folder / "site").c_str(), 0) == 0);
  CHECK(problems_in(folder, site) ==
        Lines{(folder / "p.toml") +
              ":9:6: error: route.site.root: expected a folder that can be "
              "read, found \"" +
              (folder / "site") + "\": Permission denied"});
}

TEST_CASE("load: the root of files can be reached") {
  const Folder folder;
  folder.file("", "site/in/index.html");
  const std::string site = "[route.site]\npath='/{p...}'\ntype='files'\nroot='site/in'\n";
  CHECK(problems_in(folder, site).empty());
  REQUIRE(::chmod((folder / "site").c_str(), 0) == 0);
  const auto lines = problems_in(folder, site);
  REQUIRE(lines.size() == 1);
  CHECK(contains(lines[0], "site/in\": Permission denied"));
  REQUIRE(::chmod((folder / "site").c_str(), 0755) == 0);
}

TEST_CASE("load: the log can be written, and is not made by that") {
  const Folder folder;
  const std::string log = "[log]\nfile='site/peal.log'\n";
  const std::string place = (folder / "p.toml") +
                            ":7:6: error: log.file: expected a file that can be written, found \"" +
                            (folder / "site/peal.log") + "\": Permission denied";
  REQUIRE(::chmod((folder / "site").c_str(), 0777) == 0);
  CHECK(problems_in(folder, log).empty());
  CHECK_FALSE(std::filesystem::exists(folder / "site/peal.log"));
  REQUIRE(::chmod((folder / "site").c_str(), 0555) == 0);
  CHECK(problems_in(folder, log) == Lines{place});
  REQUIRE(::chmod((folder / "site").c_str(), 0755) == 0);
  const std::string file = folder.file("old\n", "site/peal.log");
  REQUIRE(::chmod(file.c_str(), 0444) == 0);
  CHECK(problems_in(folder, log) == Lines{place});
  REQUIRE(::chmod(file.c_str(), 0666) == 0);
  CHECK(problems_in(folder, log).empty());
}

}  // namespace
}  // namespace peal::config
