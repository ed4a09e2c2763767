# SPDX-License-Identifier: Apache-2.0
"""What testssl.sh finds in a listener with certificates of both kinds, in the default configuration.

It takes a minute, and neither the back end nor a sanitizer makes a difference, so it runs by its name only:
`tests/blackbox/run python audit_tls`.
"""

import json
import subprocess

from test_tls import ROUTES, TlsCase

# What is neither good nor neutral, and why that is so here.
EXPLAINED = {
    "engine_problem": "the openssl that runs the audit has no GOST",
    "cert_revocation": "a test's authority publishes no revocations",
    "sessionresumption_ticket": "its probe gives up on a server that wants a request; test_tls.py resumes",
}
CERTAIN = {
    "SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered", "TLS1_1": "not offered",
    "TLS1_2": "offered", "TLS1_3": "offered", "ALPN": "http/1.1", "cipher_order": "server", "PFS": "offered",
    "cipherlist_AVERAGE": "not offered", "secure_renego": "supported", "secure_client_renego": "not vulnerable",
    "CRIME_TLS": "not vulnerable", "LUCKY13": "not vulnerable", "heartbleed": "not vulnerable",
}


class Audit(TlsCase):
    config = """
[listen.public]
tls = { cert = ["site.crt", "rsa.crt"], key = ["site.key", "rsa.key"] }
""" + ROUTES

    @classmethod
    def prepare(cls, folder):
        super().prepare(folder)
        cls.authority.issue("rsa", "localhost", "127.0.0.1", rsa=True)

    def test_testssl_finds_nothing(self):
        report = self.daemon.folder / "report.json"
        done = subprocess.run(
            ["testssl", "--quiet", "--color", "0", "--warnings", "off", "-n", "none", "--add-ca",
             self.authority.cert, "--jsonfile", report, "-p", "-s", "-f", "-S", "-P", "-U", self.daemon.host],
            capture_output=True, text=True, timeout=500)
        self.assertTrue(report.exists(), done.stdout + done.stderr)
        findings = json.loads(report.read_text())
        bad = [finding for finding in findings
               if finding["severity"] not in ("OK", "INFO") and finding["id"].split()[0] not in EXPLAINED]
        self.assertEqual(bad, [])
        found = {finding["id"]: finding["finding"] for finding in findings}
        for name, expected in CERTAIN.items():
            self.assertTrue(found[name].startswith(expected), f"{name}: {found[name]}")
