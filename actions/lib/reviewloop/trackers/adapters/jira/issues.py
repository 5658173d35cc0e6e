"""An issue of Jira as a ticket."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, FrozenSet, Mapping, Sequence

from reviewloop.errors import RefusedError
from reviewloop.http import codes
from reviewloop.http.messages import whole_number
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.jira.people import People, holder, shown
from reviewloop.trackers.adapters.jira.workflow import DONE, category
from reviewloop.trackers.rest import key_among, member
from reviewloop.trackers.tickets import State, Ticket

INSTANT = "%Y-%m-%dT%H:%M:%S.%f%z"

_ISSUE_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*-[0-9]+")


@dataclass(frozen=True)
class Issue(Ticket):
    """A ticket that also knows by which names its assignee goes, without case."""

    holder: FrozenSet[str] = frozenset()


class Issues:
    """How the issues of one Jira are read.

    :param pages: the address of the pages that people see.
    :param wont_fix: resolutions that mean "leave us alone".
    """

    def __init__(self, people: People, pages: str, cloud: bool, wont_fix: Sequence[str]) -> None:
        self._people = people
        self._pages = pages
        self._cloud = cloud
        self._wont_fix = wont_fix

    def url(self, issue: str) -> str:
        """The address at which people see an issue."""
        return f"{self._pages}/browse/{issue}"

    @parse.protocol_errors
    def ticket(self, data: Any) -> Issue:
        """An issue as Jira answers it."""
        issue = checked(str(parse.required(data, "key", "an issue")))
        row = parse.mapping(parse.required(data, "fields", "an issue"), "an issue's fields")
        closed = category(parse.required(row, "status", "an issue")) == DONE
        key, labels = key_among(str(label) for label in row.get("labels") or ())
        name = shown(row.get("assignee"), self._cloud)
        ended = row.get("resolutiondate") or row.get("updated")
        return Issue(
            id=issue,
            number=_number(parse.required(data, "id", "an issue")),
            url=self.url(issue),
            key=key,
            title=str(row.get("summary") or ""),
            state=State.CLOSED if closed else State.OPEN,
            resolution=self._word(row) if closed else "",
            assignees=(name,) if name else (),
            labels=labels,
            opened_at=parse.instant(row.get("created"), INSTANT),
            closed_at=parse.instant(ended, INSTANT) if closed else None,
            author=self._people.identity(row.get("creator")),
            holder=holder(row.get("assignee")),
        )

    def _word(self, row: Mapping[str, Any]) -> str:
        """The resolution, or the status where that is what says "leave us alone": projects without
        resolutions of their own have every ending as Done.
        """
        words = [member(row.get("resolution"), "name"), member(row.get("status"), "name")]
        unwanted = {word.casefold() for word in self._wont_fix}
        return next((word for word in words if word.casefold() in unwanted), words[0] or words[1])


def checked(issue: str) -> str:
    """An issue's key that can stand in a path.

    :raises RefusedError: it is none, so there is no such issue (404).
    """
    if not _ISSUE_KEY.fullmatch(issue):
        raise RefusedError(f"{issue[:60]!r} is no key of an issue.", status=codes.NOT_FOUND)
    return issue


def _number(data: Any) -> int:
    number = whole_number(str(data))
    if number is None:
        raise parse.misread("an issue's id", f"is {str(data)[:40]!r}")
    return number
