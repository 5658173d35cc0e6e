"""Which changes a preview reads, and under whose account it looks ahead."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Mapping, Optional, Sequence, Tuple

from reviewloop.core.change import Account
from reviewloop.gerrit import queries
from reviewloop.gerrit.client import Client
from reviewloop.preview.offline import OWN_NAME, own_account
from reviewloop.preview.recorded import OPTIONS, Recorded
from reviewloop.preview.store import MemoryStore
from reviewloop.sensor.start import horizon, rewind
from reviewloop.settings.load import Settings
from reviewloop.settings.server import sensor_key
from reviewloop.store.cursor import Cursor, DatastoreCursor, LostCursorError

#: What was touched so shortly before is read even where nothing of the past is asked for: the
#: sensor looks back so far.
LATELY = timedelta(hours=3)


def searches(settings: Sequence[Settings], since: datetime) -> Tuple[str, ...]:
    """What is to be read for a preview from ``since`` on, under each of the configurations: what
    moved since, and what was open then and may still reach a milestone.
    """
    query = settings[0].gerrit.query
    idle = min(horizon(one, since) for one in settings)
    moved = queries.all_of(query, queries.after(since))
    lasting = queries.all_of(query, "status:open", queries.after(idle), queries.before(since))
    return (moved, lasting)


def reaching(
    settings: Sequence[Settings], now: datetime, days: int, cursor: Optional[Cursor] = None
) -> datetime:
    """From when on changes are read for a preview of so many days of the past: a sensor that is
    started looks back to its cursor, or as far as ``catch_up`` says.
    """
    begun = now - timedelta(days=days)
    times = [begun, now if cursor is None else min(cursor.through, now)]
    return min([*times, *(rewind(one, begun, one.catch_up) for one in settings)]) - LATELY


def acting(settings: Settings) -> Settings:
    """The settings with an account to act under: one that reads anonymously could ask nobody."""
    if settings.gerrit.username:
        return settings
    gerrit = replace(settings.gerrit, username=OWN_NAME)
    return replace(settings, gerrit=gerrit, policy=replace(settings.policy, own_account=OWN_NAME))


def account_of(settings: Settings, client: Client) -> Account:
    """The account under which the pack would act.

    :raises AuthError: Gerrit refuses it.
    """
    name = settings.gerrit.username
    return own_account(name) if name in ("", OWN_NAME) else client.whoami()


def recorded_now(
    settings: Settings,
    client: Client,
    now: datetime,
    days: int = 0,
    values: Optional[Mapping[str, str]] = None,
    others: Sequence[Settings] = (),
) -> Recorded:
    """What Gerrit has to be asked for a preview of so many days of the past, and of what is next.

    :param values: what the pack's datastore holds.
    :param others: other configurations under which the changes are looked at.
    :raises ReviewLoopError: it cannot be read just now.
    """
    query, cursor = settings.gerrit.query, _cursor(settings, now, values)
    recorded = Recorded(client, query, account_of(settings, client))
    every = [settings, *others]
    for search in searches(every, reaching(every, now, days, cursor)):
        for raw in client.scan(search, OPTIONS):
            recorded.add(raw)
    for raw in client.changes(() if cursor is None else cursor.expected, OPTIONS, query):
        recorded.add(raw)
    return recorded


def _cursor(
    settings: Settings, now: datetime, values: Optional[Mapping[str, str]]
) -> Optional[Cursor]:
    """How far the sensor has come; None where it begins anew."""
    kept_as = sensor_key(settings.server, settings.sensor_id)
    try:
        return DatastoreCursor(MemoryStore(lambda: now, values), kept_as).load()
    except LostCursorError:
        return None
