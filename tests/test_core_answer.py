"""What Gerrit says now decides what stands, and moves no instant because of what came later.

The messages are worded as Gerrit 3.10 wrote them in the stories of ``life_stories.py``.
"""

from __future__ import annotations

import gzip
import json
from typing import Dict, FrozenSet, Optional, Tuple

from histories import ACCOUNTS, POLICY, TAG, History, approved, at, in_progress, in_review
from repository import HISTORIES, needs_histories
from reviewloop.core.change import Approval
from reviewloop.core.policy import Policy, patterns
from reviewloop.core.reconcile import reconciled
from reviewloop.core.votes import Votes
from reviewloop.gerrit import parse

LABELS = frozenset({"Code-Review", "Verified", "Workflow"})


def listed(who: str, value: int, label: str = "Code-Review", date: str = "") -> Approval:
    """A vote as Gerrit lists it."""
    return Approval(label, ACCOUNTS[who], value, at(date) if date else None)


def saying(
    history: History, *approvals: Approval, labels: Optional[FrozenSet[str]] = LABELS
) -> History:
    """A history with what Gerrit answers beside it."""
    history.approvals, history.labels = approvals, labels
    return history


def standing(history: History) -> Dict[Tuple[str, Optional[int]], int]:
    """The votes that stand in the end."""
    votes = Votes(POLICY, history.change().owner.id)
    for event in reconciled(history.change(), POLICY).events:
        votes.apply(event)
    return {key: one.value for key, one in votes.standing.items()}


def disagrees(history: History) -> bool:
    """Whether text and answer differ."""
    return bool(reconciled(history.change(), POLICY).disagreements)


# Votes for others.


def test_vote_on_behalf() -> None:
    """It is the vote of whom it was cast for, and the text tells so."""
    history = in_review().review(
        "mon 10:00", "committer", "Code-Review-1", "For them.", voter="reviewer"
    )

    assert not disagrees(saying(history, listed("reviewer", -1)))
    assert standing(history) == {("Code-Review", ACCOUNTS["reviewer"].id): -1}


def test_vote_on_behalf_that_is_taken_away() -> None:
    """Its deletion names whom it was cast for."""
    history = in_review().review("mon 10:00", "committer", "Code-Review-1", voter="reviewer")
    number = ACCOUNTS["reviewer"].id
    removed = f"Removed Code-Review-1 by <GERRIT_ACCOUNT_{number}>\n"
    history.say("mon 11:00", "committer", removed, TAG + "deleteVote")

    assert not disagrees(saying(history))
    assert history.turns()[-1] == ("reviewers", "vote_removed", "mon 11:00", None, None)


def test_owners_vote_on_behalf() -> None:
    """Cast by an administrator, the owner's own negative vote holds the change."""
    history = in_review().review("mon 10:00", "committer", "Code-Review-1", voter="owner")
    history.upload("mon 11:00", copied='* Code-Review-1 (copy condition: "is:ANY")')

    assert history.turns()[-1][:2] == ("owner", "reviewed")


# Labels that come and go.


def test_vote_of_a_retired_label() -> None:
    """It is no vote at all, and says nothing, whenever it was cast."""
    history = in_review().review("mon 10:00", "reviewer", "Quality-1", "/snooze 1d")

    assert not disagrees(saying(history))
    assert history.turns() == [("reviewers", "uploaded", "mon 9:00", None, None)]


def test_upload_after_a_label_was_retired() -> None:
    """What comes later does not bring the vote back."""
    history = in_review().review("mon 10:00", "reviewer", "Quality-1")
    before = saying(history).turns()
    history.upload("mon 11:00")

    assert history.turns() == before


def test_vote_with_a_push_on_a_retired_label() -> None:
    """Nor do the votes of a push count."""
    history = History().upload("mon 9:00", votes="Quality-1 Workflow-1")

    assert not disagrees(saying(history, listed("owner", -1, "Workflow")))


def test_labels_that_are_not_told() -> None:
    """Where an answer lists only votes, votes on other labels are known from the text."""
    history = in_review().review("mon 10:00", "reviewer", "Quality-1")
    history.upload("mon 11:00")

    assert saying(history, labels=None).turns()[1][:3] == ("owner", "reviewed", "mon 10:00")


# Moved to another branch.


def moved() -> History:
    """Approved at 10, moved at 11: votes that do not block go, and Gerrit writes of none."""
    text = "Change destination moved from master to stable"
    return approved().say("mon 11:00", "owner", text, TAG + "move")


def test_approval_lost_by_a_move() -> None:
    """It is the reviewers' turn again from the move on, whatever comes later."""
    history = saying(moved())
    lost = ("reviewers", "vote_removed", "mon 11:00", None, None)

    assert not disagrees(history)
    assert history.turns()[-1] == lost
    assert history.rebase("mon 12:00").turns()[-1] == lost


def test_approval_kept_by_a_move() -> None:
    """What Gerrit lists after the move has outlived it."""
    history = saying(moved(), listed("committer", 2, date="mon 10:00"))

    assert standing(history) == {("Code-Review", ACCOUNTS["committer"].id): 2}
    assert history.turns()[-1][0] == "submitter"


# Votes that only the answer tells.


def test_approval_that_outlived_an_upload() -> None:
    """Of an approval whose message was deleted the change is approved, since the upload."""
    history = in_review().say("mon 10:00", "committer", "Change message removed by: somebody")
    history.rebase("mon 11:00")
    saying(history, listed("committer", 2, date="mon 11:00"))

    assert history.turns()[-1] == ("submitter", "vote_removed", "mon 11:00", None, None)
    assert history.review("mon 12:00", "reviewer", text="recheck").turns()[-1][2] == "mon 11:00"


def test_labels_of_which_none_is_voted() -> None:
    """A vote of the text that an answer without any vote does not list is none."""
    history = saying(in_review().review("mon 10:00", "reviewer", "Code-Review-2"))

    assert disagrees(history)
    assert standing(history) == {}


# Ready by words, and what comes later.


def made_ready_by_words() -> History:
    """In progress at 9, at 11 made ready by a review with words, of which Gerrit keeps no trace."""
    history = in_progress().say("mon 10:00", "owner", "Topic set to x", TAG + "setTopic")
    return history.review("mon 11:00", "owner", text="Please look.")


def test_patch_set_after_words_that_made_ready() -> None:
    """It does not begin the reviewers' wait anew: Gerrit marks one that finds the change ready."""
    ready = ("reviewers", "ready", "mon 11:00", None, None)

    assert made_ready_by_words().answered(work_in_progress=False).turns() == [ready]
    assert made_ready_by_words().upload("mon 12:00").turns() == [ready]


def test_in_progress_again_after_words_that_made_ready() -> None:
    """Gerrit sets only a change in progress that is not: the wait between is not forgotten."""
    history = made_ready_by_words().wip("mon 12:00")

    assert history.turns() == [("reviewers", "ready", "mon 11:00", "mon 12:00", "wip")]


def test_patch_set_that_makes_ready() -> None:
    """Without words of the owner or the uploader before, the patch set itself made ready."""
    history = in_progress().review("mon 10:00", "reviewer", text="Soon?").upload("mon 12:00")

    assert history.turns() == [("reviewers", "uploaded", "mon 12:00", None, None)]


def test_set_in_progress_while_private() -> None:
    """It was not in progress before, private or not; and private it stays nobody's."""
    history = made_ready_by_words().private("mon 12:00").wip("mon 13:00").public("mon 14:00")
    turns = [("reviewers", "ready", "mon 11:00", "mon 12:00", "wip")]

    assert history.turns() == turns
    assert history.abandon("mon 15:00").restore("mon 16:00").turns() == turns


# Real histories.


@needs_histories
def test_real_histories() -> None:
    """The standing votes of 755 real changes, open, merged and abandoned, are those listed."""
    policy = Policy(automation=patterns("^zuul$"))
    with gzip.open(HISTORIES / "opendev-zuul-reviews.jsonl.gz", "rt", encoding="utf-8") as lines:
        changes = [parse.change(json.loads(line)) for line in lines]
    assert len(changes) == 755

    for change in changes:
        votes = Votes(policy, change.owner.id)
        for event in reconciled(change, policy).events:
            votes.apply(event)
        read = {key: one.value for key, one in votes.standing.items()}
        listed = change.approvals or ()
        assert read == {(one.label, one.account.id): one.value for one in listed}
