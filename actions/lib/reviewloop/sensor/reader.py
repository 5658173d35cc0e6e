"""Reading changes from Gerrit, each by itself: what one holds or does keeps no other from being
read.

A failure that is the server's (it cannot be reached, refuses the account) is raised; one that is a
change's is a value.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from itertools import islice
from typing import (
    Callable,
    Iterable,
    Iterator,
    List,
    Sequence,
    Set,
    Tuple,
    TypeVar,
    Union,
)

from reviewloop.core.asked import live_asks
from reviewloop.core.change import Change
from reviewloop.core.comments import ReviewComment, unread, with_comments
from reviewloop.core.policy import Policy
from reviewloop.errors import (
    AuthError,
    ConfigError,
    ProtocolError,
    ReviewLoopError,
    TemporaryError,
    guarded,
)
from reviewloop.gerrit import parse
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.protocol import change_id
from reviewloop.gerrit.queries import MAX_BATCH, Option, all_of
from reviewloop.gerrit.reading import READ_ANEW, Reads
from reviewloop.gerrit.reads import ReadClient
from reviewloop.gerrit.scan import drained
from reviewloop.http import codes
from reviewloop.sensor.commanded import Commanded, Commands
from reviewloop.sensor.found import ChangeKey, Failed, Found, Gone, Private, Read, key_of
from reviewloop.sensor.words import Words

HISTORY = (
    Option.MESSAGES,
    Option.DETAILED_ACCOUNTS,
    Option.LABELS,
    Option.SUBMIT_REQUIREMENTS,
)
# Beside these, what only a trigger tells of: too much to ask of every open change at a start.
MOVED = (*HISTORY, Option.CURRENT_REVISION, Option.CURRENT_COMMIT)
#: All that but the messages, which are four fifths of an answer and nearly all the work.
STANDING = tuple(option for option in MOVED if option is not Option.MESSAGES)
#: Changes whose histories are held at one time.
PORTION = 500
#: Changes in a row whose comments the server fails to answer, before it is left in peace.
_IN_A_ROW = 3
#: Answers in a row with 500, with which Gerrit's own code fails on what was asked for, before they
#: are taken for the server's trouble and not for a change's.
_FAILURES = 20

#: Changes of one look whose comments are asked for only because of the turn. After a long silence
#: there may be many more; those are asked for when something is to be dispatched of them.
MARKED = 100

T = TypeVar("T")
#: What ``client.changes`` answers of one change, or why it does not.
_Answer = Union[Raw, Failed]
_Parsed = Union[Change, Failed]


class Reader:
    """Reads the changes of one search.

    :param policy: that with which to read a change.
    :param server: as event ids name it.
    :param query: what every search is narrowed to, in Gerrit's syntax.
    :param now: the server's time, as far as it can be believed.
    :param reads: how what is answered is read.
    """

    def __init__(
        self,
        client: ReadClient,
        policy: Callable[[Change], Policy],
        server: str,
        query: str,
        now: Callable[[], datetime],
        reads: Reads = READ_ANEW,
    ) -> None:
        self._client = client
        self._server = server
        self._policy = policy
        self._query = query
        self._reads = reads
        self._words = Words(self._comments)
        self._commands = Commands(client, now, query)
        self._failing = 0
        self._unanswered = 0
        self._room = 0

    def rows(self, query: str) -> Iterator[Union[parse.Row, Failed]]:
        """What the index says of each change that a search finds; one request where it is few."""
        for raw in self._client.scan(all_of(query, self._query)):
            yield self._guarded(raw, lambda raw=raw: parse.row(raw))  # type: ignore[misc]

    def scan(
        self, query: str, came_to: Callable[[datetime], None] = lambda _at: None
    ) -> Iterator[Found]:
        """Every change that a search finds, with its history, newest first.

        Where a page is too much for one answer, what is left is read in small batches.

        :param came_to: told the oldest update of each portion, when all of it has been taken; not
            of such batches, which are in no order.
        """
        answered: Set[ChangeKey] = set()
        try:
            for found in self._portions(query, came_to):
                if found.key is not None:
                    answered.add(found.key)
                yield found
        except ProtocolError:
            rows = list(self.rows(query))
            yield from (row for row in rows if isinstance(row, Failed))
            keys = {ChangeKey(r.number, r.project) for r in rows if isinstance(r, parse.Row)}
            yield from self.changes(keys - answered)

    def changes(self, keys: Iterable[ChangeKey], *, whole: bool = False) -> Iterator[Found]:
        """The changes with their histories, ``Gone`` those that the search no longer finds.

        A key without a project stands for whatever has the number. It is ``Gone`` itself as soon as
        a change of a project is found: what was set aside by the number alone has its name then.

        :param whole: ask for the comments of every one whose turn depends on them, however many.
        """
        self._failing = self._unanswered = 0
        wanted = sorted(keys)
        self._room = max(MARKED, len(wanted) if whole else 0)
        for start in range(0, len(wanted), PORTION):
            end = start + PORTION
            part = wanted[start:end]
            numbers = sorted({key.number for key in part})
            missing = set(part)
            answers = map(self._parsed, self._answers(numbers, MOVED))
            for one in self._portion(answers, self._commands.among, whole=True):
                for found in _each(one, part):
                    if found.key is not None:
                        missing.discard(found.key)
                    yield found
            yield from map(Gone, sorted(missing))

    def standing(self, keys: Iterable[ChangeKey]) -> Iterator[Change]:
        """The changes without their messages; one that cannot be read like this is left out."""
        self._failing = 0
        numbers = sorted({key.number for key in keys})
        for one in map(self._parsed, self._answers(numbers, STANDING)):
            if not isinstance(one, Failed):
                yield one

    def _portions(self, query: str, came_to: Callable[[datetime], None]) -> Iterator[Found]:
        remaining = map(self._parsed, self._client.scan(all_of(query, self._query), HISTORY))
        commanded = self._commands.scanned(query)
        for portion in iter(lambda: list(islice(remaining, PORTION)), []):
            times = [one.updated for one in portion if isinstance(one, Change)]
            yield from self._portion(drained(portion), commanded, whole=False)
            if times:
                came_to(min(times))

    def _answers(self, numbers: Sequence[int], options: Sequence[Option]) -> Iterator[_Answer]:
        for start in range(0, len(numbers), MAX_BATCH):
            end = start + MAX_BATCH
            yield from self._batch(numbers[start:end], options)

    def _batch(self, numbers: Sequence[int], options: Sequence[Option]) -> Iterator[_Answer]:
        """The batch, or its halves where one of it is more than can be answered."""
        try:
            rows = self._client.changes(numbers, options, self._query)
            self._failing = 0
            yield from rows
        except (ProtocolError, TemporaryError) as err:
            self._check(err)
            if len(numbers) == 1:
                yield Failed(ChangeKey(numbers[0], ""), err)
                return
            half = len(numbers) // 2
            yield from self._batch(numbers[:half], options)
            yield from self._batch(numbers[half:], options)

    def _check(self, err: ReviewLoopError) -> None:
        """Raise what is not about one change of a batch: then halves would fare no better."""
        if isinstance(err, TemporaryError):
            self._failing += 1
            if err.status != codes.SERVER_ERROR or self._failing > _FAILURES:
                raise err

    def _portion(
        self, answers: Iterable[_Parsed], commanded: Commanded, *, whole: bool
    ) -> Iterator[Found]:
        changes: List[Change] = []
        for one in answers:
            if isinstance(one, Failed):
                yield one
            elif one.is_private:
                yield Private(one)
            else:
                changes.append(one)
        wanted = commanded(changes)
        for change in drained(changes):
            raw: Raw = {"_number": change.number, "project": change.project}
            yield self._guarded(raw, partial(self._read, change, wanted, whole))

    def _parsed(self, answer: _Answer) -> _Parsed:
        if isinstance(answer, Failed):
            return answer
        return self._guarded(answer, lambda: self._reads.parsed(answer))

    def _read(self, change: Change, wanted: Set[ChangeKey], whole: bool) -> Read:
        policy = self._policy(change)
        marked = unread(change, policy)
        if ChangeKey.of(change) in wanted:
            comments = self._comments(change)
            self._words.keep(marked, comments)
            change, whole = with_comments(change, comments), True
        elif marked and (self._words.knows(marked) or (whole and self._room > 0)):
            self._room -= not self._words.knows(marked)
            change, whole = self._words.filled(change, marked), True
        else:
            whole = not marked
        oddity = "" if change.status_known else f"its status is {change.status_word}"
        reading = self._reads.read_change(change, policy)
        asks = {
            timeline.key: live_asks(change, policy, self._server, *timeline.key)
            for timeline in reading.lasting(change.updated)
        }
        live = {key: found for key, found in asks.items() if found}
        return Read(reading, live, oddity, is_whole=whole)

    def _comments(self, change: Change) -> Tuple[ReviewComment, ...]:
        if self._unanswered >= _IN_A_ROW:
            raise TemporaryError("Gerrit answers no comments just now.", "Nothing, if it passes.")
        self._unanswered += 1
        comments = self._client.comments(change_id(change.number, change.project))
        self._unanswered = 0
        return comments

    def _guarded(self, raw: Raw, step: Callable[[], T]) -> Union[T, Failed]:
        """One change, one guard: whatever its text makes of our code stays with it."""
        return guarded(step, lambda err: Failed(key_of(raw), err), (AuthError, ConfigError))


def _each(found: Found, wanted: Iterable[ChangeKey]) -> Sequence[Found]:
    """Where a number could not be read, every change of that number that was asked for."""
    if not isinstance(found, Failed) or found.key is None or found.key.project:
        return (found,)
    return [Failed(key, found.why) for key in wanted if key.number == found.key.number]
