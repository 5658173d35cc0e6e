"""Ready for review, or in progress: as Gerrit answers, where the messages tell it otherwise."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import List, Optional, Sequence, Tuple

from reviewloop.core.change import Change, Message
from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind, is_of_privacy
from reviewloop.core.policy import Policy
from reviewloop.core.speech import review_of, says_nothing

_TELLING = (EventKind.UPLOAD, EventKind.WIP, EventKind.READY)


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
    own = next((one for one in later if _answers(one[1], change, since)), None)
    place, message = own or next(iter(later), (since.place, None))
    at = since.at if message is None else message.date
    return [*events[:begun], *_made_ready(events[begun:], place, at)]


def ready_meanwhile(events: Sequence[Event], change: Change) -> List[Event]:
    """The same where what comes later shows that a change had become ready: a patch set that is not
    in progress, or a record that it is in progress again. So what was read before that is read
    after it, too.
    """
    found: List[Event] = []
    begun: Optional[int] = None  # where in ``found`` it became in progress
    private = False
    for event in events:
        if _is_of_privacy(event, change):
            private = event.kind is EventKind.WIP
        elif event.kind in _TELLING:
            shows = event.kind is EventKind.WIP or not event.wip
            if begun is not None and shows and event.kind is not EventKind.READY:
                found[begun:] = _ready_by_words(found[begun:], change, event.place)
            # Of a private change no event tells whether it is in progress besides.
            begun = len(found) if event.wip and not private else None
        found.append(event)
    return found


def _ready_by_words(events: Sequence[Event], change: Change, end: int) -> Sequence[Event]:
    """Events since a change is in progress, made ready by the first words of whoever answers for
    it, before the message at ``end``; as they are if there are none.
    """
    since = events[0]
    for place in range(since.place + 1, end):
        if _answers(change.messages[place], change, since):
            return _made_ready(events, place, change.messages[place].date)
    return events


def _made_ready(events: Sequence[Event], place: int, at: datetime) -> List[Event]:
    """Events since a change is in progress, with the event that made it ready at a place."""
    split = next((i for i, one in enumerate(events) if i and one.place >= place), len(events))
    made = Event(EventKind.READY, at, None, uploader=events[0].uploader, place=place)
    found, private = [*events[:split], made], False
    for event in events[split:]:
        # No other record of readiness is among them.
        if event.kind in (EventKind.WIP, EventKind.READY):
            private = event.kind is EventKind.WIP
        found.append(replace(event, wip=private))
    return found


def _answers(message: Message, change: Change, since: Event) -> bool:
    """Whether whoever answers for the change speaks."""
    author = message.author.id if message.author else None
    return author in (change.owner.id, since.uploader) and review_of(message.text) is not None


def _is_of_privacy(event: Event, change: Change) -> bool:
    if event.kind not in (EventKind.WIP, EventKind.READY):
        return False
    return 0 <= event.place < len(change.messages) and is_of_privacy(change.messages[event.place])


def _begins(events: Sequence[Event], i: int) -> bool:
    kinds = (EventKind.WIP, EventKind.UPLOAD)
    return events[i].kind in kinds or i == 0 or not events[i - 1].wip
