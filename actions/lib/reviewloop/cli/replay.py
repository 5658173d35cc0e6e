"""``reviewloop replay``: the same reading of histories, without StackStorm and without Gerrit."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Tuple, Union

from reviewloop.cli.config import read_settings
from reviewloop.cli.histories import CHANGES_HELP, instant, read_changes
from reviewloop.core.milestones import Crossing, Ending, Window
from reviewloop.core.policy import Policy
from reviewloop.core.reading import read_change, replay
from reviewloop.core.timestamps import iso
from reviewloop.gerrit import parse

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

EXAMPLES = (
    (
        "reviewloop replay --config gerrit.yaml --changes changes.jsonl --from 2026-03-01"
        " --to 2026-03-31",
        "What a month's milestones would have been",
    ),
)
Line = Tuple[Tuple[Any, ...], Dict[str, Any]]


def add_parser(commands: Commands) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "replay",
        help="print what a policy would have reported about past changes",
        description="Print every event of past changes as JSON lines, in the order of time.",
    )
    command.add_argument("--config", type=Path, required=True, help="a pack configuration (YAML)")
    command.add_argument("--changes", type=Path, required=True, help=CHANGES_HELP)
    command.add_argument(
        "--from", dest="since", type=instant, required=True, help="2026-03-02T09:00:00Z or a day"
    )
    command.add_argument("--to", type=instant, required=True, help="likewise; included")
    command.add_argument(
        "--json", action="store_true", help="for likeness: it prints JSON lines in any case"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the events of a file. :raises ReviewLoopError: the input is wrong."""
    for event in replay_file(options.config, options.changes, options.since, options.to):
        sys.stdout.write(json.dumps(event) + "\n")
    return 0


def replay_file(config: Path, changes: Path, since: datetime, to: datetime) -> List[Dict[str, Any]]:
    """Every event of the changes in a file, from ``since`` (included) to ``to`` (included).

    :param changes: JSON lines of Gerrit's ``ChangeInfo`` with MESSAGES, DETAILED_ACCOUNTS and
        LABELS; ``.gz`` is fine, ``-`` is standard input.
    :return: ``{"event": "waiting", number, party, cause, since, milestone, at}`` and ``{"event":
        "ended", number, party, since, how, at}``, sorted by at, number, event, party, since,
        milestone.
    :raises ConfigError: a file cannot be read, or the configuration is wrong.
    :raises ProtocolError: a line is not a change.
    """
    policy = read_settings(config).policy
    # A window leaves its beginning out.
    window = Window(since - timedelta(seconds=1), to)
    lines = [line for raw in read_changes(changes) for line in _events(raw, policy, window)]
    return [event for _, event in sorted(lines, key=lambda line: line[0])]


def _events(raw: Dict[str, Any], policy: Policy, window: Window) -> Iterator[Line]:
    reading = read_change(parse.change(raw), policy)
    for what in replay(reading, policy, window):
        yield line_of(reading.change.number, what, policy)


def line_of(number: int, what: Union[Crossing, Ending], policy: Policy) -> Line:
    """An event as it is printed, and by what it is sorted."""
    wait = what.wait
    event: Dict[str, Any] = {"event": "waiting", "number": number, "party": wait.party.value}
    length = 0
    if isinstance(what, Crossing):
        event.update(cause=wait.cause.value, since=iso(wait.since), milestone=str(what.milestone))
        length = what.milestone.seconds(policy.calendar)
    else:
        event.update(event="ended", since=iso(wait.since), how=wait.how.value if wait.how else "")
    event["at"] = iso(what.at)
    order = (event["at"], number, event["event"], event["party"], event["since"], length)
    return order, event
