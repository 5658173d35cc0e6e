"""What this process holds in memory, as Linux tells it. Imports little, to weigh little."""

from __future__ import annotations

import ctypes
import gc
import re
from pathlib import Path


def memory() -> float:
    """Megabytes that this process holds now."""
    return _status("VmRSS")


def used_memory() -> float:
    """Megabytes that it holds when the C library has given back what is free."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # https://man7.org/linux/man-pages/man3/malloc_trim.3.html
    return memory()


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
