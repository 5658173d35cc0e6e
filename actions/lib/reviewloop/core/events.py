"""An event id taken apart: the inverse of :func:`reviewloop.core.keys.event_id`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from urllib.parse import unquote

from reviewloop.core.durations import Duration, parse_duration
from reviewloop.core.keys import SERVER_PATTERN, change_ident, ticket_key
from reviewloop.core.turns import Party
from reviewloop.core.worktime import LATEST

_MAX_NUMBER = 2**31 - 1  # Gerrit's change numbers are Java's int
_EVENT = re.compile(
    rf"(?P<server>{SERVER_PATTERN.pattern}):(?:(?P<project>[A-Za-z0-9._~%-]{{1,600}})~)?"
    r"(?P<number>[0-9]{1,10})"
    r":(?P<party>reviewers|owner|submitter):(?P<since>[0-9]{1,11}):(?P<milestone>[0-9]{1,6}[mhdw])"
)


@dataclass(frozen=True)
class EventRef:
    """One event: a wait of a change on a server, and the milestone that it crossed.

    ``project`` is empty but where the server has two changes of the number.
    """

    text: str
    server: str
    number: int
    party: Party
    since: datetime
    milestone: Duration
    project: str = ""

    @property
    def ident(self) -> str:
        """What Gerrit knows the change by."""
        return change_ident(self.number, self.project)

    @property
    def ticket_key(self) -> str:
        """The key of the change's ticket."""
        return ticket_key(self.server, self.number, self.project)

    @classmethod
    def parse(cls, text: str) -> EventRef:
        """Read ``<server>:<number>:<party>:<since, epoch s>:<milestone>``, where the number may be
        ``<project>~<number>``.

        :raises ValueError: it is something else; says what is wrong, and of which part.
        """
        match = _EVENT.fullmatch(text)
        if match is None:
            raise ValueError("it is not of the form server:number:party:since:milestone")
        number, since = int(match["number"]), int(match["since"])
        if number > _MAX_NUMBER:
            raise ValueError(f"{number} is no number of a change")
        if since >= LATEST.timestamp():
            raise ValueError(f"{since} is no time, in seconds since 1970, at which a wait began")
        return cls(
            text,
            match["server"],
            number,
            Party(match["party"]),
            datetime.fromtimestamp(since, timezone.utc),
            parse_duration(match["milestone"]),
            unquote(match["project"] or ""),
        )
