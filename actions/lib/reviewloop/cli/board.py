"""``reviewloop board``: every overdue wait of a server, without StackStorm."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any, Dict, Iterator

from reviewloop.cli.config import add_source, settings_of
from reviewloop.cli.histories import nothing_found
from reviewloop.cli.numbers import whole
from reviewloop.cli.progress import Progress
from reviewloop.operations.board import Server
from reviewloop.operations.context import make_client

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

EXAMPLES = (
    (
        "reviewloop board --url https://review.example.org --query project:tools/build",
        "A public server, read anonymously",
    ),
    ("reviewloop board --config gerrit.yaml --json", "Your own, for another program"),
)
NOTE = (
    "Without StackStorm's datastore: what waits for a limit, or is asked for in another change's"
    " name, shows as no_rule."
)


def add_parser(commands: Commands) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "board",
        help="print every overdue wait, with who is asked or why nobody is",
        description="Print every overdue wait of the configured Gerrit, the longest first.",
    )
    add_source(command)
    command.add_argument("--limit", type=whole(1), default=1000, help="open changes to look at")
    command.add_argument("--json", action="store_true", help="print JSON, as gerrit.board answers")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the board. :raises ReviewLoopError: the input is wrong, or Gerrit does not answer."""
    settings = settings_of(options)
    progress = Progress()
    server = Server(
        settings, make_client(settings), lambda _change: settings.policy, say=progress.say
    )
    try:
        found = server.look(options.limit)
    finally:
        progress.done()
    lines = [json.dumps(found, indent=1)] if options.json else page(found)
    for line in lines:
        sys.stdout.write(line + "\n")
    if not server.seen:
        sys.stderr.write(nothing_found(settings.gerrit.query, "open ") + "\n")
    sys.stderr.write(NOTE + "\n")
    return 0


def page(found: Dict[str, Any]) -> Iterator[str]:
    """The board as lines of text."""
    yield f"{found['count']} overdue at {found['now']}" + (
        ", and more changes" if found["more"] else ""
    )
    for wait in found["waits"]:
        yield (
            f"{wait['number']:>8}  {wait['waiting_days']:>6.2f} d  {wait['party']:<9}"
            f"  {wait['milestone']:>4}  {_state(wait)}"
        )
    for one in found["unreadable"]:
        yield f"{one['number']:>8}  unreadable: {one['name']}"


def _state(wait: Dict[str, Any]) -> str:
    after = f", {wait['next']} {wait['next_at']}" if wait["next_at"] else ""
    if wait["reason"]:
        leader = f" to {wait['leader']}" if wait["leader"] else ""
        return f"{wait['reason']}{leader}{after}"
    asked = wait["asked"][-1]
    who = ", ".join(map(str, asked["account_ids"])) or "nobody by name"
    return f"asked {who} ({asked['tier']}) since {asked['since']}{after}"
