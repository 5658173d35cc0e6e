"""Two configurations over the same histories: which asks differ, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import zip_longest
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from reviewloop.core.keys import change_ident
from reviewloop.core.reading import read_change
from reviewloop.core.text import outward
from reviewloop.core.turns import Party
from reviewloop.errors import ConfigError
from reviewloop.gerrit import parse
from reviewloop.preview.asks import Ask, Found
from reviewloop.preview.past import as_of
from reviewloop.preview.recorded import Recorded
from reviewloop.preview.tables import as_dict
from reviewloop.settings.load import Settings

_Key = Tuple[int, str, datetime, str]
_PARTS = ("policy", "limits", "roster", "gerrit")
_SHOWN = 80


@dataclass(frozen=True)
class Side:
    """What one configuration comes to."""

    settings: Settings
    found: Found


@dataclass(frozen=True)
class Difference:
    """An ask that only one of the two makes, or that each makes otherwise.

    :param why: ``turn`` (it is somebody else's turn, or the wait began at another time),
        ``milestone``, ``calendar``, ``rule``, ``person``, ``tier``, ``time``, or what keeps the
        other from asking: a verdict or a limit, such as ``exempt`` or ``budget``.
    """

    why: str
    ours: Optional[Ask]
    theirs: Optional[Ask]

    def as_dict(self) -> Dict[str, Any]:
        """``{why, ours, theirs}``; null for what is not asked."""
        sides = (("ours", self.ours), ("theirs", self.theirs))
        return {"why": self.why, **{n: None if a is None else as_dict(a) for n, a in sides}}


def differences(ours: Side, theirs: Side, recorded: Recorded, *, plays: bool) -> List[Difference]:
    """The asks that differ, in order of time.

    :param plays: whether they are of the past: then a change is read as it was.
    """
    found: List[Difference] = []
    mine, other = _by_wait(ours.found.asks), _by_wait(theirs.found.asks)
    for key in {**mine, **other}:
        for one, two in zip_longest(mine.get(key, ()), other.get(key, ())):
            why = _why(one, two, ours, theirs, recorded, plays)
            if why:
                found.append(Difference(why, one, two))
    return sorted(found, key=_order)


def _order(one: Difference) -> Tuple[datetime, int]:
    ask = one.ours or one.theirs
    assert ask is not None  # noqa: S101 - one of the two is there
    return ask.at, ask.number


def _by_wait(asks: Sequence[Ask]) -> Dict[_Key, List[Ask]]:
    found: Dict[_Key, List[Ask]] = {}
    for one in asks:
        found.setdefault((*one.wait, one.purpose), []).append(one)
    return found


def _why(
    one: Optional[Ask],
    two: Optional[Ask],
    ours: Side,
    theirs: Side,
    recorded: Recorded,
    plays: bool,
) -> str:
    if one is not None and two is not None:
        return _otherwise(one, two)
    if one is not None:
        return _missing(one, theirs, recorded, plays)
    return "" if two is None else _missing(two, ours, recorded, plays)


def _otherwise(one: Ask, two: Ask) -> str:
    """What distinguishes two asks about one wait; when they are made comes last."""
    parts = (
        ("milestone", one.milestone != two.milestone),
        ("tier", one.tier != two.tier),
        ("person", one.accounts != two.accounts),
        ("joined", one.joined != two.joined),
        ("calendar", one.crossed_at != two.crossed_at),
        ("time", one.at != two.at),
    )
    return next((name for name, differs in parts if differs), "")


def _missing(ask: Ask, side: Side, recorded: Recorded, plays: bool) -> str:
    """Why the other configuration does not make an ask."""
    passed = [one for one in side.found.passed if one.wait == ask.wait]
    if passed:
        last = passed[-1].why
        return "rule" if last == "no_rule" else last
    if any(one.wait == ask.wait for one in side.found.asks):
        return "milestone"  # it is asked about, but not so often
    policy = side.settings.policy
    packed = recorded.named(change_ident(ask.number, ask.project))
    if packed is None:
        return "turn"
    raw = as_of(packed.raw, ask.at, policy) if plays else packed.raw
    reading = read_change(parse.change(raw), policy)
    timeline = reading.timeline(Party(ask.party), ask.at, ask.since)
    if timeline is None:
        return "turn"
    if ask.milestone not in map(str, policy.milestones):
        return "milestone"
    return "calendar" if timeline.crossed(ask.at) is None else "time"


def check_same_changes(ours: Settings, theirs: Settings, named: str) -> None:
    """See that two configurations are of the same changes.

    :param named: the other one, as whoever gave it calls it.
    :raises ConfigError: they are not.
    """
    for name, mine, other in (
        ("url", ours.gerrit.url, theirs.gerrit.url),
        ("query", ours.gerrit.query, theirs.gerrit.query),
        ("server_id", ours.server, theirs.server),
    ):
        if mine != other:
            raise ConfigError(
                f"{named} has the {name} {other!r}, and what it is compared with has {mine!r}.",
                "Both are played on the same changes: give them the same server and query.",
            )


def summary(found: Sequence[Difference]) -> Dict[str, int]:
    """How many asks differ, by why."""
    return dict(sorted(Counter(one.why for one in found).items()))


def settings_that_differ(ours: Settings, theirs: Settings) -> List[str]:
    """The values that differ, one a line, with both where they are short; no secret is shown."""
    found = list(_differing("", ours, theirs, skip=(*_PARTS, "tracker", "warnings", "profile")))
    for part in ("policy", "limits", "roster"):
        found += _differing("", getattr(ours, part), getattr(theirs, part))
    return found


def _differing(before: str, ours: Any, theirs: Any, skip: Sequence[str] = ()) -> Iterator[str]:
    for one in fields(ours):
        mine, other = getattr(ours, one.name), getattr(theirs, one.name)
        if one.name not in skip and mine != other:
            yield f"{before}{one.name}: {_short(mine)} / {_short(other)}"


def _short(value: Any) -> str:
    if isinstance(value, Mapping) or hasattr(value, "__dataclass_fields__"):
        text = "differs"
    elif isinstance(value, (tuple, list)):
        text = ", ".join(map(_pattern, value)) or "none"
    else:
        text = str(value)
    return outward(text, _SHOWN)


def _pattern(value: Any) -> str:
    return str(getattr(value, "pattern", None) or getattr(value, "gerrit", None) or value)
