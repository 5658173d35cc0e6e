"""Every condition that decides about a change, with its value: nothing is left to be guessed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Tuple

from reviewloop.core.policy import Policy, Vote
from reviewloop.core.reading import Reading
from reviewloop.core.spans import Span
from reviewloop.core.steps import Followed
from reviewloop.core.timestamps import iso
from reviewloop.core.turns import Fact, Party
from reviewloop.core.unasked import Bounds
from reviewloop.core.votes import Key, Standing
from reviewloop.messages.words import CAUSES


@dataclass(frozen=True)
class Condition:
    """One condition; ``stops`` says that because of it nobody is asked, or not all are.

    :param value: a truth value, a number, text, a list of plain values, or None where it is not
        known.
    """

    name: str
    value: Any
    text: str
    stops: bool = False


@dataclass(frozen=True)
class Subject:
    """What conditions are told of.

    :param policy: with which the change was read.
    :param joined: in whose name it is asked for, in a sentence; "" where in its own.
    :param leader: the number of that change, 0 where it may not be told.
    :param unmarked: accounts that look like bots, and count as people.
    :param name_of: an account in words.
    """

    reading: Reading
    followed: Followed
    policy: Policy
    bounds: Bounds
    joined: str
    leader: int
    unmarked: Tuple[int, ...]
    name_of: Callable[[Optional[int]], str]


def conditions(subject: Subject) -> Tuple[Condition, ...]:
    """All of them, in the order in which they matter."""
    return (
        *_readiness(subject),
        *_turn(subject),
        *_votes(subject),
        *_gates(subject),
        *_words(subject),
        *_asking(subject),
    )


def as_dicts(found: Tuple[Condition, ...]) -> List[Dict[str, Any]]:
    """``[{name, value, text, stops}]``."""
    return [
        {"name": one.name, "value": one.value, "text": one.text, "stops": one.stops}
        for one in found
    ]


def _readiness(subject: Subject) -> Iterator[Condition]:
    change = subject.reading.change
    status = change.status
    stops = status.is_closed or status.is_nobodys
    yield Condition("status", status.value, change.status_word or status.value, stops)
    event = subject.followed.steps[-1].event
    wip = change.work_in_progress or event.wip
    yield Condition("work_in_progress", wip, "not ready for review" if wip else "no", wip)
    private = change.is_private or event.private
    yield Condition("private", private, "nobody is asked about it" if private else "no", private)


def _turn(subject: Subject) -> Iterator[Condition]:
    turn = subject.reading.state.turn
    wait = subject.reading.timeline(turn, subject.bounds.now)
    why = "" if wait is None else f": {CAUSES[wait.wait.cause]}"
    yield Condition("turn", turn.value, f"{turn.value}{why}", turn is Party.NOBODY)
    robot = Fact.ROBOT_OWNER in subject.followed.steps[-1].facts
    text = "the owner's turn is the reviewers'" if robot else "no"
    yield Condition("owner_is_bot", robot, text)


def _votes(subject: Subject) -> Iterator[Condition]:
    standing, policy, name_of = subject.followed.standing, subject.policy, subject.name_of
    facts = subject.followed.steps[-1].facts
    people = {key: one for key, one in standing.items() if not one.automatic}
    every = [_vote(key, one) for key, one in sorted(standing.items(), key=_order)]
    yield Condition("votes", every, _told(standing, name_of) or "none")
    missing = [str(one) for one in policy.approval if not _stands(one, standing)]
    approved = Fact.APPROVED in facts
    lacks = f"missing: {', '.join(missing)}" if missing else "a vote against it stands"
    yield Condition("approved", approved, "yes" if approved else lacks)
    against = {key: one for key, one in people.items() if one.value < 0}
    negative = Fact.NEGATIVE in facts
    yield Condition("negative", negative, _told(against, name_of) or "no")
    held = Fact.HELD in facts
    owners = (subject.reading.change.owner.id, subject.reading.state.uploader)
    holding = {
        (label, account): one
        for (label, account), one in people.items()
        if policy.holds(label, one.value) or (one.value < 0 and account in owners)
    }
    yield Condition("held", held, _told(holding, name_of) or "no")


def _stands(wanted: Vote, standing: Mapping[Key, Standing]) -> bool:
    return any(
        label == wanted.label and one.value >= wanted.value for (label, _), one in standing.items()
    )


def _order(item: Tuple[Key, Standing]) -> Tuple[str, int, int]:
    (label, account), one = item
    return label, one.value, account or 0


def _vote(key: Key, one: Standing) -> Dict[str, Any]:
    return {
        "label": key[0],
        "value": one.value,
        "account_id": key[1],
        "bot": one.automatic,
        "at": iso(one.source.at),
    }


def _told(votes: Mapping[Key, Standing], name_of: Callable[[Optional[int]], str]) -> str:
    return ", ".join(
        f"{label}{one.value:+d} ({name_of(account)})"
        for (label, account), one in sorted(votes.items(), key=_order)
    )


def _gates(subject: Subject) -> Iterator[Condition]:
    reading, now = subject.reading, subject.bounds.now
    state = reading.state
    red = state.is_red(now)
    since = f"since {iso(_last(state.reds))}; the reviewers' clock stands" if red else "no"
    yield Condition("red", red, since, red)
    gated = state.is_gated(now)
    told = f"since {iso(_last(state.gates))}; the submitter's clock stands" if gated else "no"
    yield Condition("gate_pending", gated, told, gated)
    unmet = reading.change.unmet
    names = None if unmet is None else [one.name for one in unmet]
    if names is None:
        text = "the answer names none"
    else:
        text = f"not met: {', '.join(names)}" if names else "all are met"
    yield Condition("submit_requirements", names, text)


def _last(spans: Tuple[Span, ...]) -> Any:
    return spans[-1].start


def _words(subject: Subject) -> Iterator[Condition]:
    state = subject.reading.state
    advice = f"{state.advice} messages of advisers move nothing" if state.advice else "none"
    yield Condition("advice", state.advice, advice)
    bots = list(subject.unmarked)
    named = ", ".join(map(subject.name_of, bots))
    text = f"{named}: counted as people; see `automation`" if bots else "none"
    yield Condition("unmarked", bots, text)
    mended = len(state.disagreements)
    text = f"{mended} things that messages tell otherwise than Gerrit" if mended else "none"
    yield Condition("disagreements", mended, text)


def _asking(subject: Subject) -> Iterator[Condition]:
    reading, bounds = subject.reading, subject.bounds
    number = reading.change.number
    exempt = reading.is_exempt
    yield Condition("exempt", exempt, "by the hashtag no-escalation" if exempt else "no", exempt)
    pause = reading.pause(bounds.now)
    what = "" if pause is None else "acknowledged" if reading.is_acknowledged(pause) else "snoozed"
    until = f"{what} until {iso(pause.end)}" if pause is not None and pause.end else what or "no"
    yield Condition("paused", what, until, bool(what))
    joined = bool(subject.joined)
    yield Condition("joined", subject.leader if joined else None, subject.joined or "no", joined)
    out = bounds.is_held_out(number)
    yield Condition("hold_out", out, "left alone on purpose, to compare" if out else "no", out)
    idle = bounds.idle_before is not None and reading.change.updated < bounds.idle_before
    text = "untouched for longer than coverage_reach" if idle else "no"
    yield Condition("idle", idle, text, idle)
    reached = [one.crossed(bounds.now) for one in reading.lasting(bounds.now)]
    names = [str(one.milestone) for one in reached if one is not None]
    yield Condition("milestone", names, ", ".join(names) or "none is reached yet", not names)
