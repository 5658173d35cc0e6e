"""Whole numbers as arguments."""

from __future__ import annotations

import argparse
from typing import Callable

MOST = 1_000_000


def whole(low: int, high: int = MOST) -> Callable[[str], int]:
    """What reads a whole number of a range, both ends included.

    Whoever calls it gets ``argparse.ArgumentTypeError`` for anything else.
    """

    def read(text: str) -> int:
        digits = text[1:] if text.startswith("-") else text
        is_one = digits.isascii() and digits.isdigit() and len(digits) < len(str(MOST)) + 3
        if not is_one or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r}: write a whole number, {low} to {high}")
        return int(text)

    return read
