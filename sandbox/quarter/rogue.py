"""A pack that does what it must not: steps for tests that the checks see it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Optional

import requests

from reviewloop.core.keys import Mark, digest, event_id
from reviewloop.core.reading import read_change
from reviewloop.settings.load import load
from reviewloop.store.asks import Ask
from sandbox.gerrit.fake import URL

from .machine import MACHINE
from .people import set_private
from .world import World, step


@step
def no_rules(world: World) -> None:
    """Nothing acts on triggers any more."""
    world.st2.enabled.clear()


@step
def asks(world: World, change: int, what: int) -> None:
    """It asks the owner, or about no wait, on a private change, twice, without counting, or
    somebody else too.
    """
    one = world.pick(change)
    if what == 2:
        set_private(world, one, True)
    who = one.owner if what == 0 else world.gerrit.ids["committee3"]
    mark = Mark("escalate", "0" * 16 if what == 1 else _ask_id(world, one.number), (who,))
    if what != 4:
        _count(world, mark, one.number)
    for _ in range(2 if what == 3 else 1):
        _post(world, one.number, mark)
    if what == 5:
        other = Mark("escalate", _ask_id(world, one.number, 1), (world.gerrit.ids["committee2"],))
        _count(world, other, one.number)
        _post(world, one.number, other)


@step
def asks_too_often(world: World, change: int) -> None:
    """It asks one person of the committee once more than it may in a week."""
    most = load(world.st2.config()).limits.per_person_week
    for number in range(most + 1):
        mark = Mark("escalate", digest("often", number), (world.gerrit.ids["committee3"],))
        _count(world, mark, world.pick(change).number, MACHINE.now - timedelta(hours=1 + number))


def _count(world: World, mark: Mark, number: int, at: Optional[datetime] = None) -> None:
    """Keep the record of an ask."""
    now = MACHINE.now
    event = event_id(load(world.st2.config()).server, number, "reviewers", now, "2d")
    ask = Ask(event, "committee", number, "reviewers", now, mark.asked, at or now)
    world.st2.datastore.put(f"gerrit.ask.{mark.id}", ask.to_json())


def _ask_id(world: World, number: int, attempt: int = 0) -> str:
    settings = load(world.st2.config())
    reading = read_change(world.gerrit.value(world.gerrit.changes[number]), settings.policy)
    wait = reading.timelines[-1].wait
    event = event_id(settings.server, number, wait.party.value, wait.since, "2d")
    return digest(event, "committee", attempt)


def _post(world: World, number: int, mark: Mark) -> None:
    path = f"{URL}/a/changes/{number}/revisions/current/review"
    body = json.dumps({"message": f"Please.\n\n{mark}"})
    world.gerrit.answer(requests.Request("POST", path, data=body).prepare())
