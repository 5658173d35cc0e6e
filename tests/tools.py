"""An action's tools on a fake Gerrit, a datastore in memory and a fake GitHub."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from sandbox.gerrit.fake import PASSWORD, URL, FakeGerrit

from fake_github import TOKEN, FakeGitHub
from reviewloop.core.keys import ticket_key
from reviewloop.operations import assess, tickets
from reviewloop.operations.context import Context
from reviewloop.store.tickets import TicketRecord
from reviewloop.trackers.adapters.github import GitHub
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.factory import make_tracker
from reviewloop.trackers.settings import TrackerSettings
from stores import Shelf
from trackers_rig import Pace

SERVER = "gerrit.example.org"
# Monday 2 March 2026, 9 o'clock, when the fake's clock starts.
SINCE = 1772442000


class Desktop:
    """One server, one tracker and one datastore; each use of :meth:`tools` is another process."""

    def __init__(self, **config: Any) -> None:
        self.gerrit = FakeGerrit()
        self.github = FakeGitHub()
        self.shelf = Shelf()
        self.member = self.gerrit.add_account("committee1")
        tracker = {"kind": "github", "project": self.github.repo, "token": TOKEN}
        self.config: Dict[str, Any] = {
            "url": URL,
            "username": "st2-reviews",
            "password": PASSWORD,
            "roster": {"members": [{"name": "C. One", "gerrit": "committee1"}]},
            **config,
            "tracker": {**tracker, **config.get("tracker", {})},
        }

    def tools(self) -> Context:
        """A process of its own."""
        self.shelf.now = self.gerrit.now
        client = self.gerrit.client(local_clock=lambda: self.gerrit.now)
        return Context(self.config, self.shelf.service, lambda _settings: client, self.tracker)

    def tracker(self, settings: TrackerSettings) -> Optional[Tracker]:
        """The fake GitHub, or whatever else is configured."""
        if settings.kind != "github":
            return make_tracker(settings)
        return GitHub(settings, Pace().timing(), self.github)

    def event(self, number: int, milestone: str = "2d") -> str:
        """The event of a wait that began when the fake's clock did."""
        return f"{SERVER}:{number}:reviewers:{SINCE}:{milestone}"

    def waiting(self, footers: Tuple[str, ...] = (), **change: Any) -> int:
        """A change that has waited for two days without a review, and has no ticket yet."""
        number: int = self.gerrit.add_change(at="2026-03-02 09:00:00", **change)
        self.gerrit.changes[number].footers = footers
        self.gerrit.at("2026-03-04 09:00:00")
        return number

    def owner(self) -> int:
        """Somebody new: what one person pushes together is asked for together."""
        return self.gerrit.add_account(f"author{len(self.gerrit.accounts)}")

    def escalated(self, **change: Any) -> int:
        """The same, assessed and with a ticket."""
        number = self.waiting(**change)
        assess.assess(self.tools(), self.event(number), dry_run=False)
        opened = self.open_ticket(number)
        assert opened["action"] == "created"
        return number

    def open_ticket(self, number: int, milestone: str = "2d") -> Dict[str, Any]:
        """The action ``open_ticket``."""
        event = self.event(number, milestone)
        return tickets.open_ticket(self.tools(), event, asked=[self.member])

    def review(self, number: int) -> None:
        """Somebody reviews a change."""
        self.gerrit.review(number, text="Why?")

    def record(self, number: int) -> TicketRecord:
        """What is kept of a change's ticket."""
        record = self.tools().records.get(ticket_key(SERVER, number))
        assert record is not None
        return record

    def issue(self, number: int) -> Dict[str, Any]:
        """The ticket of a change, as GitHub has it."""
        return self.github.issue(int(self.record(number).id))

    def comments(self, number: int) -> str:
        """All comments on it."""
        return "\n".join(self.github.comments(int(self.record(number).id)))
