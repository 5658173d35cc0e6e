"""Composing searches, and knowing which options a server understands.

https://gerrit-review.googlesource.com/Documentation/user-search.html: ``after:`` and ``before:``
compare ``updated``, both ends included; OR binds tighter than AND, so whatever was written by
somebody else is put in parentheses; a time must be quoted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timezone
from enum import Enum
from typing import Iterable, Iterator, List, Mapping, Tuple
from urllib.parse import quote

#: Ids per ``change:A OR change:B`` search: what a server answers in well under a second.
MAX_BATCH = 50
#: Longest encoded search: below the 8 KB of a request line that common proxies accept
#: (Gerrit itself takes 16,386 bytes with all headers, ``httpd.requestHeaderSize``).
MAX_QUERY = 6000


class Option(str, Enum):
    """``o=`` options of a search, in Gerrit's words."""

    LABELS = "LABELS"
    DETAILED_LABELS = "DETAILED_LABELS"
    DETAILED_ACCOUNTS = "DETAILED_ACCOUNTS"
    MESSAGES = "MESSAGES"
    CURRENT_REVISION = "CURRENT_REVISION"
    CURRENT_COMMIT = "CURRENT_COMMIT"
    SUBMIT_REQUIREMENTS = "SUBMIT_REQUIREMENTS"
    REVIEWER_UPDATES = "REVIEWER_UPDATES"


@dataclass(frozen=True, order=True)
class Version:
    """A server's version; ``text`` is what it said and does not count in comparisons."""

    major: int
    minor: int
    patch: int = 0
    text: str = field(default="", compare=False)

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read ``3.10.2``, ``v3.4``, ``3.9.1-12-gabc`` or ``3.13.0-rc1`` (which counts as 3.13.0).

        What cannot be read, such as a home-made build's ``(dev)``, counts as the oldest server
        known: it is then asked only for what every server answers.
        """
        match = re.match(r"v?(\d+)\.(\d+)(?:\.(\d+))?", text, re.ASCII)
        if match is None:
            return cls(OLDEST.major, OLDEST.minor, text=text)
        major, minor, patch = match.groups(default="0")
        return cls(int(major), int(minor), int(patch), text)


#: The oldest server this package is written for.
OLDEST = Version(3, 4)

#: Options younger than that; an older server answers 400 to them (release notes of each version).
SINCE: Mapping[Option, Version] = {Option.SUBMIT_REQUIREMENTS: Version(3, 5)}


def supported(options: Iterable[Option], version: Version) -> Tuple[Option, ...]:
    """The options that a server of this version knows, in their order."""
    return tuple(option for option in options if SINCE.get(option, OLDEST) <= version)


def after(instant: datetime) -> str:
    """Changes updated at ``instant`` (aware; its whole second) or later."""
    return f'after:"{_moment(instant)}"'


def before(instant: datetime) -> str:
    """Changes updated at ``instant`` (aware; its whole second) or earlier."""
    return f'before:"{_moment(instant)}"'


def all_of(*queries: str) -> str:
    """Every non-empty query at once, each in parentheses."""
    return " ".join(f"({query.strip()})" for query in queries if query.strip())


def any_word(words: Iterable[str]) -> str:
    """``comment:a OR comment:b``: changes with a word in a message or a comment."""
    return " OR ".join(f"comment:{word}" for word in words)


def any_change(numbers: Iterable[int]) -> str:
    """``change:1 OR change:2``."""
    return " OR ".join(f"change:{number}" for number in numbers)


def batches(
    numbers: Iterable[int], query: str = "", count: int = MAX_BATCH
) -> Iterator[Tuple[int, ...]]:
    """The distinct numbers in their order, in groups that one search can hold beside ``query``.

    A group has at most ``count`` numbers, and its encoded search at most ``MAX_QUERY``
    characters, except that a group never has less than one number.
    """
    group: List[int] = []
    for number in dict.fromkeys(numbers):
        if group and not _fits([*group, number], query, count):
            yield tuple(group)
            group = []
        group.append(number)
    if group:
        yield tuple(group)


def _fits(group: List[int], query: str, count: int) -> bool:
    return len(group) <= count and len(quote(all_of(any_change(group), query))) <= MAX_QUERY


def _moment(instant: datetime) -> str:
    if instant.utcoffset() is None:
        raise ValueError(f"{instant!r} has no time zone; pass an aware datetime")
    return instant.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
