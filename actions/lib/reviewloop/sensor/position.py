"""The cursor: up to when events were dispatched, which only moves forward."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import FrozenSet, Iterable, Mapping, Optional

from reviewloop.core.milestones import Ending
from reviewloop.sensor.events import NAMED, Event, wait_name
from reviewloop.store.cursor import Cursor, CursorStore, Endings, LostCursorError

#: Names of late events, and of endings, kept at one time: they are few, but for a day without an
#: index.
KEPT = 500


class Position:
    """The cursor in memory and in its store.

    :raises DatastoreError: on every call that reads or writes, when the store is down.
    """

    def __init__(self, store: CursorStore) -> None:
        self._store = store
        self._cursor: Optional[Cursor] = None
        self._saved: Optional[Cursor] = None

    @property
    def cursor(self) -> Cursor:
        """The cursor; there is one once :meth:`load` or :meth:`start` was."""
        assert self._cursor is not None  # noqa: S101
        return self._cursor

    def load(self) -> bool:
        """Read the cursor if that has not been done; whether there is one.

        :raises LostCursorError: there is something else in its place.
        """
        if self._cursor is None:
            self._cursor = self._saved = self._store.load()
        return self._cursor is not None

    def start(self, through: datetime) -> None:
        """Begin anew: nothing up to here is to be dispatched."""
        self._cursor = Cursor(through, ended=Endings(through))

    def name_cache(self, word: str) -> None:
        """Have the cursor name what lies beside the sensor."""
        self._cursor = replace(self.cursor, cache=word)

    @property
    def is_saved(self) -> bool:
        """Whether the store has the cursor as it is."""
        return self._cursor is not None and self._cursor == self._saved

    def check(self) -> None:
        """Read the store, for nothing but to see that StackStorm has its database."""
        with suppress(LostCursorError):
            self._store.load()

    def save(self) -> None:
        """Keep the cursor, unless it is kept already."""
        if self._cursor is not None and self._cursor != self._saved:
            self._store.save(self._cursor)
            self._saved = self._cursor

    def forget(self) -> None:
        """As after a restart: what was saved last counts."""
        self._cursor = self._saved = None

    def lower(self, through: datetime) -> None:
        """Take back a cursor that a wrong clock has put into the future."""
        ended = Endings(through)
        self._cursor = replace(self.cursor, through=through, after_id=None, ended=ended)

    def is_late(self, event: Event) -> bool:
        """Whether an event lies before the cursor: it was found too late for its turn."""
        return self.cursor.is_past(event.at, event.id)

    def may_be_late(self, event: Event) -> bool:
        """Whether an event or a later one lies before the cursor; where ids of its second are
        compared as texts, that is not their order.
        """
        same_second = self.cursor.as_text and event.at == self.cursor.through
        return same_second or self.is_late(event)

    def expect(
        self, left: Iterable[Event], aside: Mapping[int, datetime], over: Mapping[str, datetime]
    ) -> None:
        """Note what lies before the cursor and has not been dispatched yet.

        :param over: waits whose endings are not to be dispatched, by name, with the instants.
        """
        self._note(over)
        self._cursor = replace(
            self.cursor, late=self._late(left), aside=dict(aside), ended=self._latest_endings()
        )

    def advance_to(self, now: datetime) -> None:
        """Everything up to ``now`` has been dispatched."""
        if now >= self.cursor.through:
            self._cursor = replace(self.cursor, through=now, after_id=None, as_text=False)

    def advance_past(self, event: Event) -> None:
        """Everything up to an event has been dispatched; late ones move nothing. Endings are noted
        by name.
        """
        if isinstance(event.what, Ending):
            self._note({wait_name(event.key, event.wait_key): event.at})
        if not self.is_late(event):
            self._cursor = replace(self.cursor, through=event.at, after_id=event.id, as_text=False)

    def _late(self, left: Iterable[Event]) -> FrozenSet[str]:
        return frozenset([event.name for event in left if self.is_late(event)][:KEPT])

    def _note(self, over: Mapping[str, datetime]) -> None:
        ended = self._endings()
        ended = replace(ended, waits={**ended.waits, **over})
        self._cursor = replace(self.cursor, ended=ended)

    def _endings(self) -> Endings:
        """Earlier releases named none: of these, all before the cursor count as dispatched."""
        return self.cursor.ended or Endings(self.cursor.whole)

    def _latest_endings(self) -> Endings:
        """A datastore value does not grow without end: of the last hours, so many at most."""
        ended = self._endings()
        after = max(ended.after, self.cursor.through - NAMED)
        if len(ended.waits) > KEPT:
            after = max(after, sorted(ended.waits.values())[-KEPT - 1])
        return Endings(after, {name: at for name, at in ended.waits.items() if at > after})
