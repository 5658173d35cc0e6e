"""Looking: search, one change, and the explanation of one change. Nothing here writes."""

from __future__ import annotations

from typing import Any, Dict

from reviewloop.gerrit import parse
from reviewloop.operations.context import Context
from reviewloop.operations.explain import explain
from reviewloop.operations.one_change import read, summary, waits

__all__ = ["explain", "get_change", "query_changes"]


def query_changes(context: Context, query: str, limit: int = 50) -> Dict[str, Any]:
    """Changes that a search finds, newest first: ``{count, more, private_left_out, changes:
    [...]}``.

    Private changes are counted and left out: nothing on them leaves Gerrit.

    :param query: in Gerrit's own syntax.
    :param limit: at most so many.
    """
    found = context.client.scan(query, page=limit + 1, limit=limit + 1)
    rows = [parse.change(raw) for raw in found]
    shown = [change for change in rows[:limit] if not change.is_private]
    return {
        "count": len(shown),
        "more": len(rows) > limit,
        "private_left_out": len(rows[:limit]) - len(shown),
        "changes": [summary(context, change) for change in shown],
    }


def get_change(context: Context, number: int) -> Dict[str, Any]:
    """One change, with whose turn it is and how long its waits have lasted."""
    reading = read(context, number)
    now = context.client.now()
    return {
        **summary(context, reading.change),
        "revision": reading.change.revision,
        "turn": reading.state.turn.value,
        "red": reading.state.is_red(now),
        "human_reviews": reading.state.human_reviews,
        "uploader_id": reading.state.uploader,
        "reviewer_ids": sorted(account.id for account in reading.change.reviewers),
        "cc_ids": sorted(account.id for account in reading.change.ccs),
        "attention_ids": sorted(reading.change.attention),
        "waits": waits(context, reading, now),
    }
