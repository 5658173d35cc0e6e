"""Where the repository's own files are, and the real histories that may lie beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Histories of a large project, too large to ship, with what should be read out of them.
HISTORIES = Path(os.environ.get("REVIEW_HISTORIES") or ROOT.parent / "shared" / "data")
needs_histories = pytest.mark.skipif(
    not HISTORIES.is_dir(), reason="no real histories: name their folder by REVIEW_HISTORIES"
)
