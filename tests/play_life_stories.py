"""Plays many life stories on a real Gerrit: ``python tests/play_life_stories.py --stories 320``.

Prints what was seen, each open wait that no longer begins where it did with what happened in
between, and each story that goes wrong with its seed, cut down to what it needs; then it ends with
status 1. A wait that moves for no reason of ``life_moves`` is wrong.
"""

from __future__ import annotations

import argparse
import sys
from typing import Counter as Counts

from sandbox.gerrit.server import GerritServer

from life_stage import Stage, Tally
from life_stories import story


def main() -> int:
    """Play the stories of some seeds."""
    parser = argparse.ArgumentParser(description=__doc__, prog="play_life_stories")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--stories", type=int, default=320, help="how many seeds")
    wanted = parser.parse_args()
    failures = 0
    with GerritServer() as server:
        stage = Stage(server)
        print(f"Gerrit {server.parts.version}", flush=True)
        for seed in range(wanted.first, wanted.first + wanted.stories):
            failures += _played(stage, seed)
        _print(stage.tally, failures)
        stage.close()
    return 1 if failures else 0


def _played(stage: Stage, seed: int) -> int:
    wrong = stage.play(story(seed))
    for moved in stage.moves:
        print(f"seed {seed}, moved {moved}", flush=True)
    if not wrong:
        return 0
    print(f"seed {seed}: {wrong}\n{stage.shrunk(story(seed))}", flush=True)
    return 1


def _print(tally: Tally, failures: int) -> None:
    done, refused = sum(tally.steps.values()), sum(tally.refused.values())
    print(f"{tally.stories} stories, {done} steps ({refused} refused), {failures} went wrong.")
    for name, counts in (
        ("steps", tally.steps),
        ("refused", tally.refused),
        ("mended", tally.mended),
        ("moved", tally.moved),
    ):
        print(f"{name}: {_listed(counts)}")


def _listed(counts: Counts[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in counts.most_common()) or "none"


if __name__ == "__main__":
    sys.exit(main())
