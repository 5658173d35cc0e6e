"""What people run instead, against the same server: every open change by offset, or the newest.

    PYTHONPATH=actions/lib:. python -m benchmarks.peers SITE WAY

WAY is ``pygerrit2``, ``python-gerrit-api`` or ``newest``, each in a process of its own, since each
holds what it reads. The first two list all open changes with their messages, as their documentation
shows it; a script that finds old reviews so does this in every poll. The last is how Prow's adapter
looks: newest first, few a page, until it comes to what it knows, and the comments of each change.
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Sequence

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "actions/lib")]

from sandbox.gerrit.daemon import instant  # noqa: E402
from sandbox.gerrit.people import ADMIN, ADMIN_PASSWORD, Person  # noqa: E402
from sandbox.gerrit.seed import PACK_ACCOUNT, PROJECTS, password_of  # noqa: E402
from sandbox.gerrit.server import START  # noqa: E402

from benchmarks import holding  # noqa: E402
from benchmarks.meter import Meter  # noqa: E402
from benchmarks.rows import Row, head  # noqa: E402
from benchmarks.site import BulkGerrit  # noqa: E402

OPTIONS = ("MESSAGES", "DETAILED_ACCOUNTS", "LABELS")
#: A page of the two listings, and of the newest: what their authors chose.
PAGE, FEW = 500, 5
TOUCHED = 200
#: Seconds after which a listing is not gone on with.
LONGEST = 600
Json = Dict[str, Any]
Fetch = Callable[[int], List[Json]]


def main(arguments: Sequence[str]) -> int:
    """Measure one way, and print its rows."""
    print(head())
    with BulkGerrit(Path(arguments[0])) as server:
        for row in WAYS[arguments[1]](server):
            print(row, flush=True)
    return 0


def _pygerrit2(server: BulkGerrit) -> Iterator[Row]:
    from pygerrit2 import GerritRestAPI, HTTPBasicAuth  # type: ignore  # noqa: PLC0415

    account = HTTPBasicAuth(PACK_ACCOUNT, password_of(PACK_ACCOUNT))
    client = GerritRestAPI(url=server.url, auth=account)
    asked = "".join(f"&o={one}" for one in OPTIONS)

    def fetch(start: int) -> List[Json]:
        # It waits ten seconds unless it is told otherwise, which is too little for a deep page.
        query = f"/changes/?q=status:open&n={PAGE}&S={start}{asked}"
        return list(client.get(query, timeout=300))

    yield from _listing(server, "pygerrit2", fetch)


def _python_gerrit_api(server: BulkGerrit) -> Iterator[Row]:
    from gerrit import GerritClient  # type: ignore  # noqa: PLC0415

    client = GerritClient(server.url, PACK_ACCOUNT, password_of(PACK_ACCOUNT), timeout=300)

    def fetch(start: int) -> List[Json]:
        found = client.changes.search("status:open", list(OPTIONS), limit=PAGE, skip=start)
        return list(found)

    yield from _listing(server, "python-gerrit-api", fetch)


def _listing(server: BulkGerrit, name: str, fetch: Fetch) -> Iterator[Row]:
    """Every open change with its messages, by offset."""
    taking = Meter(server)
    kept: List[Json] = []

    def everything() -> None:
        end, more = time.monotonic() + LONGEST, True
        while more and time.monotonic() < end:
            page = fetch(len(kept))
            kept.extend(page)
            more = bool(page) and bool(page[-1].get("_more_changes"))

    fetch(0)
    holding.forget_memory()
    spent = taking.run(everything)
    note = f"{len(kept):,} changes, {holding.most_memory():,.0f} MB at most"
    if len(kept) < server.changes:
        left = server.changes / len(kept)
        note += f"; stopped after {LONGEST // 60} minutes: all {server.changes:,} take {left:.1f} x"
        note += " that or more, since deeper pages cost more"
    yield Row(f"{name}: list all open by offset, every poll", str(spent), note=note)


def _newest(server: BulkGerrit) -> Iterator[Row]:
    taking = Meter(server)
    person = Person(server.url, PACK_ACCOUNT)
    since = START.replace("T", " ").rstrip("Z")
    _look(person, since)
    yield Row(
        "newest first, few a page: quiet poll", taking.least(lambda: _look(person, since)).small
    )
    server.at(instant(START) + timedelta(minutes=5))
    admin = server.person(ADMIN, ADMIN_PASSWORD)
    touched = min(TOUCHED, server.changes)
    for number in range(1, touched + 1):
        admin.review(number, "Looked at again.")
    spent = taking.run(lambda: _look(person, since))
    note = "knows no age: it sees only what moved"
    yield Row(f"newest first, few a page: {touched} moved", str(spent), note=note)


def _look(person: Person, since: str) -> None:
    """One poll: pages of each project down to what was updated by then, and each one's comments."""
    options = "".join(f"&o={one}" for one in ("CURRENT_REVISION", "CURRENT_COMMIT", *OPTIONS))
    for project in PROJECTS:
        start, page = 0, [{"updated": "9"}]
        while page and page[-1]["updated"] > since:
            query = f"/changes/?q=project:{project}&n={FEW}&S={start}{options}"
            page = person.call("GET", query)
            start += len(page)
            for one in page:
                if one["updated"][:19] > since:
                    person.call("GET", f"/changes/{one['_number']}/comments")


WAYS: Dict[str, Callable[[BulkGerrit], Iterator[Row]]] = {
    "pygerrit2": _pygerrit2,
    "python-gerrit-api": _python_gerrit_api,
    "newest": _newest,
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
