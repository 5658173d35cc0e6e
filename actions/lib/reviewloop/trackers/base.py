"""What a tracker is to this package: values, and the calls every adapter offers.

An adapter translates and nothing more. The protocol that makes the calls safe to repeat (look
before writing, read back, reconcile) is written once, in :mod:`reviewloop.trackers.ticketing`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar, Dict, Mapping, Optional, Pattern, Tuple, Type, Union
from urllib.parse import urlsplit

from reviewloop.core.keys import KEY_PATTERN
from reviewloop.errors import AmbiguousError, ConfigError
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from reviewloop.markup.formats import BODY_LIMIT, TITLE_LIMIT, BodyFormat

SHARED_LABEL = "review-escalation"
"""The one label all tickets share; a label for each change would flood a project's label list."""

WONT_FIX = ("not_planned", "wontfix", "won't fix", "won't do", "rejected")
"""How trackers call a ticket that its people do not want; the default of ``tracker.wont_fix``."""

HTTP_BAD_REQUEST = 400
HTTP_NOT_FOUND = 404
HTTP_GONE = 410
HTTP_MOVED = (301, 307, 308)
HTTP_CONFLICT = 409
HTTP_PRECONDITION_FAILED = 412
HTTP_UNPROCESSABLE = 422


class State(str, Enum):
    """Whether a ticket still asks something of somebody."""

    OPEN = "open"
    CLOSED = "closed"


class CloseReason(str, Enum):
    """Why a ticket is closed, in GitHub's words (``state_reason``)."""

    COMPLETED = "completed"
    NOT_PLANNED = "not_planned"


@dataclass(frozen=True)
class Draft:
    """A ticket to be opened. ``body`` is already in the tracker's format, without the hidden
    marker.

    :raises ValueError: the key is not ``grv-`` and 16 hexadecimal digits.
    """

    key: str
    title: str
    body: str
    assignee: Optional[str] = None
    labels: Tuple[str, ...] = (SHARED_LABEL,)

    def __post_init__(self) -> None:
        if not KEY_PATTERN.fullmatch(self.key):
            raise ValueError(f"A ticket key is 'grv-' and 16 hexadecimal digits, not {self.key!r}.")


@dataclass(frozen=True)
class Ticket:
    """A ticket as its tracker serves it.

    ``number`` grows with creation, so the lowest of several is the first. ``key`` is None where the
    ticket bears no marker (any more). ``resolution`` is the tracker's own word, empty while open.
    ``closed_at`` may be the last activity where a tracker keeps no instant of closing. ``author``
    is who opened it, as :meth:`Tracker.account` writes it; empty where the tracker does not tell.
    """

    id: str
    number: int
    url: str
    key: Optional[str]
    title: str
    state: State
    resolution: str = ""
    assignees: Tuple[str, ...] = ()
    labels: Tuple[str, ...] = ()
    opened_at: Optional[datetime] = None
    closed_at: Optional[datetime] = None
    author: str = ""

    @property
    def is_open(self) -> bool:
        """True while the ticket is open."""
        return self.state is State.OPEN


@dataclass(frozen=True)
class Comment:
    """One comment of a ticket; ``text`` is what the tracker stored, hidden markers included."""

    id: str
    text: str
    author: str = ""


class ClaimState(str, Enum):
    """The answer to a claim."""

    WON = "won"
    HELD = "held"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Claim:
    """Who may create the ticket of a key; ``age`` is how long another run has held it."""

    state: ClaimState
    age: timedelta = timedelta(0)


class TakenError(AmbiguousError):
    """The tracker refuses a second open ticket of the key: another run has just opened it."""


@dataclass(frozen=True)
class Form:
    """How a setting must look: a pattern over the whole text, and the same in words."""

    pattern: Pattern[str]
    shape: str


@dataclass(frozen=True)
class Option:
    """A setting that one kind of tracker has under ``tracker.options``.

    :param about: what it is, as a sentence for the documentation.
    :param example: a value, for the remedy where it is missing or wrong.
    :param default: what holds where it is left out; empty for none.
    """

    about: str
    example: str
    default: str = ""
    required: bool = False
    form: Optional[Form] = None


class Tracker(ABC):
    """One project of one tracker.

    A subclass also declares what the configuration must say, so that settings, their errors and the
    setup guide need no other place: ``needs`` and ``forms`` are about ``tracker.url``, ``project``,
    ``username`` and ``token``; ``options`` about ``tracker.options``.

    Errors of every call: AuthError (401, or a login page instead of an answer), RefusedError (any
    other 4xx; its remedy names the permission or key), TemporaryError (429, and 5xx or no
    connection on reads), AmbiguousError (a write was sent and no trustworthy answer came),
    ProtocolError (an answer that cannot be understood), ConfigError (no such host, untrusted
    certificate).
    """

    kind: ClassVar[str]
    body_format: BodyFormat
    needs: ClassVar[Tuple[str, ...]] = ("url", "project", "token")
    """The settings without which this kind cannot work."""
    forms: ClassVar[Mapping[str, Form]] = {}
    options: ClassVar[Mapping[str, Option]] = {}
    drops_hint: ClassVar[str] = ""
    """What permission is missing when the tracker drops a label or an assignee without a word."""
    title_limit: int = TITLE_LIMIT
    body_limit: int = BODY_LIMIT
    lag: float = 0.0
    """Seconds after which a listing surely shows a ticket; 0 where it shows every write at once."""

    @abstractmethod
    def __init__(
        self,
        settings: TrackerSettings,
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        """Nothing is sent.

        :raises ConfigError: the settings are wrong for this kind.
        """

    @property
    @abstractmethod
    def name(self) -> str:
        """Kind and place, such as ``github:api.github.com/owner/repo``: a ticket id is only good
        there.
        """

    @abstractmethod
    def whoami(self) -> str:
        """Our account's name, from a call that a wrong credential cannot answer."""

    def account(self) -> str:
        """Our account as :attr:`Ticket.author` has it; empty where that cannot be told."""
        return self.whoami()

    def is_ours(self, ticket: Ticket) -> bool:
        """Whether we opened a ticket: whoever may write there can give theirs the same key.

        Where the tracker does not tell who did, the key alone must do.
        """
        us = self.account() if ticket.author else ""
        return not us or ticket.author.casefold() == us.casefold()

    @abstractmethod
    def find(self, key: str, since: Optional[datetime] = None) -> Tuple[Ticket, ...]:
        """All tickets of a key, open and closed, lowest number first.

        From a listing that shows every committed write, never from a search index, and all its
        pages.

        :param since: tickets not touched since then may be left out, where that makes it cheaper.
        """

    @abstractmethod
    def list_open(self) -> Tuple[Ticket, ...]:
        """All open tickets that bear a key of this pack, whichever, lowest number first: for the
        sweep.
        """

    @abstractmethod
    def read(self, ticket_id: str) -> Ticket:
        """One ticket; RefusedError with status 404, 410 or a redirect's where it is gone."""

    @abstractmethod
    def create(self, draft: Draft) -> Ticket:
        """Open a ticket. The answer is what the tracker said; only :meth:`read` tells what it
        kept.

        :raises TakenError: the tracker itself lets no second open ticket have the key.
        """

    @abstractmethod
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All comments, oldest first."""

    @abstractmethod
    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add one comment; leaves the ticket's state as it is."""

    @abstractmethod
    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Close a ticket; closing a closed one changes nothing."""

    @abstractmethod
    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Close a ticket and take its key away, so that :meth:`find` no longer meets it."""

    @abstractmethod
    def reopen(self, ticket_id: str) -> None:
        """Open a closed ticket again."""

    @abstractmethod
    def assign(self, ticket_id: str, who: str) -> None:
        """Make ``who`` the only assignee."""

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """Whether ``who``, as the roster writes it, is an assignee; by default without case."""
        return who.casefold() in {name.casefold() for name in ticket.assignees}

    def claim(self, key: str) -> Claim:  # noqa: ARG002 - for those that can
        """Take the right to create the key's ticket, where the tracker can give it to one run
        only.
        """
        return Claim(ClaimState.UNSUPPORTED)


@dataclass(frozen=True)
class TrackerSettings:
    """Where the tickets go; ``token`` never appears in a representation of this value.

    :param kind: a name known to :mod:`reviewloop.trackers.factory`, or ``none``.
    :param options: what only this kind has, by the names of :attr:`Tracker.options`.
    :param actions: which StackStorm actions do what, for the kind ``action`` alone.
    :param reopen_days: a closed ticket is reopened if closed no longer ago than this.
    :param wont_fix: resolutions and labels, any case, that mean "leave us alone".
    :param existing: patterns over a commit message whose group is a ticket's id.
    :param url: the tracker's address as people open it, or its API's.
    :param project: the project inside it, in the tracker's own form (GitHub: ``owner/repo``).
    :param token: the secret; for Roundup ``user:password``.
    :param username: our account, where the tracker cannot tell it.
    :param verify: False switches the check of TLS certificates off.
    :param ca_bundle: path of a file with the certificates to trust.
    """

    kind: str
    url: str = ""
    project: str = ""
    token: str = field(default="", repr=False)
    username: str = ""
    verify: bool = True
    ca_bundle: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, object] = field(default_factory=dict)
    reopen_days: int = 30
    wont_fix: Tuple[str, ...] = WONT_FIX
    existing: Tuple[Pattern[str], ...] = ()

    def option(self, name: str, options: Mapping[str, Option]) -> str:
        """An option's value, else its default."""
        return self.options.get(name) or options[name].default

    @property
    def tls(self) -> Union[bool, str]:
        """The ``verify`` argument of requests: a path, or whether to check at all."""
        return (self.ca_bundle or True) if self.verify else False


def checked_url(url: str) -> str:
    """A tracker's address without its trailing slash.

    :raises ConfigError: it is no http(s) address, or holds a user name or password.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            "tracker.url is not an http or https address.",
            "Write it as https://host/path.",
        )
    if "@" in parts.netloc:
        raise ConfigError(
            f"tracker.url for {parts.hostname} holds a user name or password.",
            "Move it to tracker.token, which is a secret.",
        )
    if parts.query or parts.fragment:
        raise ConfigError(
            f"tracker.url for {parts.hostname} holds a query or fragment.",
            "Write only https://host/path.",
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def setting_problems(tracker: Type[Tracker], settings: TrackerSettings) -> Dict[str, str]:
    """What a kind of tracker misses in its settings or cannot read: problems by key below
    ``tracker``, such as ``{"url": "is missing: redmine needs it."}``. The token is not shown.
    """
    found: Dict[str, str] = {}
    for name in tracker.needs:
        if not getattr(settings, name):
            form = tracker.forms.get(name)
            shape = f", as {form.shape}" if form else ""
            found[name] = f"is missing: {tracker.kind} needs it{shape}."
    for name, need in tracker.forms.items():
        text = getattr(settings, name)
        if text and not need.pattern.fullmatch(text):
            shown = "(not shown)" if name == "token" else f"is {text!r}: it"
            found[name] = f"{shown} has not the form that {tracker.kind} needs: {need.shape}."
    for name, option in tracker.options.items():
        text = settings.options.get(name, "")
        if option.required and not text:
            found[f"options.{name}"] = (
                f'is missing: {tracker.kind} needs it, such as "{option.example}".'
            )
        elif text and option.form and not option.form.pattern.fullmatch(text):
            found[f"options.{name}"] = f"is {text!r}: write {option.form.shape}."
    return found


def check_settings(tracker: Type[Tracker], settings: TrackerSettings) -> None:
    """The same for who builds an adapter without the pack's settings.

    :raises ConfigError: something is wrong; it lists everything that is.
    """
    found = [f"tracker.{key} {text}" for key, text in setting_problems(tracker, settings).items()]
    if found:
        raise ConfigError(" ".join(found), problems=found)


def first(tickets: Tuple[Ticket, ...]) -> Optional[Ticket]:
    """The lowest open ticket, which is the one that every run agrees to keep."""
    return min((t for t in tickets if t.is_open), key=lambda t: t.number, default=None)


def latest_closed(tickets: Tuple[Ticket, ...]) -> Optional[Ticket]:
    """The newest closed ticket: its ending is the last word its people said."""
    return max((t for t in tickets if not t.is_open), key=lambda t: t.number, default=None)
