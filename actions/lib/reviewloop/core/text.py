"""Text that leaves Gerrit: made harmless and kept short.

StackStorm evaluates ``{{ }}`` and ``<% %>`` found in values again, wherever they came from, so a
change's subject could ask for this pack's secrets (https://github.com/StackStorm/st2/issues/4636).
"""

from __future__ import annotations

import re
import unicodedata

SUBJECT_CAP = 200
NAME_CAP = 100

# Between these two characters an expression would begin or end: {{ {% {# <% and }} %} #} %>
_SEAM = re.compile(r"(?<=\{)(?=[{%#])|(?<=<)(?=%)|(?<=[}%#])(?=\})|(?<=%)(?=>)")
# Marks and overrides of writing direction, which can make a line read as something else.
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def neutralise(text: str) -> str:
    """Pull every expression marker of Jinja and YAQL apart with a space."""
    return _SEAM.sub(" ", text)


def one_line(text: str, cap: int = SUBJECT_CAP) -> str:
    """Text as one line of at most ``cap`` characters, without control and direction characters."""
    if not text.isprintable():  # Mostly it is, and then it holds none of them.
        text = _DIRECTION.sub("", text)
        text = "".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)
    text = " ".join(text.split())
    return text if len(text) <= cap else text[: cap - 1] + "…"


def outward(text: str, cap: int = SUBJECT_CAP) -> str:
    """What a trigger, or anything that StackStorm may evaluate, is allowed to carry of a text."""
    return one_line(neutralise(one_line(text, cap)), cap)


def outward_lines(text: str, cap: int) -> str:
    """The same of a text whose lines are to stay lines; ``cap`` bounds all of it."""
    lines = [outward(line, cap) for line in text[:cap].split("\n")]
    return "\n".join(lines)[:cap]  # what was pulled apart has become longer


def outward_text(text: str, cap: int) -> str:
    """The same of a text that is to be read as it is written: its lines and its spaces stay."""
    text = _DIRECTION.sub("", text)
    kept = (
        char if char == "\n" or unicodedata.category(char) not in ("Cc", "Cs") else " "
        for char in text[:cap]
    )
    return neutralise("".join(kept))[:cap]
