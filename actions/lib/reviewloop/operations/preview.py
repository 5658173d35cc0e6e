"""What the configuration would have done, and what is due next. Nothing here writes."""

from __future__ import annotations

from typing import Any, Dict

from reviewloop.core.text import outward
from reviewloop.operations.context import Context
from reviewloop.preview.gather import acting, recorded_now
from reviewloop.preview.page import outlined
from reviewloop.preview.plan import Previewer
from reviewloop.preview.store import copied

MOST_ASKS = 500
"""Asks that are listed, at most: StackStorm keeps what an action answers."""


def preview(context: Context, days: int = 30, limit: int = MOST_ASKS) -> Dict[str, Any]:
    """Whom the pack would have asked in the last days, and whom it asks in the next seven if nobody
    acts: ``{version, server, now, milestones, past, ahead, notes}``.

    The future begins with what the pack has on record now, as if the sensor were started again.

    :param days: of the past; 0 for none.
    :param limit: asks that are listed of each, at most; ``count`` says how many there are.
    """
    settings, client = acting(context.settings), context.client
    client.version()  # by its answer the server's time is known
    now = client.now()
    context.progress("Reading changes.")
    values = copied(context.datastore)
    recorded = recorded_now(settings, client, now, days, values)
    context.progress(f"{len(recorded)} changes read.")
    previewer = Previewer(recorded, now, days, values=values)
    plan = outlined(previewer.plan(settings, previewer.costs(settings)), limit)
    return {key: _outward(value) for key, value in plan.items()}


def _outward(value: Any) -> Any:
    """Nothing of it can be an expression: StackStorm evaluates those in what a workflow
    publishes.
    """
    if isinstance(value, dict):
        return {key: _outward(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_outward(item) for item in value]
    return outward(value, 900) if isinstance(value, str) else value
