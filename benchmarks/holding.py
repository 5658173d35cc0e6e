"""What this process holds in memory, as Linux tells it. Imports nothing, to weigh nothing."""

from __future__ import annotations

import re
from pathlib import Path


def memory() -> float:
    """Megabytes that this process holds now."""
    return _status("VmRSS")


def most_memory() -> float:
    """Megabytes that it held at most since `forget_memory`."""
    return _status("VmHWM")


def forget_memory() -> None:
    """Let the most be what it is now."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(name: str) -> float:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    return int(found.group(1)) / 1024 if found else 0.0
