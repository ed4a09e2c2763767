// SPDX-License-Identifier: Apache-2.0
#include "loadtest/report_page.h"

namespace peal::loadtest {

const std::string_view kPageBeforeData =
    R"page(<!doctype html><script id="data" type="application/json">)page";
const std::string_view kPageAfterData = R"page(</script>)page";

}  // namespace peal::loadtest
