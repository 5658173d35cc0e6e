"""Which changes hold the words of commands among their comments: messages do not tell.

Nobody has to be asked for the commands of most changes. ``/ack`` and ``/pass`` count only for those
who were asked, which a mark of this pack among the messages shows; so without one only the words
that anybody may write are searched for. Of the many changes of a scan they are searched for once,
and not for each batch of numbers.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Callable, Iterable, Optional, Sequence, Set

from reviewloop.core.change import Change
from reviewloop.core.commands import Verb
from reviewloop.core.comments import has_comments
from reviewloop.core.keys import MARK_BEGIN
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.queries import all_of, any_word
from reviewloop.gerrit.reads import ReadClient
from reviewloop.sensor.found import ChangeKey, key_of

#: Commands of anybody, and those of people who were asked.
FOR_ALL, FOR_THE_ASKED = (Verb.SNOOZE, Verb.UNSNOOZE), (Verb.ACK, Verb.PASS)
#: What was updated so shortly before a search of a whole scan, or later, is searched for by its
#: number: the search may not have known it yet, and the clock may be ahead.
RECENT = timedelta(minutes=80)

#: Those of the changes whose comments are to be read.
Commanded = Callable[[Sequence[Change]], Set[ChangeKey]]


class Commands:
    """Searches for the words of commands.

    :param now: the server's time.
    :param query: what a scan is narrowed to.
    """

    def __init__(self, client: ReadClient, now: Callable[[], datetime], query: str) -> None:
        self._client = client
        self._now = now
        self._query = query

    def among(self, changes: Sequence[Change]) -> Set[ChangeKey]:
        """Those of a few changes, searched for by their numbers."""
        spoken = [change for change in changes if has_comments(change)]
        if not spoken:
            return set()
        verbs = FOR_ALL + (FOR_THE_ASKED if any(map(bears_mark, spoken)) else ())
        numbers = sorted({change.number for change in spoken})
        return _keys(self._client.changes(numbers, query=_words(verbs)))

    def scanned(self, query: str) -> Commanded:
        """Those of the changes that one scan finds, portion by portion."""
        return _Scanned(self, all_of(query, self._query))

    def search(self, query: str, verbs: Iterable[Verb]) -> Set[ChangeKey]:
        """Every change of a search with one of the words."""
        return _keys(self._client.scan(all_of(query, _words(verbs))))

    def now(self) -> datetime:
        """The server's time."""
        return self._now()


class _Scanned:
    """The words in a whole scan: each kind is searched for once, when a change may hold it."""

    def __init__(self, commands: Commands, query: str) -> None:
        self._commands = commands
        self._query = query
        self._since: Optional[datetime] = None
        self._of_all: Optional[Set[ChangeKey]] = None
        self._of_the_asked: Optional[Set[ChangeKey]] = None

    def __call__(self, changes: Sequence[Change]) -> Set[ChangeKey]:
        spoken = [change for change in changes if has_comments(change)]
        if not spoken:
            return set()
        if self._since is None:
            self._since = self._commands.now() - RECENT
        since = self._since
        recent = [change for change in spoken if change.updated >= since]
        older = [change for change in spoken if change.updated < since]
        return self._commands.among(recent) | self._among(older)

    def _among(self, changes: Sequence[Change]) -> Set[ChangeKey]:
        keys = {ChangeKey.of(change) for change in changes}
        asked = {ChangeKey.of(change) for change in changes if bears_mark(change)}
        if keys and self._of_all is None:
            self._of_all = self._commands.search(self._query, FOR_ALL)
        if asked and self._of_the_asked is None:
            self._of_the_asked = self._commands.search(self._query, FOR_THE_ASKED)
        return (keys & (self._of_all or set())) | (asked & (self._of_the_asked or set()))


def bears_mark(change: Change) -> bool:
    """Whether a message holds what a mark of this pack begins with, whoever wrote it."""
    return any(MARK_BEGIN in message.text for message in change.messages)


def _words(verbs: Iterable[Verb]) -> str:
    return any_word(verb.value for verb in verbs)


def _keys(rows: Iterable[Raw]) -> Set[ChangeKey]:
    return {key for key in map(key_of, rows) if key is not None}
