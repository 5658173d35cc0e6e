"""What the configuration would have done, and what is due next. Nothing here writes."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from reviewloop.core.text import outward, outward_text
from reviewloop.operations.context import Context
from reviewloop.operations.other import other_settings
from reviewloop.preview.gather import acting, recorded_now
from reviewloop.preview.page import outlined
from reviewloop.preview.plan import Previewer
from reviewloop.preview.store import copied

MOST_ASKS = 500
"""Asks that are listed, at most: StackStorm keeps what an action answers."""
_LONGEST, _LONGEST_TEXT = 900, 20_000
_TEXTS = ("text", "body")
"""What is text of several lines."""


def preview(
    context: Context,
    days: int = 30,
    limit: int = MOST_ASKS,
    *,
    against: str = "",
    against_settings: Optional[Mapping[str, Any]] = None,
    texts: bool = False,
) -> Dict[str, Any]:
    """Whom the pack would have asked in the last days, and whom it asks in the next seven if nobody
    acts: ``{version, server, now, milestones, past, ahead, against, notes}``.

    The future begins with what the pack has on record now, as if the sensor were started again.

    :param days: of the past; 0 for none.
    :param limit: asks that are listed of each, at most; ``count`` says how many there are.
    :param against, against_settings: see :func:`other_settings`; then ``against`` tells which asks
        differ under the other configuration, and why.
    :param texts: whether each ask of the future has its texts.
    :raises ConfigError: the other configuration cannot be used.
    """
    other = other_settings(context, against, against_settings)
    settings, client = acting(context.settings), context.client
    client.version()  # by its answer the server's time is known
    now = client.now()
    context.progress("Reading changes.")
    values = copied(context.datastore)
    others = () if other is None else (other,)
    recorded = recorded_now(settings, client, now, days, values, others)
    context.progress(f"{len(recorded)} changes read.")
    previewer = Previewer(recorded, now, days, values=values, texts=texts)
    costs = previewer.costs(settings)
    if other is None:
        plan = previewer.plan(settings, costs)
    else:
        plan = previewer.compared(settings, other, costs)
    return {key: _outward(value) for key, value in outlined(plan, limit).items()}


def _outward(value: Any, name: str = "") -> Any:
    """Nothing of it can be an expression: StackStorm evaluates those in what a workflow
    publishes.
    """
    if isinstance(value, dict):
        return {key: _outward(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_outward(item) for item in value]
    if not isinstance(value, str):
        return value
    return outward_text(value, _LONGEST_TEXT) if name in _TEXTS else outward(value, _LONGEST)
