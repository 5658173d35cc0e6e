"""Votes, labels and submit requirements as Gerrit answers them; the samples are Gerrit 3.10's."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import pytest

from reviewloop.core.change import Requirement
from reviewloop.gerrit.labels import approvals, names, unmet

Json = Dict[str, Any]

REVIEWER: Json = {"_account_id": 7, "username": "reviewer"}
DEFINED: Json = {"values": {"-1": "Fails", " 0": "No score", "+1": "Verified"}, "default_value": 0}
VOTE: Json = {**REVIEWER, "value": -1, "date": "2026-03-02 09:00:00.000000000"}


def voted(**labels: Json) -> Optional[List[Tuple[str, int]]]:
    """Label and value of each vote."""
    found = approvals({"labels": labels}, "change 1")
    return None if found is None else [(one.label, one.value) for one in found]


def test_votes() -> None:
    """A reviewer who has not voted on a label is listed without a value."""
    assert voted(Quality={"all": [VOTE]}, Verified={"all": [REVIEWER]}) == [("Quality", -1)]


def test_change_without_reviewers() -> None:
    """No label lists anybody: nobody has voted."""
    assert voted(Verified={**DEFINED, "optional": True}) == []


def test_record_of_a_submit() -> None:
    """What a merged change lists as a vote on SUBM is who submitted it: nobody voted."""
    submit = {"all": [{"_account_id": 7, "value": 1}]}

    assert approvals({"labels": {"SUBM": submit, "Code-Review": {"all": []}}}, "x") == ()


@pytest.mark.parametrize("summary", ["approved", "rejected", "recommended", "disliked"])
def test_summaries(summary: str) -> None:
    """Where somebody has voted and nobody is listed, it is unknown which votes stand."""
    assert voted(Verified={summary: REVIEWER}, Quality={"all": []}) is None


def test_no_labels() -> None:
    """An answer without labels says nothing of votes."""
    assert approvals({}, "change 1") is None
    assert voted() is None
    assert names({}, "change 1") is None


def test_names() -> None:
    """Labels are all told where each is defined, and not where votes alone are listed."""
    assert names({"labels": {"A": DEFINED, "B": {**DEFINED, "all": []}}}, "c") == {"A", "B"}
    assert names({"labels": {"A": DEFINED, "B": {"all": []}}}, "c") is None
    assert names({"labels": {}}, "c") is None


def requirement(
    name: str, expression: str, failing: Tuple[str, ...] = (), passing: Tuple[str, ...] = ()
) -> Requirement:
    """What is read of one that is not met."""
    result = {
        "expression": expression,
        "fulfilled": False,
        "status": "FAIL",
        "failing_atoms": list(failing),
        "passing_atoms": list(passing),
    }
    raw = {"name": name, "status": "UNSATISFIED", "submittability_expression_result": result}
    (found,) = unmet({"submit_requirements": [raw]}, "change 1")
    return found


def test_label_that_is_missing() -> None:
    """A requirement is of the labels that it lacks."""
    most, least = "label:Verified=MAX", "label:Verified=MIN"

    assert requirement("V", f"{most} AND -{least}", (most, least)).labels == ("Verified",)


def test_label_of_an_old_function() -> None:
    """Gerrit tells a label's function as an expression, with the sign inside the terms."""
    most, least = "label:Code-Review=MAX", "-label:Code-Review=MIN"

    assert requirement("CR", f"{most} {least}", (most, least)).labels == ("Code-Review",)


def test_terms_that_are_met() -> None:
    """Of several terms in one expression those count that are not met."""
    review, verified, unresolved = "label:Code-Review=MAX", "label:Verified=MAX", "has:unresolved"
    expression = f"{review} AND {verified} AND -{unresolved}"

    lacks = requirement("All", expression, (verified, unresolved), (review,))
    assert (lacks.labels, lacks.unresolved) == (("Verified",), False)
    open_ones = requirement("All", expression, (), (review, verified, unresolved))
    assert (open_ones.labels, open_ones.unresolved) == ((), True)


def test_expression_without_terms() -> None:
    """Where the answer does not say what is missing, the whole expression counts."""
    assert requirement("All", "label:A=MAX label:B=MAX").labels == ("A", "B")
    assert requirement("None", "NOT has:unresolved", (), ("has:unresolved",)).unresolved


def test_name_alone() -> None:
    """Without an expression a requirement is of the label it names."""
    raw = {"name": "Code-Review", "status": "UNSATISFIED"}

    assert unmet({"submit_requirements": [raw]}, "c") == (
        Requirement("Code-Review", ("Code-Review",)),
    )


@pytest.mark.parametrize(
    "status", ["SATISFIED", "OVERRIDDEN", "NOT_APPLICABLE", "FORCED", "SOMETHING_NEW"]
)
def test_requirements_that_are_met(status: str) -> None:
    """Only what is unsatisfied, or cannot be evaluated, keeps a change from being submitted."""
    assert unmet({"submit_requirements": [{"name": "A", "status": status}]}, "c") == ()
