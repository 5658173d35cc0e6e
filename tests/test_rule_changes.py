"""Which rules change which events of real histories, and that each can be done without."""

from __future__ import annotations

from typing import Dict, List

import pytest
from sandbox import rule_changes
from sandbox.rule_changes import RULES, compared, events

from histories import POLICY, TAG, History, approved, at, commented, in_progress, in_review, stands
from repository import HISTORIES, needs_histories
from reviewloop.core.change import Requirement
from reviewloop.core.milestones import Window

UNMET = Requirement("Code-Review", ("Code-Review",))
FORWARDED = (
    "Copied votes on follow-up patch sets have been updated:\n"
    '* Code-Review+2 has been copied to patch set 2 (copy condition: "is:MAX").'
)

# Of real histories, how many changes each rule changes events of.
CHANGED: Dict[str, Dict[str, int]] = {
    "a": {RULES[0].name: 2, RULES[3].name: 1, RULES[4].name: 1},
    "b": {RULES[0].name: 6, RULES[4].name: 1},
}
# The rule's place in the table, and a history that it changes.
MATTERS: List[History] = [
    in_review().answered(stands("Code-Review+2", "committer", "mon 10:00")),
    in_progress()
    .review("mon 10:00", "owner", text="Have a look.")
    .answered(work_in_progress=False),
    approved().answered(stands("Code-Review+2", "committer", "mon 10:00"), unmet=(UNMET,)),
    in_review()
    .ci("mon 9:30", "Verified-1")
    .upload("mon 9:40")
    .review("mon 10:00", "committer", "Code-Review+2"),
    commented().upload("mon 11:00", unchanged=True),
    History().upload("mon 9:00", votes="Workflow-1"),
    in_review()
    .rebase("mon 9:30")
    .review("mon 10:00", "committer", "Code-Review+2", FORWARDED, patch_set=1),
    approved()
    .review("mon 10:30", "second", "Code-Review+2")
    .say(
        "mon 11:00",
        "owner",
        "Removed Code-Review+2 by <GERRIT_ACCOUNT_3>",
        TAG + "deleteVote",
    ),
    in_review().private("mon 9:30").public("tue 9:30"),
    in_review().review("mon 10:00", "adviser", "Code-Review-1"),
    in_review().review("mon 10:00", "second", "Verified+1"),
    in_review().ci("mon 10:00", "Verified-1").ci("mon 10:10", "-Verified"),
    in_review().review("mon 10:00", "ci", text="This CL has failed the run. Reason: tests."),
    in_review().review("mon 10:00", "second", text="remerge"),
]
MARCH = Window(at("mon 0:00"), at("fri3 0:00"))


@pytest.mark.parametrize(
    ("rule", "history"), list(zip(RULES, MATTERS)), ids=[rule.name for rule in RULES]
)
def test_each_rule_can_be_switched_off(rule: rule_changes.Rule, history: History) -> None:
    """A history in which a rule matters comes to other events without just that rule, so that a
    change of real histories is put down to the right one.
    """
    change = history.change()
    now = events(change, POLICY, window=MARCH)
    others = [one for one in RULES if one is not rule]

    assert events(change, POLICY, [rule], MARCH) != now
    assert events(change, POLICY, RULES, MARCH) != now
    assert events(change, POLICY, others, MARCH) == now


def test_every_rule_has_its_history() -> None:
    """No rule of the table is left untried."""
    assert len(MATTERS) == len(RULES)


def test_what_no_rule_changes_is_found() -> None:
    """Events that are expected for no reason in the rules are listed as unexplained."""
    change = in_review().change()
    found = compared([change], POLICY, {change.number: frozenset(["{}"])})

    assert found.unexplained == ["{}"]
    assert found.numbers == {}


@needs_histories
@pytest.mark.parametrize("name", ["a", "b"])
def test_real_histories(name: str) -> None:
    """Hundreds of real histories give the events that an independent reading of older rules gives,
    but for those that a newer rule changes; each of these changes is one rule's.
    """
    found = rule_changes.of_folder(HISTORIES, name)

    assert found.unexplained == []
    assert rule_changes.TOGETHER not in found.numbers
    assert {rule: len(part) for rule, part in found.numbers.items()} == CHANGED[name]


@needs_histories
def test_table_of_the_page() -> None:
    """The page shows the rules with what they change of these histories, as counted now."""
    found = {name: rule_changes.of_folder(HISTORIES, name) for name in ("a", "b")}
    block = rule_changes.BLOCK.search(rule_changes.PAGE.read_text(encoding="utf-8"))

    assert block is not None
    assert block.group() == "\n".join(rule_changes.table(found)) + "\n"
