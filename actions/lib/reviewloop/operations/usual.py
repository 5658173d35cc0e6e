"""How long reviews of a server took lately: for :mod:`reviewloop.insight.eta`, and as a small table
in the datastore from which texts name one time, without a history being read.
"""

from __future__ import annotations

from datetime import datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, Optional, Tuple

from reviewloop.core.reading import Reading, Timeline, read_change
from reviewloop.core.text import outward
from reviewloop.core.timestamps import iso
from reviewloop.core.turns import Party
from reviewloop.errors import ConfigError, ProtocolError
from reviewloop.gerrit import parse, queries
from reviewloop.gerrit.fields import Raw
from reviewloop.gerrit.reads import HISTORY
from reviewloop.settings.load import Settings
from reviewloop.settings.server import sensor_key
from reviewloop.store.cursor import name_of
from reviewloop.store.datastore import kept_value, read_value, write_value

if TYPE_CHECKING:
    from reviewloop.insight.eta import Past
    from reviewloop.insight.usual import Usual
    from reviewloop.operations.context import Context

PREFIX = "gerrit.usual."
_PROGRESS = 1_000


def name_for(settings: Settings) -> str:
    """Under what name a server's table is stored."""
    return name_of(PREFIX, sensor_key(settings.server, settings.sensor_id))


# Making it


def usual_waits(context: Context, limit: int = 20_000) -> Dict[str, Any]:
    """Work out within which time changes usually get a review, and store it for the texts.

    ``{made, changes, more, unread, usual: [{kind, project, size, waits, working_days}]}``; a
    project or size that is empty stands for all.

    :param limit: changes to read, at most; ``more`` tells whether there are others.
    """
    from reviewloop.insight.usual import usual_of  # noqa: PLC0415 - see `usual_text`

    context.client.version()  # by its answer the server's time is known
    now, count = context.client.now(), Count()
    found = chain.from_iterable(
        context.client.scan(one, HISTORY) for one in searches(context.settings, now)
    )
    changes = _with_progress(context, islice(found, limit))
    past = past_of_changes(changes, context.settings, count)
    table = usual_of(past, now, context.settings.policy.calendar)
    write_value(context.datastore, name_for(context.settings), table.to_json())
    return {
        "made": iso(now),
        "changes": count.read,
        "more": next(found, None) is not None,
        "unread": count.unread,
        "usual": [{**row, "project": outward(row["project"])} for row in table.rows()],
    }


class Count:
    """How many changes were read, and how many make no sense."""

    def __init__(self) -> None:
        self.read = 0
        self.unread = 0


def _with_progress(context: Context, raws: Iterable[Raw]) -> Iterator[Raw]:
    """The same; the log is told how far it has come."""
    for number, raw in enumerate(raws, start=1):
        if number % _PROGRESS == 0:
            context.progress(f"read {number} changes")
        yield raw


def searches(settings: Settings, now: datetime) -> Tuple[str, str]:
    """What a server is asked for: the changes touched in the last 180 days, and those that were
    open all the while.
    """
    from reviewloop.insight.eta import WINDOW  # noqa: PLC0415 - see `usual_text`

    query, since = settings.gerrit.query, now - WINDOW
    moved = queries.all_of(query, queries.after(since))
    return moved, queries.all_of(query, "status:open", queries.before(since))


def past_of_changes(
    raws: Iterable[Raw], settings: Settings, count: Count, number: int = 0
) -> Iterator[Past]:
    """The reviewers' waits in some changes, each counted once; what is private, or makes no sense,
    is left out.

    :param number: a change of which nothing is wanted.
    """
    from reviewloop.insight.eta import past_of  # noqa: PLC0415 - see `usual_text`

    known = set()
    for raw in raws:
        try:
            change = parse.change(raw)
        except ProtocolError:
            count.unread += 1
            continue
        name = (change.project, change.number)
        if name not in known and change.number != number and not change.is_private:
            known.add(name)
            count.read += 1
            yield from past_of(read_change(change, settings.policy), settings.policy)


def past_of_server(context: Context, number: int, now: datetime, limit: int) -> Tuple[Past, ...]:
    """The reviewers' waits of the changes that the configured query finds, of the last 180 days,
    those touched last first; without those of the change itself.

    :param limit: changes to read, at most.
    """
    found = chain.from_iterable(
        context.client.scan(one, HISTORY) for one in searches(context.settings, now)
    )
    return tuple(past_of_changes(islice(found, limit), context.settings, Count(), number))


# Saying it


def usual_text(context: Context, reading: Reading, timeline: Timeline) -> str:
    """Within which time changes like one usually got a review, in a sentence for a text; "" where
    that is not to be said (``usual_wait``), or not known, or not known well enough any more.

    It costs one plain read of the datastore. What is wrong with the table is ``gerrit.doctor``'s
    to say: people are asked all the same.
    """
    wait = timeline.wait
    if not context.settings.usual_wait or wait.party is not Party.REVIEWERS:
        return ""
    # Most installations say nothing of it, and each action is a new process.
    from reviewloop.insight.eta import like_of, of_others  # noqa: PLC0415

    table, calendar = _kept(context), context.settings.policy.calendar
    if table is None or table.fault(context.client.now(), calendar):
        return ""
    like = like_of(reading, wait, context.settings.policy)
    found = table.of(like)
    if found is None or found[1].seconds is None:
        return ""
    return f"{of_others(like, found[0], found[1].seconds, calendar)}."


def _kept(context: Context) -> Optional[Usual]:
    from reviewloop.insight.usual import Usual  # noqa: PLC0415 - see `usual_text`

    name = name_for(context.settings)
    text = context.reading.once(name, lambda: kept_value(context.datastore, name))
    try:
        return None if text is None else Usual.from_json(text, name)
    except ConfigError:
        return None


def stored(context: Context) -> Optional[Usual]:
    """The table as it is stored, for who tells what is wrong with it; None where there is none.

    :raises ConfigError: it cannot be read.
    :raises DatastoreError: the datastore cannot be read just now.
    """
    from reviewloop.insight.usual import Usual  # noqa: PLC0415 - see `usual_text`

    name = name_for(context.settings)
    text = read_value(context.datastore, name)
    return None if text is None else Usual.from_json(text, name)
