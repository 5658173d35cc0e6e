"""Histories as the commits that Gerrit keeps them in, so that `git fast-import` makes many at once.

A change is the refs ``refs/changes/NN/N/PS``, a commit for each patch set, and
``refs/changes/NN/N/meta``: one commit for each message, whose last paragraph says what the message
did (NoteDb; `com.google.gerrit.server.notedb.ChangeNotesParser` reads it). Commit hashes are worked
out here, since a meta commit names its patch set's.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Dict, Iterator, List, Mapping, Sequence, Set, Tuple

from sandbox.gerrit.daemon import CONFIG
from sandbox.gerrit.fake_query import instant
from sandbox.gerrit.fake_world import Json

_FOUND = re.search(r"serverId = (\S+)", CONFIG)
SERVER_ID = _FOUND.group(1) if _FOUND else ""
COMMITTER = "Gerrit Code Review <gerrit@example.org>"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
#: The labels of the site, and the least and highest vote of each.
LABELS: Mapping[str, Tuple[int, int]] = {
    "Code-Review": (-2, 2),
    "Verified": (-2, 2),
    "Workflow": (-1, 1),
}
_VOTES = re.compile(r"Patch Set \d+:((?: -?[A-Za-z][A-Za-z-]*(?:[+-]\d+)?)+)$")
_VOTE = re.compile(r"(-?)([A-Za-z][A-Za-z-]*?)([+-]\d+)?$")


@dataclass(frozen=True)
class Commit:
    """A commit as git stores it; ``at`` in seconds since 1970, for author and committer."""

    ref: str
    tree: str
    parent: str
    author: str
    at: int
    text: str

    @property
    def content(self) -> bytes:
        """What is hashed."""
        parent = f"parent {self.parent}\n" if self.parent else ""
        dates = f"{self.at} +0000"
        return (
            f"tree {self.tree}\n{parent}author {self.author} {dates}\n"
            f"committer {COMMITTER} {dates}\n\n{self.text}"
        ).encode("utf-8", "replace")

    @cached_property
    def sha(self) -> str:
        """Its name in git."""
        content = self.content
        return hashlib.sha1(b"commit %d\0" % len(content) + content).hexdigest()


@dataclass(frozen=True)
class Saying:
    """One message: by an account's id, at seconds since 1970."""

    who: int
    at: int
    text: str
    tag: str
    patch_set: int


@dataclass(frozen=True)
class Plan:
    """A change to be made: who owns it, and what was said, in order."""

    number: int
    subject: str
    owner: int
    bots: Set[int]
    is_wip: bool
    sayings: Tuple[Saying, ...]


@dataclass(frozen=True)
class Crowd:
    """The accounts of a site, which stand for those of the histories."""

    people: Sequence[int]
    bots: Sequence[int]

    def id_of(self, account: Json) -> int:
        """The account of ours that stands for one of a history, always the same."""
        of = self.bots if "SERVICE_USER" in account.get("tags", ()) else self.people
        return of[int(account["_account_id"]) % len(of)]


def plan(number: int, template: Json, last_at: int, crowd: Crowd) -> Plan:
    """A history moved so that its last message is said at ``last_at``, by people of this site."""
    told = [one for one in template["messages"] if one.get("author") and _text(one)]
    moved = last_at - _epoch(told[-1]["date"])
    sayings = [
        Saying(
            crowd.id_of(one["author"]),
            _epoch(one["date"]) + moved,
            _text(one),
            one.get("tag", ""),
            int(one.get("_revision_number", 1)),
        )
        for one in told
    ]
    return Plan(
        number,
        f"Change {number} of many",
        crowd.id_of(template["owner"]),
        set(crowd.bots),
        bool(template.get("work_in_progress")),
        tuple(sayings),
    )


def commits(change: Plan, base: str, tree: str) -> Iterator[Commit]:
    """All commits of a change, each after those that it names.

    :param base: the commit that patch sets build on.
    :param tree: what patch sets hold.
    """
    meta = _Meta(change)
    for saying in change.sayings:
        if saying.patch_set not in meta.patch_sets:
            made = _patch_set(change, saying, base, tree)
            yield made
            meta.patch_sets[saying.patch_set] = made.sha
            yield meta.commit(saying, made.sha)
        else:
            yield meta.commit(saying)


class _Meta:
    """The branch of a change's meta commits, as it grows."""

    def __init__(self, change: Plan) -> None:
        self.patch_sets: Dict[int, str] = {}
        self._change = change
        self._tip = ""
        self._seen: Set[int] = {change.owner}

    def commit(self, saying: Saying, made: str = "") -> Commit:
        """What one message is; ``made`` is the commit of the patch set that it brings."""
        is_first = not self._tip
        head = "Create change" if is_first else f"Update patch set {saying.patch_set}"
        lines = [
            f"Patch-set: {saying.patch_set}",
            *(self._birth() if is_first else ()),
            *(_revision(self._change, made) if made else ()),
            *([f"Tag: {saying.tag}"] if saying.tag else ()),
            *self._people(saying),
        ]
        if self._change.is_wip and saying is self._change.sayings[-1]:
            lines.append("Work-in-progress: true")
        text = f"{head}\n\n{saying.text}\n\n" + "".join(f"{line}\n" for line in lines)
        ref = ref_of(self._change.number, "meta")
        found = Commit(ref, EMPTY_TREE, self._tip, ident(saying.who), saying.at, text)
        self._tip = found.sha
        return found

    def _birth(self) -> List[str]:
        return [
            f"Change-id: {_change_id(self._change)}",
            "Branch: refs/heads/master",
            "Status: new",
            "Topic:",
            "Private: false",
            *([] if self._change.is_wip else ["Work-in-progress: false"]),
        ]

    def _people(self, saying: Saying) -> Iterator[str]:
        """Votes, who comes to the change, and whose attention it wants."""
        votes = list(_votes(saying.text))
        yield from (line for line, _ in votes)
        if saying.who not in self._seen:
            self._seen.add(saying.who)
            yield f"{'Reviewer' if votes else 'CC'}: {ident(saying.who)}"
        is_bot = saying.who in self._change.bots
        if saying.who != self._change.owner and (not is_bot or any(bad for _, bad in votes)):
            reason = "A robot voted negatively on a label" if is_bot else "Someone replied"
            wanted = {"person_ident": ident(self._change.owner), "operation": "ADD"}
            yield f"Attention: {json.dumps({**wanted, 'reason': reason})}"


def ident(who: int) -> str:
    """An account as an author in NoteDb."""
    return f"Gerrit User {who} <{who}@{SERVER_ID}>"


def ref_of(number: int, leaf: object) -> str:
    """A ref of a change: one of its patch sets, or ``meta``."""
    return f"refs/changes/{number % 100:02d}/{number}/{leaf}"


def stream(entry: Commit, file: str, blob: str) -> bytes:
    """A commit in `git fast-import`'s language.

    The branches named here are of no matter: which commit is whose tip is written by `ref_of`.

    :param file: name of what patch sets add.
    :param blob: its content's hash.
    """
    text = entry.text.encode("utf-8", "replace")
    is_meta = entry.tree == EMPTY_TREE
    branch = "refs/heads/bulk-meta" if is_meta else "refs/heads/bulk"
    lines = [
        # Without a parent a branch begins anew.
        *([] if is_meta and entry.parent else [f"reset {branch}"]),
        f"commit {branch}",
        f"author {entry.author} {entry.at} +0000",
        f"committer {COMMITTER} {entry.at} +0000",
        f"data {len(text)}",
    ]
    rest = "" if is_meta else f"from {entry.parent}\nM 100644 {blob} {file}\n"
    return "\n".join(lines).encode() + b"\n" + text + b"\n" + rest.encode() + b"\n"


def _patch_set(change: Plan, saying: Saying, base: str, tree: str) -> Commit:
    text = f"{change.subject}\n\nChange-Id: {_change_id(change)}\n"
    ref = ref_of(change.number, saying.patch_set)
    return Commit(ref, tree, base, ident(change.owner), saying.at, text)


def _revision(change: Plan, sha: str) -> List[str]:
    return [f"Subject: {change.subject}", f"Commit: {sha}", f"Groups: {sha}"]


def _change_id(change: Plan) -> str:
    return f"I{change.number:040x}"


def _votes(text: str) -> Iterator[Tuple[str, bool]]:
    """Votes as footers, and whether each is negative, from a message's first line."""
    first = _VOTES.match(text.split("\n", 1)[0])
    for word in first.group(1).split() if first else ():
        vote = _VOTE.match(word)
        if vote and vote.group(2) in LABELS:
            least, most = LABELS[vote.group(2)]
            value = min(max(int(vote.group(3) or 0), least), most)
            removed = vote.group(1) or not vote.group(3)
            line = f"-{vote.group(2)}" if removed else f"{vote.group(2)}={value:+d}"
            yield f"Label: {line}", not removed and value < 0


def _text(message: Json) -> str:
    return str(message.get("message", "")).replace("\r", "").strip()


def _epoch(date: str) -> int:
    return int((instant(date[:19]) - instant("1970-01-01 00:00:00")) / timedelta(seconds=1))
