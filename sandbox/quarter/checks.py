"""What must hold: every overdue wait has one live ask or a stated reason, and no ask is wrong.

This reads Gerrit and the tracker themselves, and of what the pack stores only the reasons that it
states. It shares the reading of histories (``core/``) with the pack, and no decision.

Why over 300 lines: every check reads the same memory of what was seen, which parts would share.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from reviewloop.core.change import ChangeStatus
from reviewloop.core.commands import Verb
from reviewloop.core.keys import digest, marks_of
from reviewloop.core.reading import Reading, Timeline, human_reviewers, read_change
from reviewloop.core.timestamps import from_iso
from reviewloop.sensor.poller import SETTLING
from reviewloop.settings.load import Settings, load

from .doubled import ATTEMPTS, TIERS, asked_twice, event_of
from .limits import Limits
from .machine import MACHINE
from .servers import Write
from .world import COMMITTEE, World

# On the board, these say that nobody was asked yet, and not why.
NO_REASONS = ("", "fresh", "no_rule", "idle")
# Somebody who left, or went away, so shortly before may still be asked: a run was under way.
UNDER_WAY = timedelta(minutes=15)
# What was put off is offered within the hour after it is due; what takes longer is no reason.
DUE = timedelta(minutes=90)
# The model's people sleep at night, and so does its sensor: longer gaps between polls do not count.
POLLED = timedelta(hours=1)


@dataclass(frozen=True)
class Violation:
    """``kind``: missing, doubled, person, limit, over, private, board or broken."""

    kind: str
    number: int
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: change {self.number}: {self.detail}"


@dataclass(frozen=True)
class Owed:
    """An ask that somebody owes by now: by the shipped rules, each wait owes one at a time."""

    number: int
    party: str
    since: datetime
    purpose: str
    tier: str
    event_id: str


@dataclass
class Checker:
    """Checks one world again and again.

    :ivar delays: how long asks took, from the first poll after their crossing, or from the last
        fault where that came later; while the sensor polls.
    """

    world: World
    polls: List[datetime] = field(default_factory=list)
    delays: List[timedelta] = field(default_factory=list)
    found: List[Violation] = field(default_factory=list)
    limits: Limits = field(default_factory=Limits)
    _loaded: Optional[Tuple[Any, Settings]] = None
    _written: int = 0
    _opened: int = 0
    _stored: int = 0
    _put_off: Set[int] = field(default_factory=set)
    _ineligible: Dict[int, Tuple[str, datetime]] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The configuration in force."""
        config = self.world.config
        if self._loaded is None or self._loaded[0] is not config:
            self._loaded = config, load(self.world.st2.config())
        return self._loaded[1]

    # After each step

    def after_step(self) -> List[Violation]:
        """What was written since, judged by what was read before it."""
        self._see_people()
        first = len(self.found)
        self.found += self._stored_since()
        writes, done = self.world.gerrit.writes, self._written
        for write in writes[done:]:
            self.found += self._judged(write)
        self._written = len(writes)
        self.found += self._tickets()
        return self.found[first:]

    def _see_people(self) -> None:
        """Since when somebody may not be asked."""
        world, now = self.world, MACHINE.now
        stored = {one.name for one in world.st2.datastore.items("gerrit.away.")}
        names = {one["gerrit"] for one in world.config["roster"]["members"]}
        for name in COMMITTEE:
            account = world.gerrit.ids[name]
            why = ""
            if name not in names:
                why = "not on the roster"
            elif f"gerrit.away.{name}" in stored:
                why = "away"
            elif world.gerrit.accounts[account].get("inactive"):
                why = "inactive"
            if not why:
                self._ineligible.pop(account, None)
            elif self._ineligible.get(account, ("", now))[0] != why:
                self._ineligible[account] = (why, now)

    def _judged(self, write: Write) -> Iterator[Violation]:
        seen, mark = write.seen, write.mark
        if seen.is_private:
            yield Violation("private", write.number, f"{write.what} on a private change")
        if mark is None or mark.purpose not in TIERS:
            return
        reading = read_change(seen, self.settings.policy)
        known = self._ids(reading)
        if mark.id not in known:
            yield Violation("over", write.number, f"{mark} was posted; no such wait is open")
            return
        if mark.asked and not self.limits.knows(mark.id, write.at):
            yield Violation("limit", write.number, f"{mark} was never counted")
        timeline, milestone, tier = known[mark.id]
        yield from self._people(write, reading, tier)
        self._note_delay(write, reading, timeline, milestone)

    def _people(self, write: Write, reading: Reading, tier: str) -> Iterator[Violation]:
        assert write.mark is not None
        for account in write.mark.asked:
            why = _unfit(reading, account)
            if tier == "committee":
                late, since = self._ineligible.get(account, ("", write.at))
                if not why and write.at - since > UNDER_WAY:
                    why = late
                if account not in [self.world.gerrit.ids[name] for name in COMMITTEE]:
                    why = "a stranger"
            elif tier == "reviewers" and account not in [one.id for one in write.seen.reviewers]:
                why = why or "no reviewer"
            if why:
                yield Violation("person", write.number, f"{write.mark} asks {account}: {why}")

    def _ids(self, reading: Reading) -> Dict[str, Tuple[Timeline, str, str]]:
        """What marks may stand on the change as it was read: by their ids."""
        change = reading.change
        if change.status is not ChangeStatus.NEW or change.work_in_progress:
            return {}
        server = self.settings.server
        return {
            digest(event_of(server, change, timeline, milestone), tier, attempt): (
                timeline,
                milestone,
                tier,
            )
            for timeline in reading.lasting(MACHINE.now)
            for milestone in map(str, self.settings.policy.milestones)
            for tiers in TIERS.values()
            for tier in tiers
            for attempt in range(ATTEMPTS)
        }

    def _note_delay(
        self, write: Write, reading: Reading, timeline: Timeline, milestone: str
    ) -> None:
        """Only where nothing but faults can have held the ask up."""
        change = reading.change
        held = reading.pauses.spans or reading.pauses.passes or reading.state.is_red(write.at)
        quiet = not any("rivate" in one.text or "Hashtag" in one.text for one in change.messages)
        crossed = [one.at for one in timeline.crossings if str(one.milestone) == milestone]
        if held or not quiet or not crossed or change.number in self._put_off:
            return
        begin = max(crossed[0] + SETTLING, min(write.at, self.world.last_trouble))
        first = bisect_left(self.polls, begin)
        polls = [*self.polls[first:], write.at]
        gaps = (min(later - one, POLLED) for one, later in zip(polls, polls[1:]))
        self.delays.append(sum(gaps, timedelta(0)))

    def _tickets(self) -> Iterator[Violation]:
        world = self.world
        opened, done = world.tracker.opened, self._opened
        for one in opened[done:]:
            if one.seen is None:
                continue
            reading = read_change(one.seen, self.settings.policy)
            if one.seen.is_private:
                yield Violation("private", one.seen.number, "a ticket about a private change")
            elif not self._ids(reading):
                yield Violation("over", one.seen.number, "a ticket about a wait that is over")
        self._opened = len(opened)

    def _stored_since(self) -> Iterator[Violation]:
        """What the pack wrote down: whom it chose, and what it put off."""
        written, done = self.world.st2.datastore.written, self._stored
        for at, name, value in written[done:]:
            told = json.loads(value) if name.startswith(("gerrit.ask.", "gerrit.pending.")) else {}
            if name.startswith("gerrit.ask."):
                for excess in self.limits.chosen(at, name, told, self.settings):
                    yield Violation("limit", told["number"], excess)
            self._put_off |= {told["number"]} if name.startswith("gerrit.pending.") else set()
        self._stored = len(written)

    # In the evening

    def evening(self, since: datetime) -> List[Violation]:
        """What is owed since then, and not asked; what was asked twice."""
        first = len(self.found)
        board = self._board()
        for number in self.world.open():
            change = self.world.gerrit.value(self.world.gerrit.changes[number])
            if change.is_private or change.status is not ChangeStatus.NEW:
                continue
            reading = read_change(change, self.settings.policy)
            doubled = asked_twice(reading, self.settings)
            self.found += [Violation("doubled", number, detail) for detail in doubled]
            for owed in self._owed(reading, since):
                self.found += self._told(reading, owed, board)
        for key, count in Counter(self.world.tracker.open_keys()).items():
            if count > 1:
                self.found.append(Violation("doubled", 0, f"{count} open tickets {key}"))
        return self.found[first:]

    def _board(self) -> Dict[str, Dict[str, Any]]:
        """What ``gerrit.board`` shows, by event."""
        ran = self.world.st2.run("gerrit.board")
        if ran.status != "succeeded" or ran.problem:
            self.found.append(Violation("broken", 0, f"gerrit.board: {ran.result} {ran.problem}"))
            return {}
        return {row["event_id"]: row for row in ran.result["result"]["waits"]}

    def _told(
        self, reading: Reading, owed: Owed, board: Dict[str, Dict[str, Any]]
    ) -> Iterator[Violation]:
        """The change shows an ask, or there is a reason; and the board says the same."""
        covered = self._is_covered(reading, owed)
        if not covered and not self._reason(reading, owed):
            yield Violation("missing", owed.number, f"{owed.event_id} {owed.tier}")
            return
        row = board.get(owed.event_id)
        if row is None:
            yield Violation("board", owed.number, f"{owed.event_id} is not on it")
        elif covered and not any(one["tier"] == owed.tier for one in row["asked"]):
            yield Violation("board", owed.number, f"{owed.event_id}: nobody asked, says {row}")
        elif not covered and row["reason"] in NO_REASONS:
            yield Violation("board", owed.number, f"{owed.event_id}: {row['reason']}")

    def _owed(self, reading: Reading, since: datetime) -> Iterator[Owed]:
        change = reading.change
        if change.work_in_progress:
            return
        for timeline in reading.lasting(MACHINE.now):
            before, now = timeline.crossed(since), timeline.crossed(MACHINE.now)
            if before is None or now != before:
                continue  # not yet, or just now
            party, milestone = timeline.wait.party.value, str(before.milestone)
            purpose = _purpose(party, before.index)
            if purpose:
                yield Owed(
                    change.number,
                    party,
                    timeline.wait.since,
                    purpose,
                    TIERS[purpose][0],
                    event_of(self.settings.server, change, timeline, milestone),
                )

    def _is_covered(self, reading: Reading, owed: Owed) -> bool:
        passes = [
            (one.author, one.at)
            for one in reading.pauses.commands
            if one.verb is Verb.PASS and not one.problem
        ]
        wanted = {digest(owed.event_id, owed.tier, attempt) for attempt in range(ATTEMPTS)}
        for message in reading.change.messages:
            for mark in marks_of(message) if self.settings.policy.is_own(message) else ():
                if mark.id in wanted and mark.purpose == owed.purpose:
                    passed = {who for who, at in passes if at >= message.date}
                    if not mark.asked or not passed.issuperset(mark.asked):
                        return True
        return False

    def _reason(self, reading: Reading, owed: Owed) -> str:
        """A reason that the history itself states, or one that the pack has written down."""
        stated = self._stated(reading, owed)
        if stated:
            return stated
        if owed.party != "owner" and self._has_open_parent(reading.change.number):
            return "joined"
        return self._pending(owed)

    def _stated(self, reading: Reading, owed: Owed) -> str:
        now = MACHINE.now
        paused = [s for s in reading.pauses.spans if s.start <= now]
        lately = now - timedelta(hours=2)
        reasons = {
            "exempt": reading.is_exempt,
            "paused": any(span.end is None or span.end > lately for span in paused),
            "red": reading.state.is_red(now),
            "gate_pending": owed.party == "submitter" and reading.state.is_gated(now),
            "nobody_eligible": owed.tier == "reviewers" and not self._silent(reading),
        }
        return next((why for why, holds in reasons.items() if holds), "")

    def _silent(self, reading: Reading) -> Set[int]:
        """The reviewers who may be reminded."""
        spoken = reading.state.reviewed_by | reading.pauses.passed | {reading.state.uploader}
        return set(human_reviewers(reading.change, self.settings.policy)) - spoken

    def _has_open_parent(self, number: int) -> bool:
        """Whether this change is built on an open one, which has to be merged first."""
        changes = self.world.gerrit.changes
        above = changes[number].parent
        while above is not None and above in changes:
            if changes[above].status == "NEW":
                return True
            above = changes[above].parent
        return False

    def _pending(self, owed: Owed) -> str:
        for item in self.world.st2.datastore.items("gerrit.pending."):
            told = _json(item.value)
            if told.get("number") != owed.number:
                continue
            mine = (told.get("party"), told.get("tier"), from_iso(told["since"]))
            # What was due long ago, and was not looked at again, is no reason.
            is_due = from_iso(told["not_before"]) < MACHINE.now - DUE
            if mine == (owed.party, owed.tier, owed.since) and not is_due:
                return str(told.get("reason"))
        return ""


def _purpose(party: str, index: int) -> str:
    """What the shipped rules ask for when a wait has reached the milestone of this index."""
    if party == "reviewers":
        return "escalate" if index else "nudge"
    return "label" if party == "submitter" and index else ""


def _unfit(reading: Reading, account: int) -> str:
    """Why somebody may not be asked, by the change as it was read."""
    state = reading.state
    reasons = {
        "the owner": account == reading.change.owner.id,
        "the uploader": account == state.uploader,
        "has reviewed": account in state.reviewed_by,
        "has passed": account in reading.pauses.passed,
    }
    return next((why for why, holds in reasons.items() if holds), "")


def _json(text: str) -> Dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
