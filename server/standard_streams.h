// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace peal::server {

/// Takes the numbers of standard streams that are closed, or the next socket would get one, and its
/// client the log. They can be neither read nor written, as before.
///
/// Thread: main's, before anything is opened.
void fill_standard_streams();

}  // namespace peal::server
