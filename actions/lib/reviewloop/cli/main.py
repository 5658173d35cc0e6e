"""``reviewloop``: the command line."""

from __future__ import annotations

import argparse
import sys
from typing import List, Optional

from reviewloop.cli import board, doctor, explain, judge, preview, replay, report
from reviewloop.errors import ReviewLoopError

COMMANDS = (preview, explain, replay, board, judge, report, doctor)
"""Each module adds its arguments (``add_parser``) and names what runs (``run``)."""


def main(arguments: Optional[List[str]] = None) -> int:
    """Run a command; the exit status is the command's, or 2 where the input is wrong."""
    parser = argparse.ArgumentParser(
        prog="reviewloop", description="Read turns and waits out of Gerrit review histories."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except ReviewLoopError as err:
        sys.stderr.write(f"reviewloop: {err}\n")
        return 2
