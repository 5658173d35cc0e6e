"""How long reviews of a server took lately, for :mod:`reviewloop.insight.eta`."""

from __future__ import annotations

from datetime import datetime
from typing import Tuple

from reviewloop.gerrit import queries
from reviewloop.insight.eta import WINDOW, Past, past_of
from reviewloop.operations.board import Server
from reviewloop.operations.context import Context


def past_of_server(context: Context, number: int, now: datetime, limit: int) -> Tuple[Past, ...]:
    """The reviewers' waits of the changes that the configured query finds, of the last 180 days,
    those touched last first; without those of the change itself.

    :param limit: changes to read, at most.
    """
    server = Server(context.settings, context.client, context.people.policy)
    query = queries.all_of(context.settings.gerrit.query, queries.after(now - WINDOW))
    raws, _ = server.search(query, limit)
    others = (one for one in server.readings(raws) if one.change.number != number)
    policy = context.settings.policy
    return tuple(past for reading in others for past in past_of(reading, policy))
