"""Generated lives of changes on a real Gerrit: what is read of each is what Gerrit says.

After every step of a story the standing votes are the ``labels`` of Gerrit's answer, the change is
in progress or private as Gerrit answers, nobody but its owner has the turn while it is held, and
steps that are to move nobody's wait do not. ``make test-stories`` plays some hundreds.
"""

from __future__ import annotations

from typing import Iterator

import pytest
from sandbox.gerrit.server import GerritServer

from life_stage import Stage
from life_stories import story

pytestmark = pytest.mark.real_gerrit

SLICE = 40


@pytest.fixture(scope="module")
def stage(gerrit: GerritServer) -> Iterator[Stage]:
    found = Stage(gerrit)
    yield found
    found.close()


@pytest.mark.parametrize("seed", range(SLICE))
def test_life_story(stage: Stage, seed: int) -> None:
    """A change's life is read as Gerrit answers it, step by step."""
    wrong = stage.play(story(seed))

    assert not wrong, f"{stage.shrunk(story(seed))} of {story(seed)}"


def test_story_of_a_seed() -> None:
    """A seed has one story."""
    assert story(7) == story(7)
    assert story(7) != story(8)
