"""A pack that does what it must not: steps for tests that the checks see it."""

from __future__ import annotations

import json

import requests

from reviewloop.core.keys import Mark, digest, event_id
from reviewloop.core.reading import read_change
from reviewloop.settings.load import load
from sandbox.gerrit.fake import URL

from .people import set_private
from .world import World, step


@step
def no_rules(world: World) -> None:
    """Nothing acts on triggers any more."""
    world.st2.enabled.clear()


@step
def asks(world: World, change: int, what: int) -> None:
    """It asks the owner, or about no wait at all, or on a private change, or twice."""
    one = world.pick(change)
    if what == 2:
        set_private(world, one, True)
    who = one.owner if what == 0 else world.gerrit.ids["committee3"]
    mark = Mark("escalate", "0" * 16 if what == 1 else _ask_id(world, one.number), (who,))
    for _ in range(2 if what == 3 else 1):
        _post(world, one.number, mark)


def _ask_id(world: World, number: int) -> str:
    settings = load(world.st2.config())
    reading = read_change(world.gerrit.value(world.gerrit.changes[number]), settings.policy)
    wait = reading.timelines[-1].wait
    event = event_id(settings.server, number, wait.party.value, wait.since, "2d")
    return digest(event, "committee", 0)


def _post(world: World, number: int, mark: Mark) -> None:
    path = f"{URL}/a/changes/{number}/revisions/current/review"
    body = json.dumps({"message": f"Please.\n\n{mark}"})
    world.gerrit.answer(requests.Request("POST", path, data=body).prepare())
