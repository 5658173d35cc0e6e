"""The histories that a preview is made of, packed, and whatever else Gerrit has to be asked once.

Every answer is kept: two runs over the same histories, as those of two configurations, differ by
nothing that a server said in between.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    Iterable,
    Iterator,
    List,
    Optional,
    Protocol,
    Sequence,
    Set,
    Tuple,
    TypeVar,
    Union,
)

from reviewloop.core.change import Account, Change
from reviewloop.core.comments import ReviewComment
from reviewloop.core.keys import change_ident
from reviewloop.core.text import outward
from reviewloop.errors import ProtocolError, ReviewLoopError
from reviewloop.gerrit import parse, queries
from reviewloop.gerrit.chain import Related
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.queries import Option
from reviewloop.gerrit.reads import DETAIL
from reviewloop.preview.packed import Packed, pack

T = TypeVar("T")

#: What a preview reads of each change: all that an action reads, and who was a reviewer when.
OPTIONS = (*DETAIL, Option.REVIEWER_UPDATES)


class Source(Protocol):
    """Whoever is asked what the histories do not hold: a ``ReadClient``, or a file's stand-in."""

    def scan(
        self,
        query: str,
        options: Iterable[Option] = ...,
        page: Optional[int] = ...,
        limit: Optional[int] = ...,
    ) -> Iterator[Raw]:
        """Changes that a search finds."""

    def changes(
        self, numbers: Iterable[int], options: Iterable[Option] = ..., query: str = ...
    ) -> List[Raw]:
        """Changes by number."""

    def related(self, change: Change) -> Related:
        """A change's relation chain."""

    def comments(self, ident: Union[Change, str, int]) -> Tuple[ReviewComment, ...]:
        """A change's comments."""

    def commit_emails(self, change: Change) -> Tuple[str, ...]:
        """Addresses of a commit."""

    def commit_message(self, change: Change) -> str:
        """The commit message of a change."""

    def account(self, ident: Union[str, int]) -> Account:
        """An account."""

    def emails(self, account_id: int) -> Tuple[str, ...]:
        """Its addresses."""

    def find_accounts(self, query: str, most: int = ...) -> Tuple[Account, ...]:
        """Accounts that a search finds."""

    def group_members(self, group: str) -> Tuple[Account, ...]:
        """Members of a group."""


class Recorded:
    """Changes by what names them, and what the source answered.

    :param query: the configured one.
    :param own: the pack's account.
    :param is_all: whether there is no change beside those that are added, as in a file.
    :ivar failure: why the source could not be asked, the first time: whatever came of it, what
        follows is no preview.
    """

    def __init__(self, source: Source, query: str, own: Account, *, is_all: bool = False) -> None:
        self.source = source
        self.is_all = is_all
        self.own = own
        self.query = query
        self.failure: Optional[ReviewLoopError] = None
        self.unreadable: List[str] = []
        self._changes: Dict[str, Packed] = {}
        self._numbers: Dict[int, List[str]] = {}
        self._kept: Dict[Tuple[Any, ...], Any] = {}
        self._said: Dict[str, Set[str]] = {}

    def __iter__(self) -> Iterator[Packed]:
        return iter(self._changes.values())

    def __len__(self) -> int:
        return len(self._changes)

    def add(
        self, raw: Raw, *, text: str = "", watched: bool = True
    ) -> Optional[Tuple[Packed, Change]]:
        """Take in a change as Gerrit answered it; None, and a line in ``unreadable``, if it makes
        no sense.

        :param text: the same as JSON, where it is at hand.
        """
        try:
            change = parse.change(raw)
        except ProtocolError as err:
            self.unreadable.append(outward(str(err), 300))
            return None
        packed = pack(change, text or json.dumps(raw, separators=(",", ":")), watched=watched)
        if packed.ident not in self._changes:
            self._numbers.setdefault(packed.number, []).append(packed.ident)
        self._changes[packed.ident] = packed
        return packed, change

    def changes(self, since: datetime) -> Iterator[Change]:
        """Those that the configured query found, read anew, one after the other, but for those that
        were closed by ``since``, as their histories tell, and have been left alone.
        """
        for packed in self:
            if packed.watched and not packed.was_over(since):
                yield parse.change(packed.raw)

    def named(self, ident: str) -> Optional[Packed]:
        """A change by ``change_ident``, or by its number where one change has it; the source is
        asked for one that is unknown. None if there is none.
        """
        known = self._known(ident)
        if known is None:
            number = int(ident.rpartition("~")[2])
            self.ask("changes", number)
            known = self._known(ident)
        return known

    def numbered(self, number: int) -> List[Packed]:
        """The changes of a number."""
        return [self._changes[ident] for ident in self._numbers.get(number, ())]

    def _known(self, ident: str) -> Optional[Packed]:
        if "~" in ident:
            return self._changes.get(ident)
        found = self._numbers.get(int(ident), ())
        return self._changes[found[0]] if len(found) == 1 else None

    # What the source is asked, once each

    def ask(self, what: str, *about: Any, about_whom: Any = None) -> Any:
        """What the source answers, or answered before: the method ``what`` of :class:`Source`.

        :param about_whom: the change itself where ``about`` only names it.
        """
        key = (what, *about)
        if key not in self._kept:
            self._kept[key] = self._guarded(lambda: self._asked(what, about, about_whom))
        found = self._kept[key]
        if isinstance(found, ReviewLoopError):
            raise found
        return found

    def _asked(self, what: str, about: Tuple[Any, ...], whom: Any) -> Any:
        if what == "changes":
            for raw in self.source.changes(about, OPTIONS):
                self._outside(raw)
            return None
        if what == "scan":
            query, limit = about
            found = list(self.source.scan(query, OPTIONS, limit=limit))
            return tuple(one for one in map(self._outside, found) if one is not None)
        return getattr(self.source, what)(*(about if whom is None else (whom,)))

    def _outside(self, raw: Raw) -> Optional[str]:
        """A change beside those that are watched, unless it is one of them; what names it."""
        try:
            ident = change_ident(parse.number_of(raw), str(raw.get("project") or ""))
        except ProtocolError:
            return None
        if ident not in self._changes and self.add(raw, watched=False) is None:
            return None
        return ident

    def _guarded(self, read: Callable[[], T]) -> Union[T, ReviewLoopError]:
        """What is read, or why it is refused; what is the server's trouble is remembered, too."""
        try:
            return read()
        except ReviewLoopError as err:
            if err.kind not in ("refused", "config"):
                self.failure = self.failure or err
            return err

    def spoken(self, ident: str, verbs: Iterable[str]) -> FrozenSet[str]:
        """Which of the words of commands stand on a change, in a comment on a file or elsewhere:
        one search for each word and all changes.
        """
        for verb in verbs:
            if verb not in self._said:
                search = queries.all_of(self.query, queries.any_word([verb]))
                found = self._guarded(lambda: list(self.source.scan(search)))  # noqa: B023
                if isinstance(found, ReviewLoopError):
                    raise found
                self._said[verb] = {ident for ident in map(_ident, found) if ident}
        return frozenset(verb for verb in verbs if ident in self._said[verb])


def _ident(raw: Raw) -> str:
    try:
        return change_ident(parse.number_of(raw), str(raw.get("project") or ""))
    except ProtocolError:
        return ""


def people(recorded: Sequence[Change]) -> Dict[int, Account]:
    """Everybody on some changes, by account id."""
    found: Dict[int, Account] = {}
    for change in recorded:
        authors = (message.author for message in change.messages)
        for account in (change.owner, *change.reviewers, *change.ccs, *authors):
            if account is not None:
                found[account.id] = account
    return found
