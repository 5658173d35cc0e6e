"""Who is asked, as the change itself shows it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Tuple

from sandbox.gerrit.fake import FakeGerrit

from reviewloop.core.asked import LiveAsk, live_asks
from reviewloop.core.durations import parse_duration
from reviewloop.core.keys import Mark, ask_id, event_id
from reviewloop.core.policy import Policy
from reviewloop.core.tiers import Tier

SERVER = "gerrit.example.org"
SINCE = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
WEDNESDAY = "2026-03-04 09:00:00"
POLICY = Policy(own_account="st2-reviews")


class Desk:
    """A change of Monday, and what is said on it."""

    def __init__(self) -> None:
        self.fake = FakeGerrit()
        self.number = self.fake.add_change()
        self.fake.at(WEDNESDAY)

    def ask(
        self,
        *accounts: int,
        purpose: str = "escalate",
        tier: str = "committee",
        milestone: str = "2d",
        attempt: int = 0,
        since: datetime = SINCE,
        by: int = 0,
        project: str = "",
    ) -> None:
        """Post what this pack would."""
        event = event_id(SERVER, self.number, "reviewers", since, milestone, project)
        mark = Mark(purpose, ask_id(event, tier, attempt), accounts)
        self.fake.review(self.number, by=by or self.fake.me, text=f"Asked.\n\n{mark}")

    def live(self) -> Tuple[LiveAsk, ...]:
        """What stands of it."""
        change = self.fake.client().change(self.number)
        return live_asks(change, POLICY, SERVER, "reviewers", SINCE)


def test_nothing_said() -> None:
    """A change without a word of this pack has no ask."""
    assert Desk().live() == ()


def test_each_purpose() -> None:
    """Each kind of ask is known by its mark, with its milestone, tier, people and time."""
    desk = Desk()
    desk.ask(7, purpose="nudge", tier="reviewers", milestone="1d")
    desk.ask(8)
    desk.ask(purpose="label", tier="nobody", milestone="5d")
    now = SINCE + timedelta(days=2)

    assert desk.live() == (
        LiveAsk(parse_duration("1d"), Tier.REVIEWERS, 0, (7,), now),
        LiveAsk(parse_duration("2d"), Tier.COMMITTEE, 0, (8,), now),
        LiveAsk(parse_duration("5d"), Tier.NOBODY, 0, (), now),
    )


def test_asked_for_others_as_well() -> None:
    """The mark names the changes."""
    desk = Desk()
    event = event_id(SERVER, desk.number, "reviewers", SINCE, "2d")
    mark = Mark("escalate", ask_id(event, "committee"), (8,), (21, 22))
    desk.fake.review(desk.number, by=desk.fake.me, text=f"Asked.\n\n{mark}")

    assert [one.joined for one in desk.live()] == [(21, 22)]


def test_another_wait() -> None:
    """An ask about an earlier wait of the same change says nothing of this one."""
    desk = Desk()
    desk.ask(7, since=SINCE - timedelta(days=9))

    assert desk.live() == ()


def test_forged() -> None:
    """A mark in somebody else's words is none."""
    desk = Desk()
    desk.ask(7, by=desk.fake.author)

    assert desk.live() == ()


def test_passed() -> None:
    """An ask stands until everybody whom it names has passed, and the next one is known."""
    desk = Desk()
    first, second, third = (desk.fake.add_account(f"committee{n}") for n in range(3))
    desk.ask(first, second)
    desk.fake.advance(minutes=1)
    desk.fake.review(desk.number, by=first, text="/pass")
    assert [ask.accounts for ask in desk.live()] == [(first, second)]
    desk.fake.review(desk.number, by=second, text="/pass")
    assert desk.live() == ()
    desk.fake.advance(minutes=1)
    desk.ask(third, attempt=1)

    assert [(ask.attempt, ask.accounts) for ask in desk.live()] == [(1, (third,))]


def test_passed_before() -> None:
    """Who passed on an earlier milestone, and is asked again all the same, is asked."""
    desk = Desk()
    one = desk.fake.add_account("committee1")
    desk.ask(one, milestone="1d")
    desk.fake.review(desk.number, by=one, text="/pass")
    desk.fake.advance(minutes=1)
    desk.ask(one)

    assert [str(ask.milestone) for ask in desk.live()] == ["2d"]


def test_snoozed_by_whom_it_asks() -> None:
    """To put a change off is not to hand it on."""
    desk = Desk()
    one = desk.fake.add_account("committee1")
    desk.ask(one)
    desk.fake.advance(minutes=1)
    desk.fake.review(desk.number, by=one, text="/snooze 1d")

    assert [ask.accounts for ask in desk.live()] == [(one,)]


def test_hand_over_that_nobody_asked_for() -> None:
    """There are no more attempts than one after each ``/pass``."""
    desk = Desk()
    desk.ask(7, attempt=1)

    assert desk.live() == ()


def test_one_of_two_changes_with_a_number() -> None:
    """What names the change's own project counts, and what names another's does not."""
    desk = Desk()
    project = desk.fake.client().change(desk.number).project
    desk.ask(7, project=project)
    desk.ask(8, project="another")

    assert [ask.accounts for ask in desk.live()] == [(7,)]


def test_whole_committee() -> None:
    """What names nobody cannot be passed on: it stands while the wait lasts."""
    desk = Desk()
    desk.ask(7)
    desk.ask(milestone="5d")
    desk.fake.review(desk.number, by=desk.fake.author, text="/pass")

    assert len(desk.live()) == 2
