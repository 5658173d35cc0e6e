"""Changes that build on each other, and what the lowest of them may be waiting for."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

from assessing import Board
from reviewloop.escalation.verdicts import Assessment, Outlook, Verdict
from reviewloop.store.pending import Reason

MONDAY, TUESDAY = "2026-03-02 09:00:00", "2026-03-03 09:00:00"
Fate = Callable[[Board, int], None]


def above(board: Board, parent: int) -> int:
    """The board's own change, which has waited for two days, put upon another."""
    change = board.fake.changes[board.number]
    change.parent, change.parent_patch_set = parent, board.fake.changes[parent].patch_set
    return board.number


def held(found: Assessment) -> int:
    """Which open change keeps a change back. It must be put off, with that reason."""
    assert (found.verdict, found.outlook) == (Verdict.JOINED, Outlook.NOT_NOW)
    assert found.pending is not None
    assert (found.pending.reason, found.accounts) == (Reason.JOINED, ())
    return found.pending.leader


def chain(board: Board, count: int, **extra: Any) -> List[int]:
    """Changes that build on each other, the lowest first; the board's own is the last of them."""
    numbers: List[int] = []
    for _ in range(count - 1):
        parent = numbers[-1] if numbers else None
        numbers.append(board.change(parent=parent, **extra))
    return [*numbers, above(board, numbers[-1])]


def _nothing(board: Board, parent: int) -> None:
    """It waits for its reviewers, as long as what is above it."""


def _young(board: Board, parent: int) -> None:
    change = board.fake.changes[parent]
    board.fake.set_status(parent, "ABANDONED", at=MONDAY)
    board.fake.set_status(parent, "NEW", by=change.owner, at=TUESDAY)


def _owners_turn(board: Board, parent: int) -> None:
    board.fake.review(parent, text="Why?")


def _voted_down(board: Board, parent: int) -> None:
    board.fake.review(parent, labels={"Code-Review": -1})


def _approved(board: Board, parent: int) -> None:
    board.fake.review(parent, labels={"Code-Review": 2})


def _red(board: Board, parent: int) -> None:
    board.fake.review(parent, by=board.fake.me, labels={"Verified": -1})


def _wip(board: Board, parent: int) -> None:
    board.fake.set_wip(parent, wip=True)


def _snoozed(board: Board, parent: int) -> None:
    board.fake.review(parent, text="/snooze 9d")


def _exempt(board: Board, parent: int) -> None:
    board.fake.changes[parent].hashtags.append("no-escalation")


def _uploaded_again(board: Board, parent: int) -> None:
    board.fake.upload(parent)


def _staged(board: Board, parent: int) -> None:
    board.fake.changes[parent].status = "STAGED"


OPEN: Dict[str, Fate] = {
    "overdue": _nothing,
    "young": _young,
    "owner": _owners_turn,
    "voted down": _voted_down,
    "approved": _approved,
    "red": _red,
    "wip": _wip,
    "snoozed": _snoozed,
    "exempt": _exempt,
    "outdated": _uploaded_again,
    "staged": _staged,
}


def _merged(board: Board, number: int) -> None:
    board.fake.set_status(number, "MERGED")


def _abandoned(board: Board, number: int) -> None:
    board.fake.set_status(number, "ABANDONED")


FATES: Dict[str, Fate] = {**OPEN, "merged": _merged, "abandoned": _abandoned}
