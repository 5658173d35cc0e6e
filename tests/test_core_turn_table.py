"""The table of turns: whole, every case of it with a history, and compared with real ones."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any, Callable, FrozenSet, Iterator, List, Optional, Tuple

import pytest
import yaml

from histories import (
    ACCOUNTS,
    POLICY,
    History,
    approved,
    at,
    commented,
    in_progress,
    in_review,
    told,
)
from repository import HISTORIES, needs_histories
from reviewloop.core.change import Approval, Change
from reviewloop.core.policy import Policy, Vote
from reviewloop.core.steps import steps
from reviewloop.core.turns import (
    OWNER_ENDINGS,
    REDIRECTS,
    TABLE,
    Fact,
    Party,
    Redirect,
    Row,
    TurnEvent,
)
from reviewloop.gerrit import parse
from reviewloop.settings.load import load

Step = Callable[[History], History]

# A hold vote that is not negative: the only way to a change that is approved and yet held.
HOLD = replace(POLICY, hold=(*POLICY.hold, Vote("Hold", 1)))

STARTS: dict[str, Callable[[], History]] = {
    "reviewers": in_review,
    "owner": commented,
    "submitter": approved,
    "nobody": in_progress,
    "closed": lambda: in_review().abandon("mon 10:00"),
    "criticized": lambda: in_review().review("mon 10:00", "second", "Code-Review-1"),
    "held owner": lambda: commented().review("mon 10:30", "owner", "Hold+1"),
    "held nobody": lambda: in_progress().review("mon 10:00", "second", "Hold+1"),
    "bot's reviewers": lambda: History(owner="ci").upload("mon 9:00", "ci"),
    "bot's submitter": lambda: (
        History(owner="ci")
        .upload("mon 9:00", "ci")
        .review("mon 10:00", "committer", "Code-Review+2")
    ),
    "bot's nobody": lambda: History(owner="ci").upload("mon 9:00", "ci", wip=True),
    "held closed": lambda: in_review().review("mon 9:30", "owner", "Hold+1").abandon("mon 10:00"),
}


def does(what: str, *args: Any, **kwargs: Any) -> Step:
    """A step of :class:`History` on Monday at 11."""
    return lambda history: getattr(history, what)("mon 11:00", *args, **kwargs)


def keeps(*approvals: Approval, votes: str = "") -> Step:
    """A patch set that these votes outlive, as only Gerrit's answer tells."""

    def step(history: History) -> History:
        history.approvals = approvals
        return history.upload("mon 11:00", votes=votes)

    return step


def after_ci_approved(step: Step) -> Step:
    """The same after CI's own approval, which moves no turn."""
    return lambda history: step(history.ci("mon 10:45", "Code-Review+2"))


def after_own_approval(step: Step) -> Step:
    """The same after the owner approved, for the submitter's turn."""
    return lambda history: step(history.review("mon 10:30", "owner", "Code-Review+2"))


def after_minus(votes: str, step: Step) -> Step:
    """The same after a reviewer's -1, for the owner's turn."""
    return lambda history: step(history.review("mon 10:30", "second", votes))


KEPT = '* Code-Review+2 (copy condition: "is:MAX")'
DRAFT = does("upload", wip=True)
UPLOAD = does("upload")
REBASE = does("rebase")
WIP = does("wip")
READY = does("ready")
ABANDON = does("abandon")
RESTORE = does("restore")
MERGE = does("merge")
CI = does("ci", "Verified+1")
MINUS = does("review", "second", "Code-Review-1")
APPROVES = does("review", "second", "Code-Review+2")
PLUS = does("review", "second", "Code-Review+1")
WORDS = does("review", "second", text="Hm.")
HOLDS_BACK = does("review", "owner", "Workflow-1")
OWNER_APPROVES = does("review", "owner", "Code-Review+2")
OWNER_SPEAKS = does("review", "owner", text="Please look.")
OWNER_PLUS = does("review", "owner", "Code-Review+1")
RECHECK = does("review", "second", text="recheck")
PUSHES_MINUS = does("upload", votes="Code-Review-2")
PUSHES_APPROVAL = does("upload", votes="Code-Review+2")
PUSHES_APPROVAL_AND_HOLDS = does("upload", votes="Code-Review+2 Hold+1")
TAKES_OVER = does("upload", "uploader", votes="Code-Review-1")
UPLOADER_MINUS = does("review", "uploader", "Code-Review-1")
TAKES_BACK = does("review", "committer", "-Code-Review")
UNDO_PLUS = does("delete_vote", "Code-Review+2")
UNDO_MINUS = does("delete_vote", "Code-Review-1")
OWNER_TAKES_BACK = after_own_approval(does("review", "owner", "-Code-Review", "A fault."))
OWNER_HOLDS = does("review", "owner", "Hold+1")
SECOND_HOLDS = does("review", "second", "Hold+1")
KEEPS_HOLD = keeps(Approval("Hold", ACCOUNTS["second"], 1, at("mon 9:30")))
HOLD_COPIED_AND_APPROVED = does("upload", votes="Code-Review+2", copied="* Hold+1")
KEEPS_HOLD_AND_APPROVES = keeps(
    Approval("Hold", ACCOUNTS["second"], 1, at("mon 9:30")),
    Approval("Code-Review", ACCOUNTS["owner"], 2, at("mon 11:00")),
    votes="Code-Review+2",
)
KEEPS_BOTH = keeps(
    Approval("Hold", ACCOUNTS["second"], 1, at("mon 9:30")),
    Approval("Code-Review", ACCOUNTS["committer"], 2, at("mon 9:30")),
)

# name, where it starts, step -> turn, cause of a new span, how the old span ended ("-" = none)
CASES: List[Tuple[str, str, Step, str]] = [
    ("upload as WIP", "reviewers", DRAFT, "nobody - wip"),
    ("upload as WIP", "owner", DRAFT, "nobody - wip"),
    ("upload as WIP", "submitter", DRAFT, "nobody - wip"),
    ("upload as WIP", "nobody", DRAFT, "nobody - -"),
    ("set WIP", "reviewers", WIP, "nobody - wip"),
    ("set WIP", "owner", WIP, "nobody - wip"),
    ("set WIP", "submitter", WIP, "nobody - wip"),
    ("set WIP", "nobody", WIP, "nobody - -"),
    ("abandon", "reviewers", ABANDON, "nobody - abandoned"),
    ("abandon", "owner", ABANDON, "nobody - abandoned"),
    ("abandon", "submitter", ABANDON, "nobody - abandoned"),
    ("abandon", "nobody", ABANDON, "nobody - -"),
    ("merge", "reviewers", MERGE, "nobody - merged"),
    ("merge", "owner", MERGE, "nobody - merged"),
    ("merge", "submitter", MERGE, "nobody - merged"),
    ("merge", "nobody", MERGE, "nobody - -"),
    ("ready", "reviewers", READY, "reviewers ready superseded"),
    ("ready", "owner", READY, "reviewers ready superseded"),
    ("ready", "submitter", READY, "reviewers ready superseded"),
    ("ready", "nobody", READY, "reviewers ready -"),
    ("ready", "held owner", READY, "owner - -"),
    ("ready", "held nobody", READY, "owner held -"),
    ("restore", "reviewers", RESTORE, "reviewers restored superseded"),
    ("restore", "owner", RESTORE, "reviewers restored superseded"),
    ("restore", "submitter", RESTORE, "reviewers restored superseded"),
    ("restore", "closed", RESTORE, "reviewers restored -"),
    ("restore in progress", "nobody", RESTORE, "nobody - -"),
    ("restore", "held owner", RESTORE, "owner - -"),
    ("restore", "held closed", RESTORE, "owner held -"),
    ("upload", "reviewers", UPLOAD, "reviewers - -"),
    ("rebase", "reviewers", REBASE, "reviewers - -"),
    ("upload", "owner", UPLOAD, "reviewers uploaded answered"),
    ("rebase", "owner", REBASE, "owner - -"),
    ("upload that keeps the approval", "submitter", does("upload", copied=KEPT), "submitter - -"),
    ("upload", "submitter", UPLOAD, "reviewers uploaded superseded"),
    ("rebase that loses the approval", "submitter", REBASE, "reviewers uploaded superseded"),
    ("upload", "nobody", UPLOAD, "reviewers uploaded -"),
    ("rebase", "nobody", REBASE, "reviewers uploaded -"),
    ("upload", "held owner", does("upload", copied="* Hold+1"), "owner - -"),
    ("upload", "held nobody", does("upload", copied="* Hold+1"), "owner held -"),
    ("CI", "reviewers", CI, "reviewers - -"),
    ("CI", "owner", CI, "owner - -"),
    ("CI", "submitter", CI, "submitter - -"),
    ("CI", "nobody", CI, "nobody - -"),
    ("words", "nobody", WORDS, "nobody - -"),
    ("approval", "nobody", APPROVES, "nobody - -"),
    ("-1", "reviewers", MINUS, "owner reviewed reviewed"),
    ("-1", "owner", MINUS, "owner - -"),
    ("-1", "submitter", MINUS, "owner reviewed reviewed"),
    ("approval", "reviewers", APPROVES, "submitter approved reviewed"),
    ("approval", "owner", APPROVES, "submitter approved reviewed"),
    (
        "+1 while a -1 stands",
        "criticized",
        does("review", "reviewer", "Code-Review+1"),
        "owner - -",
    ),
    ("another review", "submitter", PLUS, "submitter - -"),
    ("words", "submitter", WORDS, "submitter - -"),
    ("approval", "held owner", APPROVES, "owner - -"),
    ("+1", "reviewers", PLUS, "reviewers needs_another_review reviewed"),
    ("+1", "owner", PLUS, "reviewers needs_another_review reviewed"),
    (
        "approval lowered",
        "submitter",
        does("review", "committer", "Code-Review+1"),
        "reviewers needs_another_review reviewed",
    ),
    ("+1", "held owner", PLUS, "owner - -"),
    ("words", "reviewers", WORDS, "owner reviewed reviewed"),
    ("words", "owner", WORDS, "owner - -"),
    (
        "approval taken back in words",
        "submitter",
        does("review", "committer", "-Code-Review", "A fault."),
        "owner reviewed reviewed",
    ),
    ("owner speaks", "nobody", OWNER_SPEAKS, "nobody - -"),
    ("owner's -1", "reviewers", HOLDS_BACK, "owner held_by_owner held_by_owner"),
    ("owner's -1", "owner", HOLDS_BACK, "owner - -"),
    ("owner's -1", "submitter", HOLDS_BACK, "owner held_by_owner held_by_owner"),
    ("owner approves", "reviewers", OWNER_APPROVES, "submitter approved approved"),
    ("owner approves", "owner", OWNER_APPROVES, "submitter approved approved"),
    ("owner approves", "held owner", OWNER_APPROVES, "owner - -"),
    ("owner speaks", "submitter", OWNER_SPEAKS, "submitter - -"),
    ("approval taken back", "reviewers", OWNER_TAKES_BACK, "reviewers vote_removed superseded"),
    ("push of an approval under a hold", "held owner", HOLD_COPIED_AND_APPROVED, "owner - -"),
    ("push of an approval under a hold", "held nobody", HOLD_COPIED_AND_APPROVED, "owner held -"),
    *(
        ("push of an approval under a hold", turn, KEEPS_HOLD_AND_APPROVES, "owner held approved")
        for turn in ("reviewers", "submitter")
    ),
    ("a hold", "reviewers", OWNER_HOLDS, "owner held_by_owner held_by_owner"),
    ("a hold", "submitter", OWNER_HOLDS, "owner held_by_owner held_by_owner"),
    ("somebody's hold", "reviewers", SECOND_HOLDS, "owner held reviewed"),
    ("somebody's hold", "submitter", SECOND_HOLDS, "owner held reviewed"),
    (
        "somebody's hold, and the approval lowered",
        "submitter",
        does("review", "committer", "Code-Review+1 Hold+1"),
        "owner held reviewed",
    ),
    (
        "approval and hold",
        "reviewers",
        does("review", "second", "Code-Review+2 Hold+1"),
        "owner held reviewed",
    ),
    (
        "upload under a hold of which nothing tells",
        "reviewers",
        KEEPS_HOLD,
        "owner held superseded",
    ),
    (
        "upload under a hold of which nothing tells",
        "submitter",
        KEEPS_HOLD,
        "owner held superseded",
    ),
    (
        "upload, approved, under a hold of which nothing tells",
        "submitter",
        KEEPS_BOTH,
        "owner held superseded",
    ),
    ("owner answers", "owner", OWNER_SPEAKS, "reviewers answered answered"),
    ("owner's +1", "owner", OWNER_PLUS, "reviewers answered answered"),
    ("owner speaks", "held owner", OWNER_SPEAKS, "owner - -"),
    ("owner speaks", "reviewers", OWNER_SPEAKS, "reviewers - -"),
    (
        "recheck after CI's approval",
        "reviewers",
        after_ci_approved(RECHECK),
        "submitter vote_removed superseded",
    ),
    ("recheck", "reviewers", RECHECK, "reviewers - -"),
    ("recheck", "submitter", RECHECK, "submitter - -"),
    ("vote deletion", "submitter", UNDO_PLUS, "reviewers vote_removed superseded"),
    ("approval taken back", "submitter", TAKES_BACK, "reviewers vote_removed superseded"),
    ("-1 taken away", "criticized", UNDO_MINUS, "reviewers vote_removed superseded"),
    (
        "-1 taken away, approved",
        "submitter",
        after_minus("Code-Review-1", UNDO_MINUS),
        "submitter vote_removed superseded",
    ),
    (
        "-1 taken away, held",
        "reviewers",
        after_minus("Code-Review-1 Hold+1", UNDO_MINUS),
        "owner - -",
    ),
    (
        "-1 taken away, approved and held",
        "submitter",
        after_minus("Code-Review-1 Hold+1", UNDO_MINUS),
        "owner - -",
    ),
    *(
        ("pushed with a -2", turn, PUSHES_MINUS, becomes)
        for turn, becomes in (
            ("reviewers", "owner held_by_owner held_by_owner"),
            ("owner", "owner - -"),
            ("submitter", "owner held_by_owner held_by_owner"),
            ("nobody", "owner held_by_owner -"),
        )
    ),
    *(
        ("pushed with an approval", turn, PUSHES_APPROVAL, becomes)
        for turn, becomes in (
            ("reviewers", "submitter approved approved"),
            ("owner", "submitter approved approved"),
            ("submitter", "submitter - -"),
            ("nobody", "submitter approved -"),
        )
    ),
    *(
        ("pushed with an approval and a hold", turn, PUSHES_APPROVAL_AND_HOLDS, becomes)
        for turn, becomes in (
            ("reviewers", "owner held_by_owner held_by_owner"),
            ("owner", "owner - -"),
            ("nobody", "owner held_by_owner -"),
        )
    ),
    ("-1 on a bot's change", "bot's reviewers", MINUS, "reviewers needs_another_review reviewed"),
    (
        "words on a bot's change",
        "bot's reviewers",
        WORDS,
        "reviewers needs_another_review reviewed",
    ),
    ("-1 on a bot's change", "bot's submitter", MINUS, "reviewers needs_another_review reviewed"),
    (
        "words on a bot's change that is not approved any more",
        "bot's submitter",
        does("review", "committer", "-Code-Review", "A fault."),
        "reviewers needs_another_review reviewed",
    ),
    (
        "somebody takes a bot's change over, with a -1",
        "bot's reviewers",
        TAKES_OVER,
        "reviewers needs_another_review held_by_owner",
    ),
    (
        "somebody takes a bot's change over, with a -1",
        "bot's submitter",
        TAKES_OVER,
        "reviewers needs_another_review held_by_owner",
    ),
    (
        "somebody takes a bot's change over, with a -1",
        "bot's nobody",
        TAKES_OVER,
        "reviewers needs_another_review -",
    ),
    (
        "-1 of a person who took a bot's change over",
        "bot's reviewers",
        lambda history: UPLOADER_MINUS(history.upload("mon 10:00", "uploader")),
        "reviewers needs_another_review held_by_owner",
    ),
    (
        "-1 of a person who took a bot's approved change over",
        "bot's submitter",
        lambda history: UPLOADER_MINUS(history.upload("mon 10:00", "uploader", copied=KEPT)),
        "reviewers needs_another_review held_by_owner",
    ),
    ("recheck", "criticized", RECHECK, "owner - -"),
    ("recheck", "owner", RECHECK, "owner - -"),
    ("recheck after CI's approval", "owner", after_ci_approved(RECHECK), "owner - -"),
    ("recheck", "nobody", RECHECK, "nobody - -"),
    ("vote deletion", "nobody", UNDO_PLUS, "nobody - -"),
]


@pytest.mark.parametrize(
    ("start", "step", "becomes"),
    [case[1:] for case in CASES],
    ids=[f"{case[0]}, {case[1]}" for case in CASES],
)
def test_turn_table(start: str, step: Step, becomes: str) -> None:
    """Each event moves the turn as its row says, with its cause and the old span's ending."""
    state = step(STARTS[start]()).state(HOLD)
    causes = [wait.cause.value for wait in state.waits if told(wait.since) == "mon 11:00"]
    endings = [wait.how.value for wait in state.waits if wait.how and told(wait.end) == "mon 11:00"]

    assert f"{state.turn.value} {'+'.join(causes) or '-'} {'+'.join(endings) or '-'}" == becomes


def test_deleted_votes_are_not_cast() -> None:
    """A deletion names votes, and casts none."""
    deletion = steps(approved().delete_vote("mon 11:00", "Code-Review-1").change(), POLICY)[-1]

    assert not deletion.facts & {Fact.VOTED, Fact.VOTED_DOWN}


# The table itself.


def test_every_event_has_a_row_at_every_turn() -> None:
    """Whatever happens, at whosever turn, under whatever facts, some row fits."""
    no_facts: FrozenSet[Any] = frozenset()
    pairs = [(event, turn) for event in TurnEvent for turn in Party]

    for event, turn in pairs:
        assert any(row.event is event and row.fits(turn, no_facts) for row in TABLE), (event, turn)
    assert {row.event for row in OWNER_ENDINGS if not row.given} == set(TurnEvent)


def test_no_row_hides_another() -> None:
    """No row stands below one that fits wherever it would."""

    def hides(above: Row, below: Row) -> bool:
        same = above.event is below.event and set(above.turns) >= set(below.turns)
        return same and set(above.given) <= set(below.given)

    assert not [row for index, row in enumerate(TABLE) if any(hides(a, row) for a in TABLE[:index])]


def test_rows_are_whole() -> None:
    """A row that gives somebody the turn says why, and one that ends somebody's says as what."""
    for row in TABLE:
        assert (row.cause is not None) == (row.becomes not in (None, Party.NOBODY)), row
        ends = row.becomes is not None and row.turns != (Party.NOBODY,)
        assert (row.ending is not None) == ends, row
        assert row.cause is not None or not row.new_span, row
    assert all(redirect.becomes not in redirect.to for redirect in REDIRECTS)
    assert all(redirect.cause for redirect in REDIRECTS)


def test_owner_endings_agree() -> None:
    """Where a row takes the owner's turn away, it ends as the event ends any wait of the owner."""
    moves = [row for row in TABLE if Party.OWNER in row.turns and row.ending]
    for row in moves:
        if row.becomes is not Party.OWNER:
            how = next(
                one.how
                for one in OWNER_ENDINGS
                if one.event is row.event and set(one.given) <= set(row.given)
            )
            assert how is row.ending, row


# The cases of the table: a row at a turn, and a redirect of it.


def case(row: Row, turn: Party, redirect: Optional[Redirect]) -> str:
    """What a case is called: ``restore, nobody, in_progress``; ``ready, owner -> held``."""
    words = [row.event.value, turn.value, *(fact.name.lower() for fact in row.given)]
    return ", ".join(words) + (f" -> {redirect.cause.value}" if redirect else "")


def all_cases() -> Iterator[str]:
    """Every case that the table has."""
    for row in TABLE:
        for turn in row.turns:
            yield case(row, turn, None)
            gets = turn if row.becomes is None else row.becomes
            yield from (case(row, turn, one) for one in REDIRECTS if gets in one.to)


def cases_of(change: Change, policy: Policy) -> List[str]:
    """The case of each event of a change."""
    turns, taken = [Party.NOBODY], steps(change, policy)
    turns += [step.turn for step in taken]
    return [case(step.row, turn, step.redirect) for step, turn in zip(taken, turns)]


# Whose turn it is while a change is held, and what cannot begin a hold: so it cannot befall them.
FREE, BEGINS_NO_HOLD = (
    ("reviewers", "submitter"),
    ("ready", "restore", "robot", "re-check", "reply"),
)


def is_impossible(name: str) -> bool:
    """While a change is in progress nobody has the turn, while it is held neither the reviewers nor
    the submitter (test_core_properties), and a bot that owns it never.
    """
    event, turn, *_ = name.split(" -> ", maxsplit=1)[0].split(", ")
    if turn != "nobody" and name.endswith("in_progress"):
        return True
    if name.endswith("-> held"):
        return turn in FREE and event in BEGINS_NO_HOLD
    return turn == "owner" and name.endswith("-> needs_another_review")


IMPOSSIBLE = set(filter(is_impossible, all_cases()))

# What happened to none of 755 changes of a large project in five years, under two policies.
UNREACHED = set(
    """
work in progress, submitter
merge, nobody
ready, reviewers
ready, owner
ready, owner -> held
ready, submitter
ready, nobody -> held
restore, reviewers
restore, owner
restore, owner -> held
restore, submitter
restore, nobody -> held
upload, reviewers, voted_down
upload, reviewers, voted_down -> needs_another_review
upload, owner, voted_down
upload, submitter, voted_down
upload, submitter, voted_down -> needs_another_review
upload, nobody, voted_down
upload, nobody, voted_down -> needs_another_review
upload, reviewers, voted, approved
upload, reviewers, voted, approved -> held
upload, owner, voted, approved
upload, owner, voted, approved -> held
upload, submitter, voted, approved
upload, submitter, voted, approved -> held
upload, nobody, voted, approved
upload, nobody, voted, approved -> held
upload, reviewers -> held
upload, submitter, approved -> held
upload, submitter -> held
upload, nobody -> held
review, reviewers, negative -> needs_another_review
review, submitter, negative -> needs_another_review
review, reviewers, approved -> held
review, owner, approved -> held
review, submitter, approved -> held
review, reviewers, voted -> held
review, owner, voted -> held
review, submitter, voted -> held
review, reviewers -> needs_another_review
review, submitter -> needs_another_review
reply, reviewers, voted_down -> needs_another_review
reply, submitter, voted_down -> needs_another_review
reply, owner, approved -> held
reply, submitter
re-check, reviewers, approved
re-check, owner, lifted, approved
re-check, owner, lifted, approved -> held
re-check, owner, lifted -> held
""".strip().splitlines()
)


def test_every_case_has_a_history() -> None:
    """Each case of the table is the last event of a history above, the rare ones too."""
    reached = {cases_of(step(STARTS[start]()).change(), HOLD)[-1] for _, start, step, _ in CASES}

    assert reached == set(all_cases()) - IMPOSSIBLE
    assert reached >= UNREACHED


@needs_histories
def test_what_real_histories_reach() -> None:
    """Real histories reach every case but those listed, so the list is no longer than it must."""
    configs = [HISTORIES / name for name in ("config-a.yaml", "config-b.yaml")]
    with gzip.open(HISTORIES / "opendev-zuul-reviews.jsonl.gz", "rt", encoding="utf-8") as lines:
        changes = [parse.change(json.loads(line)) for line in lines]
    policies = [load(yaml.safe_load(path.read_text(encoding="utf-8"))).policy for path in configs]
    reached = {one for policy in policies for change in changes for one in cases_of(change, policy)}

    assert set(all_cases()) - reached == UNREACHED | IMPOSSIBLE
