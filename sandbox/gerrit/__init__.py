"""A Gerrit with a settable clock, a request log and faults: a real one, or a simulated one.

The simulated one is written in the terms of the pack's own client, so this checkout's library
must be importable; ``make test`` and an editor may have seen to that already.
"""

import importlib.util
import sys
from pathlib import Path

if importlib.util.find_spec("reviewloop") is None:
    sys.path.append(str(Path(__file__).resolve().parents[2] / "actions" / "lib"))
