"""Ready for review, or in progress: as Gerrit answers, where the messages tell it otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import List, Optional, Sequence, Tuple

from reviewloop.core.change import Change, Message
from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind
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
    later = [(i, one) for i, one in enumerate(change.messages) if i > since.place]
    place, message = next(iter(_own(later, change, since) or later), (since.place, None))
    at = since.at if message is None else message.date
    return _made_ready(events, begun, place, at, len(events))


def ready_before_uploads(events: Sequence[Event], change: Change) -> List[Event]:
    """The same where a patch set tells afterwards that the change was ready: what was read before
    it came is read after it, too.
    """
    found = list(events)
    for i in reversed(range(1, len(events))):
        if events[i].kind is not EventKind.UPLOAD or events[i].wip or not events[i - 1].wip:
            continue
        begun = max(j for j in range(i) if events[j].wip and _begins(events, j))
        later = list(enumerate(change.messages))[events[begun].place + 1 : events[i].place]
        for place, message in _own(later, change, events[begun])[:1]:
            found = _made_ready(found, begun, place, message.date, i)
    return found


def _made_ready(
    events: Sequence[Event], begun: int, place: int, at: datetime, end: int
) -> List[Event]:
    """Ready from a place on, up to the event at ``end``, after being in progress since ``begun``."""
    split = next((i for i in range(begun + 1, end) if events[i].place >= place), end)
    made = Event(EventKind.READY, at, None, uploader=events[begun].uploader, place=place)
    after = [replace(event, wip=False) for event in events[split:end]]
    return [*events[:split], made, *after, *events[end:]]


def _own(
    messages: Sequence[Tuple[int, Message]], change: Change, since: Event
) -> Sequence[Tuple[int, Message]]:
    """The reviews by whoever answers for the change."""
    responsible = (change.owner.id, since.uploader)
    return [
        (i, one)
        for i, one in messages
        if one.author and one.author.id in responsible and review_of(one.text) is not None
    ]


def _begins(events: Sequence[Event], i: int) -> bool:
    kinds = (EventKind.WIP, EventKind.UPLOAD)
    return events[i].kind in kinds or i == 0 or not events[i - 1].wip
