"""What the pack's account and the people on the roster may do in Gerrit, as Gerrit tells it."""

from __future__ import annotations

from itertools import islice
from typing import Dict, List, Optional, Sequence, Tuple

from reviewloop.core.change import Account, Change
from reviewloop.gerrit.about import votes_allowed
from reviewloop.gerrit.reads import ReadClient
from reviewloop.insight.findings import Finding, Level
from reviewloop.operations.checks import Checks, Sample
from reviewloop.settings.load import Settings

_HASHTAGS = "editHashtags"
# Projects in which permissions are looked up, and people whose sight of one is.
_PROJECTS = 3
_PEOPLE = 10


def rights(settings: Settings, client: ReadClient, seen: Sample) -> Checks:
    """What the account may do where it is to act; nothing for anonymous reading."""
    if not settings.gerrit.username or not seen.raws:
        return
    if list(client.scan("is:private -owner:self", limit=1)):
        yield Finding(
            "permissions: private changes",
            Level.NOTE,
            "The account sees private changes of others.",
            "The pack leaves them alone.",
        )
    yield from _hashtags(client, seen.changes)
    yield _votes(seen)


def _hashtags(client: ReadClient, changes: Sequence[Change]) -> Checks:
    places = {change.project: change.branch for change in changes}
    told = {
        project: client.may(_HASHTAGS, project, branch)
        for project, branch in islice(sorted(places.items()), _PROJECTS)
    }
    missing = [project for project, may in told.items() if may is False]
    if missing:
        yield Finding(
            "permissions: hashtags",
            Level.WARNING,
            f"The account may not set hashtags in {', '.join(missing)}.",
            "The workflow gerrit.label fails there.",
            "Grant it Edit Hashtags on refs/heads/*.",
        )
    elif None in told.values():
        yield Finding(
            "permissions: hashtags",
            Level.UNKNOWN,
            "Gerrit does not tell this account what it may do.",
            "It needs Edit Hashtags where gerrit.label is used.",
            "See with the project's access, or grant it View Access for this check.",
        )
    else:
        yield Finding("permissions: hashtags", Level.OK, "The account may set hashtags.")


def _votes(seen: Sample) -> Finding:
    allowed = votes_allowed(raw for raw in seen.raws if raw.get("status", "NEW") == "NEW")
    ranges = [
        f"{label} {min(values):+d} to {max(values):+d}"
        for label, values in sorted(allowed.items())
        if values - {0}
    ]
    what = f"The account may vote {', '.join(ranges)}." if ranges else "The account may not vote."
    return Finding("permissions: labels", Level.OK, what)


def wanted_votes(seen: Sample, wanted: Dict[str, int], by: str) -> Checks:
    """Whether the account may cast the votes that a rule makes it cast.

    :param by: the rule's name.
    """
    allowed = votes_allowed(raw for raw in seen.raws if raw.get("status", "NEW") == "NEW")
    for label, value in sorted(wanted.items()):
        if seen.raws and value not in allowed.get(label, set()):
            yield Finding(
                f"permissions: {label}",
                Level.PROBLEM,
                f"The rule {by} votes {label}{value:+d}, which the account may not.",
                "Gerrit refuses the whole review, message and all.",
                f"Grant it Label {label} with {value:+d} on refs/heads/*.",
            )


def sight(client: ReadClient, seen: Sample, people: Sequence[Account]) -> Checks:
    """Whether those who are asked may read what they are asked about: one project, a few people."""
    if not seen.changes or not people:
        return
    newest = max(seen.changes, key=lambda change: (change.updated, change.number))
    told: List[Tuple[Account, Optional[bool]]] = []
    for account in islice(people, _PEOPLE):
        may = client.may("read", newest.project, newest.branch, account.id)
        told.append((account, may))
        if may is None:
            break
    blind = [one.username or str(one.id) for one, may in told if may is False]
    check = "roster: sight"
    if blind:
        yield Finding(
            check,
            Level.PROBLEM,
            f"{', '.join(blind)} may not read {newest.project}.",
            "Whoever is asked about a change there finds nothing.",
            "Grant Read on refs/heads/* to their group, or narrow `projects` of their entries.",
        )
    elif told[-1][1] is None:
        yield Finding(
            check,
            Level.UNKNOWN,
            "Gerrit does not tell this account what the people on the roster may read.",
            "Whoever is asked must see the change.",
            "See with the project's access, or grant it View Access for this check.",
        )
    else:
        yield Finding(check, Level.OK, f"The people asked may read {newest.project}.")
