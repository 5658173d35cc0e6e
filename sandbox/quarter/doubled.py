"""Asks that a change shows twice, by the marks on it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Iterator, List, Set

from reviewloop.core.change import Change
from reviewloop.core.commands import Verb
from reviewloop.core.keys import digest, event_id, marks_of
from reviewloop.core.reading import Reading, Timeline
from reviewloop.settings.load import Settings

TIERS = {"escalate": ("committee", "chair"), "nudge": ("reviewers", "owners"), "label": ("nobody",)}
ATTEMPTS = 8


def event_of(server: str, change: Change, timeline: Timeline, milestone: str) -> str:
    """The id of a wait's milestone."""
    wait = timeline.wait
    return event_id(server, change.number, wait.party.value, wait.since, milestone)


def asked_twice(reading: Reading, settings: Settings) -> Iterator[str]:
    """What stands on a change twice, or asks somebody else although nobody has passed."""
    own = [one for one in reading.change.messages if settings.policy.is_own(one)]
    marks = [(mark, one.date) for one in own for mark in marks_of(one) if mark.purpose in TIERS]
    for one, count in Counter((mark.purpose, mark.id) for mark, _ in marks).items():
        if count > 1:
            yield f"{count} times {one}"
    shown = {mark.id: (mark, at) for mark, at in marks}
    for ids in _ladders(reading, settings) if shown else ():
        asks = [shown[one] for one in ids if one in shown]
        for (before, _), (after, at) in zip(asks, asks[1:]):
            if not _passed_by(reading, at).issuperset(before.asked):
                yield f"{after} although not all have passed {before}"


def _ladders(reading: Reading, settings: Settings) -> Iterator[List[str]]:
    """The ids of one milestone's asks on one tier, attempt after attempt."""
    for timeline in reading.timelines:
        for milestone in map(str, settings.policy.milestones):
            event = event_of(settings.server, reading.change, timeline, milestone)
            for tier in (tier for tiers in TIERS.values() for tier in tiers):
                yield [digest(event, tier, attempt) for attempt in range(ATTEMPTS)]


def _passed_by(reading: Reading, at: datetime) -> Set[int]:
    """Who had handed on what they were asked at an instant."""
    passes = (one for one in reading.pauses.commands if one.verb is Verb.PASS and not one.problem)
    return {one.author for one in passes if one.at <= at}
