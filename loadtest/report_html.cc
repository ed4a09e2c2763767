// SPDX-License-Identifier: Apache-2.0
#include "loadtest/report.h"
#include "loadtest/report_page.h"

namespace peal::loadtest {

std::string html_report(const Findings& result) {
  // No text in the JSON may end the script that it stands in; "\u003c" is the same to a reader.
  std::string data;
  for (const char c : json_report(result)) c == '<' ? data += "\\u003c" : data += c;
  std::string page(kPageBeforeData);
  page += data;
  page += kPageAfterData;
  return page;
}

}  // namespace peal::loadtest
