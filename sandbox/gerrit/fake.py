"""A small Gerrit in memory, behind the client's own ``Transport``: it keeps what it is told.

It answers the endpoints that the client uses, in the server's words (3.10) as far as the tests of
this pack need them, and plays faults. What it says was checked against a real server, and
``test_gerrit_real.py`` goes on checking the client against one.

    fake = FakeGerrit()
    number = fake.add_change(subject="Languishing")
    fake.advance(days=2)
    client = fake.client()
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Set, Tuple
from urllib.parse import unquote

from reviewloop.errors import AmbiguousError, ProtocolError, TemporaryError
from reviewloop.gerrit.client import Client
from reviewloop.http.messages import Request, Response
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from sandbox.gerrit.fake_query import Moment, RefusalError, instant, parse_query

URL = "https://gerrit.example.org"
PASSWORD = "known-only-to-tests"

Json = Dict[str, Any]
Route = Tuple[str, str, str]

# Options a server of this version does not know yet; it answers 400 to them.
_YOUNG = {
    "SUBMIT_REQUIREMENTS": (3, 5),
    "CUSTOM_KEYED_VALUES": (3, 9),
    "PARENTS": (3, 9),
    "STAR": (3, 9),
}
_LOGIN_PAGE = b"<!DOCTYPE html><html><title>Sign in</title><form action=/login></form></html>"


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
    def meta_rev_id(self) -> str:
        """The commit of the last update."""
        return self.commits[-1]


@dataclass
class Fault:
    """Something that goes wrong with the next ``times`` requests whose ``METHOD /path`` matches."""

    match: str
    times: int
    answer: Optional[Response] = None
    done: bool = False
    unsent: bool = False


class FakeGerrit(Transport):
    """The server. Its clock stands still until told otherwise.

    ``me`` is the account whose requests arrive. ``seen`` lists the requests as
    ``METHOD /path?query`` (unquoted); ``slept`` what clients waited.
    """

    def __init__(self, now: Moment = "2026-03-02 09:00:00", version: str = "3.10.2") -> None:
        self.now = instant(now)
        self.version = version
        self.accounts: Dict[int, Json] = {}
        self.second_emails: Dict[int, str] = {}
        self.shows_emails = False
        self.tells_change = True
        self.shows_usernames = True
        self.groups: Dict[str, Tuple[int, ...]] = {}
        self.labels = {"Code-Review": (-2, 2), "Verified": (-1, 1), "Escalated": (0, 1)}
        self.restricted: List[str] = []
        self.may_edit_hashtags = True
        self.query_limit = 500
        self.page_limit = 500
        self.sends_date = True
        # How far the clock in `Date` is ahead of the one by which changes are dated.
        self.date_ahead = timedelta(0)
        # Changes whose history makes an answer longer than a client takes.
        self.too_long: Set[int] = set()
        # Changes whose history the server fails to answer.
        self.poisoned: Set[int] = set()
        self.accepts_password = True
        self.changes: Dict[int, FakeChange] = {}
        self.requests: List[Request] = []
        self.seen: List[str] = []
        self.slept: List[float] = []
        self.before_send: Callable[[Request], None] = lambda _request: None
        self._faults: List[Fault] = []
        self.me = self.add_account("st2-reviews", service_user=True)
        self.author = self.add_account("author")
        self.reviewer = self.add_account("reviewer")

    def client(self, username: str = "st2-reviews", **kwargs: Any) -> Client:
        """A client of this server that waits without waiting; ``username=""`` reads anonymously."""
        password = PASSWORD if username else ""
        timing = Timing(monotonic=lambda: 0.0, sleep=self.slept.append, jitter=lambda: 0.5)
        return Client(URL, username, password, transport=self, **{"timing": timing, **kwargs})

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
            below = self._below(change)
            change.parent_patch_set = 0 if below is None else below.patch_set
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

    # What goes wrong

    def fail(
        self,
        status: int,
        text: str = "",
        times: int = 1,
        match: str = "",
        *,
        retry_after: str = "",
        done: bool = False,
    ) -> None:
        """Answer with this status; ``done``: after the work, as a proxy may."""
        headers = {"content-type": "text/plain; charset=UTF-8"}
        if retry_after:
            headers["retry-after"] = retry_after
        answer = Response(status, headers, text.encode())
        self._faults.append(Fault(match, times, answer, done))

    def html(self, times: int = 1, match: str = "", status: int = 200) -> None:
        """Answer with a login page, without doing the work."""
        answer = Response(status, {"content-type": "text/html; charset=utf-8"}, _LOGIN_PAGE)
        self._faults.append(Fault(match, times, answer))

    def answer(self, response: Response, times: int = 1, match: str = "") -> None:
        """Answer with whatever this is, without doing the work."""
        self._faults.append(Fault(match, times, response))

    def drop(self, times: int = 1, match: str = "", *, done: bool = True) -> None:
        """Close the connection without an answer, after the work or (``done=False``) before it."""
        self._faults.append(Fault(match, times, None, done))

    def refuse(self, times: int = 1, match: str = "") -> None:
        """Let no connection come about."""
        self._faults.append(Fault(match, times, None, unsent=True))

    def calm(self) -> None:
        """Forget all faults that have not come yet."""
        self._faults.clear()

    # What the client sees

    def send(self, request: Request) -> Response:
        """Answer a request as ``Transport.send`` says."""
        self.before_send(request)
        self.requests.append(request)
        self.seen.append(f"{request.method} {unquote(request.target)}")
        fault = self._fault(request)
        response = None
        if fault is None or fault.done:
            response = self._answered(request)
        if fault is not None:
            response = fault.answer
            if response is None:
                lost = request.writes and not fault.unsent
                kind = AmbiguousError if lost else TemporaryError
                raise kind("The connection broke off (a fault of the fake).")
        assert response is not None
        return self._dated(response)

    def _fault(self, request: Request) -> Optional[Fault]:
        for fault in self._faults:
            if fault.times > 0 and re.search(fault.match, f"{request.method} {request.path}"):
                fault.times -= 1
                return fault
        return None

    def _dated(self, response: Response) -> Response:
        if not self.sends_date:
            return response
        date = format_datetime(self.now + self.date_ahead, usegmt=True)
        return Response(response.status, {"date": date, **response.headers}, response.body)

    def _answered(self, request: Request) -> Response:
        try:
            value = self._route(request)
        except RefusalError as err:
            if err.as_json is not None:
                return _json_response(err.status, err.as_json)
            plain = {"content-type": "text/plain; charset=UTF-8"}
            return Response(err.status, plain, str(err).encode())
        return _json_response(200, value)

    def _route(self, request: Request) -> Any:
        signed_in = request.path.startswith("/a/")
        if signed_in and not self.accepts_password:
            raise RefusalError(401, "Unauthorized")
        if request.writes and not signed_in:
            raise RefusalError(403, "Authentication required")
        path = request.path[2:] if signed_in else request.path
        for method, pattern, name in self._routes():
            found = re.fullmatch(pattern, path)
            if found and method == request.method:
                parts = [unquote(part) for part in found.groups()]
                return getattr(self, name)(request, *parts)
        raise RefusalError(404, "Not Found")

    def _routes(self) -> Sequence[Route]:
        """Method, pattern of the path, and the name of what answers; the first that fits."""
        return _ROUTES

    def _get_version(self, request: Request) -> str:
        return self.version

    def _get_self(self, request: Request) -> Json:
        if not request.path.startswith("/a/"):
            raise RefusalError(403, "Authentication required")
        return self.accounts[self.me]

    def _get_capabilities(self, request: Request) -> Json:
        return {"queryLimit": {"min": 0, "max": self.query_limit}}

    def _get_account(self, request: Request, ident: str) -> Json:
        return self._shown(self._found(ident))

    def _get_emails(self, request: Request, ident: str) -> List[Json]:
        if not self.shows_emails:
            raise RefusalError(403, "view secondary emails not permitted")
        number = self._account(ident)
        told = (self.accounts[number]["email"], self.second_emails.get(number))
        return [{"email": one} for one in told if one]

    def _query_accounts(self, request: Request) -> List[Json]:
        query = dict(request.params)["q"]
        found = re.search(r'(username|email):"([^"]*)"', query)
        assert found is not None, query
        wanted, inactive = found[2].casefold(), "is:inactive" in query
        named = [n for n, one in self.accounts.items() if one[found[1]].casefold() == wanted]
        return [self._shown(n) for n in named if inactive or "inactive" not in self.accounts[n]]

    def _get_members(self, request: Request, name: str) -> List[Json]:
        if name not in self.groups:
            raise RefusalError(404, f"Not found: {name}")
        return [self.accounts[member] for member in self.groups[name]]

    def _query(self, request: Request) -> List[Json]:
        params = dict(request.params)
        options = self._options(request)
        match = parse_query(params["q"], self._usernames(), self.now)
        visible = [one for one in self.changes.values() if not one.hidden and match(one)]
        visible.sort(key=lambda one: (one.updated, one.number), reverse=True)
        start = int(params.get("S", "0"))
        wanted = int(params.get("n", "0")) or self.query_limit
        size = min(wanted, self.query_limit, self.page_limit)
        if "MESSAGES" in options:
            self._check_histories({one.number for one in visible[start:][:size]})
        rows = [self._info(one, options) for one in visible[start:][:size]]
        if rows and len(visible) > start + size:
            rows[-1]["_more_changes"] = True
        return rows

    def _check_histories(self, numbers: Set[int]) -> None:
        if self.poisoned & numbers:
            raise RefusalError(500, "Internal server error")
        if self.too_long & numbers:
            raise ProtocolError("The answer is too long (a fault of the fake).")

    def _get_change(self, request: Request, ident: str) -> Json:
        return self._info(self._change(ident), self._options(request))

    def _get_messages(self, request: Request, ident: str) -> List[Json]:
        return self._change(ident).messages

    def _get_comments(self, request: Request, ident: str) -> Dict[str, List[Json]]:
        comments = self._change(ident).comments
        return {"/PATCHSET_LEVEL": comments} if comments else {}

    def _get_hashtags(self, request: Request, ident: str) -> List[str]:
        return self._change(ident).hashtags

    def _get_votes(self, request: Request, ident: str) -> Dict[str, int]:
        votes = self._change(ident).votes
        return {label: value for (label, who), value in votes.items() if who == self.me and value}

    def _get_related(self, request: Request, ident: str, revision: str) -> Json:
        own = self.changes[self._change(ident).number]
        chain = [self._link(one, one.patch_set) for one in (*self._above(own), own)]
        above, below = own, self._below(own)
        # What was deleted is a commit without a change; what may not be seen ends the chain.
        while below is not None and not below.hidden:
            chain.append(self._link(below, above.parent_patch_set or below.patch_set))
            above, below = below, self._below(below)
        return {"changes": chain if len(chain) > 1 else []}

    def _below(self, change: FakeChange) -> Optional[FakeChange]:
        return None if change.parent is None else self.changes.get(change.parent)

    def _link(self, change: FakeChange, patch_set: int) -> Json:
        """A ``RelatedChangeAndCommitInfo``."""
        below = self._below(change)
        on = [] if below is None else [(below, change.parent_patch_set or below.patch_set)]
        return {
            "project": change.project,
            "change_id": change.change_id,
            "_change_number": change.number,
            "_revision_number": patch_set,
            "_current_revision_number": change.patch_set,
            "status": change.status,
            "commit": {
                "commit": change.commit_of(patch_set),
                "parents": [{"commit": one.commit_of(at)} for one, at in on],
            },
        }

    def _above(self, change: FakeChange) -> List[FakeChange]:
        """What is built on a change, farthest first."""
        children = [one for one in self.changes.values() if one.parent == change.number]
        farther = [one for child in children for one in self._above(child)]
        return [*farther, *children]

    def _get_commit(self, request: Request, ident: str, revision: str) -> Json:
        change = self._change(ident)
        footer = "".join(f"{line}\n" for line in change.footers)
        made_by = {"email": change.made_by or self.accounts[change.owner]["email"]}
        return {
            "subject": change.subject,
            "message": f"{change.subject}\n\n{footer}",
            "author": made_by,
            "committer": made_by,
        }

    def _post_hashtags(self, request: Request, ident: str) -> List[str]:
        change, body = self._change(ident), body_of(request)
        if not self.may_edit_hashtags:
            raise RefusalError(403, "edit hashtags not permitted")
        tags = (set(change.hashtags) | set(body.get("add", ()))) - set(body.get("remove", ()))
        told = _hashtags_told(tags, set(change.hashtags))
        if told:
            change.hashtags = sorted(tags)
            self._say(change, self.me, told, "autogenerated:gerrit:setHashtag", self.now)
        return change.hashtags

    def _post_reviewer(self, request: Request, ident: str) -> Json:
        change, body = self._change(ident), body_of(request)
        try:
            who = self._account(body["reviewer"])
        except RefusalError as err:
            error = f"{body['reviewer']} does not identify a registered user or group"
            told = {"input": body["reviewer"], "error": error}
            raise RefusalError(400, error, as_json=told) from err
        result: Json = {"input": body["reviewer"]}
        if change.reviewers.get(who) != body["state"]:
            change.reviewers[who] = body["state"]
            self._commit(change, self.now)
            result["ccs" if body["state"] == "CC" else "reviewers"] = [self.accounts[who]]
        return result

    def _post_review(self, request: Request, ident: str, revision: str) -> Json:
        change, body = self._change(ident), body_of(request)
        self._check_review(change, revision, body)
        labels = {
            name: value
            for name, value in body.get("labels", {}).items()
            if name in self.labels and self.labels[name][0] <= value <= self.labels[name][1]
        }
        for one in body.get("reviewers", ()):
            change.reviewers[self._account(one["reviewer"])] = one["state"]
        there = {*change.reviewers, change.owner, change.uploader}
        for one in body.get("add_to_attention_set", ()):
            # Whoever does not exist, or is not on the change, is left out without a word.
            if int(one["user"]) in there:
                change.attention[int(one["user"])] = one["reason"]
        change.wip = change.wip and not body.get("ready", False)
        comments = body.get("comments", {}).get("/PATCHSET_LEVEL", [{"message": ""}])
        text, comment = body.get("message", "").strip(), comments[0]["message"]
        if text or comment or labels:
            tag = body.get("tag", "")
            self.review(change.number, self.me, text, labels, tag=tag, comment=comment)
        attention = {str(who): {"reason": why} for who, why in change.attention.items()}
        told: Json = {"change_info": {"attention_set": attention}} if self.tells_change else {}
        return {**told, "labels": labels} if "labels" in body else told

    def _check_review(self, change: FakeChange, revision: str, body: Json) -> None:
        if revision not in (change.revision, "current"):
            raise RefusalError(404, f"Not found: {revision}")
        for name, value in body.get("labels", {}).items():
            if name in self.restricted:
                raise RefusalError(403, f'Applying label "{name}": {value} is restricted')
            if change.status != "NEW":
                raise RefusalError(409, "change is closed")
        unknown = {}
        for one in body.get("reviewers", ()):
            if not one["reviewer"].isdigit() or int(one["reviewer"]) not in self.accounts:
                error = f"{one['reviewer']} does not identify a registered user or group"
                unknown[one["reviewer"]] = {"input": one["reviewer"], "error": error}
        if unknown:
            told = {"reviewers": unknown, "error": "error adding reviewer"}
            raise RefusalError(400, "error adding reviewer", as_json=told)

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
        change.commits.append(_sha("meta", change.project, change.number, len(change.commits)))
        change.updated = max(change.updated, when)
        return change.meta_rev_id

    def _change(self, ident: str) -> FakeChange:
        project, _, number = ident.rpartition("~")
        found = [self.changes.get(one * int(number)) for one in (1, -1)] if number.isdigit() else []
        there = [one for one in found if one and not one.hidden and project in ("", one.project)]
        if len(there) != 1:
            raise RefusalError(404, f"Not found: {ident}")
        return there[0]

    def _found(self, ident: str) -> int:
        """As ``AccountResolver`` does: an id; else, among the active ones, what is exactly that, or
        at last what begins so, if that leaves one.
        """
        if ident.isdigit():
            return self._account(ident)
        active = {n: one for n, one in self.accounts.items() if "inactive" not in one}
        exact = [n for n, one in active.items() if ident in (one["username"], one["email"])]
        exact += [n for n in active if self.shows_emails and self.second_emails.get(n) == ident]
        exact += [n for n, one in active.items() if ident == one["name"]]
        words = {n: (one["username"], *one["name"].split()) for n, one in active.items()}
        begun = ident.lower()
        loose = [n for n in active if any(word.lower().startswith(begun) for word in words[n])]
        for found in (exact[:1], loose):
            if len(found) == 1:
                return found[0]
        raise RefusalError(404, f"Account '{ident}' not found")

    def _shown(self, number: int) -> Json:
        info = self.accounts[number]
        if self.shows_usernames:
            return info
        return {key: value for key, value in info.items() if key != "username"}

    def _account(self, ident: str) -> int:
        for number, info in self.accounts.items():
            if ident in (str(number), info["username"], info["email"]):
                return number
        raise RefusalError(404, f"Account '{ident}' not found")

    def _options(self, request: Request) -> List[str]:
        options = [value for key, value in request.params if key == "o"]
        mine = tuple(int(part) for part in self.version.split("-")[0].split(".")[:2])
        for option in options:
            if mine < _YOUNG.get(option, (0, 0)):
                raise RefusalError(400, f'"{option}" is not a valid value for "-o"')
        return options

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
        if "MESSAGES" in options:
            info["messages"] = list(change.messages)
        if "CURRENT_REVISION" in options:
            info["current_revision"] = change.revision
            info["revisions"] = {change.revision: {"_number": change.patch_set}}
        return info

    def _votes_and_reviewers(self, change: FakeChange) -> Json:
        labels: Json = {name: {"all": []} for name in self.labels}
        for (name, who), value in change.votes.items():
            labels[name]["all"].append({**self.accounts[who], "value": value})
        people: Json = {}
        for who, state in change.reviewers.items():
            people.setdefault(state, []).append(self.accounts[who])
        return {"labels": labels, "reviewers": people}


_CHANGE = "/changes/([^/]+)"
_ROUTES = (
    ("GET", "/config/server/version", "_get_version"),
    ("GET", "/accounts/self", "_get_self"),
    ("GET", "/accounts/self/capabilities", "_get_capabilities"),
    ("GET", "/accounts/", "_query_accounts"),
    ("GET", "/accounts/([^/]+)/detail", "_get_account"),
    ("GET", "/accounts/([^/]+)/emails", "_get_emails"),
    ("GET", "/groups/([^/]+)/members/", "_get_members"),
    ("GET", "/changes/", "_query"),
    ("GET", _CHANGE, "_get_change"),
    ("GET", f"{_CHANGE}/messages", "_get_messages"),
    ("GET", f"{_CHANGE}/comments", "_get_comments"),
    ("GET", f"{_CHANGE}/hashtags", "_get_hashtags"),
    ("GET", f"{_CHANGE}/reviewers/self/votes", "_get_votes"),
    ("GET", f"{_CHANGE}/revisions/([^/]+)/related", "_get_related"),
    ("GET", f"{_CHANGE}/revisions/([^/]+)/commit", "_get_commit"),
    ("POST", f"{_CHANGE}/hashtags", "_post_hashtags"),
    ("POST", f"{_CHANGE}/reviewers", "_post_reviewer"),
    ("POST", f"{_CHANGE}/revisions/([^/]+)/review", "_post_review"),
)


def _upload_tag(wip: bool) -> str:
    return f"autogenerated:gerrit:{'newWipPatchSet' if wip else 'newPatchSet'}"


def _hashtags_told(now: Set[str], before: Set[str]) -> str:
    """What the server says of a change of hashtags, such as ``Hashtag added: escalated``."""
    lines = []
    for verb, tags in (("added", sorted(now - before)), ("removed", sorted(before - now))):
        if tags:
            lines.append(f"Hashtag{'s' * (len(tags) > 1)} {verb}: {', '.join(tags)}")
    return "\n".join(lines)


def body_of(request: Request) -> Json:
    """A request's JSON; empty where it has none."""
    value: Json = json.loads(request.body or b"{}")
    return value


def _json_response(status: int, value: Any) -> Response:
    text = ")]}'\n" + json.dumps(value)
    return Response(status, {"content-type": "application/json; charset=UTF-8"}, text.encode())


def _sha(*parts: object) -> str:
    return hashlib.sha1("/".join(map(str, parts)).encode()).hexdigest()
