"""``reviewloop explain``: one change, without StackStorm: whose turn, why, and when next."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from contextlib import closing
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Iterable, Optional, Tuple, cast

from reviewloop.cli.address import Place, check_server, place_of
from reviewloop.cli.config import add_source, settings_of
from reviewloop.cli.files import check_writable, why_not
from reviewloop.cli.histories import (
    CHANGES_HELP,
    add_reading,
    client_of,
    instant,
    read_changes,
    reading_of,
)
from reviewloop.cli.numbers import whole
from reviewloop.cli.one_file import OneFile
from reviewloop.core.reading import read_change
from reviewloop.errors import ConfigError, ProtocolError
from reviewloop.gerrit import parse
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.reads import HISTORY
from reviewloop.insight.eta import Past, past_of
from reviewloop.insight.explain_page import page
from reviewloop.insight.timeline import TimeLine
from reviewloop.insight.timeline_text import LEAST, MOST, PLAIN, PRETTY, Glyphs
from reviewloop.operations.context import Context, make_client
from reviewloop.operations.explain import told
from reviewloop.operations.explanation import Explanation
from reviewloop.operations.usual import Count, past_of_changes, searches
from reviewloop.preview.store import MemoryStore
from reviewloop.settings.load import Settings

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

EXAMPLES = (
    (
        "reviewloop explain https://review.example.org/c/tools/build/+/4242",
        "Why somebody is asked about a change, or nobody is",
    ),
    ("reviewloop explain 4242 --config gerrit.yaml --svg change.svg", "The same as a picture, too"),
)
NOTE = (
    "Without StackStorm's datastore: limits, absences and what waits for either are not known; who"
    " was asked is as the change itself shows it."
)
WIDTH = 80
"""Characters of a line where the terminal does not say."""
_DAYS = 60
STDOUT = Path("-")


def add_parser(commands: Commands) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "explain",
        help="explain one change: its turns, every condition, who is asked, and when next",
        description="Explain one change of a Gerrit: its history as turns on a time line, every"
        " condition with its value, why somebody is asked or nobody is, when next, and whom.",
    )
    command.add_argument("change", help="its number, or its address in Gerrit")
    add_source(command, required=False)
    command.add_argument("--changes", type=Path, help=f"read it from a file: {CHANGES_HELP}")
    command.add_argument(
        "--at", type=instant, help="with --changes: when to look (default: when it last changed)"
    )
    past = command.add_mutually_exclusive_group()
    past.add_argument(
        "--histories", type=Path, help="past changes, to tell how long a review usually takes"
    )
    past.add_argument(
        "--read-histories",
        type=whole(1),
        metavar="N",
        help="the same of the server's last N changes; kept on disk as --cache says",
    )
    add_reading(command)
    command.add_argument("--json", action="store_true", help="print JSON, as the action answers")
    command.add_argument(
        "--svg", type=Path, help="write the time line as a picture, too; - prints it"
    )
    command.add_argument(
        "--width", type=whole(1), help="characters of a line, or pixels of the picture"
    )
    command.add_argument(
        "--days",
        type=whole(1),
        help=f"of the time line, the last (default: all, or {_DAYS} if open)",
    )
    command.add_argument("--ascii", action="store_true", help="draw with ASCII alone")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the explanation. :raises ReviewLoopError: the input is wrong, or Gerrit does not
    answer.
    """
    place = place_of(options.change)
    settings = _settings(options, place)
    if options.svg not in (None, STDOUT):
        check_writable(options.svg, "--svg")
    found = explanation(options, place, settings)
    line = _shown(found.line, options.days)
    if options.svg is not None:
        picture = _picture(found, line, options.width)
        if options.svg == STDOUT:
            _put([picture.rstrip("\n")])
            return 0
        _write(options.svg, picture)
    if options.json:
        _put([json.dumps(told(found), indent=1)])
    else:
        _put(page(told(found), line, _width(options.width), _glyphs(options.ascii)))
    sys.stderr.write(NOTE + "\n")
    return 0


def explanation(options: argparse.Namespace, place: Place, settings: Settings) -> Explanation:
    """The explanation that the arguments ask for."""
    source: Optional[OneFile] = None
    if options.changes is not None:
        source = OneFile(options.changes, settings, options.at)
    elif options.at is not None:
        raise ConfigError("--at goes with --changes.", "A server's own clock says when it is.")
    # What it has is all that is asked of a client here; anything else would be an AttributeError.
    client = _client(options, settings) if source is None else cast(Client, source)
    context = Context(settings, MemoryStore(client.now), lambda _settings: client)
    found = Explanation(context, place.ident)
    found.past = _past(options, found)
    return found


def _client(options: argparse.Namespace, settings: Settings) -> Client:
    """The server; whoever reads histories of it takes their time."""
    return client_of(options, settings) if options.read_histories else make_client(settings)


def _settings(options: argparse.Namespace, place: Place) -> Settings:
    if options.config is None and options.url is None:
        if not place.server:
            raise ConfigError(
                "Which Gerrit is it on?", "Give its address, --url, or --config gerrit.yaml."
            )
        options.url = place.server
    settings = settings_of(options)
    if options.changes is None:
        check_server(place, settings.gerrit.url)
    return settings


def _past(options: argparse.Namespace, found: Explanation) -> Tuple[Past, ...]:
    context, number = found.context, found.reading.change.number
    if options.histories is not None:
        return tuple(_past_of_file(options.histories, number, context.settings))
    if not options.read_histories:
        return ()
    if options.changes is not None:
        raise ConfigError("--read-histories reads a server.", "With --changes give --histories.")
    sys.stderr.write(f"Reading up to {options.read_histories} changes of the last 180 days ...\n")
    reading = reading_of(options, context.settings, context.client, HISTORY)
    with closing(reading.changes(searches(context.settings, found.now))) as raws:
        few = islice(raws, options.read_histories)
        return tuple(past_of_changes(few, context.settings, Count(), number))


def _past_of_file(path: Path, number: int, settings: Settings) -> Iterable[Past]:
    for raw in read_changes(path, "--histories"):
        try:
            change = parse.change(raw)
        except ProtocolError:
            continue
        if change.number != number:
            yield from past_of(read_change(change, settings.policy), settings.policy)


def _shown(line: TimeLine, days: Optional[int]) -> TimeLine:
    if days is None:
        days = _DAYS if not line.is_over else None
    return line if days is None else line.since(line.now - timedelta(days=days))


def _picture(found: Explanation, line: TimeLine, width: Optional[int]) -> str:
    from reviewloop.insight.timeline_svg import BEST, drawn  # noqa: PLC0415 - seldom wanted

    change = found.reading.change
    return drawn(line, f"Change {change.number}: {change.subject}", width or BEST)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as err:
        raise ConfigError(
            f"--svg {path} cannot be written: {why_not(err)}.", "Name another file."
        ) from err


def _width(wanted: Optional[int]) -> int:
    width = wanted or shutil.get_terminal_size((WIDTH, 24)).columns
    return min(max(width, LEAST), MOST)


def _glyphs(is_plain: bool) -> Glyphs:
    pretty = "".join(vars(PRETTY).values())
    return PLAIN if is_plain or _shown_as(pretty) != pretty else PRETTY


def _put(lines: Iterable[str]) -> None:
    for line in lines:
        sys.stdout.write(_shown_as(line) + "\n")


def _shown_as(text: str) -> str:
    """Text as the terminal can show it: whatever it has no characters for is replaced."""
    encoding = sys.stdout.encoding or "ascii"
    return text.encode(encoding, "replace").decode(encoding)
