"""Texts that say within which time changes like one usually got a review; when they are silent."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, List, Optional
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandbox.gerrit.fake import PASSWORD, URL, FakeGerrit
from sandbox.standin.standin import StandIn

from counted import CountedDesktop
from repository import ROOT
from reviewloop.core.spans import Span
from reviewloop.core.turns import How
from reviewloop.core.worktime import Calendar
from reviewloop.errors import ConfigError
from reviewloop.insight.eta import FEW, SHARE, Kind, Like, Past, usual
from reviewloop.insight.usual import LAPSES, Time, Usual, usual_of
from reviewloop.operations import context as operations
from reviewloop.operations.explain import explain
from reviewloop.operations.report import report
from reviewloop.operations.review import post_review
from reviewloop.operations.usual import usual_waits
from tools import SERVER

NOW = datetime(2026, 3, 2, tzinfo=timezone.utc)
EVERY_DAY = Calendar(workdays=frozenset(range(7)))
DAY = timedelta(days=1)
NAME = f"gerrit.usual.{SERVER}"
SAID = "Of changes like this one (tools/build, size XS), 80 % got their first review within 1.5"
LIKES = st.builds(
    Like,
    st.sampled_from(Kind),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["", "XS", "XL"]),
)


def _past(like: Like, begun: float, lasted: Optional[float], how: How) -> Past:
    since = NOW - begun * DAY
    end = None if lasted is None else since + lasted * DAY
    over = end is not None and end < NOW
    seconds = int((end - since).total_seconds()) if end is not None and over else None
    return Past(like, since, end if over else None, how if over else None, (), seconds)


def _with_span(one: Past) -> Past:
    return replace(one, running=(Span(one.since, one.end),))


WAITS = st.builds(
    _past,
    LIKES,
    st.floats(0.1, 400),
    st.none() | st.floats(0.01, 100),
    st.sampled_from([How.REVIEWED, How.REVIEWED, How.REVIEWED, How.ABANDONED]),
).map(_with_span)


@settings(max_examples=60, deadline=None)
@given(st.lists(WAITS, min_size=1, max_size=12), st.integers(1, 40), LIKES)
def test_the_table_says_what_the_histories_say(few: List[Past], times: int, like: Like) -> None:
    """For whatever change: the same group of others, as many of them, and the same time."""
    past = few * times
    table = Usual.from_json(usual_of(past, NOW, EVERY_DAY).to_json(), NAME)
    found = usual(past, like, NOW, EVERY_DAY)
    seconds = None if found is None else found[1].quantile(SHARE)
    told = None
    if found is not None and seconds is not None:
        told = (found[0], Time(found[1].waits, round(seconds)))

    assert table.of(like) == told


def test_sixty_waits_and_no_fewer() -> None:
    """A group of 59 is in no table."""
    like = Like(Kind.FIRST, "a", "XS")
    past = [_with_span(_past(like, 100, 2, How.REVIEWED)) for _ in range(FEW)]

    assert usual_of(past[1:], NOW, EVERY_DAY).groups == {}
    assert len(usual_of(past, NOW, EVERY_DAY).groups) == 3  # of its size, its project, and all


@pytest.mark.parametrize(
    "damage",
    [
        lambda _told: "",
        lambda _told: "[]",
        lambda told: json.dumps({**told, "version": 2}),
        lambda told: json.dumps({**told, "share": 0.5}),
        lambda told: json.dumps({**told, "made": "yesterday"}),
        lambda told: json.dumps({**told, "day_seconds": 0}),
        lambda told: json.dumps({**told, "groups": [["first", "a"]]}),
        lambda told: json.dumps({**told, "groups": [["sixth", "a", "", 60, 1]]}),
        lambda told: json.dumps({**told, "groups": [["first", None, "", 60, 1]]}),
        lambda told: json.dumps({**told, "groups": {"first": 1}}),
        lambda told: json.dumps(told).replace("60", "1e999"),
    ],
)
def test_damaged(damage: Callable[[Any], str]) -> None:
    """Whatever the value has become, it is refused by its name, with what to do."""
    told = json.loads(_table().to_json())

    with pytest.raises(ConfigError, match=r"gerrit\.usual\.gerrit\.example\.org") as caught:
        Usual.from_json(damage(told), NAME)
    assert "st2 key delete" in caught.value.remedy


def _table(made: datetime = NOW, day: int = 86_400, days: Optional[float] = 1.5) -> Usual:
    seconds = None if days is None else int(days * day)
    return Usual(made, day, {(Kind.FIRST, "tools/build", "XS"): Time(60, seconds)})


class Said(CountedDesktop):
    """An installation that says the usual time, where it knows one."""

    def __init__(self, table: Optional[str], *, is_on: bool = True) -> None:
        super().__init__(**({"usual_wait": True} if is_on else {}))
        if table is not None:
            self.shelf.store.put(NAME, table)

    def texts(self) -> str:
        """What is written on the change and on its ticket."""
        number = self.waiting(reviewers=[self.gerrit.reviewer])
        change = self.gerrit.changes[number]
        self.escalate(number)
        ticket = self.issue(number)["body"]
        event, asked = self.event(number, "1d"), [self.gerrit.reviewer]
        post_review(self.tools(), number, purpose="nudge", event_id=event, asked=asked)
        posted = [one["message"] for one in change.messages[1:]]
        return "\n".join([ticket, *posted])


def _kept(**more: Any) -> str:
    return _table(**{"made": datetime(2026, 2, 22, tzinfo=timezone.utc), **more}).to_json()


def test_off_by_default() -> None:
    """Without the setting nothing is said, however much is known: the texts are what they were."""
    silent, known = Said(None, is_on=False).texts(), Said(_kept(), is_on=False).texts()

    assert "80 %" not in silent
    assert known == silent


def test_said() -> None:
    """In the ticket, the comment and the reminder: one sentence, which promises nothing."""
    found = Said(_kept()).texts()

    assert found.count("80 % got their first review within 1.5 working days.\n") == 3


LONG_AGO = datetime(2026, 3, 4, 9, tzinfo=timezone.utc) - LAPSES - timedelta(seconds=1)


@pytest.mark.parametrize(
    "table",
    [
        None,
        "{broken",
        _kept(made=LONG_AGO),
        _kept(day=8 * 3600),
        _kept(days=None),
        Usual(NOW, 86_400, {}).to_json(),
        Usual(NOW, 86_400, {(Kind.NEXT, "tools/build", "XS"): Time(60, 9)}).to_json(),
    ],
    ids=["absent", "damaged", "old", "other hours", "never so many", "too few", "another review"],
)
def test_silent(table: Optional[str]) -> None:
    """What is absent, damaged, too old, of a calendar with other hours, or of too few waits changes
    no letter of any text, and keeps nobody from being asked.
    """
    assert Said(table).texts() == Said(None, is_on=False).texts()


def test_two_weeks() -> None:
    """A table of just two weeks ago still holds."""
    assert SAID in Said(_kept(made=LONG_AGO + timedelta(seconds=1))).texts()


def test_nothing_of_owners_and_submitters() -> None:
    """The times are those of reviews: whoever has to submit a change hears of none."""
    desktop = Said(_kept())
    number = desktop.waiting()
    desktop.gerrit.review(number, labels={"Code-Review": 2})
    desktop.gerrit.advance(days=2)
    since = int(datetime(2026, 3, 4, 9, tzinfo=timezone.utc).timestamp())
    event = f"{SERVER}:{number}:submitter:{since}:2d"
    posted = post_review(desktop.tools(), number, purpose="label", event_id=event)

    assert posted["posted"] is True
    assert "80 %" not in desktop.gerrit.changes[number].messages[-1]["message"]


def test_what_it_costs() -> None:
    """One plain read for an escalation, and nothing of Gerrit; without the setting, nothing."""

    def cost(*, is_on: bool) -> Any:
        desktop = Said(_kept(), is_on=is_on)
        desktop.escalate(desktop.waiting())
        number = desktop.another()
        with desktop.counted() as found:
            desktop.escalate(number)
        return found

    on, off = cost(is_on=True), cost(is_on=False)

    assert on - off == {"get": 1}
    assert off - on == {}


@pytest.fixture(name="gerrit", scope="module")
def _gerrit() -> FakeGerrit:
    """A server on which seventy changes were reviewed after a day and a half, one is private, and
    one waits.
    """
    gerrit = FakeGerrit()
    for _ in range(70):
        number = gerrit.add_change(at="2026-03-02 09:00:00")
        gerrit.at("2026-03-03 21:00:00")
        gerrit.review(number, labels={"Code-Review": 1})
    gerrit.add_change(private=True)
    gerrit.add_change(at="2026-03-03 21:00:00")
    gerrit.advance(hours=2)
    return gerrit


def test_action(gerrit: FakeGerrit) -> None:
    """It stores what it answers; the text that comes of it names the time that `gerrit.explain`
    names, and nothing is written on Gerrit.
    """
    config = {"url": URL, "username": "st2-reviews", "password": PASSWORD, "usual_wait": True}
    standin = StandIn(ROOT, config, {}, clock=lambda: gerrit.now)
    first = len(gerrit.requests)
    with mock.patch.object(operations, "make_client", return_value=gerrit.client()):
        ran = standin.run("gerrit.usual_waits")
    assert (ran.status, ran.problem) == ("succeeded", "")
    assert {one.method for one in gerrit.requests[first:]} == {"GET"}

    told = ran.result["result"]
    assert (told["changes"], told["more"], told["unread"]) == (71, False, 0)
    (kept,) = standin.datastore.items()
    assert kept.name == NAME
    table = Usual.from_json(kept.value, NAME)
    assert table.rows() == told["usual"]
    assert [(one["project"], one["size"]) for one in told["usual"] if one["kind"] == "first"] == [
        ("", ""),
        ("tools/build", ""),
        ("tools/build", "XS"),
    ]
    assert {one["working_days"] for one in told["usual"] if one["kind"] == "first"} == {1.5}


def test_as_explained() -> None:
    """The time that a text names is the one that an explanation of the same change names."""
    desktop = Said(_kept())
    number = desktop.waiting()
    for _ in range(70):
        other = desktop.gerrit.add_change(at="2026-03-02 09:00:00", owner=desktop.owner())
        desktop.gerrit.at("2026-03-03 21:00:00")
        desktop.gerrit.review(other, labels={"Code-Review": 1})
    desktop.gerrit.at("2026-03-04 09:00:00")
    told = explain(desktop.tools(), number, histories=500)

    assert told["eta"]["text"].startswith(f"{SAID} working days (70 waits")
    assert report(desktop.tools(), days=30)["changes"] == 71


def test_a_limit_is_told() -> None:
    """Where there are more changes than are read, the answer says so."""
    desktop = Said(None)
    desktop.waiting()
    desktop.another()
    assert usual_waits(desktop.tools(), limit=1)["more"] is True
    assert usual_waits(desktop.tools(), limit=2)["more"] is False
