"""How reviews stand and go, in numbers and as a page. Nothing here writes but the page."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Set, Tuple

from reviewloop.core.change import Change
from reviewloop.core.text import outward
from reviewloop.core.timestamps import iso
from reviewloop.errors import ConfigError, ProtocolError
from reviewloop.gerrit import parse, queries
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.reads import HISTORY, ReadClient
from reviewloop.insight.report.whole import Report
from reviewloop.insight.report.whole import report as reported
from reviewloop.insight.sections import Cell, Section
from reviewloop.operations.context import Context
from reviewloop.page import MARK, vega
from reviewloop.settings.load import Settings

UNREADABLE = "unreadable"
_LONGEST = 1_000
"""Characters of a text in an action's result, at most."""


@dataclass
class Period:
    """What a report is about: the changes touched in ``(since, now]``, and those that are open.

    ``used`` counts the changes that were given out, ``unread`` what could not be, by why, and
    ``first_fault`` is what was wrong with the first of them.
    """

    now: datetime
    days: int
    used: int = 0
    unread: Dict[str, int] = field(default_factory=dict)
    first_fault: str = ""

    @property
    def since(self) -> datetime:
        """Where it begins."""
        return self.now - timedelta(days=self.days)

    def searches(self, query: str) -> Tuple[str, str]:
        """What a server is asked for, each change found by one of both."""
        moved = queries.all_of(query, queries.after(self.since))
        idle = queries.all_of(query, "status:open", queries.before(self.since))
        return moved, idle

    def changes(self, raws: Iterable[Raw]) -> Iterator[Change]:
        """The changes of the period, each once; what makes no sense is counted.

        Of a change outside it no more is read than what says so, as a server would not list it.
        """
        known: Set[Tuple[str, int]] = set()
        for raw in raws:
            try:
                if not self._holds(parse.row(raw)):
                    continue
                change = parse.change(raw)
            except ProtocolError as err:
                self.leave_out(UNREADABLE, str(err))
                continue
            name = (change.project, change.number)
            if name not in known:
                known.add(name)
                self.used += 1
                yield change

    def leave_out(self, why: str, fault: str = "") -> None:
        """Count a change that is not told of."""
        self.unread[why] = self.unread.get(why, 0) + 1
        self.first_fault = self.first_fault or outward(fault, 300)

    def _holds(self, row: parse.Row) -> bool:
        return row.updated > self.since or not row.status.is_closed


def report(
    context: Context, days: int = 180, limit: int = 20_000, out: str = "", names: bool = False
) -> Dict[str, Any]:
    """How reviews stand and go: ``{now, since, changes, more, unread, page, bytes, sections,
    nine}``; ``sections`` are ``{id, title, lead, columns, rows, note}``.

    :param days: how long the period is that ends now.
    :param limit: changes to look at, at most; ``more`` tells whether there are others.
    :param out: a file on this host that the page is written to; "" for none. Only a page that an
        earlier report wrote is written over.
    :param names: whether reviewers are named.
    :raises ConfigError: the page cannot be written there, or what draws charts is not installed.
    """
    if out:
        check_page(Path(out), only_own=True)
    period = Period(asked_now(context.client), days)
    searches = period.searches(context.settings.gerrit.query)
    raws = chain.from_iterable(context.client.scan(one, HISTORY) for one in searches)
    counted = _Counted(raws, limit)
    found = made(period.changes(counted.first()), period, context.settings, names)
    size = write_page(Path(out), found, period, context.settings) if out else 0
    return {
        "now": iso(period.now),
        "since": iso(period.since),
        "changes": period.used,
        "more": counted.more,
        "unread": sum(period.unread.values()),
        "page": out,
        "bytes": size,
        "sections": [_plain(one) for one in found.sections],
        "nine": _rows(found.nine),
    }


def asked_now(client: ReadClient) -> datetime:
    """The server's time: no answer of its own has told it before.

    :raises ReviewLoopError: it does not answer.
    """
    client.version()
    return client.now()


@dataclass
class _Counted:
    """The first so many of a search; ``more`` tells whether there were others."""

    raws: Iterator[Raw]
    limit: int
    more: bool = False

    def first(self) -> Iterator[Raw]:
        """Those, and then a look whether another one follows."""
        yield from islice(self.raws, self.limit)
        self.more = next(self.raws, None) is not None


def made(changes: Iterable[Change], period: Period, settings: Settings, names: bool) -> Report:
    """The report on some changes, which are read one by one."""
    return reported(changes, settings, period.now, names, since=period.since, unread=period.unread)


def check_page(path: Path, *, only_own: bool = False) -> None:
    """See that a page could be made and written, before all is read that it shows.

    :param only_own: whether a file that is there must be an earlier report's.
    :raises ConfigError: it could not.
    """
    vega.library()
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigError(f"out: there is no folder {str(folder)!r} here.", "Create it.")
    if only_own and not path.is_absolute():
        raise ConfigError(f"out: {str(path)!r} is not a whole path.", "Begin it with a slash.")
    if only_own and path.exists() and not _is_report(path):
        raise ConfigError(
            f"out: {str(path)!r} is there, and no report.", "Name another file, or remove it."
        )


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as opened:
            return opened.read(len(MARK)) == MARK.encode()
    except OSError:
        return False


def write_page(path: Path, found: Report, period: Period, settings: Settings) -> int:
    """Write the report as HTML, whole or not at all; its size in bytes.

    :raises ConfigError: it cannot be written there, or what draws charts is not installed.
    """
    from reviewloop.page.document import document  # noqa: PLC0415 - Jinja is slow

    about = (
        f"{period.used:,} changes of {settings.gerrit.url}",
        f"{period.since:%Y-%m-%d} to {period.now:%Y-%m-%d}, {period.days} days",
    )
    return write(path, document(found.title, about, found.sections))


def write(path: Path, text: str) -> int:
    """Write a file, whole or not at all; its size in bytes. :raises ConfigError: it cannot be."""
    content = text.encode("utf-8", "replace")
    path = path.absolute()
    try:
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            part = Path(folder) / path.name
            part.write_bytes(content)
            part.replace(path)
    except OSError as err:
        raise ConfigError(
            f"out: {str(path)!r} cannot be written: {err.strerror}.", "Name another file."
        ) from err
    return len(content)


def _plain(section: Section) -> Dict[str, Any]:
    return {
        "id": section.id,
        "title": outward(section.title),
        "lead": outward(section.lead, _LONGEST),
        "columns": [outward(one) for one in section.table.columns],
        "rows": _rows(section.table.rows),
        "note": outward(section.note, _LONGEST),
    }


def _rows(rows: Iterable[Iterable[Cell]]) -> List[List[Cell]]:
    """Rows of plain values, with texts that StackStorm finds nothing to evaluate in."""
    return [[_value(cell) for cell in row] for row in rows]


def _value(cell: Cell) -> Cell:
    if isinstance(cell, str):
        return outward(cell, _LONGEST)
    return float(cell) if isinstance(cell, float) else cell
