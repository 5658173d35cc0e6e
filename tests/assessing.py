"""A committee, changes that nobody reviews, and assessments, each in a process of its own."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from sandbox.gerrit.fake import PASSWORD, URL, FakeGerrit

from reviewloop.core.keys import Mark, ask_id
from reviewloop.core.tiers import Tier
from reviewloop.escalation.assess import Assessor
from reviewloop.escalation.events import event_ref
from reviewloop.escalation.people import People
from reviewloop.escalation.verdicts import Assessment
from reviewloop.settings.load import load
from reviewloop.store.asks import Ask, Asks
from reviewloop.store.lease import Leases
from reviewloop.store.pending import Pending, Pendings
from stores import Shelf, ShelfClock

SERVER = "gerrit.example.org"
# Monday 2 March 2026, 9 o'clock, when the fake's clock starts.
SINCE = 1772442000
COMMITTEE = ("committee1", "committee2", "committee3")


class Board:
    """A committee of three, a change of Monday that nobody reviews, and it is Wednesday."""

    def __init__(self, **config: Any) -> None:
        self.fake = FakeGerrit()
        self.shelf = Shelf()
        self.shelf.now = self.fake.now
        self.ids = [self.fake.add_account(name) for name in COMMITTEE]
        roster = {"members": [{"name": f"The {name}", "gerrit": name} for name in COMMITTEE]}
        self.config = {
            "url": URL,
            "username": "st2-reviews",
            "password": PASSWORD,
            "roster": roster,
            **config,
        }
        self.number = self.fake.add_change(reviewers=[self.fake.reviewer])
        self.fake.at("2026-03-04 09:00:00")

    def event(self, milestone: str = "2d", party: str = "reviewers", number: int = 0) -> str:
        """An event id."""
        return f"{SERVER}:{number or self.number}:{party}:{SINCE}:{milestone}"

    def change(self, **extra: Any) -> int:
        """Another change of that Monday, of an owner and with reviewers of its own."""
        who = len(self.fake.accounts)
        owner = self.fake.add_account(f"author{who}")
        reviewers = [self.fake.add_account(f"reviewer{who}")]
        extra = {"owner": owner, "reviewers": reviewers, "at": "2026-03-02 09:00:00", **extra}
        return self.fake.add_change(**extra)

    def assess(
        self,
        event: Optional[str] = None,
        tier: Tier = Tier.COMMITTEE,
        *,
        dry_run: bool = False,
        leases: Optional[Leases] = None,
    ) -> Assessment:
        """Assess in a process of its own."""
        self.shelf.now = self.fake.now
        settings, client = load(self.config), self.fake.client()
        store = self.shelf.service
        assessor = Assessor(
            settings,
            client,
            People(settings, client, store),
            Asks(store),
            Pendings(store),
            leases or Leases(store, ShelfClock(self.shelf)),
        )
        return assessor.assess(event_ref(event or self.event()), tier, dry_run=dry_run)

    def post(self, found: Assessment, purpose: str = "escalate") -> None:
        """Post what this pack would after an assessment that proceeds."""
        assert found.proceeds, found.verdict
        mark = Mark(
            purpose, ask_id(found.event.text, found.tier.value, found.attempt), found.accounts
        )
        self.fake.review(found.event.number, by=self.fake.me, text=f"Asked.\n\n{mark}")

    @property
    def pendings(self) -> Tuple[Pending, ...]:
        """What was put off."""
        return Pendings(self.shelf.service).all()

    @property
    def asks(self) -> Tuple[Ask, ...]:
        """Who was asked."""
        return Asks(self.shelf.service).all()

    def asked(self, **kwargs: Any) -> int:
        """The one person asked."""
        assessment = self.assess(**kwargs)
        assert assessment.proceeds, assessment.verdict
        (account,) = assessment.accounts
        return account
