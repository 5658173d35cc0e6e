"""The reasons for which an open wait may move between two readings; nothing else is one."""

from __future__ import annotations

from typing import Optional

import pytest

from histories import POLICY, History, in_progress, in_review, stands
from life_moves import Moves, Reading
from reviewloop.core.waits import follow

DELETED = "Change message removed by: <GERRIT_ACCOUNT_1>"
LABELS = frozenset({"Code-Review", "Verified", "Workflow"})


def reading(history: History) -> Reading:
    """A history as it is now."""
    return Reading(history.change(), follow(history.change(), POLICY))


def reason(before: History, now: History) -> Optional[str]:
    """Why a wait moved that did."""
    moves = Moves(reading(before), reading(now))
    assert moves
    assert "before: " in str(moves)
    return moves.reason


def words(who: str) -> History:
    """In progress, and made ready at 11 by words."""
    history = in_progress().review("mon 11:00", who, text="recheck")
    return history.review("mon 12:00", "second", text="recheck").answered(work_in_progress=False)


def test_message_deleted() -> None:
    """What only it told is gone."""
    before = in_review().review("mon 10:00", "reviewer", text="Hm.").ci("mon 11:00", "")
    now = in_review().say("mon 10:00", "reviewer", DELETED).ci("mon 11:00", "")
    now.review("mon 12:00", "second", "Code-Review+1")

    assert reason(before, now) == "a message was deleted"


def test_ready_by_somebody_else() -> None:
    """A push may have made ready, too."""
    now = words("second").upload("mon 13:00")

    assert reason(words("second"), now) == "made ready by somebody else"


def test_ready_since_earlier_words() -> None:
    """Who made it ready had spoken before."""
    before = words("owner").answered(work_in_progress=True)
    now = words("owner").review("mon 13:00", "owner", text="Please.")

    assert reason(before, now) == "ready since earlier words"


def test_in_progress_again() -> None:
    """A patch set in progress tells nothing of what was before."""
    now = words("owner").upload("mon 13:00", wip=True).answered(work_in_progress=True)

    assert reason(words("owner"), now) == "in progress again without a record"


def test_private_by_a_push() -> None:
    """Nobody can tell which push it was."""
    before = in_review().review("mon 10:00", "reviewer", text="recheck")
    now = in_review().review("mon 10:00", "reviewer", text="recheck").upload("mon 11:00")

    assert reason(before, now.answered(is_private=True)) == "private by a push"


def test_label_retired() -> None:
    """Its votes were none, ever."""
    before = in_review().review("mon 10:00", "reviewer", "Quality-1").ci("mon 11:00", "")
    before.answered(stands("Quality-1", "reviewer", "mon 10:00"), labels=LABELS | {"Quality"})
    now = in_review().review("mon 10:00", "reviewer", "Quality-1").ci("mon 11:00", "")

    assert reason(before, now.answered(labels=LABELS)) == "a label was defined or retired"


def test_untold_vote_replaced() -> None:
    """Nothing says any more what it had been."""
    history = in_review().ci("mon 11:00", "")
    before = history.answered(stands("Code-Review-2", "reviewer", "mon 10:00"))
    now = in_review().ci("mon 11:00", "").review("mon 12:00", "reviewer", "Code-Review+1")
    now.answered(stands("Code-Review+1", "reviewer", "mon 12:00"))

    assert reason(before, now) == "a vote without a message was replaced"


@pytest.mark.parametrize("text", ["Hm.", "Done."])
def test_no_reason(text: str) -> None:
    """A wait that begins elsewhere because of what is said later has none."""
    before = in_review().review("mon 10:00", "reviewer", text="Hm.").ci("mon 11:00", "")
    now = in_review().review("mon 9:30", "reviewer", text="Hm.").ci("mon 11:00", "")

    assert reason(before, now.review("mon 12:00", "second", text=text)) is None


def test_reasons_are_narrow() -> None:
    """Words that made ready are the owner's: a push that moves what they began has no reason."""
    before, now = words("owner"), History().upload("mon 13:00")

    assert reason(before, now) is None


def test_nothing_moved() -> None:
    """A wait that goes on, ends or is followed by another has not moved."""
    before = in_review().ci("mon 10:00", "")
    now = in_review().ci("mon 10:00", "").review("mon 11:00", "reviewer", text="Hm.")

    assert not Moves(reading(before), reading(now))
