"""Reading of answers, shared by the adapters: what is missing or of another type is a
ProtocolError.
"""

from __future__ import annotations

from datetime import datetime, timezone
from functools import wraps
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, TypeVar

from reviewloop.errors import ProtocolError, TemporaryError
from reviewloop.http.messages import whole_number

T = TypeVar("T")
LISTINGS = 5


def mapping(data: Any, what: str) -> Dict[str, Any]:
    """An object, or ProtocolError."""
    if not isinstance(data, dict):
        raise misread(what, "is not an object")
    return data


def sequence(data: Any, what: str) -> List[Any]:
    """An array, or ProtocolError."""
    if not isinstance(data, list):
        raise misread(what, "is not an array")
    return data


def required(data: Any, name: str, what: str) -> Any:
    """A member that must be there."""
    inside = mapping(data, what)
    if name not in inside:
        raise misread(what, f"lacks {name!r}")
    return inside[name]


def instant(text: Any, form: str) -> Optional[datetime]:
    """An instant written in ``form`` (strptime's), in UTC unless it tells its offset; None where
    there is none.
    """
    if not text:
        return None
    try:
        found = datetime.strptime(str(text), form)  # noqa: DTZ007 - the next line sees to it
        return found.replace(tzinfo=found.tzinfo or timezone.utc).astimezone(timezone.utc)
    except ValueError as err:
        raise misread("an instant", f"is {str(text)[:40]!r}") from err


def iso_instant(text: Any) -> Optional[datetime]:
    """An instant in ISO 8601 with its offset or ``Z``, in UTC; None where there is none."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00")).astimezone(timezone.utc)
    except ValueError as err:
        raise misread("an instant", f"is {str(text)[:40]!r}") from err


def stable(read: Callable[[], Optional[List[T]]], place: str) -> List[T]:
    """The rows of a listing by pages, which is read again where it moved meanwhile.

    :param read: all pages in one go; None if a row may have slipped from one to another.
    :raises TemporaryError: it moves all the time.
    """
    for _ in range(LISTINGS):
        rows = read()
        if rows is not None:
            return rows
    raise TemporaryError(
        f"A listing of {place} changes faster than it is read.", "The next run tries again."
    )


def in_order(rows: Iterable[Any], last: int) -> Iterator[Tuple[int, Dict[str, Any]]]:
    """The rows of a page with their numbers (``id``), each beyond the one before.

    :param last: the last number of the page before; the next page begins after the last one here.
    :raises ProtocolError: they are not in that order, so one may be missing.
    """
    for data in rows:
        row = mapping(data, "a row of a listing")
        number = int(required(row, "id", "a row of a listing"))
        if number <= last:
            raise misread("a listing", "is not in the order of numbers")
        last = number
        yield number, row


def total_unless_less(header: str, before: int) -> Optional[int]:
    """How many rows a listing has as its header tells, 0 where it does not; None if there were more
    ``before``: then one may have slipped from an unread page to a read one.
    """
    data = whole_number(header)
    if data is not None and data < before:
        return None
    return data or 0


def protocol_errors(read: Callable[..., T]) -> Callable[..., T]:
    """Make what stumbles over a field of another type than documented a ProtocolError.

    For functions whose work is to read answers; ``from`` keeps what went wrong.
    """

    @wraps(read)
    def reading(*args: Any, **kwargs: Any) -> T:
        try:
            return read(*args, **kwargs)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as err:
            raise misread("a field", f"is of another type than documented ({err})") from err

    return reading


def misread(what: str, fault: str) -> ProtocolError:
    """The error for an answer of another shape than documented."""
    return ProtocolError(
        f"The tracker's answer is not understood: {what} {fault}.",
        "Check tracker.url and the tracker's version.",
    )
