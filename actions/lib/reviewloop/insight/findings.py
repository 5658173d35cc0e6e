"""What a check of an installation finds, and what a sample of changes says of a policy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Dict, Iterable, Iterator, Sequence, Set, Tuple

from reviewloop.core.change import Account, Change
from reviewloop.core.history import read
from reviewloop.core.kinds import EventKind
from reviewloop.core.policy import Policy
from reviewloop.http.clock import Clock
from reviewloop.insight.unmarked import Habits, Unmarked

#: Clocks that differ by less are alike for a pack that counts in working days.
ALIKE = timedelta(minutes=1)
#: From here on the sensor does not believe the server's clock.
APART = timedelta(hours=1)
# Labels that a policy names without being told to.
_BY_DEFAULT = frozenset([*(vote.label for vote in Policy().hold), *Policy().review_labels])
# Projects, accounts and patterns that one finding names.
_NAMED = 5


class Level(str, Enum):
    """How bad a finding is: a ``problem`` keeps something from working as configured, a ``warning``
    may; a ``note`` is worth knowing; ``unknown`` could not be checked.
    """

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """``what`` is the case, ``why`` that matters, and the ``remedy``; empty where all is well."""

    check: str
    level: Level
    what: str
    why: str = ""
    remedy: str = ""


def clocks(clock: Clock) -> Finding:
    """Whether the server's clock and this machine's agree."""
    check = "clock"
    if clock.server is None:
        return Finding(
            check,
            Level.WARNING,
            "Gerrit's answers bear no usable `Date`.",
            "This machine's clock counts instead.",
            "Let the proxy in front of Gerrit pass the header Date on.",
        )
    apart = abs(clock.server - clock.local)
    if apart <= ALIKE:
        return Finding(check, Level.OK, "Gerrit's clock and this machine's agree.")
    what = f"Gerrit's clock and this machine's are {int(apart.total_seconds())} s apart."
    remedy = "Set both by NTP."
    if apart <= APART:
        return Finding(check, Level.WARNING, what, "Milestones are reached by Gerrit's.", remedy)
    return Finding(check, Level.PROBLEM, what, "The sensor goes by the earlier of the two.", remedy)


def labels(policy: Policy, changes: Sequence[Change]) -> Iterator[Finding]:
    """Whether the projects have the labels that the configuration names.

    :param changes: some changes with their labels, of as many projects as possible.
    """
    known: Dict[str, Set[str]] = {}
    for change in changes:
        if change.labels is not None:
            known.setdefault(change.project, set()).update(change.labels)
    if not known:
        yield Finding("labels", Level.UNKNOWN, "No open change was found whose labels can be seen.")
        return
    for setting, names in _named_labels(policy):
        for name in names:
            yield _label(setting, name, known)


def _named_labels(policy: Policy) -> Iterator[Tuple[str, Sequence[str]]]:
    yield "approval", sorted({vote.label for vote in policy.approval})
    yield "hold", sorted({vote.label for vote in policy.hold})
    yield "review_labels", sorted(set(policy.review_labels))


def _label(setting: str, name: str, known: Dict[str, Set[str]]) -> Finding:
    without = sorted(project for project, labels in known.items() if name not in labels)
    check = f"labels: {setting} {name}"
    if not without:
        every = "The one project" if len(known) == 1 else f"All {len(known)} projects"
        has = "has" if len(known) == 1 else "have"
        what = f"{every} seen {has} the label {name}, which `{setting}` names."
        return Finding(check, Level.OK, what)
    none = len(without) == len(known)
    where = "None" if none else f"{len(without)} of {len(known)}"
    what = f"{where} of the projects seen has the label {name}, which `{setting}` names"
    what = f"{what}." if none else f"{what}: not {some(without)}."
    if setting != "approval":
        if not none or name in _BY_DEFAULT:
            return Finding(check, Level.OK, what)
        remedy = f"Remove {name} from `{setting}`, or spell it as Gerrit does."
        return Finding(check, Level.NOTE, what, "Such a vote is never seen there.", remedy)
    return Finding(
        check,
        Level.PROBLEM if none else Level.WARNING,
        what,
        "A change there is never approved in the eyes of this pack: the submitter is never asked,"
        " and reviewers are asked although they have approved.",
        "Spell it as Gerrit does, or narrow `query` to projects that have it.",
    )


def bots(policy: Policy, changes: Sequence[Change]) -> Iterator[Finding]:
    """Whether bots are told from people.

    :param changes: changes of the last weeks with their messages.
    """
    habits, spoke, voted = Habits(policy), _People(), 0
    for change in changes:
        habits.note(change)
        spoke.note(change)
        events = read(change, policy)
        voted += any(one.kind is EventKind.ROBOT and one.votes for one in events)
    if not changes:
        yield Finding("bots", Level.UNKNOWN, "No change was found in which anybody spoke.")
        return
    found = habits.unmarked()
    yield from map(_unmarked, found[:_NAMED])
    if not found:
        yield Finding(
            "bots: unmarked",
            Level.OK,
            f"Nobody on {len(changes)} changes looks like an unmarked bot.",
        )
    yield from _unseen(policy, spoke.accounts)
    if not voted:
        yield Finding(
            "bots: gates",
            Level.NOTE,
            f"No bot has voted on {len(changes)} changes.",
            "A failed build then never makes a change the owner's to mend. A CI that speaks through"
            " Checks only is not seen by this pack.",
            "If there is a CI that votes, name its account in `automation`.",
        )


def _unmarked(one: Unmarked) -> Finding:
    account = one.account
    name = account.username or account.email or account.name or str(account.id)
    return Finding(
        f"bots: {name}",
        Level.WARNING,
        f"{name} (account {account.id}) looks like a bot: {one.messages} messages on"
        f" {one.changes} changes, {', '.join(one.signs)}.",
        "What it says counts as a person's: it ends the reviewers' waits, or starts the owner's.",
        f"If it tests changes, add ^{name}$ to `automation`; if it reviews them, to `advisers`.",
    )


class _People:
    def __init__(self) -> None:
        self.accounts: Set[Account] = set()

    def note(self, change: Change) -> None:
        self.accounts.add(change.owner)
        for message in change.messages:
            self.accounts.update(one for one in (message.author, message.voter) if one)


def _unseen(policy: Policy, accounts: Iterable[Account]) -> Iterator[Finding]:
    seen = list(accounts)
    unseen = [
        pattern.pattern
        for pattern in policy.automation
        if not any(
            pattern.search(text) for one in seen for text in (one.username, one.email, one.name)
        )
    ]
    if unseen:
        yield Finding(
            "bots: automation",
            Level.NOTE,
            f"Nobody was seen whom `automation` means by {some(unseen)}.",
            "A bot under another name counts as a person.",
            "Compare with the names that Gerrit shows.",
        )


def some(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
