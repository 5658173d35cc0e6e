"""Launchpad under test: a fake."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

import fake_launchpad
from reviewloop.trackers.adapters.launchpad.tracker import Launchpad
from trackers_rig import Drop, Rig


class LaunchpadRig(Rig):
    """The fake Launchpad."""

    kind = "launchpad"
    adapter = Launchpad
    creation = "/devel/bugs"
    wrong_token = f"{fake_launchpad.CONSUMER}:{fake_launchpad.KEY}:wrong"
    resolution = "Fix Released"
    cannot = {
        "dropped label": "a tag that Launchpad does not take is refused with the whole bug",
        "dropped key": "the key is a tag given with the bug; it is kept, or the bug is refused",
        "search lag": "calls without a session's cookie read the primary database",
    }

    def __init__(self, server: Optional[fake_launchpad.FakeLaunchpad] = None) -> None:
        super().__init__()
        self.server = server or fake_launchpad.FakeLaunchpad()

    def values(self) -> Dict[str, Any]:
        """The settings of the tracker under test."""
        return {"project": "example", "token": fake_launchpad.TOKEN}

    def drop(self, what: Drop) -> None:
        """Only the bug supervisor, which we are not, may assign others now."""
        assert what is Drop.ASSIGNEE
        self.server.supervised = True

    def stranger(self, key: str) -> str:
        """Somebody else opens a ticket with a key of ours."""
        return str(self.server.add_bug("Mine", ("review-escalation", key)).number)

    def open_ids(self, key: str) -> List[str]:
        """Ids of all open tickets about a key, however marked."""
        return [number for number in self.all_ids(key) if not self._is_over(int(number))]

    def all_ids(self, key: str) -> List[str]:
        """Ids of all tickets about a key."""
        bugs = self.server.bugs.values()
        return [str(bug.number) for bug in bugs if key in bug.messages[0][1]]

    def close(self, ticket_id: str) -> None:
        """Somebody closes a ticket."""
        self.server.set_status(int(ticket_id), self.resolution)

    def remove(self, ticket_id: str) -> None:
        """Somebody hides a bug from us; Launchpad deletes none."""
        self.server.bugs[int(ticket_id)].visible = False

    def comments(self, ticket_id: str) -> List[str]:
        """Texts of a ticket's comments, its body not among them."""
        return [text for _, text in self.server.bugs[int(ticket_id)].messages[1:]]

    def assignee(self, ticket_id: str) -> str:
        """Who is assigned."""
        return self.server.bugs[int(ticket_id)].assignee

    def _is_over(self, number: int) -> bool:
        bug = self.server.bugs[number]
        return bool(bug.duplicate_of) or bug.status in fake_launchpad.RESOLVED


RIG = LaunchpadRig
