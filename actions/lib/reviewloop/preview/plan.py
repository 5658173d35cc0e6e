"""A preview as a whole: what would have been asked, what is due next, and what differs under
another configuration. It says nothing of effects: history cannot show one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from reviewloop.core.timestamps import iso
from reviewloop.preview.against import Side, differences, settings_that_differ, summary
from reviewloop.preview.asks import Found
from reviewloop.preview.costs import Costs
from reviewloop.preview.loop import Loop
from reviewloop.preview.recorded import Recorded
from reviewloop.preview.rules import SHIPPED, Rule
from reviewloop.preview.tables import told
from reviewloop.settings.load import Settings

VERSION = 1
AHEAD = timedelta(days=7)
#: ``progress(text)``.
Say = Callable[[str], None]


@dataclass
class Previewer:
    """Makes plans from one set of histories.

    :param now: when the past ends and the future begins.
    :param days: how many days of the past are played; 0 for none.
    :param values: what the pack's datastore holds now; none for a first start.
    :param texts: whether a plan has the texts of what is asked next.
    """

    recorded: Recorded
    now: datetime
    days: int
    rules: Sequence[Rule] = SHIPPED
    values: Optional[Mapping[str, str]] = None
    say: Say = lambda _text: None
    notes: List[str] = field(default_factory=list)
    texts: bool = False

    @property
    def since(self) -> datetime:
        """When the past begins."""
        return self.now - timedelta(days=self.days)

    def costs(self, settings: Settings) -> Optional[Costs]:
        """What each milestone came to in the past; None without days."""
        if not self.days:
            return None
        found = Costs(settings, self.since, self.now)
        for change in self.recorded.changes(found.begins):
            self.say("counting what reached a milestone")
            found.add(change)
        return found

    def plan(self, settings: Settings, costs: Optional[Costs] = None) -> Dict[str, Any]:
        """``{version, server, now, milestones, past, ahead, against, notes}``: see :mod:`tables`
        for the two; ``past`` is null without days, and ``against`` where nothing is compared.

        :raises ReviewLoopError: what Gerrit has to be asked for cannot be read just now.
        """
        past, ahead = self._past(settings), self._ahead(settings)
        return self._told(settings, past, ahead, costs)

    def compared(
        self, settings: Settings, other: Settings, costs: Optional[Costs] = None
    ) -> Dict[str, Any]:
        """The same with ``against``: ``{settings: [...], past: {count, by_why, asks: [{why, ours,
        theirs}]}, ahead: ...}``.
        """
        past, ahead = self._past(settings), self._ahead(settings)
        other_past, other_ahead = self._past(other), self._ahead(other)
        found: Dict[str, Any] = {"settings": settings_that_differ(settings, other)}
        for name, mine, theirs in (("past", past, other_past), ("ahead", ahead, other_ahead)):
            if mine is None or theirs is None:
                found[name] = None
                continue
            sides = Side(settings, mine), Side(other, theirs)
            differing = differences(*sides, self.recorded, plays=name == "past")
            found[name] = {
                "ours": len(mine.asks),
                "theirs": len(theirs.asks),
                "count": len(differing),
                "by_why": summary(differing),
                "asks": [one.as_dict() for one in differing],
            }
        return {**self._told(settings, past, ahead, costs), "against": found}

    def _past(self, settings: Settings) -> Optional[Found]:
        if not self.days:
            return None
        loop = Loop(settings, self.recorded, self.since, plays=True, rules=self.rules)
        return loop.run(self.now, lambda at: self.say(f"playing {at:%Y-%m-%d}"))

    def _ahead(self, settings: Settings) -> Found:
        loop = Loop(
            settings, self.recorded, self.now, plays=False, rules=self.rules, values=self.values
        )
        return loop.run(self.now + AHEAD, lambda at: self.say(f"looking ahead to {at:%Y-%m-%d}"))

    def _told(
        self, settings: Settings, past: Optional[Found], ahead: Found, costs: Optional[Costs]
    ) -> Dict[str, Any]:
        calendar = settings.policy.calendar
        both = [one for one in (past, ahead) if one is not None]
        troubles = dict.fromkeys(trouble for one in both for trouble in one.troubles)
        left_out = [f"not previewed, calls another action: {one}" for one in ahead.left_out]
        unreadable = [f"not read: {one}" for one in self.recorded.unreadable]
        return {
            "version": VERSION,
            "server": settings.server,
            "now": iso(self.now),
            "milestones": [] if costs is None else costs.rows(),
            "past": None if past is None else told(past, calendar),
            "ahead": told(ahead, calendar, texts=self.texts),
            "against": None,
            "notes": [*self.notes, *left_out, *unreadable, *troubles],
        }
