# SPDX-License-Identifier: Apache-2.0
"""openssl s_client(1): what Python's ssl cannot do."""

import re
import subprocess
import threading


class SClient:
    """One run of `openssl s_client` with `options`; its output is gathered by a thread."""

    def __init__(self, server, *options):
        self._process = subprocess.Popen(
            ["openssl", "s_client", "-connect", server.host, "-servername", "localhost", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self._output = b""
        self._changed = threading.Condition()
        self._ended = False
        self._note = server.note_of_new_peer()
        threading.Thread(target=self._gather, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def _gather(self):
        while data := self._process.stdout.read1():
            self._note("<-", data)
            with self._changed:
                self._output += data
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def send(self, text):
        self._note("->", text.encode())
        try:
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            pass

    def wait_for(self, pattern, timeout=10):
        """The text so far, once it holds `pattern` or has ended."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._ended or re.search(pattern, self._output.decode("latin-1")), timeout)
            return self._output.decode("latin-1")
