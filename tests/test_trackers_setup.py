"""What a check-up asks of each tracker: the project's set-up, our rights there, and the roster's
logins; all by reading.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Tuple

import pytest

from trackers_fixtures import FAKES
from trackers_rig import Rig

# Trackers that say nothing of a project beyond what a listing shows.
SILENT = {"launchpad"}
# Those that do not say what our account may do, and who may be assigned.
NO_RIGHTS = {"roundup", "rt"}
NO_LOGINS = {"action"}


def fakes() -> Dict[str, Callable[[], Rig]]:
    """A fake of each kind."""
    return {label: make for label, make in FAKES.items() if not label.endswith("(real)")}


@pytest.mark.parametrize("label", fakes())
def test_nothing_falls_short_where_all_is_well(label: str) -> None:
    """A project that the contract's tests work with has no shortfall, and nothing was written."""
    rig = fakes()[label]()
    kind = rig.adapter.kind
    found = rig.tracker().shortfalls()

    assert (found is None) is (kind in SILENT)
    told = {one.sure for one in found or ()}
    assert told == ({None} if kind in NO_RIGHTS else set())
    assert all(one.remedy for one in found or ())
    assert {sent.method for sent in rig.server.sent} <= {"GET"}


@pytest.mark.parametrize("label", fakes())
def test_logins(label: str) -> None:
    """A member of the roster can be assigned, nobody cannot, and reading shows it."""
    rig = fakes()[label]()
    tracker = rig.tracker()
    answers = (tracker.assignable("committee1"), tracker.assignable("nobody-of-this-name"))

    assert answers == ((None, None) if rig.adapter.kind in NO_LOGINS else (True, False))
    assert {sent.method for sent in rig.server.sent} <= {"GET"}


def having(**attributes: Any) -> Callable[[Rig], None]:
    """Something set at the fake."""
    return lambda rig: [setattr(rig.server, k, v) for k, v in attributes.items()] and None


def without_rights(*names: str) -> Callable[[Rig], None]:
    """Permissions taken away in Jira."""
    return lambda rig: rig.server.permissions.difference_update(names)


def disabled(rig: Rig) -> None:
    rig.server.actions["desk.search"].enabled = False


def uninstalled(rig: Rig) -> None:
    del rig.server.actions["desk.open"]


# kind, situation -> what breaks it, settings, the level of sureness, words of what is said.
Broken = Tuple[Callable[[Rig], None], Dict[str, Any], bool, str]
BROKEN: Dict[Tuple[str, str], Broken] = {
    ("github", "archived"): (having(archived=True), {}, True, "archived"),
    ("github", "issues off"): (having(issues_on=False), {}, True, "issues switched off"),
    ("github", "reads only"): (having(pushes=False), {}, False, "may not write"),
    ("gitea", "archived"): (having(is_archived=True), {}, True, "archived"),
    ("gitea", "issues off"): (having(has_issues=False), {}, True, "issues switched off"),
    ("gitea", "reads only"): (having(writes=False), {}, False, "may not write"),
    ("gitlab", "archived"): (having(archived=True), {}, True, "archived"),
    ("gitlab", "issues off"): (having(issues_on=False), {}, True, "issues switched off"),
    ("gitlab", "a guest"): (having(role="guest"), {}, False, "less than Planner"),
    ("jira", "may not create"): (without_rights("create"), {}, True, "lacks Create Issues"),
    ("jira", "may not close"): (without_rights("transition"), {}, True, "Transition Issues"),
    ("jira", "may not assign"): (without_rights("assign"), {}, False, "lacks Assign Issues"),
    ("jira", "no such type"): (
        having(),
        {"options": {"issue_type": "Chore"}},
        True,
        "no type of issue 'Chore'",
    ),
    ("redmine", "no such field"): (
        having(),
        {"options": {"key_field": "Ticket key"}},
        True,
        "no custom field 'Ticket key'",
    ),
    ("redmine", "no such status"): (
        having(),
        {"options": {"closed_status": "Finished"}},
        True,
        "no status 'Finished'",
    ),
    ("bugzilla", "product closed"): (having(is_active=False), {}, True, "closed for new bugs"),
    ("bugzilla", "no such product"): (having(), {"project": "Gone"}, True, "no product 'Gone'"),
    ("bugzilla", "no such component"): (
        having(),
        {"options": {"component": "Reviewing"}},
        True,
        "no component 'Reviewing'",
    ),
    ("rt", "no such field"): (
        having(),
        {"options": {"key_field": "Ticket key"}},
        True,
        "no custom field 'Ticket key'",
    ),
    ("servicenow", "no such group"): (
        having(),
        {"options": {"assignment_group": "Nobody"}},
        True,
        "assignment_group",
    ),
    ("action", "an action disabled"): (disabled, {}, True, "is disabled"),
    ("action", "a pack not installed"): (uninstalled, {}, True, "no action desk.open"),
}


@pytest.mark.parametrize(("kind", "situation"), BROKEN)
def test_what_falls_short_is_named(kind: str, situation: str) -> None:
    """Each fault is named in one shortfall, with a remedy, and nothing is written."""
    breaks, settings, sure, words = BROKEN[kind, situation]
    rig = FAKES[kind]()
    breaks(rig)
    options = {**rig.values().get("options", {}), **settings.pop("options", {})}
    more = {**settings, **({"options": options} if options else {})}
    found = [one for one in rig.tracker(**more).shortfalls() or () if one.sure is not None]

    assert [one.sure for one in found] == [sure], found
    assert words in found[0].what
    assert found[0].remedy
    assert {sent.method for sent in rig.server.sent} <= {"GET"}
