"""One step of a ticket's life in a process of its own, to be killed at any moment.

python tests/ticket_step.py FOLDER STEP KEY

The tracker's settings are read as JSON from standard input. It writes ``go`` once everything is
imported and built, and then does the step. Records are files in the folder, each replaced as a
whole, as StackStorm's datastore does.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Callable, Dict, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "actions" / "lib")]

from reviewloop.store.datastore import Readable  # noqa: E402 - needs the path
from reviewloop.store.tickets import Records, TicketRecord  # noqa: E402
from reviewloop.trackers.factory import make_tracker  # noqa: E402
from reviewloop.trackers.settings import TrackerSettings  # noqa: E402
from reviewloop.trackers.ticketing import Ticketing  # noqa: E402
from reviewloop.trackers.tickets import Draft  # noqa: E402

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=timezone.utc)


class FileRecords(Records):
    """Records in a folder, one file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> Optional[TicketRecord]:
        """The record of a key, or None."""
        path = self._folder / key
        return TicketRecord.from_json(path.read_text(encoding="utf-8")) if path.exists() else None

    def put(self, record: TicketRecord) -> None:
        """Keep a record."""
        part = self._folder / f"{record.key}.part"
        part.write_text(record.to_json(), encoding="utf-8")
        part.replace(self._folder / record.key)

    def readable(self) -> Readable[TicketRecord]:
        """Every record."""
        found = (self.get(path.name) for path in sorted(self._folder.glob("grv-*[0-9a-f]")))
        return Readable(tuple(record for record in found if record is not None))


def opens(ticketing: Ticketing, key: str, who: str) -> None:
    """Open the ticket."""
    ticketing.open_once(Draft(key, "Review wanted: 4711", "It waits.", who))


def updates(ticketing: Ticketing, key: str, who: str) -> None:
    """Say once that it still waits, and hand it on."""
    ticketing.comment_once(key, "It still waits.", "level-1")
    ticketing.assign_once(key, who)


def closes(ticketing: Ticketing, key: str, who: str) -> None:
    """Close it with the reason."""
    ticketing.close_once(key, f"Reviewed by {who}.", "end")


STEPS: Dict[str, Callable[[Ticketing, str, str], None]] = {
    "open": opens,
    "update": updates,
    "close": closes,
}


def main() -> None:
    """Do one step."""
    folder, step, key = sys.argv[1:]
    told = json.load(sys.stdin)
    who = told.pop("who")
    tracker = make_tracker(TrackerSettings(**told))
    assert tracker is not None
    # A claim of a run that was killed counts no more: the next run comes minutes later.
    ticketing = Ticketing(tracker, FileRecords(Path(folder)), lambda: NOW, claim_grace=timedelta(0))
    print("go", flush=True)
    STEPS[step](ticketing, key, who)


if __name__ == "__main__":
    main()
