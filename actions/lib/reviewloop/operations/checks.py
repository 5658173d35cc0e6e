"""What is checked of a Gerrit server, one subject after the other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Dict, Iterable, Iterator, List, Tuple

from reviewloop.core.change import Change
from reviewloop.core.timestamps import iso
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
#: A token that ends sooner is worth a word; Gerrit itself mails some seven days ahead.
SOON = timedelta(days=14)
# Plugins by which a CI shows its results on Gerrit's pages, and writes no message on the change.
_CHECKS = ("checks", "zuul", "jenkins", "buildbucket", "tricium", "gitiles-ci", "ci-results")
# The index follows within seconds where it is written after the answer.
_FOLLOWS = timedelta(minutes=1)


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
            "Set `username` and `password`.",
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


@dataclass(frozen=True)
class Sample:
    """Changes of the last thirty days: as they were answered, as they were read, and the numbers of
    those that make no sense. What Gerrit's rows hold beyond a ``Change`` is in ``raws``.
    """

    raws: Tuple[Dict[str, Any], ...]
    changes: Tuple[Change, ...]
    unreadable: Tuple[int, ...]


def sample(settings: Settings, client: ReadClient, limit: int) -> Sample:
    """Read what the search finds.

    :param limit: changes, at most.
    """
    query = all_of(settings.gerrit.query, RECENT)
    raws = tuple(client.scan(query, _OPTIONS, page=_PAGE, limit=limit))
    return Sample(raws, *_read(raws))


def changes(settings: Settings, client: ReadClient, seen: Sample) -> Checks:
    """What the search finds, and what that says of labels and bots."""
    if not seen.raws:
        yield Finding(
            "query",
            Level.WARNING,
            f"No change of the last 30 days is found by {all_of(settings.gerrit.query, RECENT)}.",
            "There is nothing that this pack could see become overdue.",
            "Correct `query`, and let the account read the projects.",
        )
        return
    yield Finding("query", Level.OK, f"{len(seen.raws)} changes of the last 30 days were read.")
    for number in seen.unreadable:
        yield Finding(
            "query: unreadable",
            Level.WARNING,
            f"Change {number} cannot be read.",
            "It is set aside, and nobody is asked about it.",
            "Report it with the server's version.",
        )
    yield from labels(settings.policy, seen.changes)
    yield from bots(settings.policy, seen.changes)
    yield from ci_on_pages(client)


def ci_on_pages(client: ReadClient) -> Checks:
    """Whether a plugin shows results of a CI that the changes' messages may not hold."""
    check = "bots: checks"
    found = [name for name in client.ui_plugins() if any(one in name for one in _CHECKS)]
    if not found:
        yield Finding(check, Level.OK, "No plugin shows a CI's results on Gerrit's pages.")
        return
    yield Finding(
        check,
        Level.NOTE,
        f"The plugin {', '.join(found)} shows a CI's results on Gerrit's pages.",
        "A CI that speaks through Checks only, and neither votes nor writes, is not seen by this"
        " pack: reviewers are asked about changes that are red there.",
        "Let the CI vote (Verified-1), and name its account in `automation`.",
    )


def index(client: ReadClient, seen: Sample) -> Checks:
    """Whether the search shows what is stored: the change that was touched last, read both ways."""
    if not seen.changes:
        return
    newest = max(seen.changes, key=lambda change: (change.updated, change.number))
    stored = client.change(newest, ()).updated
    found, _ = _read(client.changes([newest.number]))
    shown = max((one.updated for one in found), default=None)
    check = "gerrit: index"
    if shown is not None and shown >= stored:
        yield Finding(check, Level.OK, "The index shows the change that was touched last as it is.")
        return
    is_fresh = client.now() - stored <= _FOLLOWS
    where = "not at all" if shown is None else f"as of {iso(shown)}"
    yield Finding(
        check,
        Level.NOTE if is_fresh else Level.WARNING,
        f"Change {newest.number} was touched at {iso(stored)}; the index shows it {where}.",
        "The sensor sees by the index what moved, and is late by as much.",
        f"See `ssh -p 29418 HOST gerrit show-queue -w`, and index it anew:"
        f" `ssh -p 29418 HOST gerrit index changes {newest.number}`",
    )


def tokens(settings: Settings, client: ReadClient) -> Checks:
    """When the account's authentication tokens end, of servers that have them."""
    found = client.tokens() if settings.gerrit.username else None
    if found is None:
        return
    now, check = client.now(), "account: token"
    ending = sorted((ends, name) for name, ends in found if ends and ends > now)
    if not ending:
        yield Finding(check, Level.OK, "No authentication token of the account ends.")
        return
    ends, name = ending[0]
    if ends - now > SOON:
        yield Finding(check, Level.OK, f"The first token to end, {name}, ends at {iso(ends)}.")
        return
    yield Finding(
        check,
        Level.WARNING,
        f"The authentication token {name} ends at {iso(ends)}.",
        "If it is the one in `password`, the pack is refused from then on. Gerrit does not"
        " tell which of them is.",
        "Make another under Settings, HTTP Credentials, and store it:"
        " `st2 key set gerrit_password VALUE --encrypt`",
    )


def _read(raws: Iterable[Dict[str, Any]]) -> Tuple[Tuple[Change, ...], Tuple[int, ...]]:
    """What a search found, and the numbers of what makes no sense."""
    found: List[Change] = []
    unreadable: List[int] = []
    for raw in raws:
        try:
            found.append(parse.change(raw))
        except ProtocolError:
            number = raw.get("_number")
            unreadable.append(number if type(number) is int else 0)
    return tuple(found), tuple(unreadable)
