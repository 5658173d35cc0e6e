"""Bugzilla under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import fake_bugzilla
from reviewloop.http.transport import Transport
from reviewloop.trackers.adapters.bugzilla.tracker import Bugzilla
from reviewloop.trackers.base import Tracker
from trackers_rig import Drop, Rig


class BugzillaRig(Rig):
    """The fake Bugzilla."""

    kind = "bugzilla"
    adapter = Bugzilla
    creation = "/rest/bug"
    gone = "Gone"
    resolution = "FIXED"
    cannot = {
        "stranger's ticket": "an alias belongs to one bug: see its own test",
        "duplicates retired": "an alias belongs to one bug, so no second one can have the key",
        "dropped label": "labels are in the whiteboard, which Bugzilla always keeps",
        "search lag": "a key is looked up as a bug, which reads the primary database",
    }

    def __init__(self, flavour: str = fake_bugzilla.NEW) -> None:
        super().__init__()
        self.server = fake_bugzilla.FakeBugzilla(flavour)

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {
            "url": fake_bugzilla.HOST,
            "project": fake_bugzilla.PRODUCT,
            "username": fake_bugzilla.BOT if self._is_old() else "",
            "token": fake_bugzilla.KEY,
        }

    def tracker(self, transport: Optional[Transport] = None, **settings: Any) -> Tracker:
        """The adapter under test; every version is told how to take the key."""
        options = {"component": fake_bugzilla.COMPONENT}
        if self._is_old():
            options["key_in"] = "query"
        settings["options"] = {**options, **settings.get("options", {})}
        return super().tracker(transport, **settings)

    def _is_old(self) -> bool:
        return self.server.flavour == fake_bugzilla.OLD

    def drop(self, what: Drop) -> None:
        """An account that may not edit bugs; an installation that uses no aliases."""
        if what is Drop.ASSIGNEE:
            self.server.editbugs = False
        else:
            self.server.flavour = fake_bugzilla.HARMONY
            self.server.aliases = False

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [number for number in self.all_ids(key) if self.server.bugs[int(number)].is_open]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        bugs = self.server.bugs.values()
        return [str(bug.id) for bug in bugs if key in bug.comments[0][1]]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.close(int(ticket_id), self.resolution)

    def remove(self, ticket_id: str) -> None:
        """Somebody deletes a ticket."""
        del self.server.bugs[int(ticket_id)]

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return [text for _, text in self.server.bugs[int(ticket_id)].comments[1:]]

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned; the component's default stands for nobody."""
        who = str(self.server.bugs[int(ticket_id)].fields["assigned_to"])
        return "" if who == fake_bugzilla.NOBODY else who


RIG = BugzillaRig
