"""What is checked of a Gerrit server, one subject after the other."""

from __future__ import annotations

from itertools import islice
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Tuple

from reviewloop.core.change import Change
from reviewloop.errors import ProtocolError
from reviewloop.gerrit import parse
from reviewloop.gerrit.queries import OLDEST, Option, all_of
from reviewloop.gerrit.reads import ReadClient
from reviewloop.insight.findings import Finding, Level, bots, clocks, labels
from reviewloop.settings.load import Settings

Checks = Iterator[Finding]

_OPTIONS = (
    Option.MESSAGES,
    Option.LABELS,
    Option.DETAILED_LABELS,
    Option.DETAILED_ACCOUNTS,
)
#: What is read to see who speaks, and which labels there are.
RECENT = "-age:30d"
# Rows a page with messages, of a pack that asks politely.
_PAGE = 100
# Below so many rows a page, everything costs more requests.
_FEW_ROWS = 100
_HASHTAGS = "editHashtags"
# Projects in which permissions are looked up.
_PROJECTS = 3


def reach(client: ReadClient) -> Checks:
    """Whether the server answers, which version it is, and what its clock shows."""
    version = client.version()
    if version < OLDEST:
        yield Finding(
            "gerrit",
            Level.PROBLEM,
            f"Gerrit is {version.text}.",
            f"This pack is written for {OLDEST.major}.{OLDEST.minor} and later.",
            "Upgrade Gerrit.",
        )
    else:
        yield Finding("gerrit", Level.OK, f"Gerrit {version.text} answers.")
    yield clocks(client.clock())


def account(settings: Settings, client: ReadClient) -> Checks:
    """As whom the pack acts."""
    gerrit = settings.gerrit
    if not gerrit.username:
        yield Finding(
            "account",
            Level.PROBLEM,
            "Gerrit is read anonymously.",
            "Nothing can be posted, and nobody be asked, on a change.",
            "Set `gerrit.username` and `gerrit.password`.",
        )
        return
    us = client.whoami()
    yield Finding("account", Level.OK, f"The pack acts as {gerrit.username} ({us.id}).")
    if "SERVICE_USER" not in us.tags:
        yield Finding(
            "account: bot",
            Level.WARNING,
            f"{gerrit.username} is not in Gerrit's group Service Users.",
            "Gerrit takes its comments for a person's: they change the attention set.",
            f'Add it: ssh -p 29418 HOST gerrit set-members "Service Users" --add {gerrit.username}',
        )
    if client.is_administrator():
        yield Finding(
            "account: administrator",
            Level.WARNING,
            f"{gerrit.username} administrates the server.",
            "Whoever gets hold of the configuration can do anything there.",
            "Give the pack an account of its own, with the permissions that"
            " docs/operators.md names.",
        )
    rows = client.query_limit()
    if rows < _FEW_ROWS:
        yield Finding(
            "account: queryLimit",
            Level.WARNING,
            f"{gerrit.username} gets {rows} rows a page.",
            "A start takes more requests.",
            "Raise its global capability Query Limit to 500.",
        )


def changes(settings: Settings, client: ReadClient, limit: int) -> Checks:
    """What the search finds, and what that says of labels, bots and permissions.

    :param limit: changes of the last thirty days, at most.
    """
    query = settings.gerrit.query
    raws = list(islice(client.scan(all_of(query, RECENT), _OPTIONS, page=_PAGE), limit))
    found, unreadable = _read(raws)
    if not raws:
        yield Finding(
            "query",
            Level.WARNING,
            f"No change of the last 30 days is found by {all_of(query, RECENT)}.",
            "There is nothing that this pack could see become overdue.",
            "Correct `gerrit.query`, and let the account read the projects.",
        )
        return
    yield Finding("query", Level.OK, f"{len(raws)} changes of the last 30 days were read.")
    for number in unreadable:
        yield Finding(
            "query: unreadable",
            Level.WARNING,
            f"Change {number} cannot be read.",
            "It is set aside, and nobody is asked about it.",
            "Report it with the server's version.",
        )
    yield from labels(settings.policy, found)
    yield from bots(settings.policy, found)
    yield from _permissions(settings, client, found)


def _permissions(settings: Settings, client: ReadClient, changes: Sequence[Change]) -> Checks:
    if not settings.gerrit.username:
        return
    if list(client.scan("is:private -owner:self", limit=1)):
        yield Finding(
            "permissions: private changes",
            Level.NOTE,
            "The account sees private changes of others.",
            "The pack leaves them alone.",
        )
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


def _read(raws: Iterable[Dict[str, Any]]) -> Tuple[List[Change], List[int]]:
    """What a search found, and the numbers of what makes no sense."""
    changes: List[Change] = []
    unreadable: List[int] = []
    for raw in raws:
        try:
            changes.append(parse.change(raw))
        except ProtocolError:
            number = raw.get("_number")
            unreadable.append(number if type(number) is int else 0)
    return changes, unreadable
