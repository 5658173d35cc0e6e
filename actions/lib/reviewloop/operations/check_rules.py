"""Whether any rule acts on what the sensor sends, and whether what it does can be done."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Set

from reviewloop.insight.findings import Finding, Level, some
from reviewloop.operations.checks import Checks
from reviewloop.operations.stackstorm import PACK, Row, StackStorm, action_of, trigger_of
from reviewloop.settings.load import Settings

WAITING, OVERDUE, TROUBLE = (
    f"{PACK}.{name}" for name in ("change_waiting", "change_overdue", "poll_trouble")
)
# Each rule on what crosses a milestone, and its twin for what was left.
_TWINS = {
    "gerrit.escalate_to_committee": "gerrit.escalate_overdue",
    "gerrit.nudge_reviewers": "gerrit.nudge_overdue",
    "gerrit.label_unmerged": "gerrit.label_overdue",
}
_POST = "gerrit.post_review"

Votes = Callable[[Dict[str, int], str], Iterator[Finding]]
"""Whether the pack's account may cast the votes of a rule, by the rule's name."""


def rules(found: StackStorm, settings: Settings, votes: Votes) -> Checks:
    """All that can be seen of the rules on this pack's triggers."""
    rows = found.rules()
    enabled = [row for row in rows if row.get("enabled")]
    names = {_name(row) for row in enabled}
    if not [row for row in enabled if trigger_of(row) in (WAITING, OVERDUE)]:
        yield Finding(
            "rules",
            Level.WARNING,
            "No rule acts on gerrit.change_waiting or gerrit.change_overdue.",
            "The sensor sends triggers, and nobody is asked.",
            "st2 rule enable gerrit.escalate_to_committee; docs/operators.md says how it stays"
            " enabled.",
        )
    else:
        yield Finding("rules", Level.OK, f"{len(enabled)} rules act on this pack's triggers.")
    yield from _twins(names)
    yield from _trouble(enabled)
    for row in enabled:
        yield from _milestones(row, {str(one) for one in settings.policy.milestones})
        yield from votes(_votes(row), _name(row))
    yield from _actions(found, enabled)


def _twins(enabled: Set[str]) -> Checks:
    for rule, twin in _TWINS.items():
        if rule in enabled and twin not in enabled:
            yield Finding(
                f"rules: {twin}",
                Level.WARNING,
                f"The rule {rule} is enabled, and its twin {twin} is not.",
                "Whoever could not be asked at the milestone, as for a limit or an outage, is never"
                " asked.",
                f"st2 rule enable {twin}",
            )


def _trouble(enabled: Sequence[Row]) -> Checks:
    if enabled and not any(trigger_of(row) == TROUBLE for row in enabled):
        yield Finding(
            "rules: gerrit.poll_trouble",
            Level.NOTE,
            "No rule acts on gerrit.poll_trouble.",
            "That polling fails is in the sensor's log alone.",
            "Write the rule that docs/cookbook.md shows for it.",
        )


def _milestones(row: Row, configured: Set[str]) -> Checks:
    wanted = _patterns(row)
    missing = [one for one in wanted if one not in configured]
    if not missing:
        return
    never = len(missing) == len(wanted)
    yield Finding(
        f"rules: {_name(row)}",
        Level.PROBLEM if never else Level.NOTE,
        f"The rule {_name(row)} names {'only ' if never else ''}milestones that are not configured:"
        f" {some(missing)}.",
        "It never acts." if never else "It never acts on these.",
        f"Correct the rule, or add them to `milestones`: {', '.join(sorted(configured))}.",
    )


def _patterns(row: Row) -> List[str]:
    """The milestones that a rule's criteria name."""
    found: List[str] = []
    criteria = row.get("criteria")
    for key, one in criteria.items() if isinstance(criteria, Mapping) else ():
        if str(key).partition("#")[0] != "trigger.milestone" or not isinstance(one, Mapping):
            continue
        if one.get("type") in ("eq", "equals", "inside", "in"):
            pattern = one.get("pattern")
            found += [str(item) for item in (pattern if isinstance(pattern, list) else [pattern])]
    return found


def _votes(row: Row) -> Dict[str, int]:
    """The votes that a rule makes the pack cast."""
    action = row.get("action")
    given: Any = action.get("parameters") if isinstance(action, Mapping) else None
    labels = given.get("labels") if isinstance(given, Mapping) else None
    if action_of(row) != _POST or not isinstance(labels, Mapping):
        return {}
    return {str(k): v for k, v in labels.items() if isinstance(v, int) and v}


def _actions(found: StackStorm, enabled: Sequence[Row]) -> Checks:
    """Whether the actions are there; of those of other packs, that more cannot be seen."""
    refs = sorted({action_of(row) for row in enabled if action_of(row)})
    there = [ref for ref in refs if _is_there(found.action(ref))]
    for ref in refs:
        if ref not in there:
            by = some([_name(row) for row in enabled if action_of(row) == ref])
            yield Finding(
                f"rules: {ref}",
                Level.PROBLEM,
                f"The action {ref}, which the rule {by} calls, is not there, or is disabled.",
                "The rule does nothing but leave a failed enforcement.",
                f"st2 pack install {ref.partition('.')[0]}, or: st2 action enable {ref}",
            )
    foreign = [ref for ref in there if not ref.startswith(f"{PACK}.")]
    if foreign:
        yield Finding(
            "rules: mail and chat",
            Level.UNKNOWN,
            f"Whether what {some(foreign)} sends arrives cannot be seen from here.",
            "A message that does not arrive asks nobody.",
            f"Send one to yourself: st2 run {foreign[0]}",
        )


def _is_there(action: Optional[Row]) -> bool:
    return action is not None and bool(action.get("enabled", True))


def _name(row: Row) -> str:
    return str(row.get("ref") or f"{row.get('pack')}.{row.get('name')}")
