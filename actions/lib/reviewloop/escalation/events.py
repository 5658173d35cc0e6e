"""The event that an action is told to act on, as far as its id goes."""

from __future__ import annotations

from reviewloop.core.events import EventRef
from reviewloop.core.text import NAME_CAP, outward
from reviewloop.errors import RefusedError


def event_ref(text: str) -> EventRef:
    """An event id taken apart. :raises RefusedError: it is something else."""
    try:
        return EventRef.parse(text)
    except ValueError as err:
        raise RefusedError(
            f"event_id is {outward(text[:NAME_CAP], NAME_CAP)!r}, which is not the id of an event:"
            f" {err}.",
            "Pass the trigger's event_id, or one that gerrit.explain answers.",
        ) from err


def check_server(event: EventRef, server: str) -> EventRef:
    """The event. :raises RefusedError: it is of another server."""
    if event.server != server:
        raise RefusedError(
            f"event_id names the server {event.server}, this pack is configured for {server}.",
            "Pass an event of the configured server.",
        )
    return event
