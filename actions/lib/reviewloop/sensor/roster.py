"""Whether the roster is what Gerrit knows: looked at when the sensor starts, and once a day."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Callable, Optional, Sequence

from reviewloop.errors import ReviewLoopError
from reviewloop.escalation.people import People

#: A roster with problems is looked at again sooner: somebody may be mending it.
_SOUND, _WRONG = timedelta(days=1), timedelta(hours=1)


class RosterError(ReviewLoopError):
    """Somebody on the roster cannot be asked; the others can."""

    kind = "roster"


class RosterCheck:
    """Resolves the roster now and then, and remembers what is wrong with it.

    :param people: the roster, looked up anew.
    """

    def __init__(self, people: Callable[[], People]) -> None:
        self._people = people
        self._at: Optional[datetime] = None
        self._problems: Sequence[str] = ()

    def run(self, now: datetime) -> None:
        """Look, if it is time. Raises what the server and the datastore raise."""
        if self._at is not None and now - self._at < (_WRONG if self._problems else _SOUND):
            return
        _, self._problems = self._people().resolve()
        self._at = now

    def trouble(self) -> Optional[RosterError]:
        """What is wrong, None if nothing is."""
        if not self._problems:
            return None
        return RosterError("The roster is not as Gerrit has it.", " ".join(self._problems))
