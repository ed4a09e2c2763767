// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal::server {

/// Whether a file descriptor leads to systemd's journal. `stream`: what $JOURNAL_STREAM says, the
/// device and inode of the journal's stream as "DEVICE:INODE" (systemd.exec(5)); null: not set.
bool leads_to_journal(int fd, const char* stream);

}  // namespace peal::server
