"""``reviewloop preview``: what a configuration would have done, and what is due next. A plan."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Sequence

from reviewloop.cli import histories
from reviewloop.cli.config import add_source, read_settings, settings_of
from reviewloop.cli.files import check_writable
from reviewloop.cli.histories import CHANGES_HELP, instant, read_lines
from reviewloop.cli.numbers import whole
from reviewloop.cli.progress import Progress
from reviewloop.errors import ConfigError
from reviewloop.escalation.accounts import member_name
from reviewloop.preview.against import check_same_changes
from reviewloop.preview.gather import account_of, acting, reaching
from reviewloop.preview.offline import Offline, own_account
from reviewloop.preview.page import page
from reviewloop.preview.plan import Previewer
from reviewloop.preview.recorded import Recorded, people
from reviewloop.preview.rules import SHIPPED, Rule, read_rules
from reviewloop.settings.load import Settings

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]

DAYS, MOST_DAYS = 30, 366
_PRIVATE = 0o600
EXAMPLES = (
    (
        "reviewloop preview --url https://review.example.org --profile opendev --days 14",
        "What the defaults would have done on a public server",
    ),
    (
        "reviewloop preview --config gerrit.yaml --against other.yaml --out plan.json",
        "Which asks differ under another configuration",
    ),
    (
        "reviewloop preview --config gerrit.yaml --days 0 --texts",
        "What is due next, with every comment and ticket as people would read it",
    ),
)
NOTE = (
    "A plan, and no claim of an effect: people of the past were not asked, and acted as they did."
    " A ticket's address is not in the texts."
)
_NO_USUAL = (
    "usual_wait: StackStorm's datastore has the usual times, so the texts here do not name them"
)
_OF_A_FILE = (
    "of a file: nothing is known of chains and of comments on files; a roster member who is in no"
    " history is taken to exist"
)


def add_parser(commands: Commands) -> None:
    """The command's arguments."""
    command = commands.add_parser(
        "preview",
        help="print what a configuration would have done, and what is due next",
        description=(
            "Print whom a configuration would have asked, by rule, tier, person and week; what each"
            " milestone costs; and what is due in the next seven days if nobody acts. Writes"
            " nothing. The exit status is 0, or 2 where the input is wrong or Gerrit does not"
            " answer."
        ),
    )
    add_source(command)
    command.add_argument(
        "--changes", type=Path, help=f"{CHANGES_HELP} (default: the changes of the server)"
    )
    command.add_argument(
        "--days",
        type=whole(0, MOST_DAYS),
        default=DAYS,
        help="of the past; 0 for none (default: 30)",
    )
    command.add_argument(
        "--to",
        "--until",
        dest="to",
        type=instant,
        help="with --changes: when the past ends (default: when something last happened)",
    )
    command.add_argument(
        "--against", type=Path, help="another configuration (YAML): which asks differ, and why"
    )
    command.add_argument(
        "--rules", type=Path, help="a folder of rules (default: the pack's own, all enabled)"
    )
    command.add_argument(
        "--texts",
        action="store_true",
        help="also print what the next requests would say, on the change and on its ticket",
    )
    command.add_argument("--out", type=Path, help="write the plan into a file (JSON)")
    command.add_argument(
        "--json", action="store_true", help="print JSON, as gerrit.preview answers"
    )
    histories.add_reading(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the plan. :raises ReviewLoopError: the input is wrong, or Gerrit does not answer."""
    settings = settings_of(options)
    other = None if options.against is None else _other(options.against, settings)
    rules = SHIPPED if options.rules is None else read_rules(options.rules)
    if options.out is not None:
        check_writable(options.out)
    progress = Progress()
    try:
        plan = _plan(options, settings, other, rules, progress)
    finally:
        progress.done()
    if options.out is not None:
        _write(options.out, plan)
    lines = [json.dumps(plan, indent=1)] if options.json else page(plan)
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stderr.write(NOTE + "\n")
    return 0


def _plan(
    options: argparse.Namespace,
    read_as: Settings,
    other: Optional[Settings],
    rules: Sequence[Rule],
    progress: Progress,
) -> Dict[str, Any]:
    """The plan. A server is read as it is configured, anonymously perhaps; who asks, acts."""
    settings, others = acting(read_as), [] if other is None else [other]
    gathered = (
        _of_server(options, read_as, others)
        if options.changes is None
        else _of_file(options.changes, options.to, settings, others)
    )
    previewer = Previewer(
        gathered.recorded,
        gathered.now,
        options.days,
        rules=rules,
        say=progress.say,
        notes=[*gathered.notes, *([_NO_USUAL] if settings.usual_wait else [])],
        texts=options.texts,
    )
    costs = previewer.costs(settings)
    if other is None:
        return previewer.plan(settings, costs)
    return previewer.compared(settings, other, costs)


class _Gathered:
    """The histories, when it is now, and what is to be said of them."""

    def __init__(self, recorded: Recorded, now: datetime, notes: Sequence[str] = ()) -> None:
        self.recorded = recorded
        self.now = now
        self.notes = list(notes)


def _of_server(
    options: argparse.Namespace, settings: Settings, others: Sequence[Settings]
) -> _Gathered:
    if options.to is not None:
        raise ConfigError(
            "--to goes with --changes: a server is looked at as it is now.",
            "Leave it out, or pass the histories in a file.",
        )
    client = histories.client_of(options, settings)
    client.version()  # by its answer the server's time is known
    now = client.now()
    recorded = Recorded(client, settings.gerrit.query, account_of(acting(settings), client))
    since = reaching([settings, *others], now, options.days)
    for raw in histories.read(options, settings, since, client=client, others=others):
        recorded.add(raw)
    return _Gathered(recorded, now)


def _of_file(
    path: Path, to: Optional[datetime], settings: Settings, others: Sequence[Settings]
) -> _Gathered:
    source = Offline()
    own = own_account(settings.gerrit.username)
    recorded = Recorded(source, settings.gerrit.query, own, is_all=True)
    for line, raw in read_lines(path):
        found = recorded.add(raw, text=line)
        if found is not None:
            source.learn(people([found[1]]))
    if not len(recorded):
        raise ConfigError(
            f"--changes {path} holds no change. {' '.join(recorded.unreadable[:1])}".strip(),
            "Ask Gerrit for o=MESSAGES, o=DETAILED_ACCOUNTS and o=LABELS.",
        )
    recorded.own = source.named(settings.gerrit.username) or recorded.own
    source.learn({recorded.own.id: recorded.own})
    for one in (settings, *others):
        source.expect(member_name(member) for member in one.roster.members)
    last = max(packed.idle for packed in recorded)
    return _Gathered(recorded, last if to is None else to, [_OF_A_FILE])


def _other(path: Path, settings: Settings) -> Settings:
    """The configuration that is compared with.

    :raises ConfigError: it cannot be read, or is of other changes.
    """
    other = acting(read_settings(path, "--against"))
    check_same_changes(acting(settings), other, f"--against {path}")
    return other


def _write(path: Path, plan: Mapping[str, Any]) -> None:
    """Write the plan, for its owner alone: it names people.

    :raises ConfigError: it cannot be written.
    """
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(path, flags, _PRIVATE), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), _PRIVATE)  # one that is there may be open to all
            json.dump(plan, file, indent=1)
            file.write("\n")
    except OSError as err:
        raise ConfigError(
            f"--out {path} cannot be written: {err.strerror or err}.", "Pass another path."
        ) from err
