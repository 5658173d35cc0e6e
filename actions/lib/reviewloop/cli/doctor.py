"""``reviewloop doctor``: a check-up of a configuration, without StackStorm."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Dict, Iterator, List

from reviewloop.cli.config import UnrenderedError, add_source, read_config, settings_of
from reviewloop.cli.numbers import whole
from reviewloop.cli.progress import Progress
from reviewloop.errors import ConfigError
from reviewloop.insight.findings import Finding, Level
from reviewloop.operations.context import make_client
from reviewloop.operations.doctor import CheckUp, around, stored, told, wrong
from reviewloop.trackers.factory import make_tracker

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

EXAMPLES = (
    ("reviewloop doctor --config gerrit.yaml", "Before the sensor is enabled"),
    (
        "ST2_API_URL=https://st2.example.org/api ST2_API_KEY=KEY reviewloop doctor --config"
        " gerrit.yaml",
        "With StackStorm's rules, datastore keys and executions",
    ),
)
_SIGNS = {
    Level.PROBLEM.value: "PROBLEM",
    Level.WARNING.value: "warning",
    Level.UNKNOWN.value: "unknown",
    Level.NOTE.value: "note",
    Level.OK.value: "ok",
}
_INDENT, _WIDTH = 9, 100


def add_parser(commands: Commands) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "doctor",
        help="check a configuration against Gerrit and the tracker, and say how to mend it",
        description="Check a configuration against Gerrit and the tracker. Writes nothing."
        " The exit status is 1 if there is a problem.",
    )
    add_source(command)
    command.add_argument(
        "--limit", type=whole(1), default=200, help="changes of the last 30 days to look at"
    )
    command.add_argument("--json", action="store_true", help="print JSON, as gerrit.doctor answers")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the findings. :raises ReviewLoopError: the configuration cannot be read."""
    found = told(_findings(options))
    lines = [json.dumps(found, indent=1)] if options.json else page(found)
    for line in lines:
        sys.stdout.write(line + "\n")
    return 0 if found["ok"] else 1


def _findings(options: argparse.Namespace) -> List[Finding]:
    """Everything found; of a configuration that cannot be used, its problems."""
    stackstorm = around(os.environ)
    written = None if options.config is None else read_config(options.config)
    try:
        settings = settings_of(options)
    except UnrenderedError as err:
        why = "A command cannot look into StackStorm's datastore."
        return [*wrong(err, why, err.remedy), *stored(stackstorm, written)]
    except ConfigError as err:
        if written is None:
            raise
        return [*wrong(err), *stored(stackstorm, written)]
    tracker = make_tracker(settings.tracker)
    progress = Progress()
    checkup = CheckUp(
        settings, make_client(settings), lambda: tracker, stackstorm, written, progress.say
    )
    try:
        return checkup.findings(options.limit)
    finally:
        progress.done()


def page(found: Dict[str, Any]) -> Iterator[str]:
    """The findings as lines of text, the worst first; `>` is before what mends them."""
    for one in found["findings"]:
        yield from _filled(f"{_SIGNS[one['level']]:<{_INDENT}}", one["what"])
        yield from _filled(" " * _INDENT, one["why"])
        yield from _filled(" " * _INDENT + "> ", one["remedy"])
    yield f"{_count(found['problems'], 'problem')}, {_count(found['warnings'], 'warning')}"


def _filled(lead: str, text: str) -> List[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _count(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")
