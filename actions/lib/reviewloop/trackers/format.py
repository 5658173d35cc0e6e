"""Text on its way into a tracker: escaping of values, caps, and the hidden markers.

Pure functions. Templates pass every value they did not write themselves (a subject, a name, a
branch) through :func:`value`; adapters pass whole bodies through :func:`seal`, which also makes
sure that no text from outside can pose as one of our markers.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Iterator, Optional

from reviewloop.trackers.base import KEY_PATTERN, BodyFormat

TITLE_LIMIT = 250
"""Characters; GitHub refuses more than 256, Redmine and Jira more than 255."""

BODY_LIMIT = 60_000
"""Characters; GitHub refuses more than 65,536."""

CUT = "\n\n[cut: the text was longer than this tracker takes]"

ZERO_WIDTH_SPACE = "\u200b"

_NAME = re.compile(r"[a-z0-9./:_-]+")
_MARKER = re.compile(r"(?:<!-- |\[)grv:([a-z0-9./:_-]+)(?: -->|\])")
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~$&])")
_BLANK = re.compile(r"\s+")
# Bidirectional overrides and isolates can make a line read as something else; they carry no letter.
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def clean(text: str) -> str:
    """Text without control characters, direction marks and lone surrogates; tabs and line ends
    stay.
    """
    return "".join(_kept(text.replace("\r\n", "\n").replace("\r", "\n")))


def _kept(text: str) -> Iterator[str]:
    for char in text:
        if char in "\n\t":
            yield char
        elif unicodedata.category(char) == "Cs":
            yield "\ufffd"
        elif unicodedata.category(char) != "Cc" and char not in _BIDI:
            yield char


def title(text: str, limit: int = TITLE_LIMIT) -> str:
    """One line of at most ``limit`` characters; an ellipsis shows where it was cut."""
    line = _BLANK.sub(" ", clean(text)).strip()
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "\u2026"


def value(text: str, body_format: BodyFormat, limit: int = TITLE_LIMIT) -> str:
    """A value from outside, as one line that the format shows as it was and that calls on nobody.

    Markdown: every markup character is escaped, and ``@name`` and ``#1`` are broken by a zero-width
    space, since GitHub would notify the one and link the other. Other formats: the line only.
    """
    line = title(text, limit)
    if body_format is not BodyFormat.MARKDOWN:
        return line
    escaped = _MARKUP.sub(r"\\\1", line)
    for sign in ("@", "#"):
        escaped = escaped.replace(sign, sign + ZERO_WIDTH_SPACE)
    # GitHub also links owner/repo#1 (broken above), GH-1, and bare addresses.
    escaped = re.sub(r"(?i)\b(gh)-(?=\d)", rf"\1-{ZERO_WIDTH_SPACE}", escaped)
    return escaped.replace("://", f":{ZERO_WIDTH_SPACE}//").replace(
        "www.", f"www{ZERO_WIDTH_SPACE}."
    )


def capped(text: str, limit: int) -> str:
    """Text of at most ``limit`` characters, saying so where it was cut."""
    return text if len(text) <= limit else text[: limit - len(CUT)].rstrip() + CUT


def marker(name: str, body_format: BodyFormat) -> str:
    """The line by which this package knows its own text again; hidden where the format can hide it.

    It holds only a key or ``key/step``, never text from outside.

    :raises ValueError: the name holds something else.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"A marker is made of a-z, 0-9 and ./:_- only, not {name!r}.")
    if body_format is BodyFormat.MARKDOWN:
        return f"<!-- grv:{name} -->"
    return f"[grv:{name}]"


def unmarked(text: str, body_format: BodyFormat) -> str:
    """Text in which nothing can be taken for one of our markers any more.

    In Markdown no comment may begin at all: one that never ends would swallow the text below it.
    """
    if body_format is BodyFormat.MARKDOWN:
        text = text.replace("<!--", "&lt;!--")
    return _MARKER.sub(lambda found: found.group().replace("grv:", "grv "), text)


def seal(text: str, name: str, body_format: BodyFormat, limit: int = BODY_LIMIT) -> str:
    """Clean, capped text of at most ``limit`` characters with its marker as the last line."""
    tail = "\n\n" + marker(name, body_format)
    return capped(unmarked(clean(text), body_format).rstrip(), limit - len(tail)) + tail


def is_marked(text: str, name: str) -> bool:
    """True if a text bears the marker, in either form."""
    return name in _MARKER.findall(text)


def key_in(text: str) -> Optional[str]:
    """The key a ticket's body is marked with: the last one, since ours is written last."""
    keys = [name for name in _MARKER.findall(text) if KEY_PATTERN.fullmatch(name)]
    return keys[-1] if keys else None


def without_key(text: str, key: str) -> str:
    """A ticket's body whose marker says that it is a duplicate, so that no listing takes it up
    again.
    """
    return text.replace(f"grv:{key} -->", f"grv:{key}/duplicate -->")
