// SPDX-License-Identifier: Apache-2.0
#include "server/cors.h"

namespace peal::server {

CorsFields::CorsFields(Page page, std::string_view origin) {
  switch (page) {
    case Page::none:
    case Page::own:
    case Page::foreign:
      return;
    case Page::listed:
      add("Access-Control-Allow-Origin", origin);
      add("Access-Control-Allow-Credentials", "true");
      add("Vary", "Origin");
      break;
    case Page::any:
      add("Access-Control-Allow-Origin", "*");
      break;
  }
  add("Access-Control-Expose-Headers", "Peal-Next");
}

bool is_preflight(const http::Request& request) {
  return request.method == "OPTIONS" && request.header("Origin") &&
         request.header("Access-Control-Request-Method");
}

bool takes_preflights(const config::Route& route) {
  return route.type == config::RouteType::pubsub || route.type == config::RouteType::publish;
}

}  // namespace peal::server
