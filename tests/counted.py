"""What actions ask of Gerrit and of the datastore, counted."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import Any, Dict, Iterator, Tuple
from typing import Counter as Counts

from sandbox.standin.datastore import DatastoreService

from reviewloop.core.timestamps import from_iso
from reviewloop.operations import ask, assess
from reviewloop.store.asks import Ask
from stores import Shelf
from tools import SERVER, Desktop

Done = Dict[str, Any]


class CountingService(DatastoreService):
    """StackStorm's datastore, as an action is given it.

    :ivar calls: ``list``, ``get``, ``set`` and ``delete``, how often.
    """

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf.store, "gerrit", "Test", lambda _moment: None)
        self.calls: Counts[str] = Counter()

    def list_values(self, *args: Any, **kwargs: Any) -> Any:
        """One page."""
        self.calls["list"] += 1
        return super().list_values(*args, **kwargs)

    def get_value(self, *args: Any, **kwargs: Any) -> Any:
        """One plain read."""
        self.calls["get"] += 1
        return super().get_value(*args, **kwargs)

    def set_value(self, *args: Any, **kwargs: Any) -> Any:
        """One write."""
        self.calls["set"] += 1
        return super().set_value(*args, **kwargs)

    def delete_value(self, *args: Any, **kwargs: Any) -> Any:
        """One removal."""
        self.calls["delete"] += 1
        return super().delete_value(*args, **kwargs)


class CountedDesktop(Desktop):
    """A desktop whose roster has so many members, and that counts."""

    def __init__(self, members: int = 3, **config: Any) -> None:
        names = [f"member{index}" for index in range(members)]
        roster = {"members": [{"name": name.title(), "gerrit": name} for name in names]}
        super().__init__(roster=roster, **config)
        for name in names:
            self.gerrit.add_account(name)
        self.service = CountingService(self.shelf)
        self.shelf.service = self.service

    @contextmanager
    def counted(self) -> Iterator[Counts[str]]:
        """What is asked meanwhile: ``requests`` to Gerrit, and the datastore's calls."""
        before, first = Counter(self.service.calls), len(self.gerrit.requests)
        found: Counts[str] = Counter()
        yield found
        found.update(self.service.calls - before)
        found["requests"] = len(self.gerrit.requests) - first

    def escalate(self, number: int) -> Tuple[Done, Done]:
        """What the workflow does: two actions, each a process of its own."""
        event = self.event(number)
        told = assess.assess(self.tools(), event, dry_run=False)
        done = ask.ask(
            self.tools(),
            event,
            asked=told["asked"],
            attempt=told["attempt"],
            add_hashtags=["escalated"],
        )
        return told, done

    def another(self) -> int:
        """One more change that has waited for two days, of an owner of its own."""
        owner = self.owner()
        number: int = self.gerrit.add_change(at="2026-03-02 09:00:00", owner=owner)
        self.gerrit.at("2026-03-04 09:00:00")
        return number

    def asked_before(self, count: int, *, is_open: bool = False) -> None:
        """Records of so many asks about other changes, of some weeks ago."""
        asks = self.tools().asks
        for index in range(count):
            asks.put(_ask(self.member, 100_000 + index, is_open=is_open))


def _ask(account: int, number: int, *, is_open: bool) -> Ask:
    since = from_iso("2026-02-09T09:00:00Z")
    return Ask(
        event_id=f"{SERVER}:{number}:reviewers:{int(since.timestamp())}:2d",
        tier="committee",
        number=number,
        party="reviewers",
        since=since,
        accounts=(account,),
        at=from_iso("2026-02-11T09:00:00Z"),
        open=is_open,
    )
