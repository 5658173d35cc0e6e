"""``reviewloop``: the command line."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from typing import List, Optional

from reviewloop import __version__
from reviewloop.cli import board, doctor, explain, judge, preview, replay, report
from reviewloop.cli.help import Parser
from reviewloop.errors import ReviewLoopError
from reviewloop.operations import garbage

COMMANDS = (preview, explain, replay, board, judge, report, doctor)
"""Each module adds its arguments (``add_parser``), names what runs (``run``), and shows how it is
used (``EXAMPLES``: pairs of a command line and what it is for).
"""
_EXAMPLES = (
    (
        "reviewloop board --url https://review.example.org --query project:tools/build",
        "What is overdue on a public server",
    ),
    ("reviewloop doctor --config gerrit.yaml", "Whether a configuration works"),
)
_WRONG = 2
# As a shell tells that a signal ended a program: 128 and the signal's number.
_INTERRUPTED, _NOBODY_READS = 130, 141
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def parser() -> Parser:
    """All commands."""
    root = Parser(
        prog="reviewloop",
        description="See whose turn it is on Gerrit's changes, for how long, and what to do.",
    )
    root.examples = _EXAMPLES
    root.add_argument("--version", action="version", version=f"reviewloop {__version__}")
    commands: argparse._SubParsersAction[argparse.ArgumentParser] = root.add_subparsers(
        dest="command", metavar="COMMAND", parser_class=Parser
    )
    for command in COMMANDS:
        known = set(commands.choices)
        command.add_parser(commands)
        for name in set(commands.choices) - known:
            vars(commands.choices[name])["examples"] = getattr(command, "EXAMPLES", ())
    return root


def main(arguments: Optional[List[str]] = None) -> int:
    """Run a command; the exit status is one of ``help.EXIT_CODES``. Without a command: the help."""
    try:
        try:
            return _outcome(arguments)
        finally:
            # What cannot be printed is noticed here, and not when the interpreter ends.
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _print_no_more()
        return _NOBODY_READS
    except OSError as err:
        if err.errno not in _FULL:
            raise
        _print_no_more()
        sys.stderr.write(f"reviewloop: the output cannot be written: {err.strerror}.\n")
        return _WRONG


def _outcome(arguments: Optional[List[str]]) -> int:
    root = parser()
    options = root.parse_args(arguments)
    if options.command is None:
        root.print_help()
        return 0
    garbage.seldom()
    try:
        return int(options.run(options))
    except ReviewLoopError as err:
        sys.stderr.write(f"reviewloop: {err}\n")
        return _WRONG


def _print_no_more() -> None:
    """Or the interpreter flushes once more at its end, and complains
    (https://docs.python.org/3/library/signal.html#note-on-sigpipe).
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
