"""One change explained: every condition with its value, who is asked, when next, and whom."""

from __future__ import annotations

from typing import Any, Callable, Dict

import pytest
from sandbox.standin.values import problems

from reviewloop.core.roster import Ineligible
from reviewloop.errors import RefusedError
from reviewloop.insight.board import Reason
from reviewloop.insight.explain_page import INELIGIBLE, NEEDS, WHY_NOT
from reviewloop.operations.explain import explain
from test_board import Wall
from test_pack_contract import actions


def told(wall: Wall, **more: Any) -> Dict[str, Any]:
    """The action ``explain``; its answer is what it promises."""
    found = explain(wall.context(), wall.number, **more)
    assert problems(found, actions()["explain"]["output_schema"]) == ""
    return found


def conditions(wall: Wall) -> Dict[str, Any]:
    """The values of the conditions by their names."""
    return {one["name"]: one["value"] for one in told(wall)["conditions"]}


def stops(wall: Wall) -> Dict[str, str]:
    """The conditions that keep people from being asked, with what is said of them."""
    return {one["name"]: one["text"] for one in told(wall)["conditions"] if one["stops"]}


# --- conditions -------------------------------------------------------------------------------


def test_every_condition_of_a_change_that_waits() -> None:
    """Each is listed, whether it holds or not; of a plain overdue change none stands in the way."""
    wall = Wall()
    found = conditions(wall)

    assert list(found) == [
        "status", "work_in_progress", "private", "turn", "owner_is_bot", "votes", "approved",
        "negative", "held", "red", "gate_pending", "submit_requirements", "advice", "unmarked",
        "disagreements", "exempt", "paused", "joined", "hold_out", "idle", "milestone",
    ]  # fmt: skip
    assert found["turn"] == "reviewers"
    assert found["milestone"] == ["2d"]
    assert stops(wall) == {}


def _hold(wall: Wall) -> None:
    wall.fake.review(wall.number, labels={"Code-Review": -2})


def _exempt(wall: Wall) -> None:
    wall.fake.changes[wall.number].hashtags.append("no-escalation")


def _snooze(wall: Wall) -> None:
    wall.fake.review(wall.number, text="/snooze 3d")


def _red(wall: Wall) -> None:
    wall.fake.review(wall.number, by=wall.fake.me, labels={"Verified": -1})


def _merge(wall: Wall) -> None:
    wall.fake.set_status(wall.number, "MERGED")


@pytest.mark.parametrize(
    ("name", "value", "happens"),
    [
        ("held", True, _hold),
        ("negative", True, _hold),
        ("exempt", True, _exempt),
        ("paused", "snoozed", _snooze),
        ("red", True, _red),
        ("status", "MERGED", _merge),
    ],
)
def test_condition_that_holds(name: str, value: object, happens: Callable[[Wall], None]) -> None:
    """What holds has its value, and a sentence that says what it comes to."""
    wall = Wall()
    happens(wall)

    assert conditions(wall)[name] == value


def test_what_stops() -> None:
    """Of the conditions those are marked that keep people from being asked."""
    wall = Wall()
    _exempt(wall)
    _red(wall)

    assert list(stops(wall)) == ["red", "exempt"]
    assert stops(wall)["exempt"] == "by the hashtag no-escalation"


def test_votes() -> None:
    """Every vote that stands, whose it is, and whether it is a bot's."""
    wall = Wall()
    wall.fake.review(wall.number, labels={"Code-Review": 1})
    _red(wall)
    found = told(wall)
    (votes,) = [one for one in found["conditions"] if one["name"] == "votes"]

    assert [(one["label"], one["value"], one["bot"]) for one in votes["value"]] == [
        ("Code-Review", 1, False),
        ("Verified", -1, True),
    ]
    names = {one["account_id"]: one["name"] for one in found["accounts"]}
    assert all(names[one["account_id"]] in votes["text"] for one in votes["value"])


def test_private() -> None:
    """Nothing on a private change leaves Gerrit."""
    wall = Wall()
    wall.number = wall.change(private=True)

    with pytest.raises(RefusedError, match="private"):
        explain(wall.context(), wall.number)


# --- who is asked, and when next --------------------------------------------------------------


def test_asked() -> None:
    """Who is asked now, since when, and when the next milestone is reached."""
    wall = Wall()
    found = wall.assess()
    wall.post(found)
    (one,) = told(wall)["next"]

    assert [ask["account_ids"] for ask in one["asked"]] == [list(found.accounts)]
    assert (one["party"], one["why_not"], one["needs"]) == ("reviewers", "", "")
    assert (one["milestone"], one["at"]) == ("5d", "2026-03-09T09:00:00Z")


def test_not_due() -> None:
    """Before the first milestone nobody is asked, and it is told when it will be reached."""
    wall = Wall()
    wall.fake.at("2026-03-02 15:00:00")
    (one,) = told(wall)["next"]

    assert (one["why_not"], one["milestone"], one["at"]) == (
        "not_due",
        "1d",
        "2026-03-03T09:00:00Z",
    )
    assert stops(wall) == {"milestone": "none is reached yet"}


def test_red_needs_a_recovery() -> None:
    """While CI is red the reviewers' clock stands, so no time can be told; the owner's runs."""
    wall = Wall()
    _red(wall)
    found = {one["party"]: one for one in told(wall)["next"]}

    assert found["reviewers"]["at"] is None
    assert found["reviewers"]["needs"] == "ci_recovers"
    assert found["reviewers"]["why_not"] == "red"
    assert found["owner"]["milestone"] == "1d"


def test_past_the_last_milestone() -> None:
    """Then nothing more will be reached."""
    wall = Wall()
    wall.fake.at("2026-04-04 09:00:00")
    (one,) = told(wall)["next"]

    assert (one["at"], one["needs"]) == (None, "past_last_milestone")


def test_closed() -> None:
    """Nobody owes a move, so nobody is asked and nothing comes next."""
    wall = Wall()
    _merge(wall)
    found = told(wall)

    assert (found["next"], found["whom"]) == ([], [])
    assert "closed" in found["reasons_not"]


# --- whom -------------------------------------------------------------------------------------


def of_tier(wall: Wall, tier: str) -> Dict[str, Any]:
    """What is told of a tier."""
    (found,) = [one for one in told(wall)["whom"] if one["tier"] == tier]
    return found


def test_whom_is_whom_an_escalation_asks() -> None:
    """Who would be asked is who then is, and everybody of the roster was considered."""
    wall = Wall()
    before = of_tier(wall, "committee")
    found = wall.assess()

    assert before["would_ask"] == list(found.accounts)
    assert [one["account_id"] for one in before["considered"]] == sorted(wall.ids)
    assert all(one["eligible"] for one in before["considered"])


def test_whom_before_it_is_due() -> None:
    """Before any milestone it is told as well."""
    wall = Wall()
    wall.fake.at("2026-03-02 15:00:00")

    assert len(of_tier(wall, "committee")["would_ask"]) == 1
    assert of_tier(wall, "reviewers")["would_ask"] == [wall.fake.reviewer]


def test_why_others_are_not_asked() -> None:
    """Who owns the change, has reviewed it, or was asked before is named with the reason."""
    wall = Wall()
    wall.fake.changes[wall.number].owner = wall.ids[0]
    wall.fake.review(wall.number, by=wall.ids[1], labels={"Code-Review": 1})
    found = of_tier(wall, "committee")
    reasons = {one["account_id"]: one["reason"] for one in found["considered"]}

    assert found["would_ask"] == [wall.ids[2]]
    assert reasons == {wall.ids[0]: "owner", wall.ids[1]: "already_reviewed", wall.ids[2]: ""}


def test_who_was_asked_is_not_asked_next() -> None:
    """Who is asked at a milestone has been asked before, where the next one comes."""
    wall = Wall()
    found = wall.assess()
    wall.post(found)
    committee = of_tier(wall, "committee")

    assert found.accounts[0] not in committee["would_ask"]
    reasons = {one["account_id"]: one["reason"] for one in committee["considered"]}
    assert reasons[found.accounts[0]] == "no_move_in_time"


def test_limit() -> None:
    """Where a limit puts it off, the answer names it and until when."""
    wall = Wall(limits={"per_run": 1})
    other = wall.change()
    wall.assess(wall.event(number=other))
    found = of_tier(wall, "committee")

    assert (found["would_ask"], found["reason"]) == ([], "cap")
    assert found["not_before"] > "2026-03-04"


def test_no_chair() -> None:
    """A tier with nobody in it says so."""
    assert of_tier(Wall(), "chair")["reason"] == "nobody_eligible"


def test_no_roster() -> None:
    """Without a roster only the people of the change can be asked."""
    wall = Wall(roster={})

    assert [one["tier"] for one in told(wall)["whom"]] == ["reviewers"]


def test_roster_that_nobody_knows() -> None:
    """What is wrong with the roster is told in its place, and everything else is explained."""
    wall = Wall(roster={"members": [{"name": "N. N.", "gerrit": "nobody-here"}]})
    found = of_tier(wall, "committee")

    assert "nobody-here" in found["problem"]
    assert told(wall)["turn"] == "reviewers"


def test_nothing_is_written() -> None:
    """Neither on the change nor in the datastore is anything noted."""
    wall = Wall()
    told(wall)
    names = [one for one in wall.shelf.names() if not one.startswith("gerrit.roster")]

    assert names == []
    assert not [one for one in wall.fake.seen if not one.startswith("GET ")]


# --- how long it usually takes ----------------------------------------------------------------


def test_eta_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """If asked to, it reads the server's changes, and tells nothing where these are few."""
    wall = Wall()
    assert told(wall)["eta"] is None
    seen = len(wall.fake.seen)
    assert told(wall, histories=100)["eta"] is None
    searches = [one for one in wall.fake.seen[seen:] if "/changes/?" in one]
    assert any("after:" in one for one in searches)

    monkeypatch.setattr("reviewloop.insight.eta.FEW", 5)
    for _ in range(6):
        number = wall.change(at="2026-03-02 09:00:00")
        wall.fake.review(number, labels={"Code-Review": 1}, at="2026-03-03 09:00:00")
    found = told(wall, histories=100)["eta"]

    assert (found["kind"], found["waits"], found["working_days"]) == ("first", 6, 1.0)


# --- words ------------------------------------------------------------------------------------


def test_every_reason_has_words() -> None:
    """Whatever the answer may hold can be told in a sentence."""
    assert {one.value for one in Reason} | {"not_due"} == set(WHY_NOT)
    assert {one.value for one in Ineligible} == set(INELIGIBLE)
    assert set(NEEDS) == {"ci_recovers", "gate_votes", "past_last_milestone"}


def test_nobody_is_blamed() -> None:
    """The words say what is, and of nobody that they failed to do something."""
    words = " ".join([*WHY_NOT.values(), *INELIGIBLE.values(), *NEEDS.values()])

    assert not {"failed", "ignored", "late", "forgot", "should"} & set(words.split())
