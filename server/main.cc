// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <new>

#include "server/cli.h"
#include "server/log.h"
#include "server/reload.h"
#include "server/server.h"
#include "server/standard_streams.h"

namespace {

/// Whatever main() ends with, what was logged is written.
struct LogEnd {
  LogEnd() = default;
  LogEnd(const LogEnd&) = delete;
  LogEnd& operator=(const LogEnd&) = delete;
  ~LogEnd() { peal::server::log::shut_down(); }
};

}  // namespace

int main(int argc, char** argv) {
  using namespace peal::server;
  fill_standard_streams();
  auto line = parse_command_line(argc, argv, PEAL_VERSION);
  if (!line) return line.error();
  CheckedFiles files;
  line->load.check = check_files(files);
  peal::config::Loaded loaded = peal::config::load(line->load);
  if (line->action != CommandLine::Action::serve) return run_offline(*line, loaded);
  if (!loaded.config) {
    print_problems(loaded);
    return kExitConfig;
  }
  if (auto ready = log::set_up(loaded.config->log); !ready) {
    std::fprintf(stderr, "%s\n", ready.error().c_str());
    return kExitFailed;
  }
  const LogEnd end;
  Server server({.config = std::move(*loaded.config),
                 .certificates = std::move(*files.certificates),
                 .stamps = std::move(files.stamps)},
                std::move(line->load));
  try {
    if (auto started = server.start(); !started) {
      log::error("{}", started.error());
      return kExitFailed;
    }
  } catch (const std::bad_alloc&) {
    log::error("there is not enough memory to start with");
    return kExitFailed;
  }
  server.run();
  return kExitOk;
}
