"""Half a year of reviews, made up: what reports are shown with where no real person may be.

The same seed makes the same histories, on any machine. They are ChangeInfo as Gerrit answers it,
with messages and reviewers; see docs/turns.md for what each message means.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, List, Sequence, Tuple

START = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
WEEKS, PER_WEEK = 26, 18
END = START + timedelta(weeks=WEEKS)
CONFIG: Dict[str, Any] = {
    "url": "https://review.example.org",
    "automation": ["^ci-bot$"],
    "calendar": {
        "timezone": "UTC",
        "hours": "09:00-17:00",
        "freezes": [{"from": "2026-06-15", "to": "2026-06-19", "reason": "release"}],
    },
}
PROJECTS: Sequence[Tuple[str, float, float]] = (
    # name, share of the changes, working hours that half of the reviewers' waits take
    ("tools/build", 0.35, 5.0),
    ("web/console", 0.25, 9.0),
    ("infra/deploy", 0.2, 14.0),
    ("docs", 0.12, 20.0),
    ("lib/storage", 0.08, 30.0),
)
OWNERS, REVIEWERS = 14, 7
REVIEWER_IDS = range(200, 200 + REVIEWERS)
_CI = {"_account_id": 900, "name": "CI Bot", "username": "ci-bot", "tags": ["SERVICE_USER"]}
_OPENS, _HOURS, _FRIDAY = 9, 8, 4
_FIRST_NUMBER, _ROUNDS = 4000, 4


def histories(seed: int = 14) -> List[Dict[str, Any]]:
    """The changes, oldest first."""
    chance = random.Random(seed)
    starts = sorted(_moment(chance, week) for week in range(WEEKS) for _ in range(PER_WEEK))
    return [_Life(chance, _FIRST_NUMBER + number, at).whole() for number, at in enumerate(starts)]


def _moment(chance: random.Random, week: int) -> datetime:
    """An instant in the working time of a week."""
    day = START + timedelta(weeks=week, days=chance.choices(range(5), (9, 10, 10, 9, 6))[0])
    return day + timedelta(minutes=chance.randrange(_HOURS * 60))


def later(at: datetime, hours: float) -> datetime:
    """So much working time later: weekdays, nine to five."""
    left = timedelta(hours=hours)
    while True:
        evening = at.replace(hour=_OPENS + _HOURS, minute=0, second=0)
        room = evening - at
        if at.weekday() <= _FRIDAY and left < room:
            return at + left
        left -= room if at.weekday() <= _FRIDAY and room > timedelta(0) else timedelta(0)
        at = (at + timedelta(days=1)).replace(hour=_OPENS, minute=0, second=0)


def person(kind: str, number: int) -> Dict[str, Any]:
    """An author or a reviewer, as Gerrit shows accounts."""
    base = {"Author": 100, "Reviewer": 200}[kind]
    name = f"{kind} {number + 1}"
    return {"_account_id": base + number, "name": name, "username": name.lower().replace(" ", "")}


@dataclass
class _Life:
    """One change, lived until it is over or the half year is."""

    chance: random.Random
    number: int
    at: datetime
    messages: List[Dict[str, Any]] = field(default_factory=list)
    patch_set: int = 0
    status: str = "NEW"

    def whole(self) -> Dict[str, Any]:
        """The change as Gerrit would answer it at the end."""
        created, chance = self.at, self.chance
        shares = [share for _, share, _ in PROJECTS]
        project, _, typical = chance.choices(PROJECTS, shares)[0]
        owner = person("Author", min(int(chance.expovariate(0.35)), OWNERS - 1))
        reviewers = self._reviewers()
        size = max(1, int(chance.lognormvariate(3.6, 1.4)))
        self._live(owner, reviewers, typical * (0.6 + min(size, 800) / 400))
        return {
            "_number": self.number,
            "project": project,
            "branch": "main",
            "change_id": f"I{self.number:040x}",
            "status": self.status,
            "subject": f"Example {self.number}",
            "owner": owner,
            "created": gerrit_time(created),
            "updated": self.messages[-1]["date"],
            "has_review_started": True,
            "current_revision_number": self.patch_set,
            "insertions": size,
            "deletions": size // 3,
            "reviewers": {"REVIEWER": [*reviewers, _CI]},
            "reviewer_updates": [
                {
                    "updated": gerrit_time(created),
                    "updated_by": owner,
                    "reviewer": one,
                    "state": "REVIEWER",
                }
                for one in reviewers
            ],
            "messages": self.messages,
        }

    def _reviewers(self) -> List[Dict[str, Any]]:
        """Nobody, one or two; a few people review most."""
        count = self.chance.choices((0, 1, 2), (0.2, 0.45, 0.35))[0]
        weights = [1 / (place + 1) for place in range(REVIEWERS)]
        found = {self.chance.choices(range(REVIEWERS), weights)[0] for _ in range(count)}
        return [person("Reviewer", one) for one in sorted(found)]

    def _live(
        self, owner: Dict[str, Any], reviewers: Sequence[Dict[str, Any]], typical: float
    ) -> None:
        chance = self.chance
        self._upload(owner)
        slow = typical * (1.8 if not reviewers else 1.0)
        for turn in range(_ROUNDS):
            if not self._wait(slow * (0.6 if turn else 1.0), 1.3):
                return
            if chance.random() < 0.03:
                self._close(owner, "ABANDONED", "Abandoned", "abandon")
                return
            who = chance.choice(reviewers) if reviewers else person("Reviewer", chance.randrange(3))
            vote = chance.choices((-1, 1, 2), (0.35, 0.2, 0.45))[0]
            comments = "\n\n(2 comments)" if vote < 0 else ""
            self._say(who, f"Patch Set {self.patch_set}: Code-Review{vote:+}{comments}")
            if vote > 1:
                if self._wait(2.0, 1.0):
                    self._close(
                        who, "MERGED", "Change has been successfully merged by Zuul", "merged"
                    )
                return
            if vote < 0:
                if not self._wait(9.0, 1.4):
                    return
                self._upload(owner)

    def _upload(self, owner: Dict[str, Any]) -> None:
        """A patch set, and what CI makes of it; where that is bad, another one."""
        while True:
            self.patch_set += 1
            self._say(owner, f"Uploaded patch set {self.patch_set}.", "gerrit:newPatchSet")
            fine = self.chance.random() > 0.15
            if not self._wait(0.4, 0.3):
                return
            self._say(_CI, f"Patch Set {self.patch_set}: Verified{'+1' if fine else '-1'}", "ci")
            if fine or not self._wait(5.0, 1.2):
                return

    def _wait(self, typical: float, spread: float) -> bool:
        """Let working time pass, half of the times less than typical; whether that is not yet the
        end of the half year.
        """
        then = later(self.at, typical * self.chance.lognormvariate(0, spread))
        if then >= END:
            return False
        self.at = then
        return True

    def _close(self, who: Dict[str, Any], status: str, text: str, tag: str) -> None:
        self.status = status
        self._say(who, text, f"gerrit:{tag}")

    def _say(self, who: Dict[str, Any], text: str, tag: str = "") -> None:
        self.messages.append(
            {
                "id": f"{self.number}-{len(self.messages)}",
                "date": gerrit_time(self.at),
                "author": who,
                "_revision_number": self.patch_set,
                "message": text,
                **({"tag": f"autogenerated:{tag}"} if tag else {}),
            }
        )


def gerrit_time(at: datetime) -> str:
    """A time as Gerrit writes it."""
    return at.strftime("%Y-%m-%d %H:%M:%S.000000000")
