"""The fields of Gerrit's JSON, one by one: each as the type that it must have.

Gerrit leaves out whatever is null, and many flags when false. Everything else that is missing, of a
wrong type or beyond all bounds raises ProtocolError with key and place, and nothing else is ever
raised: whoever reads many changes can set one aside. Half characters (lone surrogates, which JSON
can hold and UTF-8 cannot) are read as U+FFFD.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, Dict, Mapping, Type, TypeVar

from reviewloop.core.text import one_line
from reviewloop.core.worktime import EARLIEST, LATEST
from reviewloop.errors import ProtocolError

#: A JSON object as Gerrit answers it.
Raw = Dict[str, Any]

T = TypeVar("T")

# Gerrit's numbers are Java's int.
_LEAST, _MOST = -(2**31), 2**31 - 1
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
# Of the server's own words, as much as an error or a report repeats.
_WORD_CAP = 60

_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d{1,9})?", re.ASCII)


def timestamp(text: str, where: str = "a timestamp", key: str = "") -> datetime:
    """``2026-03-02 09:00:00.000000000`` as an aware datetime in UTC; fractions are dropped.

    :raises ProtocolError: anything else; ``where`` and ``key`` say what was being read.
    """
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise _no_time(text, where, key, "is not a time in Gerrit's form")
    try:
        found = datetime.fromisoformat(match.group(1) + "+00:00")
    except ValueError as err:
        raise _no_time(text, where, key, f"is not a time ({err})") from err
    if not EARLIEST <= found < LATEST:
        raise _no_time(text, where, key, "is a time at which no change was made")
    return found


def _no_time(text: str, where: str, key: str, what: str) -> ProtocolError:
    place = f"{where}, `{key}`" if key else where
    return ProtocolError(f"{place}: {shortened(text)!r} {what}.")


def text(data: Any, where: str) -> str:
    """``data`` if it is a JSON string."""
    return typed(data, str, "the answer", where)


def mapping(data: Any, where: str) -> Raw:
    """``data`` if it is a JSON object."""
    return data if type(data) is dict else typed(data, dict, "the answer", where)


def field(raw: Mapping[str, Any], key: str, kind: Type[T], where: str, default: Any = None) -> T:
    """A field of an object; ``default`` where it is left out or null.

    :raises ProtocolError: it is of another type, or left out and there is no default.
    """
    value = raw.get(key)
    if value is None:
        if default is None:
            raise ProtocolError(f"{where}: the key `{key}` is missing in Gerrit's answer.")
        return default  # type: ignore
    if type(value) is str and kind is str and value.isascii():
        return value  # type: ignore  # nearly every one is such, and a history has many
    return typed(value, kind, key, where)


def typed(value: Any, kind: Type[T], key: str, where: str) -> T:
    """A value if it is of a type, and within Gerrit's bounds.

    :raises ProtocolError: it is not.
    """
    if type(value) is int and kind is int and _LEAST <= value <= _MOST:
        return value  # type: ignore
    # JSON knows no integers that are truth values, Python does.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        found, wanted = type(value).__name__, kind.__name__
        raise ProtocolError(
            f"{where}: `{shortened(key)}` is of type {found} in Gerrit's answer, not {wanted}."
        )
    if isinstance(value, int) and not _LEAST <= value <= _MOST:
        # Not repeated: it may be too long even to be written down.
        raise ProtocolError(
            f"{where}: `{shortened(key)}` is a larger number in Gerrit's answer than Gerrit has."
        )
    return whole(value) if isinstance(value, str) else value  # type: ignore


def whole(text: str) -> str:
    """A text without half characters."""
    return text if text.isascii() else _HALF_CHARACTER.sub("\ufffd", text)


def shortened(text: str) -> str:
    """The server's own words as an error or a report repeats them."""
    return one_line(text[: 2 * _WORD_CAP], _WORD_CAP)


def time_of(raw: Mapping[str, Any], key: str, where: str) -> datetime:
    """A field that holds a timestamp."""
    return timestamp(field(raw, key, str, where), where, key)
