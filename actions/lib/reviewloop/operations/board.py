"""Every overdue wait at once. Nothing here writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

from reviewloop.core.change import Change
from reviewloop.core.commands import Verb
from reviewloop.core.comments import has_comments, unread, with_comments
from reviewloop.core.payloads import Site
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, read_change
from reviewloop.core.text import outward
from reviewloop.core.timestamps import iso
from reviewloop.errors import ProtocolError
from reviewloop.gerrit import parse, queries
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.queries import Option
from reviewloop.gerrit.reads import ReadClient
from reviewloop.insight.board import Reason, Row, View, rows
from reviewloop.operations.context import Context
from reviewloop.settings.load import Settings
from reviewloop.store.pending import Pending

#: What is read of each change.
OPTIONS = (
    Option.MESSAGES,
    Option.LABELS,
    Option.DETAILED_LABELS,
    Option.DETAILED_ACCOUNTS,
    Option.SUBMIT_REQUIREMENTS,
)


def board(context: Context, limit: int = 1000) -> Dict[str, Any]:
    """Every overdue wait with who is asked since when, or why nobody is.

    ``{now, count, more, per_hour, by_reason, waits: [...], unreadable: [...]}``, the longest wait
    first; ``by_reason`` counts, under ``asked`` those about whom somebody is asked; ``per_hour`` is
    how many triggers go out in an hour at most.

    :param limit: open changes to look at, at most; ``more`` tells whether there are others.
    """
    kept = context.pendings.readable()
    server = Server(context.settings, context.client, context.people.policy, kept.records)
    found = server.look(limit)
    found["unreadable"] += [{"number": 0, "name": outward(name)} for name in kept.unreadable]
    return found


@dataclass
class Server:
    """What the board is made from.

    :param policy_of: the policy with which a change's own messages are known.
    :param pendings: what was put off; none where there is no datastore.
    :param say: told how far it is.
    :ivar seen: how many changes the search has found.
    :param marked: of how many changes, those left alone for longest first, the comments are asked
        for only because their turn depends on them; a request each.
    """

    settings: Settings
    client: ReadClient
    policy_of: Callable[[Change], Policy]
    pendings: Sequence[Pending] = ()
    marked: int = 100
    unreadable: List[Dict[str, Any]] = field(default_factory=list)
    say: Callable[[str], None] = lambda _text: None
    seen: int = 0

    def look(self, limit: int) -> Dict[str, Any]:
        """The board, as :func:`board` answers it."""
        query = queries.all_of(self.settings.gerrit.query, "status:open")
        raws, more = self.search(query, limit)
        now = self.client.now()
        found = rows(self.readings(raws), self._view(now))
        return {
            "now": iso(now),
            "count": len(found),
            "more": more,
            "per_hour": self.settings.triggers_per_hour,
            "by_reason": _counted(found),
            "waits": [self._told(row) for row in found],
            "unreadable": self.unreadable,
        }

    def search(self, query: str, limit: int) -> Tuple[List[Raw], bool]:
        """The changes that a search finds, newest first, at most so many; and whether others do."""
        raws: List[Raw] = []
        for raw in self.client.scan(query, OPTIONS, limit=limit + 1):
            raws.append(raw)
            self.say(f"read {len(raws)} changes")
        self.seen = len(raws)
        return raws[:limit], len(raws) > limit

    def _view(self, now: datetime) -> View:
        settings = self.settings
        return View(
            bounds=settings.bounds(now),
            server=settings.server,
            policy=settings.policy,
            policy_of=lambda reading: self.policy_of(reading.change),
            pendings=self.pendings,
        )

    def readings(self, raws: Sequence[Raw]) -> List[Reading]:
        """What a search found, read; ``unreadable`` lists what makes no sense."""
        changes = [change for change in map(self._change, raws) if change is not None]
        spoken = self._with_commands(changes) | self._unread(changes)
        return [
            read_change(self._whole(change) if change.number in spoken else change, policy)
            for change in changes
            for policy in [self.policy_of(change)]
        ]

    def _change(self, raw: Raw) -> Optional[Change]:
        """One change; one that makes no sense is named, and the others are shown."""
        try:
            return parse.change(raw)
        except ProtocolError as err:
            number = raw.get("_number")
            told = {"number": number if type(number) is int else 0, "name": outward(str(err), 300)}
            self.unreadable.append(told)
            return None

    def _with_commands(self, changes: Sequence[Change]) -> Set[int]:
        """Those whose comments, which a search leaves out, hold a command."""
        marked = [change.number for change in changes if has_comments(change)]
        words = queries.any_word(verb.value for verb in Verb)
        rows = self.client.changes(marked, query=words) if marked else []
        return {parse.number_of(row) for row in rows}

    def _unread(self, changes: Sequence[Change]) -> Set[int]:
        """Those of which only comments tell whether people said anything."""
        marked = [one for one in changes if unread(one, self.policy_of(one))]
        oldest = sorted(marked, key=lambda one: (one.updated, one.number))
        return {change.number for change in oldest[: self.marked]}

    def _whole(self, change: Change) -> Change:
        self.say(f"reading the comments of change {change.number}")
        return with_comments(change, self.client.comments(change))

    def _told(self, row: Row) -> Dict[str, Any]:
        change, wait = row.reading.change, row.timeline.wait
        day = self.settings.policy.calendar.day_seconds
        return {
            "number": change.number,
            "project": outward(change.project),
            "owner_id": change.owner.id,
            "url": outward(Site(self.settings.server, self.settings.gerrit.url).link(change), 500),
            "party": wait.party.value,
            "since": iso(wait.since),
            "waiting_days": round(row.seconds / day, 2),
            "milestone": str(row.highest.milestone),
            "event_id": row.event_id,
            "asked": [
                {
                    "account_ids": list(one.accounts),
                    "tier": one.tier.value,
                    "milestone": str(one.milestone),
                    "since": iso(one.at),
                }
                for one in row.asked
            ],
            "reason": "" if row.reason is None else row.reason.value,
            "leader": row.leader,
            "next": row.next.value,
            "next_at": "" if row.next_at is None else iso(row.next_at),
        }


def _counted(found: Sequence[Row]) -> Dict[str, int]:
    reasons = [row.reason for row in found]
    counts = {reason.value: reasons.count(reason) for reason in Reason if reason in reasons}
    return {"asked": reasons.count(None), **counts}
