"""``reviewloop judge``: how often the party named at a milestone made the next move."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Dict, List, Optional, Sequence

from reviewloop.cli.config import add_source, settings_of
from reviewloop.cli.histories import (
    CHANGES_HELP,
    add_reading,
    client_of,
    instant,
    read_changes,
    reading_of,
)
from reviewloop.cli.numbers import whole
from reviewloop.cli.scores import as_dict, page
from reviewloop.core.durations import Duration, parse_duration
from reviewloop.core.milestones import Window
from reviewloop.core.reading import Reading, read_change
from reviewloop.core.text import outward
from reviewloop.errors import ConfigError, ProtocolError
from reviewloop.gerrit import parse, queries
from reviewloop.insight.judge import Judged, judge
from reviewloop.insight.scores import Scores, scores
from reviewloop.insight.unmarked import Habits, Unmarked, told
from reviewloop.operations.board import OPTIONS, Server
from reviewloop.settings.load import Settings

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

EXAMPLES = (
    (
        "reviewloop judge --url https://review.example.org --profile opendev --limit 500",
        "How often the party named made the next move, on a public server",
    ),
    (
        "reviewloop judge --config gerrit.yaml --changes changes.jsonl.gz --milestone 1d",
        "The same of past changes in a file",
    ),
)
DEFAULT_MILESTONE = Duration(2, "d")
_TO_HELP = "likewise; included (default: when something last happened, or now on a server)"


def add_parser(commands: Commands) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "judge",
        help="print how often the party named at a milestone made the next move",
        description=(
            "Print how often the party named at a milestone made the next move, by party and cause,"
            " beside two naive rules; of past changes in a file, or of the configured Gerrit."
        ),
    )
    add_source(command)
    command.add_argument(
        "--changes", type=Path, help=f"{CHANGES_HELP} (default: the changes of the server)"
    )
    command.add_argument(
        "--milestone", type=_duration, default=DEFAULT_MILESTONE, help="such as 4h (default: 2d)"
    )
    command.add_argument(
        "--from", dest="since", type=instant, help="2026-03-02T09:00:00Z or a day (default: all)"
    )
    command.add_argument("--to", "--until", dest="to", type=instant, help=_TO_HELP)
    command.add_argument(
        "--limit", type=whole(1), default=1000, help="changes of the server to look at"
    )
    add_reading(command)
    command.add_argument("--json", action="store_true", help="print JSON instead of a table")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the scores. :raises ReviewLoopError: the input is wrong, or Gerrit does not answer."""
    settings = settings_of(options)
    cases = Cases(settings, options.milestone)
    if options.changes is None:
        cases.of_server(options)
    else:
        cases.of_file(options.changes)
    found = cases.scores(options.since, options.to)
    unmarked = cases.habits.unmarked()
    if options.json:
        plain = as_dict(found, cases.milestone, cases.not_judged)
        accounts = [{"account_id": one.account.id, "signs": list(one.signs)} for one in unmarked]
        sys.stdout.write(json.dumps({**plain, "unmarked": accounts}, indent=1) + "\n")
    else:
        lines = [*page(found, cases.milestone, cases.not_judged), *_warning(unmarked)]
        sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stderr.writelines(f"{note}\n" for note in cases.notes)
    return 0


@dataclass
class Cases:
    """Changes, judged as they are read.

    ``without_messages`` counts those that say nothing of their history; ``unreadable`` those that
    make no sense, and ``notes`` tells of them and of what else was left out. ``habits`` are those
    of the accounts that are not marked as bots.
    """

    settings: Settings
    milestone: Duration
    judged: List[Judged] = field(default_factory=list)
    without_messages: int = 0
    unreadable: int = 0
    now: Optional[datetime] = None
    notes: List[str] = field(default_factory=list)
    habits: Habits = field(init=False)

    def __post_init__(self) -> None:
        self.habits = Habits(self.settings.policy)

    @property
    def not_judged(self) -> Dict[str, int]:
        """How many changes could not be judged, by reason."""
        return {"no_messages": self.without_messages, "unreadable": self.unreadable}

    def of_file(self, path: Path) -> None:
        """Judge the changes of a file.

        :raises ConfigError: it cannot be read, or no change in it can be judged.
        """
        for raw in read_changes(path):
            try:
                change = parse.change(raw)
            except ProtocolError as err:
                self._unreadable(str(err))
            else:
                self._judge(read_change(change, self.settings.policy))
        if not self.judged and (self.without_messages or self.unreadable):
            raise ConfigError(
                " ".join([f"--changes {path} holds no change with its messages.", *self.notes]),
                "Ask Gerrit for o=MESSAGES, o=DETAILED_ACCOUNTS and o=LABELS.",
            )

    def of_server(self, options: argparse.Namespace) -> None:
        """Judge the changes of the configured Gerrit, those touched last first."""
        limit, policy = options.limit, self.settings.policy
        client = client_of(options, self.settings)
        server = Server(self.settings, client, lambda _change: policy, marked=limit)
        touched = [] if options.since is None else [queries.after(options.since)]
        query = queries.all_of(self.settings.gerrit.query, *touched)
        found = reading_of(options, self.settings, client, OPTIONS).changes([query])
        raws = list(islice(found, limit + 1))
        more = len(raws) > limit
        self.now = client.now()
        for reading in server.readings(raws[:limit]):
            self._judge(reading)
        for one in server.unreadable:
            self._unreadable(f"{one['number']}: {one['name']}")
        if more:
            self.notes.append(
                f"More changes than {limit}: the others were not looked at (--limit)."
            )

    def scores(self, since: Optional[datetime], to: Optional[datetime]) -> Scores:
        """What the changes come to, from ``since`` (included) to ``to`` (included)."""
        last = self.now or max((one.last for one in self.judged), default=_FIRST)
        # A window leaves its beginning out.
        begin = _FIRST if since is None else since - timedelta(seconds=1)
        return scores(self.judged, Window(begin, last if to is None else to))

    def _judge(self, reading: Reading) -> None:
        if reading.change.messages:
            self.habits.note(reading.change)
            self.judged.append(judge(reading, self.settings.policy, self.milestone))
        else:
            self.without_messages += 1

    def _unreadable(self, why: str) -> None:
        self.unreadable += 1
        if self.unreadable == 1:
            self.notes.append(f"Unreadable, the first of them: {outward(why, 300)}")


def _warning(unmarked: Sequence[Unmarked]) -> List[str]:
    """What to say of accounts that look like bots: all that they say counts as people's."""
    if not unmarked:
        return []
    heading = "These look like bots, and count as people (`automation` in the configuration):"
    return ["", heading, *(f"  {outward(line)}" for line in told(unmarked))]


_FIRST = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _duration(text: str) -> Duration:
    try:
        return parse_duration(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(str(err)) from err
