"""Approved, and not yet to be submitted: what the submit requirements leave of the turn."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any, Dict, Optional, Tuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from any_history import STEPS, Steps, history_of
from histories import POLICY, History, approved, at, in_review
from repository import HISTORIES, needs_histories
from reviewloop.core.change import ChangeStatus, Requirement
from reviewloop.core.policy import Vote
from reviewloop.core.reading import read_change
from reviewloop.gerrit import parse
from reviewloop.gerrit.labels import unmet

CODE_REVIEW = Requirement("Code-Review", ("Code-Review",))
OTHER_PEOPLE = Requirement("Docs", ("Docs-Review",))
CODE_OWNERS = Requirement("Code-Owners", ("Code-Owners",), owners=True)
THREADS = Requirement("No-Unresolved-Comments", (), unresolved=True)
GATE = Requirement("Verified", ("Verified",))
NOBODYS = Requirement("Not-Frozen", ())


def gated(history: History, *unmet_ones: Requirement) -> History:
    """The history, of which Gerrit names these as missing."""
    return history.answered(approvals=None, unmet=unmet_ones)


def turn(history: History) -> Tuple[str, str, Optional[str]]:
    """The last wait: party, cause and since."""
    party, cause, since, *_ = [one for one in history.turns() if one[3] is None][-1]
    return party, cause, since


# Each kind.


@pytest.mark.parametrize("missing", [CODE_REVIEW, OTHER_PEOPLE, CODE_OWNERS])
def test_votes_of_people(missing: Requirement) -> None:
    """Where people's votes are missing the change is the reviewers', since it was approved."""
    assert turn(gated(approved(), missing)) == ("reviewers", "needs_approval", "mon 10:00")


def test_self_approval_that_does_not_count() -> None:
    """An owner's own approval that a requirement does not take is no approval."""
    history = in_review().review("mon 10:00", "owner", "Code-Review+2")

    assert turn(history) == ("submitter", "approved", "mon 10:00")
    assert turn(gated(history, CODE_REVIEW)) == ("reviewers", "needs_approval", "mon 10:00")


def test_unresolved_comments() -> None:
    """Where comments are open and block, it is the owner's turn."""
    assert turn(gated(approved(), THREADS)) == ("owner", "unresolved", "mon 10:00")


@pytest.mark.parametrize(
    "label", ["Verified", "Build-Result", "Jenkins-CI", "LUCI-TryBot", "Lint", "QA-Test"]
)
def test_gate_that_has_never_voted(label: str) -> None:
    """Where a gate's vote is missing it stays the submitter's, whose stopwatch stands."""
    history = gated(approved(), Requirement(label, (label,)))

    assert turn(history) == ("submitter", "approved", "mon 10:00")
    assert history.state().is_gated(at("mon 10:00"))
    (wait,) = (one for one in history.state().waits if one.lasts(at("fri 9:00")))
    assert wait.segments == ()


def test_gate_that_gerrit_does_not_wait_for() -> None:
    """Where Gerrit says that nothing is missing, a gate that fell silent keeps nobody waiting."""
    history = (
        in_review().ci("mon 9:30", "Verified+1").review("mon 10:00", "committer", "Code-Review+2")
    )
    history.ci("mon 11:00", "-Verified")
    assert history.state().is_gated(at("tue 9:00"))

    submittable = history.answered(approvals=None, unmet=())
    assert not submittable.state().is_gated(at("tue 9:00"))
    assert turn(submittable) == ("submitter", "approved", "mon 10:00")


@pytest.mark.parametrize("label", ["Docs-Review", "Library-Compliance", "Owners", "Precious"])
def test_label_that_nobody_knows(label: str) -> None:
    """A label that no bot votes on is people's: better one who is asked in vain than nobody."""
    assert turn(gated(approved(), Requirement(label, (label,))))[0] == "reviewers"


def test_label_on_which_bots_vote() -> None:
    """Who votes on a label decides whose it is, whatever it is called."""
    history = in_review().ci("mon 9:30", "Precious-1").ci("mon 9:40", "Precious+1")
    history.review("mon 10:00", "committer", "Code-Review+2")

    assert turn(gated(history, Requirement("P", ("Precious",))))[0] == "submitter"


def test_bots_on_peoples_label() -> None:
    """A label of people's reviews stays theirs though a bot votes on it, too."""
    history = in_review().ci("mon 9:30", "Code-Review+1")
    history.review("mon 10:00", "committer", "Code-Review+2")

    assert turn(gated(history, CODE_REVIEW))[0] == "reviewers"


def test_review_labels_of_the_policy() -> None:
    """Which labels are reviews is configured; those of `approval` are."""
    policy = replace(POLICY, review_labels=(), approval=(Vote("Verified", 1),))
    history = in_review().review("mon 10:00", "committer", "Verified+1")

    waits = gated(history, GATE).turns(policy)
    assert waits[-1][:2] == ("reviewers", "needs_approval")


def test_requirement_without_labels() -> None:
    """What no vote can meet, such as a freeze, waits for nobody's move."""
    history = gated(approved(), NOBODYS)

    assert turn(history)[0] == "submitter"
    assert history.state().is_gated(at("tue 9:00"))


# Several of them, and who owns the change.


@pytest.mark.parametrize(
    ("missing", "party"),
    [
        ((THREADS, CODE_REVIEW), "reviewers"),
        ((CODE_REVIEW, THREADS, GATE), "reviewers"),
        ((GATE, THREADS), "owner"),
        ((GATE, NOBODYS), "submitter"),
        ((GATE, CODE_OWNERS), "reviewers"),
        ((), "submitter"),
    ],
)
def test_several(missing: Tuple[Requirement, ...], party: str) -> None:
    """Reviewers come before the owner, and both before whom nothing can be asked of."""
    assert turn(gated(approved(), *missing))[0] == party
    assert turn(gated(approved(), *reversed(missing)))[0] == party


def test_robot_owner() -> None:
    """A bot resolves no comments: people have to."""
    history = History(owner="ci").upload("mon 9:00", "ci")
    history.review("mon 10:00", "committer", "Code-Review+2")

    assert turn(gated(history, THREADS)) == ("reviewers", "unresolved", "mon 10:00")
    assert gated(history, THREADS).spans("owner") == []


# When it counts.


@pytest.mark.parametrize("status", [one for one in ChangeStatus if one is not ChangeStatus.NEW])
@pytest.mark.parametrize("missing", [CODE_REVIEW, THREADS, GATE])
def test_closed_changes_are_left_alone(status: ChangeStatus, missing: Requirement) -> None:
    """What is missing is known of now; of a change that is closed it says nothing of the past."""
    plain = approved().answered(approvals=None, status=status)
    history = approved().answered(approvals=None, status=status, unmet=(missing,))

    assert history.state() == plain.state()


def test_merged_by_a_message() -> None:
    """Of a change that was merged while it was read, nothing is left to be missing."""
    history = approved().merge("mon 11:00")

    assert gated(history, CODE_REVIEW).turns() == history.turns()


@pytest.mark.parametrize(
    "history",
    [
        in_review(),
        in_review().review("mon 10:00", "reviewer", "Code-Review-1"),
        in_review().review("mon 10:00", "reviewer", text="Why?"),
        approved().review("mon 11:00", "owner", "Workflow-1"),
        approved().wip("mon 11:00"),
        approved().abandon("mon 11:00"),
    ],
)
@pytest.mark.parametrize("missing", [CODE_REVIEW, THREADS, GATE])
def test_only_the_submitters_turn(history: History, missing: Requirement) -> None:
    """Where it is not the submitter's turn, what is missing changes nothing."""
    before = history.answered(approvals=None).state()

    assert gated(history, missing).state() == before


def test_earlier_turns_stay() -> None:
    """Only the turn that lasts is redirected; those before were told as they were."""
    history = approved().review("mon 11:00", "second", "Code-Review-1").upload("mon 12:00")
    history.review("mon 13:00", "committer", "Code-Review+2")

    assert gated(history, CODE_REVIEW).turns() == [
        ("reviewers", "uploaded", "mon 9:00", "mon 10:00", "reviewed"),
        ("submitter", "approved", "mon 10:00", "mon 11:00", "reviewed"),
        ("owner", "reviewed", "mon 11:00", "mon 12:00", "answered"),
        ("reviewers", "uploaded", "mon 12:00", "mon 13:00", "reviewed"),
        ("reviewers", "needs_approval", "mon 13:00", None, None),
    ]


def test_red_while_something_is_missing() -> None:
    """A redirected turn is a turn like any other: red stops it, and the owner owes the fix."""
    history = approved().ci("mon 11:00", "Verified-1")
    party = [one[0] for one in gated(history, CODE_REVIEW).turns() if one[3] is None]

    assert party == ["reviewers", "owner"]
    assert gated(history, THREADS).spans("owner") == [
        ("owner", "unresolved", "mon 10:00", None, None)
    ]


@given(STEPS, st.sampled_from([CODE_REVIEW, THREADS, GATE]))
def test_nobody_waits_to_submit_what_cannot_be(steps: Steps, missing: Requirement) -> None:
    """Whatever happened: while a requirement is unmet no submitter's stopwatch runs, and nothing
    that was over has changed.
    """
    history = history_of(steps)
    before = [one for one in history.state().waits if one.end is not None and not one.lapses]
    state = history.answered(approvals=None, unmet=(missing,)).state()
    open_ones = [one for one in state.waits if one.end is None and one.party.value == "submitter"]

    assert not any(span.end is None for one in open_ones for span in one.segments)
    assert [one for one in before if one not in state.waits and one.party.value != "owner"] == []


# A gate that has voted on the change.


def test_gate_that_has_not_passed_the_new_patch_set() -> None:
    """Once a gate has voted on a change, an approval has to wait for it."""
    history = in_review().ci("mon 9:30", "Verified+1").upload("mon 9:40")
    history.review("mon 10:00", "committer", "Code-Review+2").ci("mon 12:00", "Verified+1")
    state = history.state()
    (wait,) = [one for one in state.waits if one.party.value == "submitter"]

    assert [(one.start, one.end) for one in wait.segments] == [(at("mon 12:00"), None)]
    assert [(one.start, one.end) for one in state.gates] == [(at("mon 10:00"), at("mon 12:00"))]


def test_gate_runs_again() -> None:
    """A gate that takes its vote back to merge the change is at work."""
    history = in_review().ci("mon 9:30", "Verified+1")
    history.review("mon 10:00", "committer", "Code-Review+2").ci("mon 11:00", "-Verified")
    (wait,) = [one for one in history.state().waits if one.party.value == "submitter"]

    assert [(one.start, one.end) for one in wait.segments] == [(at("mon 10:00"), at("mon 11:00"))]
    assert history.state().is_gated(at("mon 11:00"))


def test_change_without_gates() -> None:
    """Where no gate has ever voted, none is waited for."""
    assert approved().state().gates == ()


# What Gerrit answers.


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ({"name": "Code-Review", "status": "SATISFIED"}, ()),
        ({"name": "Code-Review", "status": "OVERRIDDEN"}, ()),
        ({"name": "Code-Review", "status": "NOT_APPLICABLE"}, ()),
        ({"name": "Code-Review", "status": "FORCED"}, ()),
        ({"name": "Code-Review", "status": "SOMETHING"}, ()),
        ({"name": "Code-Review"}, ()),
        ({"name": "Code-Review", "status": "UNSATISFIED"}, (CODE_REVIEW,)),
        ({"name": "Code-Review", "status": "ERROR"}, (CODE_REVIEW,)),
        (
            {
                "name": "Reviewed",
                "status": "UNSATISFIED",
                "submittability_expression_result": {
                    "expression": 'label:Code-Review=MAX,user=non_uploader AND label:"Verified"=MAX'
                },
            },
            (Requirement("Reviewed", ("Code-Review", "Verified")),),
        ),
        (
            {
                "name": "No-Unresolved-Comments",
                "status": "UNSATISFIED",
                "submittability_expression_result": {"expression": "-has:unresolved"},
            },
            (Requirement("No-Unresolved-Comments", (), unresolved=True),),
        ),
        (
            {
                "name": "Code-Owners",
                "status": "UNSATISFIED",
                "submittability_expression_result": {"expression": "has:approval_code-owners"},
            },
            (Requirement("Code-Owners", (), owners=True),),
        ),
        (
            {
                "name": "Freeze",
                "status": "UNSATISFIED",
                "submittability_expression_result": {"expression": "-branch:stable"},
            },
            (Requirement("Freeze", ()),),
        ),
    ],
)
def test_requirements_in_the_answer(
    answered: Dict[str, Any], expected: Tuple[Requirement, ...]
) -> None:
    """Those that are not met, with the labels that their expression asks for."""
    assert unmet({"submit_requirements": [answered]}, "change 1") == expected


# Real histories.


@needs_histories
def test_real_histories_that_are_closed() -> None:
    """Whatever would be missing of changes that are closed: their waits are what they were."""
    with gzip.open(HISTORIES / "opendev-zuul-reviews.jsonl.gz", "rt", encoding="utf-8") as lines:
        changes = [parse.change(json.loads(line)) for line in lines]
    closed = [one for one in changes if one.status.is_closed]
    assert len(closed) > 600

    for change in closed:
        missing = replace(change, unmet=(CODE_REVIEW, THREADS))
        assert read_change(missing, POLICY).state == read_change(change, POLICY).state
