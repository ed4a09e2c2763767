// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <string>

#include "loadtest/cli.h"
#include "loadtest/report.h"
#include "loadtest/run.h"

namespace {

/// False, and said so, when the file cannot be written.
bool write_file(const std::string& name, const std::string& text) {
  if (name == "-") return std::fputs(text.c_str(), stdout) >= 0;
  std::FILE* const file = std::fopen(name.c_str(), "w");
  const bool written = file && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if ((file && std::fclose(file) != 0) || !written) {
    std::perror(("peal-load: " + name).c_str());
    return false;
  }
  return true;
}

std::string joined(int argc, char** argv) {
  std::string text = "peal-load";
  for (int i = 1; i < argc; ++i) text.append(" ").append(argv[i]);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace peal::loadtest;
  const auto options = parse_command_line(argc, argv, PEAL_VERSION);
  if (!options) return options.error();
  auto result = run(*options);
  if (!result) {
    std::fprintf(stderr, "peal-load: %s\n", result.error().c_str());
    return kExitFailed;
  }
  result->command = joined(argc, argv);
  // With --json - nothing else may stand on standard output.
  if (!options->quiet && options->json != "-") std::fputs(text_report(*result).c_str(), stdout);
  std::fflush(stdout);
  if (const std::string trouble = trouble_report(*result); !trouble.empty())
    std::fputs(trouble.c_str(), stderr);
  bool good = result->good();
  if (!options->json.empty()) good = write_file(options->json, json_report(*result)) && good;
  if (!options->html.empty()) good = write_file(options->html, html_report(*result)) && good;
  return good ? kExitOk : kExitFailed;
}
