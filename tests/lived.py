"""What polls dispatch of one change, without a sensor around it."""

from __future__ import annotations

from datetime import datetime
from typing import List, Tuple, Union

from reviewloop.core.keys import event_id
from reviewloop.core.milestones import Crossing, Ending
from reviewloop.core.reading import Reading
from reviewloop.sensor.events import Dispatched, Namer
from reviewloop.store.cursor import Cursor


def namer(server: str = "s", number: int = 1) -> Namer:
    """The ids of a change's crossings."""

    def name(crossing: Crossing) -> str:
        wait = crossing.wait
        milestone = str(crossing.milestone)
        return event_id(server, number, wait.party.value, wait.since, milestone)

    return name


def lived(
    reading: Reading, lo: datetime, hi: datetime, server: str = "s"
) -> List[Tuple[str, Union[Crossing, Ending]]]:
    """What a poll at ``hi`` dispatches, if those before have come to ``lo``."""
    name = namer(server, reading.change.number)
    dispatched = Dispatched.up_to(Cursor(lo), reading, name)
    return [(event.id, event.what) for event in dispatched.due(reading, name, hi)]
