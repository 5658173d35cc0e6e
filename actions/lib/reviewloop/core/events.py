"""An event id taken apart: the inverse of :func:`reviewloop.core.keys.event_id`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from reviewloop.core.durations import Duration, parse_duration
from reviewloop.core.turns import Party
from reviewloop.core.worktime import LATEST

_MAX_NUMBER = 2**31 - 1  # Gerrit's change numbers are Java's int
_EVENT = re.compile(
    r"(?P<server>[A-Za-z0-9.:\[\]-]{1,200}):(?P<number>[0-9]{1,10})"
    r":(?P<party>reviewers|owner|submitter):(?P<since>[0-9]{1,11}):(?P<milestone>[0-9]{1,6}[mhdw])"
)


@dataclass(frozen=True)
class EventRef:
    """One event: a wait of a change on a server, and the milestone that it crossed."""

    text: str
    server: str
    number: int
    party: Party
    since: datetime
    milestone: Duration

    @classmethod
    def parse(cls, text: str) -> EventRef:
        """Read ``<server>:<number>:<party>:<since, epoch s>:<milestone>``.

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
        )
