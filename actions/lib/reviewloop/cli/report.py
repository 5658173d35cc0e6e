"""``reviewloop report``: how reviews stand and go, as a page, as numbers, or in words."""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
import zlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, Iterator, Optional, Tuple

from reviewloop.cli.config import add_source, settings_of
from reviewloop.cli.files import check_writable
from reviewloop.cli.histories import (
    CHANGES_HELP,
    STDIN,
    ServerReading,
    add_reading,
    instant,
    read_changes,
    reading_of,
)
from reviewloop.cli.numbers import whole
from reviewloop.cli.progress import Progress, counted
from reviewloop.errors import ConfigError, ProtocolError
from reviewloop.gerrit import parse
from reviewloop.insight.report.whole import Report, to_csv, to_json
from reviewloop.operations.report import Period, asked_now, check_page, made, write, write_page
from reviewloop.settings.load import Settings

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DAYS, LONGEST = 180, 20_000
EXAMPLES = (
    (
        "reviewloop report --config gerrit.yaml --days 180 --out report.html",
        "The last half year as one page",
    ),
    (
        "reviewloop report --config gerrit.yaml --changes changes.jsonl.gz --csv figures.csv",
        "Figures of past changes in a file, for a spreadsheet",
    ),
)
NOT_READ = "too much for the server to answer"
_WIDTH = 80


def add_parser(commands: Commands) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "report",
        help="report how long reviews take, where, and whether asking helps",
        description=(
            "Report how long reviews take, where, and whether asking helps; of past changes in a"
            " file, or of a Gerrit server. Prints the findings in words; --out writes the page with"
            " charts and tables."
        ),
    )
    add_source(command)
    add_reading(command)
    command.add_argument(
        "--changes", type=Path, help=f"{CHANGES_HELP} (default: the changes of the server)"
    )
    command.add_argument(
        "--days", type=whole(1, LONGEST), default=DAYS, help="how long the period is (default: 180)"
    )
    command.add_argument(
        "--to",
        type=instant,
        help="where it ends, such as 2026-03-02 (default: now; in a file, the last update)",
    )
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="write the report as one HTML file"
    )
    command.add_argument(
        "--csv", type=Path, metavar="FILE", help="write figures by project and cycle as CSV"
    )
    command.add_argument("--json", action="store_true", help="print all numbers as JSON")
    command.add_argument("--names", action="store_true", help="name reviewers (default: nobody)")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Report. :raises ReviewLoopError: the input is wrong, or Gerrit does not answer."""
    settings = settings_of(options)
    if options.csv is not None:
        check_writable(options.csv, "--csv")
    if options.out is not None:
        check_writable(options.out)
        check_page(options.out)
    source = _of_server if options.changes is None else _of_file
    period, raws = source(options, settings)
    found = made(period.changes(raws), period, settings, options.names)
    _check(options, period)
    if options.out is not None:
        size = write_page(options.out, found, period, settings)
        sys.stderr.write(f"{options.out}: {size:,} bytes\n")
    if options.csv is not None:
        write(options.csv, to_csv(found))
    lines = [json.dumps(to_json(found), indent=1)] if options.json else words(found)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    if period.first_fault:
        sys.stderr.write(f"Unreadable, the first of them: {period.first_fault}\n")
    return 0


def words(found: Report) -> Iterator[str]:
    """The findings as lines of text, each below the title of its part."""
    yield f"{found.title}, {found.generated}"
    for section in found.sections:
        yield ""
        yield section.title
        yield from textwrap.wrap(section.lead, _WIDTH, initial_indent="  ", subsequent_indent="  ")


def _check(options: argparse.Namespace, period: Period) -> None:
    """:raises ConfigError: a file was given that holds nothing that makes sense."""
    if options.changes is not None and period.unread and not period.used:
        raise ConfigError(
            f"--changes {options.changes} holds no change: {period.first_fault}",
            "Ask Gerrit for o=MESSAGES, o=DETAILED_ACCOUNTS and o=LABELS.",
        )


Source = Tuple[Period, Iterable[Dict[str, Any]]]


def _of_server(options: argparse.Namespace, settings: Settings) -> Source:
    reading = reading_of(options, settings)
    period = Period(options.to or asked_now(reading.client), options.days)
    return period, _read(reading, period, settings)


def _read(reading: ServerReading, period: Period, settings: Settings) -> Iterator[Dict[str, Any]]:
    yield from reading.changes(period.searches(settings.gerrit.query))
    for _ in reading.left_out:
        period.leave_out(NOT_READ)


def _of_file(options: argparse.Namespace, _settings: Settings) -> Source:
    """A file tells when it ends only once it has been read: then it is read once more."""
    progress = Progress()
    if options.to is not None:
        return Period(options.to, options.days), counted(read_changes(options.changes), progress)
    read = read_twice(options.changes)
    end = _last(read(), options.changes)
    return Period(end, options.days), counted(read(), progress)


def read_twice(path: Path) -> Callable[[], Iterator[Dict[str, Any]]]:
    """What reads the changes in a file each time it is called, few in memory at a time.

    What can be read only once, a pipe, is read now and kept packed.

    :raises ConfigError: as :func:`read_changes`, where they are read.
    """
    if path != STDIN and path.is_file():
        return lambda: read_changes(path)
    packed = [zlib.compress(json.dumps(raw).encode(), 1) for raw in read_changes(path)]
    return lambda: (json.loads(zlib.decompress(one)) for one in packed)


def _last(raws: Iterable[Dict[str, Any]], path: Path) -> datetime:
    """When something last happened in some changes."""
    found: Optional[datetime] = None
    for raw in raws:
        try:
            updated = parse.row(raw).updated
        except ProtocolError:
            continue  # such a change is named where it is read
        found = max(updated, found or updated)
    if found is None:
        raise ConfigError(
            f"--changes {path} holds no change with its time.",
            "Pass ChangeInfo as Gerrit answers it, or say --to.",
        )
    return found
