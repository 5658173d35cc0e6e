"""How long reviews of a server took lately, for :mod:`reviewloop.insight.eta`."""

from __future__ import annotations

import re
from typing import Tuple

from reviewloop.gerrit import queries
from reviewloop.insight.eta import WINDOW, Past, past_of
from reviewloop.operations.board import Server
from reviewloop.operations.context import Context


def past_of_server(context: Context, ident: object, limit: int) -> Tuple[Past, ...]:
    """The reviewers' waits of the changes that the configured query finds, of the last 180 days,
    those touched last first; without those of the change itself.

    :param ident: the change's number, or what else Gerrit knows it by.
    :param limit: changes to read, at most.
    """
    server = Server(context.settings, context.client, context.people.policy)
    since = queries.after(context.client.now() - WINDOW)
    raws, _ = server.search(queries.all_of(context.settings.gerrit.query, since), limit)
    number = int(re.sub(r".*~", "", str(ident)))
    readings = server.readings(raws)
    others = (reading for reading in readings if reading.change.number != number)
    policy = context.settings.policy
    return tuple(past for reading in others for past in past_of(reading, policy))
