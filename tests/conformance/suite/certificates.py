# SPDX-License-Identifier: Apache-2.0
"""Certificates for one run, made by openssl(1)."""

import pathlib
import subprocess


def make(folder, name, *subject_alternatives):
    """NAME.crt, self-signed, and NAME.key in `folder`."""
    folder = pathlib.Path(folder)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=" + ",".join(subject_alternatives),
         "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")],
        check=True, capture_output=True)
