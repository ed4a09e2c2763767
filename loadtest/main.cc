// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "loadtest/cli.h"
#include "loadtest/output.h"
#include "loadtest/report.h"
#include "loadtest/run.h"

namespace {

using peal::loadtest::ResultFile;

bool said(const std::string& problem) {
  std::fputs(("peal-load: " + problem + '\n').c_str(), stderr);
  return false;
}

/// False, and said so, when the file cannot be written. Nothing is opened where `name` is empty.
bool open_result(const std::string& name, std::optional<ResultFile>& file) {
  if (name.empty()) return true;
  auto opened = ResultFile::open(name);
  if (!opened) return said(opened.error());
  file.emplace(std::move(*opened));
  return true;
}

bool write_result(ResultFile& file, const std::string& text) {
  const auto written = file.write(text);
  return written || said(written.error());
}

bool write_table(const std::string& text) {
  const auto written = peal::loadtest::write_standard_output(text);
  return written || said(written.error());
}

std::string joined(int argc, char** argv) {
  std::string text = "peal-load";
  for (int i = 1; i < argc; ++i) text.append(" ").append(argv[i]);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace peal::loadtest;
  hold_standard_streams();
  const auto options = parse_command_line(argc, argv, PEAL_VERSION);
  if (!options) return options.error();
  std::optional<ResultFile> json;
  std::optional<ResultFile> html;
  if (!open_result(options->json, json) || !open_result(options->html, html)) return kExitFailed;
  auto result = run(*options);
  if (!result) {
    said(result.error());
    return kExitFailed;
  }
  result->command = joined(argc, argv);
  bool good = result->good();
  // Files first: whoever reads the table may have gone, and then there is a SIGPIPE.
  if (json) good = write_result(*json, json_report(*result)) && good;
  if (html) good = write_result(*html, html_report(*result)) && good;
  // With --json - or --html - nothing else may stand on standard output.
  if (!options->quiet && options->json != "-" && options->html != "-")
    good = write_table(text_report(*result)) && good;
  if (const std::string trouble = trouble_report(*result); !trouble.empty())
    std::fputs(trouble.c_str(), stderr);
  return good ? kExitOk : kExitFailed;
}
