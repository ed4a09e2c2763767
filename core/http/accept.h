// SPDX-License-Identifier: Apache-2.0
// What a client would like to have (RFC 9110 section 12.5.1).
#pragma once

#include <string_view>

#include "core/http/request.h"

namespace peal::http {

/// How much a client wants a media type.
struct Acceptance {
  int quality = 1000;    ///< thousandths; 0: not at all
  bool by_name = false;  ///< it was named, and did not only fall under "type/*" or "*/*"
};

/// Of "text/event-stream", for one: what the most specific media range of Accept says of it. All is
/// well where there is no Accept. Parameters but for "q" are not looked at; a range that is
/// malformed is passed over.
Acceptance acceptance(const Request& request, std::string_view media_type);

}  // namespace peal::http
