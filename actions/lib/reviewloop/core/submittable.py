"""Approved means submittable: what still keeps an approved change from being submitted.

Votes in messages say that a change is approved; Gerrit's submit requirements say more, but only for
the instant of asking (``SubmitRequirementResultInfo``). So they change nothing of the past: they
only decide whose turn it is that would be the submitter's now.

A gate's requirement is nobody's turn: whoever would submit waits for the gate, and the stopwatch
stands still meanwhile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import List, Optional, Sequence, Set, Tuple

from reviewloop.core.change import Change, ChangeStatus
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy
from reviewloop.core.spans import Span, in_order
from reviewloop.core.steps import Step
from reviewloop.core.turns import Cause, Fact, Party

# Labels on which gates vote, by their name, where nobody has voted yet. Whatever is not known to be
# a gate's counts as people's: to ask once in vain is better than to ask nobody, ever.
_GATES_LABEL = re.compile(
    r"(?<![a-z])(verif|build|ci(?![a-z])|test|lint|presubmit|try-?(bot|job)|sanity|format|gate)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Submittable:
    """The steps, with the turn that requirements leave; ``waiting`` are the spans in which the
    submitter waits for a gate, in order.
    """

    steps: Tuple[Step, ...]
    waiting: Tuple[Span, ...]


def submittable(change: Change, policy: Policy, steps: Sequence[Step]) -> Submittable:
    """What becomes of the submitter's turns of a change."""
    waiting = list(_gate_spans(steps))
    last = _last_span(steps)
    if last is None or change.status is not ChangeStatus.NEW:
        return Submittable(tuple(steps), in_order(waiting))
    missing = _missing(change, policy, _gates(steps))
    if missing is None:
        if change.unmet is not None and waiting and waiting[-1].end is None:
            waiting.pop()  # whatever the gate has still to say, Gerrit does not wait for it
        return Submittable(tuple(steps), in_order(waiting))
    if missing is Party.NOBODY:
        waiting.append(Span(steps[last].event.at))
        return Submittable(tuple(steps), in_order(waiting))
    cause = Cause.UNRESOLVED if missing is Party.OWNER else Cause.NEEDS_APPROVAL
    if missing is Party.OWNER and Fact.ROBOT_OWNER in steps[last].facts:
        missing = Party.REVIEWERS
    given = [step._replace(turn=missing, cause=cause) for step in steps[last:]]
    return Submittable((*steps[:last], *given), in_order(waiting))


def _last_span(steps: Sequence[Step]) -> Optional[int]:
    """The index of the step with which the submitter's turn began that lasts; None if none does."""
    if steps[-1].turn is not Party.SUBMITTER:
        return None
    return max(i for i, step in enumerate(steps) if step.is_new)


def _missing(change: Change, policy: Policy, gates: Set[str]) -> Optional[Party]:
    """Whose move a change lacks by its unmet requirements; nobody's where a gate has to vote."""
    found: Set[Party] = set()
    for requirement in change.unmet or ():
        if requirement.unresolved:
            found.add(Party.OWNER)
        elif requirement.owners or any(
            _is_peoples(label, policy, gates) for label in requirement.labels
        ):
            found.add(Party.REVIEWERS)
        else:
            found.add(Party.NOBODY)
    order = (Party.REVIEWERS, Party.OWNER, Party.NOBODY)
    return next((party for party in order if party in found), None)


def _is_peoples(label: str, policy: Policy, gates: Set[str]) -> bool:
    if policy.is_peoples(label):
        return True
    return label not in gates and _GATES_LABEL.search(label) is None


def _gates(steps: Sequence[Step]) -> Set[str]:
    """The labels on which gates have voted; people's reviews may be among them."""
    robots = (step.event for step in steps if step.event.kind is EventKind.ROBOT)
    return {vote.label for event in robots for vote in event.votes}


def _gate_spans(steps: Sequence[Step]) -> Tuple[Span, ...]:
    """When the submitter's turn waited for a gate that had voted on the change before."""
    spans: List[Span] = []
    since = None
    for step in steps:
        waits = step.turn is Party.SUBMITTER and Fact.UNVERIFIED in step.facts
        if waits and since is None:
            since = step.event.at
        elif since is not None and not waits:
            spans.append(Span(since, step.event.at))
            since = None
    return (*spans, Span(since)) if since is not None else tuple(spans)
