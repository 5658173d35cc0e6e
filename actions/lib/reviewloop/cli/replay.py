"""``reviewloop replay``: the same reading of histories, without StackStorm and without Gerrit."""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import (
    IO,
    TYPE_CHECKING,
    Any,
    Dict,
    Iterable,
    Iterator,
    List,
    Tuple,
    Union,
    cast,
)

from reviewloop.cli.config import read_config
from reviewloop.core.milestones import Crossing, Ending, Window
from reviewloop.core.policy import Policy
from reviewloop.core.reading import read_change, replay
from reviewloop.core.timestamps import ISO, iso
from reviewloop.errors import ConfigError
from reviewloop.gerrit import parse
from reviewloop.settings.load import load

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

Line = Tuple[Tuple[Any, ...], Dict[str, Any]]


def add_parser(commands: Commands) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "replay",
        help="print what a policy would have reported about past changes",
        description="Print every event of past changes as JSON lines, in the order of time.",
    )
    command.add_argument("--config", type=Path, required=True, help="a pack configuration (YAML)")
    command.add_argument(
        "--changes", type=Path, required=True, help="ChangeInfo as JSON lines, .gz accepted"
    )
    command.add_argument(
        "--from", dest="since", type=_instant, required=True, help="2026-03-02T09:00:00Z or a day"
    )
    command.add_argument("--to", type=_instant, required=True, help="likewise; included")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the events of a file. :raises ReviewLoopError: the input is wrong."""
    for event in replay_file(options.config, options.changes, options.since, options.to):
        sys.stdout.write(json.dumps(event) + "\n")
    return 0


def replay_file(config: Path, changes: Path, since: datetime, to: datetime) -> List[Dict[str, Any]]:
    """Every event of the changes in a file, from ``since`` (included) to ``to`` (included).

    :param changes: JSON lines of Gerrit's ``ChangeInfo`` with MESSAGES, DETAILED_ACCOUNTS and
        LABELS; ``.gz`` is fine.
    :return: ``{"event": "waiting", number, party, cause, since, milestone, at}`` and ``{"event":
        "ended", number, party, since, how, at}``, sorted by at, number, event, party, since,
        milestone.
    :raises ConfigError: a file cannot be read, or the configuration is wrong.
    :raises ProtocolError: a line is not a change.
    """
    policy = load(read_config(config)).policy
    # A window leaves its beginning out.
    window = Window(since - timedelta(seconds=1), to)
    lines = [line for raw in _read(changes) for line in _events(raw, policy, window)]
    return [event for _, event in sorted(lines, key=lambda line: line[0])]


def _events(raw: Dict[str, Any], policy: Policy, window: Window) -> Iterator[Line]:
    reading = read_change(parse.change(raw), policy)
    for what in replay(reading, policy, window):
        yield _line(reading.change.number, what, policy)


def _line(number: int, what: Union[Crossing, Ending], policy: Policy) -> Line:
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


def _read(path: Path) -> Iterator[Dict[str, Any]]:
    try:
        with _open(path) as lines:
            yield from _parsed(path, lines)
    except (OSError, EOFError, UnicodeDecodeError) as err:
        raise ConfigError(
            f"--changes {path} cannot be read: {err}", "Pass JSON lines, plain or gzipped."
        ) from err


def _parsed(path: Path, lines: Iterable[str]) -> Iterator[Dict[str, Any]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except ValueError as err:
            raise ConfigError(
                f"--changes {path}, line {number}, is not JSON: {err}.",
                "Write one change a line, as Gerrit answers it.",
            ) from err


def _open(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return cast(IO[str], gzip.open(path, "rt", encoding="utf-8"))
    return path.open(encoding="utf-8")


def _instant(text: str) -> datetime:
    for form in (ISO, "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=timezone.utc)
        except ValueError:
            continue
    raise argparse.ArgumentTypeError(
        f"{text!r} is not an instant: write 2026-03-02T09:00:00Z, or 2026-03-02 for its start, UTC"
    )
