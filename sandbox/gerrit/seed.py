"""The sites that tests start from. All people in them are synthetic roles.

A site is a function that fills an empty server as its administrator. It is run once; the result is
packed and kept, under a key that changes with this file.
"""

from __future__ import annotations

from typing import Callable, Dict, Mapping, Optional, Sequence, Tuple
from urllib.parse import quote

from sandbox.gerrit.people import Person, password_of

__all__ = ["PACK_ACCOUNT", "PEOPLE", "PROJECTS", "SITES", "Person", "build_site", "password_of"]

#: When the standard site's accounts and projects were made: a Sunday.
SEEDED_AT = "2026-03-01T08:00:00Z"
PROJECTS = ("tools/build", "tools/docs")
PACK_ACCOUNT = "st2-reviews"
CI_ACCOUNT = "ci-bot"
COMMITTEE = ("committee1", "committee2", "committee3")
#: username -> full name; each has the mail address ``<username>@example.org``.
PEOPLE: Mapping[str, str] = {
    "author1": "Author One",
    "author2": "Author Two",
    "reviewer1": "Reviewer One",
    "reviewer2": "Reviewer Two",
    "committee1": "Committee One",
    "committee2": "Committee Two",
    "committee3": "Committee Three",
    CI_ACCOUNT: "CI Bot",
    PACK_ACCOUNT: "Review Escalation",
}
_REGISTERED = "global:Registered-Users"
_BRANCHES = "refs/heads/*"


def build_site(name: str, admin: Person) -> None:
    """Fill an empty server.

    :param name: one of ``SITES``.
    """
    SITES[name](admin)


def _standard(admin: Person) -> None:
    """Two projects without changes, people, committee, bots, and who may do what.

    Everybody registered may upload, vote Code-Review and Workflow, and submit. The CI votes
    Verified. The pack's account votes Escalated, edits hashtags and sees private changes.
    """
    for username, name in PEOPLE.items():
        _account(admin, username, name)
    # Gerrit marks members of the group of exactly this name, which init makes, with SERVICE_USER.
    _members(admin, "Service Users", (CI_ACCOUNT, PACK_ACCOUNT))
    _group(admin, "tech-committee", COMMITTEE)
    ci = _group(admin, "ci", (CI_ACCOUNT,))
    pack = _group(admin, "review-escalation", (PACK_ACCOUNT,))
    _label(admin, "Verified", {"-1": "Fails", " 0": "No score", "+1": "Verified"})
    _label(admin, "Workflow", {"-1": "Work in progress", " 0": "Ready", "+1": "Approved"})
    _label(admin, "Escalated", {" 0": "Not escalated", "+1": "Escalated"})
    _grant_everybody(admin)
    _grant(admin, _BRANCHES, "label-Verified", ci, (-1, 1))
    _grant(admin, _BRANCHES, "label-Escalated", pack, (0, 1))
    for permission in ("read", "editHashtags", "viewPrivateChanges"):
        _grant(admin, "refs/*", permission, pack)
    for project in PROJECTS:
        admin.call("PUT", f"/projects/{_name(project)}", {"create_empty_commit": True})


def _grant_everybody(admin: Person) -> None:
    _grant(admin, _BRANCHES, "label-Code-Review", _REGISTERED, (-2, 2))
    _grant(admin, _BRANCHES, "label-Workflow", _REGISTERED, (-1, 1))
    _grant(admin, _BRANCHES, "submit", _REGISTERED)
    _grant(admin, "refs/for/*", "push", _REGISTERED)


#: Every site by its name.
SITES: Dict[str, Callable[[Person], None]] = {"standard": _standard}


def _account(admin: Person, username: str, name: str) -> None:
    wanted = {
        "name": name,
        "email": f"{username}@example.org",
        "http_password": password_of(username),
    }
    admin.call("PUT", f"/accounts/{_name(username)}", wanted)


def _group(admin: Person, name: str, members: Sequence[str]) -> str:
    """Make a group that everybody can see; answers its UUID."""
    wanted = {"visible_to_all": True, "members": list(members)}
    return str(admin.call("PUT", f"/groups/{_name(name)}", wanted)["id"])


def _members(admin: Person, group: str, members: Sequence[str]) -> None:
    admin.call("POST", f"/groups/{_name(group)}/members", {"members": list(members)})


def _label(admin: Person, name: str, values: Mapping[str, str]) -> None:
    """Make a label that never blocks a submit."""
    wanted = {"values": dict(values), "function": "NoBlock", "default_value": 0}
    admin.call("PUT", f"/projects/All-Projects/labels/{_name(name)}", wanted)


def _grant(
    admin: Person, ref: str, permission: str, group: str, votes: Optional[Tuple[int, int]] = None
) -> None:
    """Allow a group something everywhere; for a label the range of votes too."""
    rule: Dict[str, object] = {"action": "ALLOW"}
    detail: Dict[str, object] = {"rules": {group: rule}}
    if votes is not None:
        rule.update(min=votes[0], max=votes[1])
        detail["label"] = permission.replace("label-", "", 1)
    wanted = {"add": {ref: {"permissions": {permission: detail}}}}
    admin.call("POST", "/projects/All-Projects/access", wanted)


def _name(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")
