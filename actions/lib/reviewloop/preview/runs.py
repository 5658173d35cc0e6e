"""What the pack's workflows do, step by step, by the same operations as their actions.

One function for each workflow of ``workflows/``; a test holds the steps of the two together. Each
step has a context of its own, as each action has a process of its own. Tickets are opened on paper
(:mod:`reviewloop.preview.paper`): such a one has no address, so the texts name none.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Optional, Sequence

from reviewloop.errors import RefusedError, ReviewLoopError
from reviewloop.operations.ask import ask
from reviewloop.operations.assess import assess
from reviewloop.operations.context import Context
from reviewloop.operations.review import post_review, set_hashtags
from reviewloop.operations.sweep import sweep
from reviewloop.operations.tickets import close_ticket

Made = Callable[[], Context]
#: What assessing answered, where a run assesses; None else.
Assessed = Optional[Dict[str, Any]]
HASHTAGS = ("escalated", "approved-waiting")


def nudge(made: Made, event_id: str, number: int, tier: str = "reviewers") -> Assessed:
    """``gerrit.nudge``."""
    found = assess(made(), event_id, tier=tier, dry_run=False)
    if found["proceed"]:
        post_review(
            made(),
            number,
            purpose="nudge",
            event_id=event_id,
            tier=tier,
            attempt=found["attempt"],
            asked=found["asked"],
        )
    return found


def escalate(
    made: Made,
    event_id: str,
    number: int,  # noqa: ARG001 - the workflow takes it, for its fallback
    tier: str = "committee",
    hashtag: str = "escalated",
    labels: Optional[Mapping[str, int]] = None,
) -> Assessed:
    """``gerrit.escalate``."""
    found = assess(made(), event_id, tier=tier, dry_run=False)
    if found["proceed"]:
        told = ask(
            made(),
            event_id,
            tier=tier,
            attempt=found["attempt"],
            asked=found["asked"],
            labels=labels or {},
            add_hashtags=[hashtag],
        )
        if "error" in told:
            raise RefusedError(told["error"]["message"], told["error"]["remedy"])
    return found


def label(
    made: Made,
    event_id: str,
    number: int,
    hashtag: str = "approved-waiting",
    labels: Optional[Mapping[str, int]] = None,
) -> Assessed:
    """``gerrit.label``."""
    found = assess(made(), event_id, tier="nobody", dry_run=False)
    if found["proceed"]:
        post_review(
            made(),
            number,
            purpose="label",
            event_id=event_id,
            labels=labels or {},
            add_hashtags=[hashtag],
        )
    return found


def stand_down(
    made: Made, event_id: str, number: int, how: str, hashtags: Sequence[str] = HASHTAGS
) -> Assessed:
    """``gerrit.stand_down``: the hashtags go even where the ticket cannot be closed."""
    failed: Optional[ReviewLoopError] = None
    try:
        close_ticket(made(), event_id=event_id, number=number, how=how)
    except ReviewLoopError as err:
        failed = err
    set_hashtags(made(), number, event_id=event_id, remove=list(hashtags))
    if failed is not None:
        raise failed
    return None


def swept(made: Made, **parameters: Any) -> Assessed:
    """``gerrit.sweep``."""
    sweep(made(), **{"hashtags": ["escalated"], **parameters})
    return None


def usual_waits(made: Made, **parameters: Any) -> Assessed:  # noqa: ARG001
    """``gerrit.usual_waits``: what is usual stays as it is known now."""
    return None


RUNS: Mapping[str, Callable[..., Assessed]] = {
    "gerrit.nudge": nudge,
    "gerrit.escalate": escalate,
    "gerrit.label": label,
    "gerrit.stand_down": stand_down,
    "gerrit.sweep": swept,
    "gerrit.usual_waits": usual_waits,
}
