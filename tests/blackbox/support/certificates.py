# SPDX-License-Identifier: Apache-2.0
"""Certificates for a test, made by openssl(1) when it runs."""

import pathlib
import ssl
import subprocess


class Authority:
    """A root certificate and what it has signed, in files of `folder`: NAME.crt and NAME.key."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.cert = self.folder / "ca.crt"
        self._openssl("req", "-x509", *self._new_key("ca"), "-subj", "/CN=test root", "-days", "90", "-out", self.cert,
                      "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name, *hosts, rsa=False):
        """A certificate for `hosts`, signed by this authority; returns (cert, key) as paths."""
        cert, request = self.folder / f"{name}.crt", self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        names = ",".join(("IP:" if host[0].isdigit() else "DNS:") + host for host in hosts)
        extensions.write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                              "extendedKeyUsage=serverAuth,clientAuth\n"
                              + (f"subjectAltName={names}\n" if hosts else ""))
        self._openssl("req", *self._new_key(name, rsa), "-subj", f"/CN={name}", "-out", request)
        self._openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.folder / "ca.key",
                      "-CAcreateserial", "-days", "90", "-extfile", extensions, "-out", cert)
        return cert, self.folder / f"{name}.key"

    def client_context(self, identity=None, version=None):
        """What a client needs to trust this authority, and to show `identity`, a (cert, key)."""
        context = ssl.create_default_context(cafile=self.cert)
        if identity:
            context.load_cert_chain(*identity)
        if version:
            context.minimum_version = context.maximum_version = version
        return context

    def _new_key(self, name, rsa=False):
        kind = ["rsa:2048"] if rsa else ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        return ["-newkey", *kind, "-nodes", "-keyout", self.folder / f"{name}.key"]

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *map(str, words)], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE)
