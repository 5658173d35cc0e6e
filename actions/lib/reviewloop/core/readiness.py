"""Ready for review, or in progress: as Gerrit answers, where the messages tell it otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import List, Optional, Sequence, Tuple

from reviewloop.core.change import Change, Message
from reviewloop.core.history import Event, EventKind
from reviewloop.core.policy import Policy
from reviewloop.core.speech import review_of, says_nothing


def in_progress(events: Sequence[Event], change: Change, policy: Policy) -> List[Event]:
    """The history of a change that is in progress, or private, without a message of it.

    Only a push makes private without one: the change has been so since nothing said otherwise. In
    progress it is made so by a review with words: the last ones of whoever answers for the change.
    Either is an instant that no record moves which comes later.
    """
    begun = max(i for i, event in enumerate(events) if i == 0 or events[i - 1].wip)
    since = events[begun]
    words = None if change.is_private else _last_words(change, since, policy)
    place, at = words or (since.place, since.at)
    split = next((i for i in range(begun + 1, len(events)) if events[i].place > place), None)
    split = len(events) if split is None else split
    made = Event(EventKind.WIP, at, None, wip=True, uploader=events[split - 1].uploader)
    after = [replace(event, wip=True) for event in events[split:]]
    return [*events[:split], replace(made, place=place), *after]


def _last_words(change: Change, since: Event, policy: Policy) -> Optional[Tuple[int, datetime]]:
    """Place and date of the last words of the owner or the uploader ``since``, else of anybody."""
    words = [
        (i, message)
        for i, message in enumerate(change.messages)
        if i > since.place and not policy.is_automatic(message) and _says_something(message, policy)
    ]
    responsible = (change.owner.id, since.uploader)
    own = [(i, one) for i, one in words if one.author and one.author.id in responsible]
    found = (own or words)[-1:]
    return next(((i, message.date) for i, message in found), None)


def _says_something(message: Message, policy: Policy) -> bool:
    return review_of(message.text) is not None and not says_nothing(message.said, policy.noise)


def ready(events: Sequence[Event], change: Change) -> List[Event]:
    """The history of a change that is ready although its messages do not say so.

    Gerrit keeps no trace where a review with words makes a change ready: then its words are the
    trace. The first message after the last sign of progress by whoever answers for the change: one
    that no later message moves.
    """
    begun = max(i for i, event in enumerate(events) if event.wip and _begins(events, i))
    since = events[begun]
    place, at = _trace(change, since)
    split = next((i for i in range(begun + 1, len(events)) if events[i].place >= place), None)
    split = len(events) if split is None else split
    made = Event(EventKind.READY, at, None, uploader=since.uploader, place=place)
    after = [replace(event, wip=False) for event in events[split:]]
    return [*events[:split], made, *after]


def _trace(change: Change, since: Event) -> Tuple[int, datetime]:
    """Place and date of the message that made a change ready which was in progress ``since``."""
    responsible = (change.owner.id, since.uploader)
    later = [(i, one) for i, one in enumerate(change.messages) if i > since.place]
    own = [(i, one) for i, one in later if one.author and one.author.id in responsible]
    place, message = next(iter(own or later), (since.place, None))
    return place, since.at if message is None else message.date


def _begins(events: Sequence[Event], i: int) -> bool:
    kinds = (EventKind.WIP, EventKind.UPLOAD)
    return events[i].kind in kinds or i == 0 or not events[i - 1].wip
