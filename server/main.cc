// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include "server/cli.h"
#include "server/log.h"
#include "server/reload.h"
#include "server/server.h"

int main(int argc, char** argv) {
  using namespace peal::server;
  auto line = parse_command_line(argc, argv, PEAL_VERSION);
  if (!line) return line.error();
  std::optional<Certificates> certificates;
  line->load.check = check_files(certificates);
  peal::config::Loaded loaded = peal::config::load(line->load);
  if (line->action != CommandLine::Action::serve) return run_offline(*line, loaded);
  if (!loaded.config) {
    print_problems(loaded);
    return kExitConfig;
  }
  log::set_up(loaded.config->log);
  Server server({std::move(*loaded.config), std::move(*certificates)}, std::move(line->load));
  if (auto started = server.start(); !started) {
    log::error("{}", started.error());
    return kExitFailed;
  }
  server.run();
  return kExitOk;
}
