"""How large a Monday is, and what breaks in it."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Mapping, Optional, Sequence, Tuple

from sandbox.stackstorm.services import KEY, missing

ROOT = Path(__file__).resolve().parents[2]
#: What Gerrit lists in one answer.
MOST_CHANGES = 500


@dataclass(frozen=True)
class Options:
    """One Monday.

    :ivar poll: ``poll_interval``, in seconds.
    :ivar per_run: ``limits.per_run``: how many may be asked for in one ``poll_interval``.
    :ivar rules: more rules to enable than those that ask or stand down.
    :ivar stall: play the next fault after so many seconds in which nobody was asked.
    :ivar patience: after so many, with all faults over, turn Gerrit's clock on.
    """

    checkout: Path = ROOT
    changes: int = 200
    members: int = 13
    poll: int = 60
    per_person_week: int = 20
    per_run: int = 60
    rules: Tuple[str, ...] = ()
    two_sensors: bool = False
    kill_runner: bool = False
    gerrit_down: int = 0
    rabbit_down: int = 0
    mongo_down: int = 0
    stall: int = 180
    patience: int = 600
    replace: bool = False
    keep: bool = False

    @property
    def needs_services(self) -> bool:
        """Whether StackStorm's own processes are stopped or started."""
        return any((self.two_sensors, self.kill_runner, self.rabbit_down, self.mongo_down))


#: What ``make test-st2`` always plays.
SMALL = Options(changes=20, members=5, poll=30, patience=180)
#: What it plays where it can stop StackStorm's services.
WHOLE = Options(
    two_sensors=True, kill_runner=True, gerrit_down=120, rabbit_down=60, mongo_down=60, patience=180
)


def parse(
    arguments: Optional[Sequence[str]] = None, environ: Optional[Mapping[str, str]] = None
) -> Options:
    """The command line. Its defaults are a whole Monday without faults.

    :raises SystemExit: it asks for what cannot be.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    values = {field.name: getattr(given, field.name) for field in fields(Options)}
    values.update(rules=tuple(given.rules), checkout=given.checkout.resolve())
    options = Options(**values)
    _check(parser, options, environ or {})
    return options


def _check(parser: argparse.ArgumentParser, options: Options, environ: Mapping[str, str]) -> None:
    if not 1 <= options.changes <= MOST_CHANGES:
        parser.error(f"--changes {options.changes}: take 1 to {MOST_CHANGES}")
    if options.members < 1:
        parser.error(f"--members {options.members}: somebody has to be asked")
    reason = missing(environ.get(KEY, "")) if options.needs_services else ""
    if reason:
        parser.error(reason)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.stackstorm.monday",
        description="Many changes become overdue together, and things break in the middle.",
    )
    parser.set_defaults(**{field.name: field.default for field in fields(Options)})
    add = parser.add_argument
    add("--checkout", type=Path, help="install the pack from here; default: this one")
    add("--changes", type=int, help="how many; default: %(default)s")
    add("--members", type=int, help="of the roster; default: %(default)s")
    for name in ("poll", "per-person-week", "per-run"):
        add(f"--{name}", type=int, help="as in the pack's configuration; default: %(default)s")
    add("--rule", dest="rules", action="append", default=[], help="one more rule to enable")
    add("--two-sensors", action="store_true", help="start a second sensor container")
    add("--kill-runner", action="store_true", help="kill an action runner")
    for name in ("gerrit", "rabbit", "mongo"):
        add(f"--{name}-down", type=int, metavar="SECONDS", help="how long it is away")
    add("--stall", type=int, help="next fault after so long a halt; default: %(default)s s")
    add("--patience", type=int, help="turn the clock after so long a halt; default: %(default)s s")
    add("--replace", action="store_true", help="first remove a pack that is there, and its values")
    add("--keep", action="store_true", help="leave the pack installed, to look at it")
    return parser
