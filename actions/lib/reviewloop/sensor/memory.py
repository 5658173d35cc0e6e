"""What is known of the watched changes, and what was dispatched of each: as little as will do."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Dict, Iterator, KeysView, NamedTuple, Optional, Set, Tuple, Union

from reviewloop.core.change import Change
from reviewloop.core.keys import event_id
from reviewloop.core.milestones import Crossing
from reviewloop.core.reading import Reading
from reviewloop.sensor.events import Dispatched, Namer
from reviewloop.sensor.found import Asks, ChangeKey
from reviewloop.sensor.packed import (
    UNPROVEN,
    pack,
    standing,
    standing_of,
    unpack,
    updated_of,
)
from reviewloop.store.cursor import Cursor

_NO_ASKS: Asks = {}
GUESSED = "guessed"


class Told(NamedTuple):
    """A change as one process leaves it to the next.

    ``known`` is the packed change, "" if it is not watched; ``dispatched`` what was dispatched of
    it; ``guessed`` is "" where all that people said is known. ``due`` is the first instant at which
    something of it may be due, in seconds since 1970: 0 if it is to be looked at in any case, None
    if time alone brings nothing.
    """

    known: str
    dispatched: str
    guessed: str
    due: Optional[int]


class _Kept:
    """A watched change: whole as it was read in this poll, or packed.

    ``proven`` is whether all that was said on it was read.
    """

    __slots__ = ("asks", "known", "proven", "updated")

    def __init__(
        self, known: Union[Reading, str], asks: Asks, updated: datetime, *, proven: bool = False
    ) -> None:
        self.known = known
        self.asks = asks
        self.updated = updated
        self.proven = proven


class Memory:
    """Changes by key: those that are *kept* are watched; what was dispatched is remembered longer.

    :param server: as event ids name it.
    """

    def __init__(self, server: str) -> None:
        self._server = server
        self._kept: Dict[ChangeKey, _Kept] = {}
        self._dispatched: Dict[ChangeKey, str] = {}
        self._projects: Dict[int, Tuple[str, ...]] = {}
        self._whole: Set[ChangeKey] = set()
        # Packed ones as they were found unmoved in this poll.
        self._renewed: Dict[ChangeKey, Change] = {}
        # Changes of which not all that was said is known, and from where on they were dispatched.
        self._guessed: Dict[ChangeKey, Cursor] = {}

    def __contains__(self, key: ChangeKey) -> bool:
        return key in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[ChangeKey]:
        return iter(self._kept)

    @property
    def remembered(self) -> KeysView[ChangeKey]:
        """The changes of which it is known what was dispatched of them."""
        return self._dispatched.keys()

    def known(self, key: ChangeKey) -> Optional[Tuple[Reading, Asks]]:
        """What is known of a watched change, and who is asked about each wait."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if not isinstance(kept.known, str):
            return kept.known, kept.asks
        reading, asks = unpack(kept.known, key)
        change = self.renewed(key)
        return (reading if change is None else replace(reading, change=change)), asks

    def updated(self, key: ChangeKey) -> Optional[datetime]:
        """When a watched change was last touched."""
        kept = self._kept.get(key)
        return None if kept is None else kept.updated

    def dispatched(self, key: ChangeKey) -> Dispatched:
        """What was dispatched of a change that is remembered."""
        return Dispatched.from_text(self._dispatched[key])

    def begin(self, key: ChangeKey, reading: Reading, since: Cursor, *, is_whole: bool) -> None:
        """Note what earlier polls have dispatched of a change, if that is not known well yet.

        :param since: if nothing is known of the change, its events up to here.
        :param is_whole: whether all that people said was read. If not, a wait may look over that
            lasts; when all has been read, what was dispatched of it before is noted, too.
        """
        known = self._dispatched.get(key)
        if known is None:
            self.note(key, Dispatched.up_to(since, reading, self.name(key)))
            if not is_whole:
                self._guessed[key] = since
        elif is_whole and key in self._guessed:
            earlier = Dispatched.up_to(self._guessed.pop(key), reading, self.name(key))
            self.note(key, Dispatched.from_text(known).further(earlier))

    def note(self, key: ChangeKey, dispatched: Dispatched) -> None:
        """Remember what was dispatched of a change."""
        self._dispatched[key] = dispatched.to_text()

    def standing(self, key: ChangeKey) -> int:
        """How a watched change stood when it was packed; ``UNPROVEN`` where it is to be read."""
        kept = self._kept.get(key)
        if kept is None or not isinstance(kept.known, str):
            return UNPROVEN
        return standing_of(kept.known)

    def renew(self, key: ChangeKey, change: Change) -> None:
        """Let a packed change be as it was answered now, until :meth:`rest`."""
        self._renewed[key] = change

    def renewed(self, key: ChangeKey) -> Optional[Change]:
        """What :meth:`renew` was given of a change that is packed still."""
        kept = self._kept.get(key)
        if kept is None or not isinstance(kept.known, str):
            return None
        return self._renewed.get(key)

    def keep(
        self,
        key: ChangeKey,
        reading: Reading,
        asks: Optional[Asks] = None,
        *,
        is_whole: bool = False,
    ) -> None:
        """Watch a change as it was read.

        :param is_whole: whether all that people said was read.
        """
        updated = reading.change.updated
        self._kept[key] = _Kept(reading, asks or _NO_ASKS, updated, proven=is_whole)
        self._whole.add(key)

    def let_go(self, key: ChangeKey) -> None:
        """Watch a change no longer."""
        self._kept.pop(key, None)
        self._whole.discard(key)

    def forget(self, key: ChangeKey) -> None:
        """Remember no longer what was dispatched of a change that is not watched."""
        self._dispatched.pop(key, None)
        self._guessed.pop(key, None)

    def rest(self, now: datetime) -> None:
        """Pack what was read; what was over by ``now``, and is dispatched, is left out."""
        for key in self._whole:
            kept = self._kept[key]
            if not isinstance(kept.known, str):
                stands = standing(kept.known.change) if kept.proven else UNPROVEN
                is_pending = self.dispatched(key).is_pending
                kept.known = pack(kept.known, kept.asks, now, is_pending, stands)
                kept.asks = _NO_ASKS
        self._whole = set()
        self._renewed = {}

    # Between processes.

    def text(self, key: ChangeKey, due: Optional[int]) -> Optional[Told]:
        """A change that is at rest, None if it is not.

        :param due: as ``Told`` has it.
        """
        if key not in self._dispatched or key in self._whole:
            return None
        kept = self._kept.get(key)
        known = "" if kept is None else str(kept.known)
        return Told(known, self._dispatched[key], GUESSED if key in self._guessed else "", due)

    def recall(self, key: ChangeKey, told: Told, since: Cursor, *, is_current: bool) -> None:
        """Take in what :meth:`text` told in an earlier process.

        :param since: up to here events were dispatched meanwhile.
        :param is_current: nothing of the change has fallen due meanwhile: it is not unpacked.
        :raises ValueError, TypeError, KeyError, IndexError, OverflowError: it is something else.
        """
        dispatched = told.dispatched if is_current else self._further(key, told, since)
        if told.known:
            self._kept[key] = _Kept(told.known, _NO_ASKS, updated_of(told.known))
        if told.guessed:
            self._guessed[key] = since
        self._dispatched[key] = dispatched

    def _further(self, key: ChangeKey, told: Told, since: Cursor) -> str:
        """What was dispatched of a change when it was told, and meanwhile."""
        dispatched = Dispatched.from_text(told.dispatched)
        if told.known:
            reading, _ = unpack(told.known, key)
            dispatched = dispatched.further(Dispatched.up_to(since, reading, self.name(key)))
        return dispatched.to_text()

    # Names.

    def add(self, key: ChangeKey) -> Tuple[ChangeKey, ...]:
        """Note a change's name; those that go by other names from now on, since they share its
        number.
        """
        projects = self._projects.get(key.number, ())
        if key.project in projects:
            return ()
        self._projects[key.number] = (*projects, key.project)
        return self.of_number(key.number) if projects else ()

    def remove(self, key: ChangeKey) -> Tuple[ChangeKey, ...]:
        """The opposite of :meth:`add`."""
        projects = tuple(one for one in self._projects.get(key.number, ()) if one != key.project)
        self._projects[key.number] = projects
        if not projects:
            del self._projects[key.number]
        return self.of_number(key.number)

    def of_number(self, number: int) -> Tuple[ChangeKey, ...]:
        """The changes of a number."""
        return tuple(ChangeKey(number, project) for project in self._projects.get(number, ()))

    def name(self, key: ChangeKey) -> Namer:
        """The event ids of a change's crossings."""
        alone = len(self._projects.get(key.number, ())) <= 1

        def named(crossing: Crossing) -> str:
            wait, milestone = crossing.wait, str(crossing.milestone)
            project = "" if alone else key.project
            party = wait.party.value
            return event_id(self._server, key.number, party, wait.since, milestone, project)

        return named
