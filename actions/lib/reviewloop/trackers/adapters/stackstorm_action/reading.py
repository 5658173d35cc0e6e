"""From the result of an execution to tickets and comments, by the paths of ``tracker.actions``.

A path that leads nowhere is an error where silence would hurt: a listing that seems empty opens a
second ticket.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Iterable, List, Mapping, Optional, Tuple

from reviewloop.core.keys import KEY_PATTERN
from reviewloop.errors import ProtocolError, RefusedError
from reviewloop.http import codes
from reviewloop.markup import escape as fmt
from reviewloop.trackers.tickets import SHARED_LABEL, Comment, State, Ticket

Paths = Mapping[str, Any]
"""A call's ``result``: paths by field, and the words for states."""

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}")
"""What an id may be: it stands in addresses and queries, so nothing in it may end them."""
NEVER_LEFT_OUT = ("state", "text")
"""Fields that may be empty, but whose absence means a wrong path: a closed ticket would seem open,
and a comment not said.
"""

_NUMBER = re.compile(r"(\d+)\Z")
_INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T .](\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)? ?(Z|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)


class Reading:
    """Reads the results of one call.

    :param name: the call's, for what is said about a result that is not as mapped.
    """

    def __init__(self, name: str, paths: Paths) -> None:
        self._name = name
        self._paths = paths

    def rows(self, result: Any) -> List[Any]:
        """The entries of a listing; null where there are none is a listing, too."""
        found = self._exactly(result, "items")
        if found is not None and not isinstance(found, list):
            raise self._misread("items", "is no list there")
        return found or []

    def row(self, result: Any) -> Any:
        """The one thing a result holds; out of a list of one, if an action answers so.

        :raises RefusedError: the list is empty: there is no such ticket.
        """
        found = self._exactly(result, "item")
        if not isinstance(found, list):
            return found
        if not found:
            raise RefusedError(
                f"tracker.actions.{self._name} found no such ticket.", status=codes.NOT_FOUND
            )
        if len(found) > 1:
            raise self._misread("item", "is a list of several")
        return found[0]

    def ticket(self, row: Any) -> Ticket:
        """A ticket."""
        number, state = self.number(row), self._state(row)
        closed = state is State.CLOSED
        nobody = [_shown(word) for word in self._paths.get("nobody_values", ())]
        labels = (one for one in self._texts(row, "labels") if not KEY_PATTERN.fullmatch(one))
        return Ticket(
            id=self.id(row),
            number=number,
            url=self.url(row),
            key=self._key(row),
            title=self.text(row, "title"),
            state=state,
            resolution=(self.text(row, "resolution") or self.text(row, "state")) if closed else "",
            assignees=tuple(who for who in self._texts(row, "assignees") if who not in nobody),
            # Where labels are not mapped nobody can tell whether they were dropped.
            labels=tuple(labels) if "labels" in self._paths else (SHARED_LABEL,),
            opened_at=self._instant(row, "opened_at"),
            closed_at=self._instant(row, "closed_at") if closed else None,
            author=self.text(row, "author"),
        )

    def comment(self, row: Any) -> Comment:
        """A comment."""
        # Several fields may hold the text of one entry, so all that is there counts.
        text = "\n".join(self._texts(row, "text"))
        return Comment(self.text(row, "id"), text, self.text(row, "author"))

    def id(self, row: Any) -> str:
        """A ticket's id."""
        found = self.text(row, "id")
        if not ID.fullmatch(found):
            raise self._misread("id", f"is {found[:40]!r} there, which is no id of a ticket")
        return found

    def number(self, row: Any, default: Optional[int] = None) -> int:
        """The number that grows with creation: the digits at the end of its field, or of the id."""
        field = "number" if "number" in self._paths else "id"
        found = _NUMBER.search(self.text(row, field))
        if found is None:
            if default is not None:
                return default
            raise self._misread(field, "does not end with digits there; map number, which must")
        return int(found.group(1))

    def url(self, row: Any) -> str:
        """A ticket's address: as the result names it, or made of its id."""
        path = str(self._paths.get("url", ""))
        if "://" not in path:
            return self.text(row, "url")
        named = {"id": self.id(row), "number": self.text(row, "number") or self.id(row)}
        return re.sub(r"\$(?:(\w+)|\{(\w+)\})", lambda m: named[m.group(1) or m.group(2)], path)

    def text(self, row: Any, field: str) -> str:
        """A field's first value as text, empty where there is none."""
        return next(iter(self._texts(row, field)), "")

    def _texts(self, row: Any, field: str) -> Tuple[str, ...]:
        if field not in self._paths:
            return ()
        path = str(self._paths[field])
        if field in NEVER_LEFT_OUT and not leads(row, path.split(".") if path else []):
            raise self._misread(field, "leads to no text")
        found = (_shown(one) for one in dig(row, path))
        return tuple(one for one in found if one)

    def _key(self, row: Any) -> Optional[str]:
        """The key, as a value of its own or as the marker in a text."""
        texts = self._texts(row, "key")
        whole = [text for text in texts if KEY_PATTERN.fullmatch(text)]
        return next((key for key in [*whole, *map(fmt.key_in, texts)] if key), None)

    def _state(self, row: Any) -> State:
        """Open or closed; with both lists of words, another word is not guessed at."""
        word = self.text(row, "state").casefold()
        opened, closed = self._words("open_values"), self._words("closed_values")
        if closed is None:
            return State.OPEN if word in (opened or ()) else State.CLOSED
        if word in closed:
            return State.CLOSED
        if opened is not None and word not in opened:
            raise self._misread("state", f"is {word[:40]!r}, in neither list of words")
        return State.OPEN

    def _words(self, name: str) -> Optional[List[str]]:
        told = self._paths.get(name)
        return None if told is None else [_shown(word).casefold() for word in told]

    def _instant(self, row: Any, field: str) -> Optional[datetime]:
        text = self.text(row, field)
        if not text:
            return None
        found = instant(text)
        if found is None:
            raise self._misread(field, f"is {text[:40]!r} there, which is no date and time")
        return found

    def _exactly(self, result: Any, field: str) -> Any:
        path = str(self._paths.get(field, ""))
        found = result
        for step in path.split(".") if path else ():
            if not isinstance(found, Mapping) or step not in found:
                has = ", ".join(map(str, found)) if isinstance(found, Mapping) else "no names"
                raise self._misread(field, f"leads nowhere: before {step} it has {has[:100]}")
            found = found[step]
        return found

    def _misread(self, field: str, fault: str) -> ProtocolError:
        path = self._paths.get(field) or "the whole result"
        return ProtocolError(
            f"The action's result is not as mapped: {field} ({path}) {fault}.",
            f"Compare tracker.actions.{self._name}.result and tracker.actions.ticket with a result"
            " of that action (st2 execution get).",
        )


def dig(data: Any, path: str) -> List[Any]:
    """All values at a dotted path; lists on the way are gone through, and nulls left out."""
    found = _flat([data])
    for step in path.split(".") if path else ():
        told = [one[step] for one in found if isinstance(one, Mapping) and step in one]
        found = _flat(told)
    return [one for one in found if one is not None]


def leads(data: Any, steps: List[str]) -> bool:
    """Whether a path leads to text, numbers or nothing, not to names that are not there."""
    if isinstance(data, list):
        return all(leads(one, steps) for one in data)
    if data is None or not steps:
        return not isinstance(data, Mapping)
    return isinstance(data, Mapping) and steps[0] in data and leads(data[steps[0]], steps[1:])


def instant(text: str) -> Optional[datetime]:
    """An instant in ISO 8601 as trackers write it, or in seconds; UTC where no zone is given."""
    if text.isdigit():
        return datetime.fromtimestamp(int(text), timezone.utc)
    found = _INSTANT.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        naive = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    return naive - _offset(found.group(7) or "Z")


def _offset(zone: str) -> timedelta:
    if zone in "Zz":
        return timedelta(0)
    digits = zone[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone.startswith("-") else offset


def _flat(values: Iterable[Any]) -> List[Any]:
    return [inner for one in values for inner in (_flat(one) if isinstance(one, list) else [one])]


def _shown(value: Any) -> str:
    """A value as text; yes and no as YAML and JSON write them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None or isinstance(value, Mapping) else str(value)
