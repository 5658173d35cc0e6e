"""What a tracker is to this package: values, and the calls every adapter offers.

An adapter translates and nothing more. The protocol that makes the calls safe to repeat (look
before writing, read back, reconcile) is written once, in :mod:`reviewloop.trackers.ticketing`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import ClassVar, Dict, Mapping, Optional, Tuple, Type

from reviewloop.errors import ConfigError
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from reviewloop.markup.formats import BODY_LIMIT, TITLE_LIMIT, BodyFormat
from reviewloop.trackers.settings import Form, Option, TrackerSettings
from reviewloop.trackers.shortfalls import Shortfall
from reviewloop.trackers.tickets import Claim, ClaimState, CloseReason, Comment, Draft, Ticket


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
        """Our account as :attr:`Ticket.author` has it; empty where that is not known."""
        return self.whoami()

    def is_ours(self, ticket: Ticket) -> bool:
        """Whether we opened a ticket: whoever may write there can give theirs the same key.

        Where the tracker does not tell who did, the key alone must do.
        """
        us = self.account() if ticket.author else ""
        return not us or ticket.author.casefold() == us.casefold()

    def shortfalls(self) -> Optional[Tuple[Shortfall, ...]]:
        """What the project, the settings that name its parts, and our rights there fall short of,
        as far as reading tells; None where this kind of tracker tells none of it.
        """
        return None

    def assignable(self, who: str) -> Optional[bool]:  # noqa: ARG002 - for those that tell
        """Whether ``who``, as the roster writes it, can be assigned; None where reading does not
        tell.
        """
        return None

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
    refuse(setting_problems(tracker, settings))


def refuse(problems: Mapping[str, str]) -> None:
    """Raise problems by key below ``tracker`` as one error.

    :raises ConfigError: there are any; it lists them all.
    """
    found = [f"tracker.{key} {text}" for key, text in problems.items()]
    if found:
        raise ConfigError(" ".join(found), problems=found)
