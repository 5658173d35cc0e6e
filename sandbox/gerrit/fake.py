"""A small Gerrit in memory, behind the client's own ``Transport``: it keeps what it is told.

It answers the endpoints that the client uses, in the server's words (3.10) as far as the tests of
this pack need them, and plays faults. What it says was checked against a real server, and
``test_gerrit_real.py`` goes on checking the client against one.

    fake = FakeGerrit()
    number = fake.add_change(subject="Languishing")
    fake.advance(days=2)
    client = fake.client()

Why over 300 lines: one method for each of the server's endpoints.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta
from email.utils import format_datetime
from typing import Any, Callable, Dict, List, Sequence, Set, Tuple
from urllib.parse import unquote

from reviewloop.errors import AmbiguousError, ProtocolError, TemporaryError
from reviewloop.gerrit.client import Client
from reviewloop.http.messages import Request, Response
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from sandbox.gerrit.fake_about import About
from sandbox.gerrit.fake_chain import related_changes
from sandbox.gerrit.fake_faults import Faults
from sandbox.gerrit.fake_query import Moment, RefusalError, parse_query
from sandbox.gerrit.fake_world import FakeChange, Json, World

URL = "https://gerrit.example.org"
PASSWORD = "known-only-to-tests"

Route = Tuple[str, str, str]

# Options a server of this version does not know yet; it answers 400 to them.
_YOUNG = {
    "SUBMIT_REQUIREMENTS": (3, 5),
    "CUSTOM_KEYED_VALUES": (3, 9),
    "PARENTS": (3, 9),
    "STAR": (3, 9),
}


class FakeGerrit(World, Faults, About, Transport):
    """The server. Its clock stands still until told otherwise.

    ``me`` is the account whose requests arrive. ``seen`` lists the requests as
    ``METHOD /path?query`` (unquoted); ``slept`` what clients waited.
    """

    def __init__(self, now: Moment = "2026-03-02 09:00:00", version: str = "3.10.2") -> None:
        super().__init__(now, version)
        Faults.__init__(self)
        About.__init__(self)
        self.requests: List[Request] = []
        self.seen: List[str] = []
        self.slept: List[float] = []
        self.before_send: Callable[[Request], None] = lambda _request: None
        self.sends_date = True
        # How far the clock in `Date` is ahead of the one by which changes are dated.
        self.date_ahead = timedelta(0)
        self.accepts_password = True
        self.page_limit = 500
        # Changes whose history makes an answer longer than a client takes.
        self.too_long: Set[int] = set()
        # Changes whose history the server fails to answer.
        self.poisoned: Set[int] = set()
        self.shows_emails = False
        self.tells_change = True

    def client(self, username: str = "st2-reviews", **kwargs: Any) -> Client:
        """A client of this server that waits without waiting; ``username=""`` reads anonymously."""
        password = PASSWORD if username else ""
        timing = Timing(monotonic=lambda: 0.0, sleep=self.slept.append, jitter=lambda: 0.5)
        return Client(URL, username, password, transport=self, **{"timing": timing, **kwargs})

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
        terms = re.findall(r'(?:(username|email):"([^"]*)"|\b(\d+)\b)', query)
        assert terms, query
        keys = ("username", "email", "_account_id")
        wanted = {(key or keys[2], (text or number).casefold()) for key, text, number in terms}
        found = [
            number
            for number, one in self.accounts.items()
            if any((key, str(one[key]).casefold()) in wanted for key in keys)
        ]
        inactive = "is:inactive" in query
        return [self._shown(n) for n in found if inactive or "inactive" not in self.accounts[n]]

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
        rows = [
            self._row_as_indexed(one, self._info(one, options), options)
            for one in visible[start:][:size]
        ]
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
        return related_changes(self.changes, self._change(ident))

    def _get_commit(self, request: Request, ident: str, revision: str) -> Json:
        change = self._change(ident)
        made_by = {"email": change.made_by or self.accounts[change.owner]["email"]}
        return {
            "subject": change.subject,
            "message": change.commit_message,
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


_CHANGE = "/changes/([^/]+)"
_ROUTES = (
    ("GET", "/config/server/version", "_get_version"),
    ("GET", "/config/server/info", "_get_info"),
    ("GET", "/accounts/self/tokens", "_get_tokens"),
    ("GET", "/accounts/self", "_get_self"),
    ("GET", "/accounts/self/capabilities", "_get_capabilities"),
    ("GET", "/accounts/", "_query_accounts"),
    ("GET", "/projects/([^/]+)/check.access", "_check_access"),
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
    text = ")]}'\n" + json.dumps(value) + "\n"
    return Response(status, {"content-type": "application/json; charset=UTF-8"}, text.encode())
