"""What trackers with a REST interface have alike: how they are reached, and what is read and
written in the same way by several of them. It names none of these trackers.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Any, Callable, ClassVar, Dict, Iterable, Optional, Tuple
from urllib.parse import urlsplit

from reviewloop.core.keys import KEY_PATTERN
from reviewloop.errors import AmbiguousError, RefusedError, ReviewLoopError, TemporaryError
from reviewloop.http import codes
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from reviewloop.markup import escape as fmt
from reviewloop.trackers.base import Tracker, check_settings
from reviewloop.trackers.http import Http
from reviewloop.trackers.settings import Form, TrackerSettings, checked_url
from reviewloop.trackers.shortfalls import Setup, Shortfall
from reviewloop.trackers.tickets import Draft, State, Ticket

EDIT_ATTEMPTS = 10
"""How often a change is tried that others get in the way of."""
LOOK_FIRST = "The next run looks before it writes."

PAIRS = Form(
    re.compile(r"\s*[a-z]\w*\s*=[^;]*(?:;\s*[a-z]\w*\s*=[^;]*)*;?\s*"), "name=value; name=value"
)
"""A setting of several names and values, for :func:`pairs`."""

_NUMBER = re.compile(r"[0-9]{1,18}")


class RestTracker(Tracker):
    """A tracker behind one address, as one account.

    A subclass says where it answers (:meth:`addresses`), with what (:meth:`_headers`), and what to
    do about a refusal (:meth:`_remedy`); ``self._web`` is the address that people open.
    """

    api_path: ClassVar[str] = ""
    """Where the interface is, below the address that people open."""
    write_spacing: ClassVar[float] = 0.0
    fault_text: ClassVar[str] = ""
    keep_alive: ClassVar[bool] = True
    """See :class:`Http` for these three."""

    def __init__(
        self,
        settings: TrackerSettings,
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        check_settings(type(self), settings)
        self._settings = settings
        self._project = settings.project
        self._web, self._base = self.addresses(settings.url)
        self._place = f"{self.kind}:{self._where()}"
        self._login = ""
        self._setup: Optional[Setup] = None
        """What falls short, one after the other, where the tracker tells it."""
        self._lookup: Optional[Callable[[str], object]] = None
        """Finds a login of the roster: something true, or 404 and 422 for who is nobody there."""
        self._http = self._connected(
            {"Accept": "application/json", **self._headers()},
            verify=settings.tls,
            write_spacing=self.write_spacing,
            remedy=self._remedy,
            fault_text=self.fault_text,
            keep_alive=self.keep_alive,
            secrets=(settings.token,),
            timing=timing,
            transport=transport,
        )
        self._begin()

    @classmethod
    def addresses(cls, url: str) -> Tuple[str, str]:
        """The address that people open, and the interface's.

        :raises ConfigError: it is no address, or not that of such a tracker.
        """
        web = checked_url(url)
        return web, web + cls.api_path

    @property
    def name(self) -> str:
        """``<kind>:<host><path>/<project>``."""
        return self._place

    def whoami(self) -> str:
        """See :meth:`Tracker.whoami`."""
        self._login = self._who()
        return self._login

    def account(self) -> str:
        """Our account as :attr:`Ticket.author` has it; asked once."""
        return self._login or self.whoami()

    def shortfalls(self) -> Optional[Tuple[Shortfall, ...]]:
        """See :meth:`Tracker.shortfalls`."""
        return None if self._setup is None else tuple(self._setup())

    def assignable(self, who: str) -> Optional[bool]:
        """See :meth:`Tracker.assignable`."""
        if self._lookup is None:
            return None
        try:
            return bool(self._lookup(who))
        except RefusedError as err:
            if err.status not in (codes.NOT_FOUND, codes.UNPROCESSABLE):
                raise
            return False

    # -- for subclasses ------------------------------------------------------------------------

    @abstractmethod
    def _who(self) -> str:
        """What :meth:`whoami` answers."""

    def _begin(self) -> None:
        """Set what else the tracker keeps; called once, when all else is there.

        :raises ConfigError: the settings are wrong together.
        """

    def _where(self) -> str:
        """The place in :attr:`name`, without the kind."""
        parts = urlsplit(self._web)
        scope = self._scope()
        return f"{parts.netloc}{parts.path}" + (f"/{scope}" if scope else "")

    def _scope(self) -> str:
        """What of the tracker is ours; by default ``tracker.project``."""
        return self._project

    def _headers(self) -> Dict[str, str]:
        """The headers that hold the credential, and others for every call."""
        return {}

    def _connected(self, headers: Dict[str, str], **more: Any) -> Http:
        """HTTP as this tracker speaks it; ``more`` is for :class:`Http`."""
        return Http(self._base, headers, **more)

    def _remedy(self, status: int) -> str:  # noqa: ARG002 - for those that know
        """What to do about a refusal with this status; empty where nothing is known."""
        return ""

    def _option(self, name: str) -> str:
        return self._settings.option(name, self.options)

    def _title(self, draft: Draft) -> str:
        return fmt.title(draft.title, self.title_limit)

    def _sealed(self, draft: Draft) -> str:
        """The body with the key."""
        return fmt.seal(draft.body, draft.key, self.body_format, self.body_limit)

    def _opened(self, draft: Draft, number: str, url: str, title: str) -> Ticket:
        """A new ticket where the tracker tells no more than its number."""
        return Ticket(
            id=number,
            number=int(number),
            url=url,
            key=draft.key,
            title=title,
            state=State.OPEN,
            labels=draft.labels,
        )

    def _edited(
        self, write: Callable[[], None], ticket_id: str, is_race: Callable[[RefusedError], bool]
    ) -> None:
        """Read and write as ``write`` does, again from the start while somebody else is faster.

        :param is_race: whether a refusal means just that, and that nothing was done.
        """
        for _ in range(EDIT_ATTEMPTS):
            try:
                write()
            except RefusedError as err:
                if not is_race(err):
                    raise
            else:
                return
        raise TemporaryError(
            f"Ticket {ticket_id} of {self._place} is being changed by others all the time.",
            "The next run tries again.",
        )


# -- listings ------------------------------------------------------------------------------------


def by_number(tickets: Iterable[Ticket]) -> Tuple[Ticket, ...]:
    """The order of every listing: lowest number first."""
    return tuple(sorted(tickets, key=lambda ticket: ticket.number))


def with_key(tickets: Iterable[Ticket], key: str) -> Tuple[Ticket, ...]:
    """Those of a key, by number."""
    return by_number(ticket for ticket in tickets if ticket.key == key)


def open_with_key(tickets: Iterable[Ticket]) -> Tuple[Ticket, ...]:
    """Those that are open and bear any key of ours, by number."""
    return by_number(ticket for ticket in tickets if ticket.key and ticket.is_open)


# -- parts of tickets ----------------------------------------------------------------------------


def ticket_number(ticket_id: str, what: str) -> str:
    """An id from a record as a number that can stand in a path.

    :raises RefusedError: it is none, so there is no such ticket (404).
    """
    if not _NUMBER.fullmatch(ticket_id):
        raise RefusedError(f"{ticket_id[:60]!r} is no {what} number.", status=codes.NOT_FOUND)
    return ticket_id


def key_among(names: Iterable[str]) -> Tuple[Optional[str], Tuple[str, ...]]:
    """The key among labels, tags or aliases, and the names that are none."""
    names = tuple(names)
    keys = [name for name in names if KEY_PATTERN.fullmatch(name)]
    return (keys[0] if keys else None), tuple(name for name in names if name not in keys)


def only_key(text: str) -> Optional[str]:
    """The key that a field holds, which is for nothing else."""
    return text if KEY_PATTERN.fullmatch(text) else None


def member(data: Any, name: str) -> str:
    """A text inside an object, such as a user's login; empty where there is no object."""
    return str(data.get(name) or "") if isinstance(data, dict) else ""


def ambiguous(err: ReviewLoopError) -> AmbiguousError:
    """The error for a write that was done, or may have been, and whose answer is of no use."""
    return AmbiguousError(err.message, LOOK_FIRST)


# -- settings ------------------------------------------------------------------------------------


def pairs(text: str) -> Dict[str, Any]:
    """``name=value; name=value`` as a mapping."""
    parts = (part.partition("=") for part in text.split(";") if part.strip())
    return {name.strip(): value.strip() for name, _, value in parts}


def without_path(url: str, path: str) -> str:
    """An address without the path that it may end with."""
    return url[: -len(path)] if url.endswith(path) else url
