"""Ready for review or in progress, public or private: where the messages tell it otherwise than
later records do, or than Gerrit answers.

A change is in progress for spells of time, and private for others; the two are mended apart. Gerrit
keeps no trace where a review with words begins or ends the one, or a push the other. Whatever shows
that, a later record or the answer, shows it alike: what was read before is read afterwards, too.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Optional, Tuple

from reviewloop.core.change import Change, Message
from reviewloop.core.history import Event
from reviewloop.core.kinds import GERRITS_TAG, EventKind, is_of_privacy
from reviewloop.core.lost import DELETED
from reviewloop.core.policy import Policy
from reviewloop.core.speech import review_of, says_nothing

_WIP, _PRIVATE = "wip", "private"
# What may show that something was left out before it.
_SHOWING = frozenset([EventKind.UPLOAD, EventKind.WIP, EventKind.READY])


def as_recorded(events: Iterable[Event], change: Change, policy: Policy) -> List[Event]:
    """The history with the spells that a later record shows: a record that the change is what it is
    told to be already, or a patch set that is not in progress where the change is.
    """
    found: List[Event] = []
    for event in events:
        if event.kind in _SHOWING and found and event.place < len(change.messages):
            _show(found, event, change, policy)
        found.append(event)
    return found


def _show(events: List[Event], event: Event, change: Change, policy: Policy) -> None:
    """Mend what comes before an event as that shows it."""
    if _is_of_privacy(event, change):
        if events[-1].private is (event.kind is EventKind.WIP):
            mend_privacy(events, change, event.place)
    elif events[-1].wip and _shows_ready(event):
        if _may_make_ready(event, change):
            _ready_by_words(events, change, event.place)
        else:
            _ready_by_anybody(events, change, policy, event.place)


def _shows_ready(event: Event) -> bool:
    """Whether a change in progress must have become ready: Gerrit refuses to set what is in
    progress so again, and marks each patch set of it.
    """
    return event.kind is EventKind.WIP or (event.kind is EventKind.UPLOAD and not event.wip)


def _may_make_ready(event: Event, change: Change) -> bool:
    """Whether a patch set may have made the change ready itself: only a push can."""
    pushed = change.messages[event.place].text.startswith(("Uploaded patch set ", DELETED))
    return event.kind is EventKind.UPLOAD and pushed


def mend_progress(events: List[Event], change: Change, policy: Policy) -> None:
    """Let a change become ready that is in progress as its messages tell it, or the opposite."""
    if not events[-1].wip:
        _in_progress(events, change, policy)
    elif not _ready_by_anybody(events, change, policy, None):
        begun = _begun(events, _WIP)
        _insert(events, begun, _WIP, next(_between(change, events[begun], None), None))


def mend_privacy(events: List[Event], change: Change, end: Optional[int] = None) -> None:
    """Let a change become public that is private as its messages tell it, or the opposite.

    Only a push does either without a record. The first patch set since the change was made private
    made it public. It was private since it was last public, or ever: mostly that is so, and no
    later message moves it.

    :param events: the history up to what shows it.
    :param end: the place of the message that does; None for the answer.
    """
    begun = _begun(events, _PRIVATE)
    uploads = (i for i in range(begun + 1, len(events)) if events[i].kind is EventKind.UPLOAD)
    pushed = next(uploads, None) if events[-1].private else None
    if pushed is not None:
        events[pushed:] = [event._replace(private=False) for event in events[pushed:]]
        return
    later = _between(change, events[begun], end) if events[-1].private else iter(())
    _insert(events, begun, _PRIVATE, next(later, None))


def _ready_by_words(events: List[Event], change: Change, end: Optional[int]) -> bool:
    """Let the first words of whoever answers for a change in progress make it ready: no later
    message moves that. False, and as it is, if there are none.
    """
    begun = _begun(events, _WIP)
    since = events[begun]
    own = (one for one in _between(change, since, end) if _answers(one[1], change, since))
    words = next(own, None)
    if words is not None:
        _insert(events, begun, _WIP, words)
    return words is not None


def _ready_by_anybody(
    events: List[Event], change: Change, policy: Policy, end: Optional[int]
) -> bool:
    """The same of the first words of some other person or of this pack, if they said nothing."""
    if _ready_by_words(events, change, end):
        return True
    begun = _begun(events, _WIP)
    spoken = (one for one in _between(change, events[begun], end) if _is_spoken(one[1], policy))
    words = next(spoken, None)
    if words is not None:
        _insert(events, begun, _WIP, words)
    return words is not None


def _in_progress(events: List[Event], change: Change, policy: Policy) -> None:
    """A review with words made it so: the last ones of whoever answers for the change, else of
    anybody. That is an instant that no record moves which comes later.
    """
    begun = _begun(events, _WIP)
    since = events[begun]
    words = [
        one
        for one in _between(change, since, None)
        if not policy.is_automatic(one[1]) and _says_something(one[1], policy)
    ]
    own = [one for one in words if _answers(one[1], change, since)]
    _insert(events, begun, _WIP, next(iter((own or words)[-1:]), None))


def _begun(events: List[Event], flag: str) -> int:
    """Where the spell began that lasts in the end, in progress (or private), or not."""
    place = len(events) - 1
    value = getattr(events[place], flag)
    while place and getattr(events[place - 1], flag) is value:
        if flag == _WIP and value and _is_progress(events, place):
            break
        place -= 1
    return place


def _is_progress(events: List[Event], place: int) -> bool:
    """Whether an event says again that a change is in progress."""
    event, before = events[place], events[place - 1]
    is_record = event.kind is EventKind.WIP and event.private is before.private
    return is_record or event.kind is EventKind.UPLOAD


_Placed = Tuple[int, Message]


def _insert(events: List[Event], begun: int, flag: str, shown: Optional[_Placed]) -> None:
    """Let a spell that lasts end with what a message says, before it is read itself where it made
    ready or public, and behind it else; where there is none, as soon as it began.
    """
    since = events[begun]
    value = not getattr(since, flag)
    place, at = (since.place, since.at) if shown is None else (shown[0], shown[1].date)
    end = len(events)
    behind = (i for i in range(begun + 1, end) if events[i].place >= place + value)
    split = next(behind, end)
    changed: Dict[str, Any] = {flag: value}
    stands = {**events[split - 1].stands, **changed}
    kind = EventKind.WIP if value else EventKind.READY
    made = Event(kind, at, None, place=place, **stands)
    events[split:] = [made, *(event._replace(**changed) for event in events[split:])]


def _between(change: Change, since: Event, end: Optional[int]) -> Iterator[_Placed]:
    """The messages behind an event, and before a place, with their places."""
    last = len(change.messages) if end is None else end
    return ((i, change.messages[i]) for i in range(since.place + 1, last))


def _answers(message: Message, change: Change, since: Event) -> bool:
    """Whether whoever answers for the change speaks."""
    author = message.author.id if message.author else None
    return author in (change.owner.id, since.uploader) and _was_spoken(message)


def _is_spoken(message: Message, policy: Policy) -> bool:
    """Whether a person or this pack speaks."""
    automatic = policy.is_automatic(message) and not policy.is_own(message)
    return not automatic and _was_spoken(message)


def _was_spoken(message: Message) -> bool:
    """Whether it was no record: words, also those that somebody deleted."""
    removed = message.text.startswith(DELETED) and not message.tag.startswith(GERRITS_TAG)
    return removed or review_of(message.text) is not None


def _says_something(message: Message, policy: Policy) -> bool:
    return review_of(message.text) is not None and not says_nothing(message.said, policy.noise)


def _is_of_privacy(event: Event, change: Change) -> bool:
    is_record = event.kind in (EventKind.WIP, EventKind.READY)
    return is_record and is_of_privacy(change.messages[event.place])
