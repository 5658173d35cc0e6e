"""What operators and other packs hold on to: triggers, actions, settings, stored values.

``make docs`` writes the snapshot anew; read its diff before you commit it.
"""

from __future__ import annotations

import json
import math
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict

import yaml

from repository import ROOT
from reviewloop.core.change import Account
from reviewloop.insight.eta import Kind
from reviewloop.insight.usual import Time, Usual
from reviewloop.store.asks import Ask, Asks
from reviewloop.store.cursor import Cursor, DatastoreCursor, Endings
from reviewloop.store.lease import Lease
from reviewloop.store.pending import Pending, Pendings, Reason
from reviewloop.store.roster import RosterCache
from reviewloop.store.tally import Tally
from reviewloop.store.tickets import DatastoreRecords, TicketRecord
from reviewloop.store.troubles import DatastoreTroubles, OpenTrouble
from stores import Shelf

SNAPSHOT = ROOT / "tests" / "fixtures" / "interface.json"
# Words for people may change; names, types, defaults and values may not without a note.
_PROSE = {"description", "position"}


def snapshot() -> Dict[str, Any]:
    """Everything by kind and name, without the words for people."""
    return {
        "actions": _folder("actions"),
        "policies": _folder("policies"),
        "rules": _folder("rules"),
        "sensors": _folder("sensors"),
        "settings": _without_prose(_yaml(ROOT / "config.schema.yaml")),
        "stored": _stored(),
    }


def as_text(found: Dict[str, Any]) -> str:
    """The snapshot as the file holds it."""
    return json.dumps(found, indent=1, sort_keys=True) + "\n"


def _folder(name: str) -> Dict[str, Any]:
    files = sorted((ROOT / name).glob("*.yaml"))
    return {path.stem: _without_prose(_yaml(path)) for path in files}


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _without_prose(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: one for key, one in value.items() if not _is_prose(key, one)}
        return {key: _without_prose(one) for key, one in kept.items()}
    return [_without_prose(one) for one in value] if isinstance(value, list) else value


def _is_prose(key: str, value: Any) -> bool:
    return key in _PROSE and not isinstance(value, dict)


def _stored() -> Dict[str, Dict[str, Any]]:
    """One datastore value of each kind: name and content."""
    since = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    event = "review.example.org:12:reviewers:1772442000:2d"
    ask = Ask(event, "committee", 12, "reviewers", since, (7,), since)
    shelf = Shelf()
    DatastoreCursor(shelf.service, "review.example.org").save(
        Cursor(
            since,
            event,
            cache="0123456789abcdef",
            ended=Endings(since, {"fedcba9876543210": since}),
        )
    )
    DatastoreTroubles(shelf.service, "review.example.org").save({"auth": OpenTrouble(since, 3)})
    pending = Pending(
        event, "committee", 12, "reviewers", since, "2d", Reason.CAP, since, since, since
    )
    asks, pendings = Asks(shelf.service), Pendings(shelf.service)
    asks.put(ask)
    pendings.put(pending)
    Tally(shelf.service, asks, pendings).load(since, Lease("roster", math.inf, time.monotonic))
    usual = Usual(since, 86_400, {(Kind.FIRST, "tools/build", "S"): Time(60, 160_000)})
    shelf.service.set_value("gerrit.usual.review.example.org", usual.to_json(), local=False)
    RosterCache(shelf.service, "0123456789abcdef").save(
        ((Account(7, "Committee One", "committee1@example.org", "committee1"), 0),), ()
    )
    DatastoreRecords(shelf.service).put(
        TicketRecord(
            key="grv-0123456789abcdef",
            tracker="roundup:review",
            id="3",
            url="https://tracker.example.org/issue3",
            server="review.example.org",
            number=12,
            party="reviewers",
            since="2026-03-02T09:00:00Z",
        )
    )
    return {item.name: json.loads(item.value) for item in shelf.store.items()}


if __name__ == "__main__":
    SNAPSHOT.write_text(as_text(snapshot()), encoding="utf-8")
