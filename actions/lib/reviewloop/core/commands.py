"""Commands that people write in review comments: ``/snooze``, ``/unsnooze``, ``/ack``, ``/pass``.

They are part of the history, so they need no store and everybody sees them. A command stands on a
line of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from typing import FrozenSet, List, Optional, Tuple

from reviewloop.core.change import Change, Message
from reviewloop.core.durations import parse_duration
from reviewloop.core.keys import Mark, marks_of
from reviewloop.core.policy import Policy
from reviewloop.core.spans import Span

_LINE = re.compile(
    r"^\s*/(snooze|unsnooze|ack|pass)(?!\S)[ \t]*(.*?)\s*$", re.MULTILINE | re.IGNORECASE
)


class Verb(str, Enum):
    """The commands there are."""

    SNOOZE = "snooze"
    UNSNOOZE = "unsnooze"
    ACK = "ack"
    PASS = "pass"  # noqa: S105 - a command, not a secret


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


def pauses(change: Change, policy: Policy) -> Pauses:
    """Read the commands out of people's messages, oldest first."""
    asked: List[Mark] = []
    commands: List[Command] = []
    for message in change.messages:
        if policy.is_own(message):
            asked.extend(marks_of(message))
        elif not policy.is_automatic(message):
            addressed = frozenset(account for mark in asked for account in mark.asked)
            commands.extend(_commands(message, policy, addressed))
    working = [command for command in commands if not command.problem]
    passed = frozenset(c.author for c in working if c.verb is Verb.PASS)
    return Pauses(_spans(working), passed, tuple(commands))


def _commands(message: Message, policy: Policy, asked: FrozenSet[int]) -> List[Command]:
    author = message.author.id if message.author else 0
    found = []
    for verb, argument in _LINE.findall(message.text):
        command = Command(Verb(verb.lower()), message.date, author, argument)
        found.append(_understood(command, policy, asked))
    return found


def _understood(command: Command, policy: Policy, asked: FrozenSet[int]) -> Command:
    if command.verb is Verb.SNOOZE:
        return _snooze(command, policy)
    if command.verb is Verb.UNSNOOZE:
        return command
    if command.author not in asked:
        return _faulty(command, "only somebody who was asked can say this")
    if command.verb is Verb.PASS:
        return command
    pause = policy.ack_pause.seconds(policy.calendar)
    return _until(command, policy.calendar.add(command.at, pause))


def _snooze(command: Command, policy: Policy) -> Command:
    longest = policy.calendar.add(command.at, policy.max_snooze.seconds(policy.calendar))
    try:
        until = _snoozed_until(command, policy)
    except ValueError:
        return _faulty(command, "write /snooze 5d or /snooze 2026-12-24")
    if until is None or (longest is not None and until > longest):
        until = longest
    return _until(command, until)


def _snoozed_until(command: Command, policy: Policy) -> Optional[datetime]:
    # What follows the amount is the reason, in free words.
    amount = command.argument.split()[0] if command.argument else ""
    if re.fullmatch(r"\d{4}-\d\d-\d\d", amount):
        return policy.calendar.day_start(date(*map(int, amount.split("-"))))
    return policy.calendar.add(command.at, parse_duration(amount).seconds(policy.calendar))


def _until(command: Command, until: Optional[datetime]) -> Command:
    if until is None or until <= command.at:
        return _faulty(command, "the time it names has passed")
    return Command(command.verb, command.at, command.author, command.argument, until)


def _faulty(command: Command, problem: str) -> Command:
    return Command(command.verb, command.at, command.author, command.argument, None, problem)


def _spans(commands: List[Command]) -> Tuple[Span, ...]:
    """The latest word counts: a pause replaces the one before it, ``/unsnooze`` ends it."""
    spans: List[Span] = []
    for command in commands:
        if command.verb is Verb.PASS:
            continue
        if spans and spans[-1].end is not None and spans[-1].end > command.at:
            spans[-1] = Span(spans[-1].start, command.at)
        if command.until is not None:
            spans.append(Span(command.at, command.until))
    return tuple(spans)
