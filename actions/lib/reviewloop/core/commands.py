"""Commands that people write in review comments: ``/snooze``, ``/unsnooze``, ``/ack``, ``/pass``.

They are part of the history, so they need no store and everybody sees them. A command stands on a
line of its own.

Whoever may comment may write commands, so their number is bounded, by message and by person: what
one person writes too much of keeps nobody else from being heard. The earliest count, so that what
is said later changes nothing about the past.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from itertools import islice
from typing import Counter as Counts
from typing import FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

from reviewloop.core.change import Change, Message
from reviewloop.core.durations import parse_duration
from reviewloop.core.keys import MARK_BEGIN, marks_of
from reviewloop.core.policy import Policy
from reviewloop.core.spans import Span
from reviewloop.core.stopped import Stopped
from reviewloop.core.waits import Wait
from reviewloop.core.worktime import Calendar

#: The most commands of one message, and of one person on one change, that count.
MAX_IN_MESSAGE = 10
MAX_OF_PERSON = 100
# What follows a command is repeated to people, up to here.
_ARGUMENT_CAP = 200
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


class Verb(str, Enum):
    """The commands there are."""

    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"
    ACK = "ack"
    PASS = "pass"  # noqa: S105 - a command, not a secret


_VERBS = {f"/{verb.value}": verb for verb in Verb}


@dataclass(frozen=True)
class Command:
    """One command as a person gave it; ``problem`` says why it has no effect, "" where it has."""

    verb: Verb
    at: datetime
    author: int
    argument: str = ""
    until: Optional[datetime] = None
    problem: str = ""


@dataclass(frozen=True)
class Pauses:
    """What the commands of a change come to.

    ``spans`` are when the stopwatch stands still, in order and apart; ``passed`` are the accounts
    that handed on what they were asked; ``commands`` lists every command, with the reason where one
    has no effect.
    """

    spans: Tuple[Span, ...] = ()
    passed: FrozenSet[int] = frozenset()
    commands: Tuple[Command, ...] = ()

    @property
    def passes(self) -> Tuple[datetime, ...]:
        """When somebody handed on what they were asked."""
        return tuple(c.at for c in self.commands if c.verb is Verb.PASS and not c.problem)


def pauses(change: Change, policy: Policy, waits: Sequence[Wait] = ()) -> Pauses:
    """Read the commands out of people's messages, oldest first.

    :param waits: of the change, in the order they began: none of them is snoozed for longer than
        ``max_snooze`` in all. Without them each ``/snooze`` is bounded by itself.
    """
    asked: Set[int] = set()
    given: Counts[int] = Counter()
    commands: List[Command] = []
    stopped = Stopped(waits, policy.calendar)
    for message in change.messages:
        said = message.said
        if MARK_BEGIN in said and policy.is_own(message):
            asked.update(account for mark in marks_of(message) for account in mark.asked)
        elif "/" in said and not policy.is_automatic(message):
            for command in _bounded(message, given):
                commands.append(_taken(command, policy, asked, stopped))
    working = [command for command in commands if not command.problem]
    passed = frozenset(c.author for c in working if c.verb is Verb.PASS)
    return Pauses(stopped.spans, passed, tuple(commands))


def _bounded(message: Message, given: Counts[int]) -> Iterator[Command]:
    """A message's commands as far as they count, and the first that is too much, with its problem;
    ``given`` counts those of each person.
    """
    # One more than count, so that there is one to say it of.
    for place, command in enumerate(islice(_commands(message), MAX_IN_MESSAGE + 1)):
        given[command.author] += 1
        over = given[command.author] - MAX_OF_PERSON
        if over > 1:
            return
        if over == 1:
            yield _faulty(command, f"more than {MAX_OF_PERSON} commands of one person")
        elif place == MAX_IN_MESSAGE:
            yield _faulty(command, f"more than {MAX_IN_MESSAGE} commands in one message")
        else:
            yield command


def _commands(message: Message) -> Iterator[Command]:
    author = message.author.id if message.author else 0
    for line in message.said.split("\n"):
        # Not a pattern over the whole text: each line is looked at once.
        words = line.split(None, 1)
        verb = _VERBS.get(words[0].lower()) if words and words[0].startswith("/") else None
        if verb is not None:
            argument = words[1].strip()[:_ARGUMENT_CAP] if len(words) > 1 else ""
            yield Command(verb, message.date, author, argument)


def _taken(command: Command, policy: Policy, asked: Set[int], stopped: Stopped) -> Command:
    """The command with what it comes to; where it stops the clocks, ``stopped`` knows."""
    taken = command if command.problem else _understood(command, policy, asked, stopped)
    if not taken.problem and taken.verb is not Verb.PASS:
        stopped.take(taken.at, taken.until, taken.verb is Verb.SNOOZE)
    return taken


def _understood(command: Command, policy: Policy, asked: Set[int], stopped: Stopped) -> Command:
    if command.verb is Verb.SNOOZE:
        left = policy.max_snooze.seconds(policy.calendar) - stopped.snoozed(command.at)
        if left <= 0:
            return _faulty(command, f"it was snoozed for {policy.max_snooze} in all, the longest")
        return _snooze(command, policy.calendar, left)
    if command.verb is Verb.UNSNOOZE:
        return command
    if command.author not in asked:
        return _faulty(command, "only somebody who was asked can say this")
    if command.verb is Verb.PASS:
        return command
    pause = policy.ack_pause.seconds(policy.calendar)
    return _until(command, policy.calendar.add(command.at, pause))


def _snooze(command: Command, calendar: Calendar, most: int) -> Command:
    """``most``: working seconds that it may last."""
    # What follows the amount is the reason, in free words.
    amount = next(iter(command.argument.split()), "")
    try:
        day = _day(amount)
        if day is not None:
            return _until(command, _shortened(calendar.day_start(day), command, calendar, most))
        wanted = parse_duration(amount).seconds(calendar)
    except ValueError:
        return _faulty(command, "write /snooze 5d or /snooze 2026-12-24")
    # Compared before anything is calculated: 999999w would be a walk through years of days.
    return _until(command, calendar.add(command.at, min(wanted, most)))


def _day(amount: str) -> Optional[date]:
    """The day that an amount names, or None; ValueError where the calendar has no such day."""
    match = _DATE.fullmatch(amount)
    return None if match is None else date(*map(int, match.groups()))


def _shortened(until: datetime, command: Command, calendar: Calendar, most: int) -> datetime:
    """A snooze's end, or the latest that it may have."""
    # Working time is never longer than time itself, so what is nearer needs no calculation.
    if (until - command.at).total_seconds() <= most:
        return until
    longest = calendar.add(command.at, most)
    return until if longest is None else min(until, longest)


def _until(command: Command, until: Optional[datetime]) -> Command:
    if until is None or until <= command.at:
        return _faulty(command, "the time it names has passed")
    return replace(command, until=until)


def _faulty(command: Command, problem: str) -> Command:
    return replace(command, problem=problem)
