"""A check-up when a sensor runs for the first time: its findings go to the log, once.

It has clients of its own and a thread of its own (a green one, as StackStorm runs sensors under
eventlet), so that no poll waits for it and none ends by it. It looks at fewer changes than the
action does, begins no further step after :data:`LONGEST`, and asks for what the steps ask for:
some forty requests to Gerrit, some thirty to StackStorm and to the tracker.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any, Callable, Dict

from reviewloop.errors import guarded, named
from reviewloop.http.retry import Timing
from reviewloop.insight.findings import Level
from reviewloop.operations.context import make_client
from reviewloop.operations.doctor import CheckUp, around, told
from reviewloop.settings.load import Settings
from reviewloop.trackers.factory import make_tracker

LIMIT = 50
"""Changes that it looks at."""
LONGEST = 60.0
"""Seconds after which it begins no further step."""

_LOUD = (Level.PROBLEM.value, Level.WARNING.value)


def in_background(work: Callable[[], None]) -> None:
    """Begin something that nobody waits for."""
    threading.Thread(target=work, name="first look", daemon=True).start()


def first_look(settings: Settings, log: logging.Logger) -> None:
    """Check up, and log what is found. Never raises."""

    def failed(err: Exception) -> None:
        log.info("doctor: the check-up came to an end: %s", named(err).message)

    guarded(lambda: report(_findings(settings), log), failed)


def report(found: Dict[str, Any], log: logging.Logger) -> None:
    """One line a finding, and one that sums them up; nothing of what is as it should be."""
    for one in found["findings"]:
        if one["level"] != Level.OK.value:
            text = " ".join(filter(None, (one["what"], one["why"], one["remedy"])))
            level = logging.WARNING if one["level"] in _LOUD else logging.INFO
            log.log(level, "doctor: %s: %s", one["level"], text)
    log.info(
        "doctor: %d problems, %d warnings; `st2 run gerrit.doctor` looks again.",
        found["problems"],
        found["warnings"],
    )


def _findings(settings: Settings) -> Dict[str, Any]:
    client, clock = make_client(settings), Timing().monotonic
    end = clock() + LONGEST
    tracker = make_tracker(settings.tracker)
    try:
        checkup = CheckUp(settings, client, lambda: tracker, around(os.environ))
        return told(checkup.findings(LIMIT, lambda: clock() >= end))
    finally:
        client.close()
