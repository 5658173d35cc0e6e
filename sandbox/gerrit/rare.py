"""What people, and their administrators, do to a change once in a while.

Apart from :mod:`people`, whose site would be made anew with each line added there.
"""

from __future__ import annotations

from typing import Dict, Mapping, Optional
from urllib.parse import quote

from sandbox.gerrit.people import Person

#: The project whose children `story_project` makes.
PARENT = "stories"
_BRANCHES = "refs/heads/*"


def story_parent(admin: Person, labels: Mapping[str, str]) -> None:
    """Make the parent of projects in which people may vote labels that come and go, and in which
    administrators vote for others.

    :param labels: label -> its lowest and highest vote, such as ``-1..1``.
    """
    admin.call("PUT", f"/projects/{PARENT}", {"permissions_only": True})
    everybody, admins = "global:Registered-Users", _group_id(admin, "Administrators")
    permissions: Dict[str, object] = {}
    for label, span in labels.items():
        low, high = (int(value) for value in span.split(".."))
        rule = {"action": "ALLOW", "min": low, "max": high}
        for form, group in (("label", everybody), ("labelAs", admins)):
            permissions[f"{form}-{label}"] = {"label": label, "rules": {group: rule}}
    for name, group in (("toggleWipState", admins), ("viewPrivateChanges", everybody)):
        permissions[name] = {"rules": {group: {"action": "ALLOW"}}}
    wanted = {"add": {_BRANCHES: {"permissions": permissions}}}
    admin.call("POST", f"/projects/{PARENT}/access", wanted)


def story_project(admin: Person, name: str) -> None:
    """Make a project with the branches ``master`` and ``stable``, and labels of its own to be."""
    wanted = {"parent": PARENT, "create_empty_commit": True, "branches": ["master", "stable"]}
    admin.call("PUT", f"/projects/{_name(name)}", wanted)


def define_label(
    admin: Person, project: str, label: str, span: str, copied: str = "", **more: object
) -> None:
    """Define a label of the project, or define it anew.

    :param copied: its copy condition.
    :param more: anything else of Gerrit's LabelDefinitionInput.
    """
    low, high = (int(value) for value in span.split(".."))
    values = {f"{value:+d}" if value else " 0": f"Vote {value}" for value in range(low, high + 1)}
    wanted: Dict[str, object] = {
        "values": values,
        "function": "NoBlock",
        "default_value": 0,
        **more,
    }
    wanted.update({"copy_condition": copied} if copied else {"unset_copy_condition": True})
    admin.call("PUT", f"/projects/{_name(project)}/labels/{_name(label)}", wanted)


def retire_label(admin: Person, project: str, label: str) -> None:
    """Delete the project's definition of a label."""
    admin.call("DELETE", f"/projects/{_name(project)}/labels/{_name(label)}")


def require(admin: Person, project: str, name: str, expression: str, applies: str = "") -> None:
    """Set a submit requirement of the project.

    :param applies: to which changes; default: to all.
    """
    wanted: Dict[str, object] = {"name": name, "submittability_expression": expression}
    if applies:
        wanted["applicability_expression"] = applies
    path = f"/projects/{_name(project)}/submit_requirements/{_name(name)}"
    admin.call("PUT", path, wanted)


def rebase(person: Person, number: int, *, conflicts: bool, uploaders: bool) -> None:
    """Rebase onto the branch's tip.

    :param conflicts: go on where the two conflict; the change is in progress then.
    :param uploaders: in the name of the last patch set's uploader.
    """
    wanted = {"allow_conflicts": conflicts, "on_behalf_of_uploader": uploaders}
    person.call("POST", f"/changes/{number}/rebase", wanted)


def cherry_pick(person: Person, number: int, branch: str, message: str) -> int:
    """Pick a change to another branch; answers the new change's number."""
    wanted = {"destination": branch, "message": message}
    path = f"/changes/{number}/revisions/current/cherrypick"
    return int(person.call("POST", path, wanted)["_number"])


def move(person: Person, number: int, branch: str, *, keep_votes: bool) -> None:
    """Move a change to another branch; only administrators may keep its votes."""
    wanted: Dict[str, object] = {"destination_branch": branch}
    if keep_votes:
        wanted["keep_all_votes"] = True
    person.call("POST", f"/changes/{number}/move", wanted)


def delete_message(admin: Person, number: int, message_id: str, reason: str = "") -> None:
    """Overwrite what a message says; its votes stay."""
    path = f"/changes/{number}/messages/{message_id}/delete"
    admin.call("POST", path, {"reason": reason} if reason else {})


def delete_reviewer(person: Person, number: int, account: int) -> None:
    """Take a reviewer off, with all votes."""
    person.call("DELETE", f"/changes/{number}/reviewers/{account}")


def delete_vote(
    person: Person, number: int, account: int, label: str, revision: str = "", reason: str = ""
) -> None:
    """Take somebody's vote away.

    :param revision: the patch set on which it was cast, if that is to be checked.
    """
    of = f"/revisions/{revision}" if revision else ""
    path = f"/changes/{number}{of}/reviewers/{account}/votes/{_name(label)}/delete"
    person.call("POST", path, {"reason": reason} if reason else {})


def describe(person: Person, number: int, description: str) -> None:
    """Describe the current patch set."""
    path = f"/changes/{number}/revisions/current/description"
    person.call("PUT", path, {"description": description})


def draft(person: Person, number: int, message: str, path: Optional[str] = None) -> None:
    """Write a comment that only its author sees until it is published."""
    wanted = {"message": message, "path": path or "/PATCHSET_LEVEL", "unresolved": True}
    person.call("PUT", f"/changes/{number}/revisions/current/drafts", wanted)


def _group_id(admin: Person, name: str) -> str:
    return str(admin.call("GET", f"/groups/{_name(name)}")["id"])


def _name(name: str) -> str:
    return quote(name, safe="")
