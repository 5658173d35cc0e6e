"""What the simulated Gerrit knows: accounts, groups and changes, and what people do to them.

Why over 300 lines: one method for each thing that people and servers do to a change.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from sandbox.gerrit.fake_query import Moment, instant

Json = Dict[str, Any]


def stamp(moment: datetime) -> str:
    """A time as Gerrit writes it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S.000000000")


@dataclass
class FakeChange:
    """What the fake keeps of one change."""

    number: int
    project: str
    branch: str
    subject: str
    owner: int
    created: datetime
    updated: datetime
    status: str = "NEW"
    wip: bool = False
    started: bool = True
    private: bool = False
    hidden: bool = False
    topic: str = ""
    patch_set: int = 1
    uploader: int = 0
    parent: Optional[int] = None
    # The parent's patch set that it is built on; 0 for whichever is the current one.
    parent_patch_set: int = 0
    hashtags: List[str] = field(default_factory=list)
    messages: List[Json] = field(default_factory=list)
    comments: List[Json] = field(default_factory=list)
    reviewers: Dict[int, str] = field(default_factory=dict)
    attention: Dict[int, str] = field(default_factory=dict)
    votes: Dict[Tuple[str, int], int] = field(default_factory=dict)
    commits: List[str] = field(default_factory=list)
    footers: Tuple[str, ...] = ()
    made_by: str = ""

    @property
    def change_id(self) -> str:
        """Gerrit's Change-Id."""
        return f"I{_sha('change-id', self.number)}"

    @property
    def revision(self) -> str:
        """The commit of the current patch set."""
        return self.commit_of(self.patch_set)

    def commit_of(self, patch_set: int) -> str:
        """The commit of a patch set."""
        return _sha("revision", self.number, patch_set)

    @property
    def commit_message(self) -> str:
        """Of the current patch set."""
        return f"{self.subject}\n\n" + "".join(f"{line}\n" for line in self.footers)

    @property
    def meta_rev_id(self) -> str:
        """The commit of the last update."""
        return self.commits[-1]


class World:
    """Accounts, groups and changes. The clock stands still until told otherwise."""

    def __init__(self, now: Moment = "2026-03-02 09:00:00", version: str = "3.10.2") -> None:
        self.now = instant(now)
        self.version = version
        self.accounts: Dict[int, Json] = {}
        self.second_emails: Dict[int, str] = {}
        self.shows_usernames = True
        self.groups: Dict[str, Tuple[int, ...]] = {}
        self.labels = {"Code-Review": (-2, 2), "Verified": (-1, 1), "Escalated": (0, 1)}
        self.restricted: List[str] = []
        self.changes: Dict[int, FakeChange] = {}
        self.me = self.add_account("st2-reviews", service_user=True)
        self.author = self.add_account("author")
        self.reviewer = self.add_account("reviewer")

    # The clock

    def at(self, moment: Moment) -> datetime:
        """Set the clock."""
        self.now = instant(moment)
        return self.now

    def advance(self, **delta: float) -> datetime:
        """Move the clock on: ``days=2, hours=1``."""
        self.now += timedelta(**delta)
        return self.now

    # What is there

    def add_account(
        self,
        username: str,
        name: str = "",
        email: str = "",
        *,
        service_user: bool = False,
        inactive: bool = False,
    ) -> int:
        """A new account; answers its id."""
        number = 1000000 + len(self.accounts)
        info: Json = {
            "_account_id": number,
            "name": name or username.title(),
            "email": email or f"{username}@example.org",
            "username": username,
        }
        if service_user:
            info["tags"] = ["SERVICE_USER"]
        if inactive:
            info["inactive"] = True
        self.accounts[number] = info
        return number

    def add_group(self, name: str, *members: int) -> None:
        """A group that everybody sees."""
        self.groups[name] = members

    def add_change(
        self,
        project: str = "tools/build",
        subject: str = "A change",
        owner: int = 0,
        branch: str = "master",
        *,
        number: int = 0,
        at: Optional[Moment] = None,
        wip: bool = False,
        private: bool = False,
        topic: str = "",
        hashtags: Sequence[str] = (),
        reviewers: Sequence[int] = (),
        parent: Optional[int] = None,
        imported: bool = False,
    ) -> int:
        """Upload a new change; answers its number.

        An ``imported`` one may bear the number of another, in another project; then the number
        below zero is answered, by which only this fake knows it.
        """
        number = number or max(self.changes, default=0) + 1
        when = self._when(at)
        by = owner or self.author
        change = FakeChange(number, project, branch, subject, by, when, when, uploader=by)
        change.wip, change.started, change.private, change.topic = wip, not wip, private, topic
        change.hashtags, change.parent = sorted(hashtags), parent
        change.parent_patch_set = 0 if parent is None else self.changes[parent].patch_set
        change.reviewers = dict.fromkeys(reviewers, "REVIEWER")
        known_as = -number if imported else number
        self.changes[known_as] = change
        self._say(change, by, "Uploaded patch set 1.", _upload_tag(wip), when)
        return known_as

    def upload(
        self,
        number: int,
        by: int = 0,
        at: Optional[Moment] = None,
        *,
        rebase: bool = False,
        wip: Optional[bool] = None,
    ) -> None:
        """A new patch set; votes are not copied unless it is a mere rebase."""
        change = self.changes[number]
        change.patch_set += 1
        change.uploader = by or change.owner
        change.wip = change.wip if wip is None else wip
        text = f"Uploaded patch set {change.patch_set}."
        if rebase:
            lower = None if change.parent is None else self.changes.get(change.parent)
            change.parent_patch_set = 0 if lower is None else lower.patch_set
            text = f"{text[:-1]}: Patch Set {change.patch_set - 1} was rebased."
        else:
            change.votes.clear()
        self._say(change, change.uploader, text, _upload_tag(change.wip), self._when(at))

    def review(
        self,
        number: int,
        by: int = 0,
        text: str = "",
        labels: Optional[Mapping[str, int]] = None,
        at: Optional[Moment] = None,
        *,
        tag: str = "",
        comments: int = 0,
        comment: str = "",
    ) -> str:
        """Post a message and votes (by the reviewer if ``by`` is left out); answers its id.

        ``comment`` is a comment on the whole patch set, as the web page's reply dialog posts it.
        """
        comments += bool(comment)
        change, by = self.changes[number], by or self.reviewer
        told = "".join(f" {name}{value:+d}" for name, value in (labels or {}).items() if value)
        told += "".join(f" -{name}" for name, value in (labels or {}).items() if not value)
        for name, value in (labels or {}).items():
            change.votes[(name, by)] = value
        parts = [f"Patch Set {change.patch_set}:{told}"]
        parts += [f"({comments} comment{'s' if comments > 1 else ''})"] if comments else []
        parts += [text] if text else []
        change.reviewers.setdefault(by, "REVIEWER" if labels else "CC")
        said = self._say(change, by, "\n\n".join(parts), tag, self._when(at))
        if comment:
            change.comments.append({"change_message_id": said, "message": comment})
        return said

    def set_status(
        self, number: int, status: str, by: int = 0, at: Optional[Moment] = None
    ) -> None:
        """MERGED, ABANDONED, or NEW again (restored)."""
        change = self.changes[number]
        text, tag = {
            "MERGED": ("Change has been successfully merged", "merged"),
            "ABANDONED": ("Abandoned", "abandon"),
            "NEW": ("Restored", "restore"),
        }[status]
        change.status = status
        change.attention.clear()
        tag = f"autogenerated:gerrit:{tag}"
        self._say(change, by or change.owner, text, tag, self._when(at))

    def set_wip(self, number: int, wip: bool, at: Optional[Moment] = None) -> None:
        """Mark as work in progress, or ready for review, by its owner."""
        change = self.changes[number]
        change.wip, change.started = wip, change.started or not wip
        text = "Set Work In Progress" if wip else "Set Ready For Review"
        tag = "setWorkInProgress" if wip else "setReadyForReview"
        self._say(change, change.owner, text, f"autogenerated:gerrit:{tag}", self._when(at))

    def touch(self, number: int, at: Optional[Moment] = None) -> None:
        """Anything that moves ``updated`` and ``meta_rev_id`` without a message."""
        self._commit(self.changes[number], self._when(at))

    # Inner workings

    def _usernames(self) -> Dict[int, str]:
        return {number: info["username"] for number, info in self.accounts.items()}

    def _when(self, at: Optional[Moment]) -> datetime:
        return self.now if at is None else instant(at)

    def _say(self, change: FakeChange, by: int, text: str, tag: str, when: datetime) -> str:
        commit = self._commit(change, when)
        entry: Json = {
            "id": commit,
            "author": self._shown(by),
            "date": stamp(when),
            "message": text,
            "_revision_number": change.patch_set,
        }
        if tag:
            entry["tag"] = tag
        change.messages.append(entry)
        return commit

    def _commit(self, change: FakeChange, when: datetime) -> str:
        # As a commit: another one at another time, also of a change whose number was in use before.
        parts = ("meta", change.project, change.number, len(change.commits), when)
        change.commits.append(_sha(*parts))
        change.updated = max(change.updated, when)
        return change.meta_rev_id

    def _shown(self, number: int) -> Json:
        info = self.accounts[number]
        if self.shows_usernames:
            return info
        return {key: value for key, value in info.items() if key != "username"}

    def _info(self, change: FakeChange, options: Sequence[str]) -> Json:
        info: Json = {
            "_number": change.number,
            "project": change.project,
            "branch": change.branch,
            "change_id": change.change_id,
            "subject": change.subject,
            "status": change.status,
            "created": stamp(change.created),
            "updated": stamp(change.updated),
            "owner": {"_account_id": change.owner},
            "hashtags": change.hashtags,
            "has_review_started": change.started,
            "insertions": 2,
            "deletions": 1,
            "meta_rev_id": change.meta_rev_id,
            "current_revision_number": change.patch_set,
            "attention_set": {
                str(who): {"account": {"_account_id": who}, "reason": reason}
                for who, reason in change.attention.items()
            },
        }
        flags = {
            "topic": change.topic,
            "is_private": change.private,
            "work_in_progress": change.wip,
        }
        info.update({key: value for key, value in flags.items() if value})
        if "DETAILED_ACCOUNTS" in options:
            info["owner"] = self.accounts[change.owner]
        if "LABELS" in options:
            info.update(self._votes_and_reviewers(change))
        if "DETAILED_LABELS" in options:
            for name, (least, most) in self.labels.items():
                values = {f"{value:+d}": "" for value in range(least, most + 1)}
                # Requirements, and not the labels, say what a change needs since 3.5.
                told = {"values": values, "optional": True}
                info.setdefault("labels", {}).setdefault(name, {}).update(told)
        if "MESSAGES" in options:
            info["messages"] = list(change.messages)
        if "CURRENT_REVISION" in options:
            info["current_revision"] = change.revision
            info["revisions"] = {change.revision: {"_number": change.patch_set}}
            if "CURRENT_COMMIT" in options:
                commit = {"subject": change.subject, "message": change.commit_message}
                info["revisions"][change.revision]["commit"] = commit
        return info

    def _votes_and_reviewers(self, change: FakeChange) -> Json:
        labels: Json = {name: {"all": []} for name in self.labels}
        for (name, who), value in change.votes.items():
            labels[name]["all"].append({**self.accounts[who], "value": value})
        people: Json = {}
        for who, state in change.reviewers.items():
            people.setdefault(state, []).append(self.accounts[who])
        return {"labels": labels, "reviewers": people}


def _upload_tag(wip: bool) -> str:
    return f"autogenerated:gerrit:{'newWipPatchSet' if wip else 'newPatchSet'}"


def _sha(*parts: object) -> str:
    return hashlib.sha1("/".join(map(str, parts)).encode()).hexdigest()
