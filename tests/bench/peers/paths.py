# SPDX-License-Identifier: Apache-2.0
"""Where things are."""

import os
import pathlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
BUILD = ROOT / "build"
WORK = BUILD / "bench"  # what a run makes
RESULTS = WORK / "results.json"
DOCS = ROOT / "docs"
PEALD = pathlib.Path(os.environ.get("PEALD", BUILD / "server/peald"))
PEAL_LOAD = pathlib.Path(os.environ.get("PEAL_LOAD", BUILD / "loadtest/peal-load"))
