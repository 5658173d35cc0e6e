"""Whether to act on an event, and whom to ask."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Dict

import pytest

from assessing import SERVER, SINCE, Board
from reviewloop.core.events import EventRef
from reviewloop.core.keys import Mark
from reviewloop.core.tiers import Tier
from reviewloop.errors import ConfigError, DatastoreError, RefusedError
from reviewloop.escalation.events import event_ref
from reviewloop.escalation.verdicts import Assessment, Outlook, Verdict
from reviewloop.store.asks import Ask, Asks
from reviewloop.store.pending import Reason


def test_two_days_without_review() -> None:
    """One person of the committee is asked, and a second run asks the same one."""
    board = Board()
    asked = board.asked()

    assert asked in board.ids
    assert [board.asked() for _ in range(3)] == [asked] * 3
    assert len(Asks(board.shelf.service).all()) == 1


# Why not.


def _reviewed(board: Board) -> None:
    board.fake.review(board.number, text="Why?")


def _merged(board: Board) -> None:
    board.fake.set_status(board.number, "MERGED")


def _private(board: Board) -> None:
    board.fake.changes[board.number].private = True


def _exempt(board: Board) -> None:
    board.fake.changes[board.number].hashtags.append("No-Escalation")


def _snoozed(board: Board) -> None:
    board.fake.review(board.number, text="/snooze 3d holidays")


def _snoozed_before(board: Board) -> None:
    board.fake.review(board.number, text="/snooze 1d", at="2026-03-02 09:00:00")


def _red(board: Board) -> None:
    board.fake.review(board.number, by=board.fake.me, labels={"Verified": -1})


def _gone(board: Board) -> None:
    del board.fake.changes[board.number]


def _wip(board: Board) -> None:
    board.fake.set_wip(board.number, wip=True)


@pytest.mark.parametrize(
    ("happens", "verdict"),
    [
        (_reviewed, Verdict.WAIT_OVER),
        (_merged, Verdict.WAIT_OVER),
        (_wip, Verdict.WAIT_OVER),
        (_private, Verdict.PRIVATE),
        (_exempt, Verdict.EXEMPT),
        (_snoozed, Verdict.SNOOZED),
        (_snoozed_before, Verdict.NOT_DUE),
        (_red, Verdict.RED),
        (_gone, Verdict.GONE),
    ],
)
def test_reasons_not_to_act(happens: Any, verdict: Verdict) -> None:
    """What happened since the trigger, or stands against it, is found on the change itself."""
    board = Board()
    happens(board)

    assert board.assess().verdict is verdict
    assert Asks(board.shelf.service).all() == ()


def test_work_in_progress_that_no_message_tells() -> None:
    """A change in progress is left alone, even where its messages do not say that it is."""
    board = Board()
    board.fake.changes[board.number].wip = True

    assert board.assess().verdict is Verdict.WAIT_OVER


def test_closed_change_that_no_message_tells() -> None:
    """A closed change is left alone, even where the message of its end was deleted."""
    board = Board()
    board.fake.changes[board.number].status = "ABANDONED"

    assert board.assess().verdict is Verdict.WAIT_OVER


def test_event_before_its_time() -> None:
    """An event that the wait has not reached is not acted on."""
    assert Board().assess(Board().event("5d")).verdict is Verdict.NOT_DUE


def test_acknowledged() -> None:
    """Whoever was asked and takes it pauses the ladder; anybody else's /ack does nothing."""
    board = Board()
    asked = board.asked()
    mark = Mark("escalate", "0" * 16, (asked,))
    board.fake.review(board.number, by=board.fake.author, text="/ack")
    board.fake.review(board.number, by=board.fake.me, text=f"Asked.\n\n{mark}")
    assert board.assess().verdict is Verdict.PROCEED
    board.fake.review(board.number, by=asked, text="/ack")

    assert board.assess().verdict is Verdict.ACKNOWLEDGED
    board.fake.at("2026-03-06 09:00:00")
    assert board.assess().verdict is Verdict.PROCEED


def test_hold_out() -> None:
    """Half of the changes are left alone where half are to be, always the same ones."""
    board = Board(limits={"hold_out_percent": 50})
    numbers = [board.number, *(board.change() for _ in range(39))]

    verdicts = [board.assess(board.event(number=n), Tier.NOBODY).verdict for n in numbers]
    assert 10 <= verdicts.count(Verdict.HOLD_OUT) <= 30
    assert verdicts == [board.assess(board.event(number=n), Tier.NOBODY).verdict for n in numbers]


def test_parent_in_the_chain() -> None:
    """Of a chain of changes only the lowest is escalated, whichever is assessed first; the others
    follow when it is merged.
    """
    board = Board()
    child = board.change(parent=board.number)
    for _ in range(2):
        found = board.assess(board.event(number=child))
        assert (found.verdict, found.outlook) == (Verdict.JOINED, Outlook.NOT_NOW)
        assert found.pending is not None
        assert found.pending.leader == board.number
        parent = board.assess()
        assert (parent.proceeds, parent.joined) == (True, (child,))

    # Merged, and nobody has stood anything down.
    board.fake.set_status(board.number, "MERGED")
    assert board.assess(board.event(number=child)).proceeds
    assert board.pendings == ()


# Budgets.


def test_personal_budgets() -> None:
    """When everybody has had their share of the week nobody is asked; a week later they are."""
    board = Board(limits={"per_person_week": 1})
    numbers = [board.number, *(board.change() for _ in range(3))]
    found = [board.assess(board.event(number=number)) for number in numbers]
    assert [one.verdict for one in found] == [Verdict.PROCEED] * 3 + [Verdict.BUDGET_USED_UP]
    assert reasons(found[-1]) == dict.fromkeys(board.ids, "over_budget")

    board.fake.at("2026-03-11 09:05:01")
    assert board.assess(board.event(number=numbers[3])).proceeds


def test_budget_of_one_run() -> None:
    """No more than per_run people are asked within one poll interval."""
    board = Board(limits={"per_run": 2})
    numbers = [board.number, *(board.change() for _ in range(2))]
    verdicts = [board.assess(board.event(number=number)).verdict for number in numbers]

    assert verdicts == [Verdict.PROCEED, Verdict.PROCEED, Verdict.BUDGET_USED_UP]


# Whom.


def test_owner_and_absent_are_not_asked() -> None:
    """The owner, and whoever is away, is not asked; the absence ends by itself."""
    board = Board()
    board.fake.changes[board.number].owner = board.ids[0]
    board.fake.changes[board.number].messages[0]["author"]["_account_id"] = board.ids[0]
    board.shelf.now = board.fake.now
    board.shelf.store.put("gerrit.away.committee2", "1", ttl=86_400)

    assert board.asked() == board.ids[2]


def test_handing_on() -> None:
    """Whoever was asked and says /pass is asked no more; another person is."""
    board = Board()
    first = board.asked()
    mark = Mark("escalate", "0" * 16, (first,))
    board.fake.review(board.number, by=board.fake.me, text=f"Asked.\n\n{mark}")
    board.fake.review(board.number, by=first, text="/pass")
    second = board.assess()

    assert second.accounts != (first,)
    assert (second.attempt, board.assess().attempt) == (1, 1)
    assert board.assess().accounts == second.accounts


def test_no_move_in_time() -> None:
    """At the next milestone of the same wait somebody else is asked."""
    board = Board()
    first = board.asked()
    board.fake.at("2026-03-09 09:00:00")

    assert board.asked(event=board.event("5d")) != first


def test_nobody_free() -> None:
    """With nobody to name nobody is asked, and nothing sticks: a roster that is filled counts."""
    board = Board(roster={"members": []})
    found = board.assess()
    assert (found.verdict, found.outlook) == (Verdict.NOBODY_TO_ASK, Outlook.NOT_NOW)
    assert [one.reason for one in board.pendings] == [Reason.NOBODY_ELIGIBLE]
    assert board.asks == ()
    board.config.update(Board().config)

    assert board.asked() in board.ids
    assert board.pendings == ()


def test_record_that_names_nobody() -> None:
    """What an earlier release kept for an empty roster does not stick either."""
    board = Board()
    event = EventRef.parse(board.event())
    since = event.since
    empty = Ask(event.text, "committee", event.number, "reviewers", since, (), since)
    Asks(board.shelf.service).put(empty)

    assert board.asked() in board.ids


def test_silent_reviewers() -> None:
    """A nudge goes to the reviewers who have not spoken since the owner's last move."""
    board = Board()
    second = board.fake.add_account("reviewer2")
    change = board.fake.changes[board.number]
    change.reviewers.update({second: "REVIEWER", board.fake.me: "REVIEWER"})
    board.fake.review(board.number, labels={"Code-Review": 1}, at="2026-03-02 09:00:00")

    assert board.assess(board.event("1d"), Tier.REVIEWERS).accounts == (second,)


def test_reviewer_who_uploaded() -> None:
    """Nobody is nudged to review the patch set that they pushed themselves."""
    board = Board()
    second = board.fake.add_account("reviewer2")
    board.fake.changes[board.number].reviewers[second] = "REVIEWER"
    board.fake.upload(board.number, by=board.fake.reviewer, at="2026-03-02 09:00:00")

    assert board.assess(board.event("1d"), Tier.REVIEWERS).accounts == (second,)


def test_reviewer_who_has_left() -> None:
    """An inactive account is not asked, and nobody is where it is the only one."""
    board = Board()
    board.fake.accounts[board.fake.reviewer]["inactive"] = True

    assert board.assess(tier=Tier.REVIEWERS).verdict is Verdict.NOBODY_TO_ASK


def test_owner_that_is_a_robot() -> None:
    """It owes nobody anything that it could be asked for."""
    board = Board()
    bot = board.fake.add_account("sync-bot", service_user=True)
    board.number = board.fake.add_change(owner=bot, at="2026-03-02 09:00:00")

    assert board.assess(tier=Tier.OWNERS).verdict is Verdict.NOBODY_TO_ASK


def test_no_reviewers() -> None:
    """A change without reviewers gives a nudge nobody to go to."""
    board = Board()
    board.fake.changes[board.number].reviewers.clear()
    found = board.assess(board.event("1d"), Tier.REVIEWERS)

    assert (found.verdict, found.considered) == (Verdict.NOBODY_TO_ASK, ())
    (left,) = board.pendings
    assert left.not_before == board.fake.now + timedelta(hours=2)


def test_who_looks_after_the_project() -> None:
    """A change goes to whom its project is given, and not to who pushed its patch set."""
    members = [
        {"gerrit": "committee1"},
        *({"gerrit": name, "projects": ["tools/*"]} for name in ("committee2", "committee3")),
    ]
    board = Board(roster={"members": members})
    board.fake.upload(board.number, by=board.ids[1], at="2026-03-02 09:00:00")
    found = board.assess()

    assert found.accounts == (board.ids[2],)
    assert {one.account: one.reason for one in found.considered} == {
        board.ids[0]: "",
        board.ids[1]: "uploader",
        board.ids[2]: "",
    }


def reasons(found: Assessment) -> Dict[int, str]:
    """Why each of the considered cannot be asked; "" where they can."""
    return {one.account: one.reason for one in found.considered}


def test_why_nobody_is_left() -> None:
    """Who has reviewed, passed or made no move is not asked, and the answer says which."""
    board = Board()
    reviewed = board.ids[1]
    board.fake.review(
        board.number, by=reviewed, labels={"Code-Review": 1}, at="2026-03-02 09:00:00"
    )
    first = board.assess()
    board.post(first)
    board.fake.review(board.number, by=first.accounts[0], text="/pass")
    second = board.assess()
    board.post(second)
    known = {reviewed: "already_reviewed", first.accounts[0]: "passed"}
    assert reasons(second) == {**known, second.accounts[0]: ""}

    board.fake.at("2026-03-09 09:00:00")
    third = board.assess(board.event("5d"))
    assert third.verdict is Verdict.NOBODY_TO_ASK
    assert reasons(third) == {**known, second.accounts[0]: "no_move_in_time"}


def test_who_was_asked_for_an_earlier_wait() -> None:
    """Who knows the change already is asked again, though others have been asked less."""
    board = Board()
    first = board.assess()
    board.post(first)
    board.fake.review(board.number, by=first.accounts[0], text="Why?")
    board.fake.upload(board.number, at="2026-03-05 09:00:00")
    since = SINCE + 3 * 86_400
    board.fake.at("2026-03-09 09:00:00")

    again = board.assess(f"{SERVER}:{board.number}:reviewers:{since}:2d")
    assert again.accounts == first.accounts


def test_who_made_a_robots_change() -> None:
    """The author of the commit is not asked to review it."""
    board = Board()
    bot = board.fake.add_account("sync-bot", service_user=True)
    number = board.change(owner=bot)
    board.fake.changes[number].made_by = "committee1@example.org"

    assert reasons(board.assess(board.event(number=number)))[board.ids[0]] == "author"


def test_changes_are_spread_by_their_keys() -> None:
    """Where nothing else decides, not every change goes to the same person."""
    board = Board()
    numbers = [board.number, *(board.change() for _ in range(9))]
    asked = {board.asked(event=board.event(number=one), dry_run=True) for one in numbers}

    assert asked == set(board.ids)


def test_roster_from_a_group() -> None:
    """The committee can be a group in Gerrit."""
    board = Board(roster={"kind": "gerrit_group", "group": "tech-committee"})
    board.fake.add_group("tech-committee", *board.ids)

    assert board.asked() in board.ids


# Errors.


def test_group_that_does_not_exist() -> None:
    """The group is named, and what to do about it."""
    board = Board(roster={"kind": "gerrit_group", "group": "tech-comittee"})

    with pytest.raises(ConfigError, match="roster.group: The group 'tech-comittee'"):
        board.assess()


def test_members_that_do_not_exist() -> None:
    """Where nobody is left, every member unknown to Gerrit is named with its place."""
    board = Board(roster={"members": [{"gerrit": "nobody1"}, {"gerrit": "nobody2"}]})

    with pytest.raises(ConfigError) as caught:
        board.assess()
    assert [problem[:35] for problem in caught.value.problems] == [
        "roster.members[0].gerrit is 'nobody",
        "roster.members[1].gerrit is 'nobody",
    ]
    assert caught.value.remedy


def test_one_member_that_does_not_exist() -> None:
    """The others are asked."""
    board = Board(roster={"members": [{"gerrit": "nobody1"}, {"gerrit": "committee1"}]})

    assert board.asked() == board.ids[0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "of the form"),
        ("x", "of the form"),
        (f"{SERVER}:1:nobody:1:2d", "of the form"),
        (f"{SERVER}:1:owner:1:2 days", "of the form"),
        (f"{SERVER}:1:owner:1:" + "9" * 5_000 + "d", "of the form"),
        (f"{SERVER}:" + "9" * 5_000 + ":owner:1:2d", "of the form"),
        (f"{SERVER}:1:owner:" + "9" * 5_000 + ":2d", "of the form"),
        (f"{SERVER}:1:owner:99999999999:2d", "99999999999 is no time"),
        (f"{SERVER}:9999999999:owner:1:2d", "9999999999 is no number of a change"),
        (f"{SERVER}:\u0661:owner:1:2d", "of the form"),
        ("a b:1:owner:1:2d", "of the form"),
        (":" * 100_000, "of the form"),
        ("{{ st2kv.system.secret }}", "of the form"),
    ],
)
def test_no_event_id(text: str, why: str) -> None:
    """What is not an event id is refused with its beginning, harmless, and with what is wrong."""
    with pytest.raises(RefusedError, match="event_id is '.*not the id of an event: .*" + why) as no:
        event_ref(text)
    assert len(str(no.value)) < 400
    assert "{{" not in str(no.value)
    assert no.value.remedy


def test_event_of_another_server() -> None:
    """An event of a server that is not configured is refused."""
    with pytest.raises(RefusedError, match=r"other\.example\.org"):
        Board().assess(Board().event().replace("gerrit.", "other."))


def test_datastore_down() -> None:
    """Nobody is asked while it is unknown who was."""
    board = Board()
    board.shelf.store.down = True

    with pytest.raises(DatastoreError):
        board.assess()


def test_whoever_left_before_they_were_asked() -> None:
    """An ask that no comment told of is handed on if nobody it names can be asked any more."""
    board = Board()
    first = board.asked()
    board.fake.accounts[first]["inactive"] = True
    board.fake.advance(minutes=30)
    assert board.assess().accounts == (first,)  # its run may still be at work

    board.fake.advance(hours=1)
    second = board.assess()

    assert (second.verdict, second.attempt) == (Verdict.PROCEED, 1)
    assert first not in second.accounts
    assert [ask.open for ask in board.asks] == [False, True]


def test_whoever_left_after_they_were_asked() -> None:
    """The comment stands: at the next milestone somebody else is asked."""
    board = Board()
    told = board.assess()
    board.post(told)
    board.fake.accounts[told.accounts[0]]["inactive"] = True
    board.fake.advance(hours=3)

    assert board.assess().accounts == told.accounts
