"""Jira, on Atlassian's Cloud and as Data Center or Server: REST version 2 with wiki markup on both.

Relies on https://developer.atlassian.com/cloud/jira/platform/rest/v2/ and
https://docs.atlassian.com/software/jira/docs/api/REST/9.12.0/, and on these habits:

- The key is a label. A screen without the field Labels refuses the whole creation (400, "cannot be
  set"), so a key is never lost without a word.
- A listing comes from an index that lags, some seconds as a rule, a minute at worst: Cloud promises
  no more (…/cloud/jira/platform/search-and-reconcile), and each node of a cluster polls for the
  others' changes every five seconds ("Jira Data Center search indexing"). So ticketing waits
  for its own ticket (``lag``), and :meth:`Jira.find` reads from the database what the index names.
  Cloud's ``reconcileIssues`` would show the ids that we know of at once and those of other runs no
  sooner: with it a run would see its own ticket and miss the twin.
- Cloud takes a wrong mail and token for an anonymous visitor: searches answer 200 with nothing, and
  issues 404. Only ``/myself`` says 401.
- An issue that was moved answers to its old key too, without a redirect.
- A status is reached by a transition only, and each workflow has its own.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Set, Tuple
from urllib.parse import urlsplit

from reviewloop.core.keys import KEY_PATTERN
from reviewloop.errors import (
    AmbiguousError,
    AuthError,
    ConfigError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.base import (
    HTTP_GONE,
    HTTP_NOT_FOUND,
    SHARED_LABEL,
    CloseReason,
    Comment,
    Draft,
    Form,
    Option,
    State,
    Ticket,
    Tracker,
    TrackerSettings,
    check_settings,
    checked_url,
)
from reviewloop.trackers.http import FORBIDDEN, Http

API = "/rest/api/2"
GATEWAY = "api.atlassian.com"
"""Where Cloud takes tokens with scopes: ``https://api.atlassian.com/ex/jira/<cloud id>``."""
CLOUD_LAG = 60.0
CLUSTER_LAG = 15.0
"""Three polls of a cluster's node."""
PAGE = 100
INSTANT = "%Y-%m-%dT%H:%M:%S.%f%z"
FIELDS = "summary,status,resolution,assignee,labels,created,updated,resolutiondate"
HTTP_BAD_REQUEST = 400
HTTP_UNPROCESSABLE = 422
DONE = "done"
"""The key of the category of all statuses that end an issue; names are translated, keys are not."""

_ISSUE_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*-[0-9]+")
_ACCOUNT_ID = re.compile(r"[0-9a-f]{24}|[0-9]+:[0-9a-f-]{36}")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ADVICE = {
    "labels": "Put the field Labels on the project's create and edit screens: the key is a label.",
    "assignee": "Give the pack's account 'Assign Issues' and the person 'Assignable User' in the "
    "project, and put the field Assignee on its create screen.",
    "project": "Check tracker.project, and give the pack's account 'Browse Projects' and 'Create "
    "Issues' there.",
    "issuetype": "Set tracker.options.issue_type to a type of the project, by name or number.",
}


@dataclass(frozen=True)
class Issue(Ticket):
    """A ticket that also knows by which names its assignee goes, without case."""

    holder: FrozenSet[str] = frozenset()


class Jira(Tracker):
    """Issues of one project (``tracker.project``: its key)."""

    kind = "jira"
    body_format = BodyFormat.JIRA_WIKI
    forms = {"project": Form(re.compile(r"[A-Z][A-Z0-9_]*"), "the project's key, as in ABC-1")}
    options = {
        "flavour": Option(
            "Which Jira: auto takes an atlassian.net address or a mail address in tracker.username "
            "for Cloud, and anything else for a server of your own.",
            "server",
            "auto",
            form=Form(re.compile("auto|cloud|server"), "auto, cloud or server"),
        ),
        "web": Option(
            "The address people open, where tracker.url is Atlassian's gateway for scoped tokens.",
            "https://your-domain.atlassian.net",
        ),
        "issue_type": Option("Type of the issues, by name or number.", "Task", "Task"),
        "fields": Option(
            "More fields for every new issue, as the JSON that Jira's REST interface takes.",
            '{"components": [{"name": "Review"}]}',
        ),
        "close": Option(
            "Transition that closes, by its own name or its status's. Left out: the first into a "
            "status of the category Done that is none of tracker.wont_fix.",
            "Resolve Issue",
        ),
        "reopen": Option(
            "Transition that reopens, likewise. Left out: into a status of the category To Do, "
            "else the first into one that is not of the category Done.",
            "Reopen Issue",
        ),
        "resolution": Option(
            "Resolution of what was reviewed, where the closing transition's screen asks for one; "
            "the first of these that it offers.",
            "Done",
            "Done, Fixed, Resolved",
        ),
        "wont_do": Option(
            "The same for what is no longer wanted.", "Won't Do", "Won't Do, Won't Fix, Declined"
        ),
        "duplicate": Option(
            "The same for an issue opened twice; also the type of its link.",
            "Duplicate",
            "Duplicate",
        ),
    }
    drops_hint = "Jira's workflow or automation rules may change what is set at creation."
    body_limit = 32_000
    """Jira refuses more than 32,767 by default (``jira.text.field.character.limit``)."""

    def __init__(
        self,
        settings: TrackerSettings,
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        check_settings(type(self), settings)
        base = checked_url(settings.url)
        parts = urlsplit(base)
        self._settings = settings
        self._cloud = _is_cloud(settings, parts.hostname or "")
        self.lag = CLOUD_LAG if self._cloud else CLUSTER_LAG
        self._web = checked_url(self._option("web") or base)
        self._place = f"{self.kind}:{parts.netloc}{parts.path}/{settings.project}"
        self._fields = _more_fields(self._option("fields"))
        self._found: Dict[str, str] = {}
        self._http = Http(
            base + API,
            {"Authorization": _authorization(settings), "Accept": "application/json"},
            verify=settings.tls,
            remedy=self._remedy,
            timing=timing,
            transport=transport,
        )

    @property
    def name(self) -> str:
        """``jira:<host><path>/<project>``."""
        return self._place

    def whoami(self) -> str:
        """Our account's name, from the one call that Cloud never answers anonymously."""
        try:
            told = parse.mapping(self._http.read("/myself").data, "our account")
        except RefusedError as err:
            if err.status != FORBIDDEN:
                raise
            raise AuthError(
                f"{urlsplit(self._web).netloc} refuses to log us in (403).",
                "Check tracker.token and tracker.username: Cloud wants the mail address of the "
                "token's account. A server asks for a CAPTCHA after wrong attempts: log in there "
                "once with a browser as that account.",
            ) from err
        return _shown(told, self._cloud)

    @parse.understood
    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - one key has few issues
    ) -> Tuple[Ticket, ...]:
        """The project's issues with the key as a label, each as the database has it."""
        rows = self._search(f"labels = {json.dumps(key)}")
        read = (self._unless_gone(str(parse.at(row, "key", "an issue"))) for row in rows)
        tickets = (ticket for ticket in read if ticket is not None and ticket.key == key)
        return tuple(sorted(tickets, key=lambda ticket: ticket.number))

    @parse.understood
    def list_open(self) -> Tuple[Ticket, ...]:
        """The project's open issues with the shared label and a key."""
        # By number, since the names of categories are translated: 3 is Done.
        rows = self._search(f'labels = "{SHARED_LABEL}" AND statusCategory != 3')
        tickets = (self._ticket(row) for row in rows)
        mine = (ticket for ticket in tickets if ticket.key and ticket.is_open)
        return tuple(sorted(mine, key=lambda ticket: ticket.number))

    def read(self, ticket_id: str) -> Ticket:
        """One issue by its key, which may be the one it had before it was moved."""
        return self._ticket(self._http.read(_issue(ticket_id), {"fields": FIELDS}).data)

    def create(self, draft: Draft) -> Ticket:
        """Create an issue whose labels are the key and the draft's."""
        kind = self._option("issue_type")
        fields: Dict[str, Any] = {
            **self._fields,
            "project": {"key": self._settings.project},
            "issuetype": {"id": kind} if kind.isdigit() else {"name": kind},
            "summary": fmt.title(draft.title, self.title_limit),
            "description": fmt.seal(draft.body, draft.key, self.body_format, self.body_limit),
            "labels": [*draft.labels, draft.key],
        }
        if draft.assignee:
            fields["assignee"] = self._account(draft.assignee)
        told = self._write("POST", "/issue", {"fields": fields})
        try:
            number, issue = (str(parse.at(told, name, "the new issue")) for name in ("id", "key"))
            return Ticket(
                id=_checked(issue),
                number=int(number),
                url=self._url(issue),
                key=draft.key,
                title=fields["summary"],
                state=State.OPEN,
                labels=draft.labels,
            )
        except (ProtocolError, RefusedError, ValueError) as err:
            raise AmbiguousError(
                "Jira's answer to a creation is not understood.",
                "The next run looks before it writes.",
            ) from err

    @parse.understood
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All comments of an issue."""
        rows = self._pages(f"{_issue(ticket_id)}/comment", {"orderBy": "created"}, "comments")
        return tuple(
            Comment(
                str(row["id"]), str(row.get("body") or ""), _shown(row.get("author"), self._cloud)
            )
            for row in rows
        )

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a comment; Jira takes them on closed issues too."""
        self._write("POST", f"{_issue(ticket_id)}/comment", {"body": text})

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Take an issue through the transition that ends it."""
        why = "resolution" if reason is CloseReason.COMPLETED else "wont_do"
        self._move(ticket_id, "close", why)

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Close an issue, take the key off it and link the one that stays.

        Closed first: cut off after that, an issue that is closed does no harm with its key still
        on; one that is open without a key nobody would look for again.
        """
        ticket = self._move(ticket_id, "close", "duplicate")
        if ticket.key:
            self._unlabelled(ticket_id, ticket.key)
        self._link(ticket_id, keep)

    def reopen(self, ticket_id: str) -> None:
        """Take a closed issue through the transition that opens it again."""
        self._move(ticket_id, "reopen")

    def assign(self, ticket_id: str, who: str) -> None:
        """Replace the assignee; Jira has one."""
        self._write("PUT", f"{_issue(ticket_id)}/assignee", self._account(who))

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """By any name of the assignee; Cloud may hide a mail address, which is then looked up."""
        holder = ticket.holder if isinstance(ticket, Issue) else frozenset()
        if who.casefold() in holder:
            return True
        if not (self._cloud and holder and "@" in who):
            return False
        try:
            return self._account(who)["accountId"].casefold() in holder
        except RefusedError:
            return False

    # -- statuses ------------------------------------------------------------------------------

    def _move(self, ticket_id: str, option: str, why: str = "") -> Ticket:
        """Close or reopen an issue that is not so yet; the issue as it was before.

        Another run may do the same at this moment. So the transitions are listed before the status
        is read (those of a closed issue may lead to yet another ending), and a refusal counts only
        if the issue is not where it should be.
        """
        path, closes = f"{_issue(ticket_id)}/transitions", option == "close"
        told = self._http.read(path, {"expand": "transitions.fields"}).data
        listed = parse.sequence(parse.at(told, "transitions", "the answer"), "the transitions")
        ticket = self.read(ticket_id)
        if ticket.is_open is not closes:
            return ticket
        rows = [parse.mapping(row, "a transition") for row in listed]
        chosen = self._chosen(ticket_id, rows, option)
        body: Dict[str, Any] = {"transition": {"id": str(parse.at(chosen, "id", "a transition"))}}
        resolution = self._resolution(chosen, why) if closes else ""
        if resolution:
            body["fields"] = {"resolution": {"name": resolution}}
        try:
            self._write("POST", path, body)
        except RefusedError:
            if self.read(ticket_id).is_open is closes:
                raise
        return ticket

    def _chosen(self, ticket_id: str, rows: List[Dict[str, Any]], option: str) -> Dict[str, Any]:
        """The transition to take."""
        closes, wanted = option == "close", self._option(option).casefold()
        fitting = [row for row in rows if (_category(row.get("to")) == DONE) is closes]
        if wanted:
            fitting = [row for row in fitting if wanted in _names(row)]
        elif closes:
            unwanted = {word.casefold() for word in self._settings.wont_fix}
            fitting = [row for row in fitting if not unwanted & _names(row)]
        else:
            fitting.sort(key=lambda row: _category(row.get("to")) != "new")
        if fitting:
            return fitting[0]
        there = ", ".join(f"{row.get('name')!r} to {_name(row.get('to'))!r}" for row in rows)
        leads = "to a status of the category Done" if closes else "out of the category Done"
        named = f" called {self._option(option)!r}" if wanted else ""
        raise ConfigError(
            f"{ticket_id} has no transition{named} {leads}; there are: {there or 'none'}.",
            f"Set tracker.options.{option} to one that leads there; if there are none, give the "
            "pack's account 'Transition Issues' in the project.",
        )

    def _resolution(self, chosen: Mapping[str, Any], why: str) -> str:
        """The resolution to set; empty where the transition's screen does not ask for one."""
        screen = parse.mapping(chosen.get("fields") or {}, "a screen")
        if "resolution" not in screen:
            return ""
        words = [w.strip() for w in f"{self._option(why)},{self._option('resolution')}".split(",")]
        values = parse.mapping(screen["resolution"], "a field").get("allowedValues") or ()
        offered = {_name(value).casefold(): _name(value) for value in values}
        for word in words:
            if word.casefold() in offered:
                return offered[word.casefold()]
        raise ConfigError(
            f"The transition {chosen.get('name')!r} wants a resolution and offers "
            f"{', '.join(offered.values()) or 'none'}.",
            f"Set tracker.options.{why} to one of them.",
        )

    def _unlabelled(self, ticket_id: str, key: str) -> None:
        try:
            self._write("PUT", _issue(ticket_id), {"update": {"labels": [{"remove": key}]}})
        except RefusedError as err:
            if self.read(ticket_id).key != key:
                return  # Another run was faster.
            raise RefusedError(
                err.message,
                f"Take the label {key} off {ticket_id} by hand. So that this is not needed: give "
                "the pack's account 'Edit Issues', put Labels on the edit screen, and set "
                "tracker.options.close to a transition whose status can be edited.",
                err.status,
                err.told,
            ) from err

    def _link(self, ticket_id: str, keep: Ticket) -> None:
        """Link two issues where they can be linked; the comment names the other one anyway."""
        wanted = self._option("duplicate").casefold()
        try:
            told = parse.at(self._http.read("/issueLinkType").data, "issueLinkTypes", "the answer")
            for name in (_name(one) for one in parse.sequence(told, "the types of links")):
                if name.casefold() == wanted:
                    # The inward issue is the one that "duplicates" the outward one.
                    ends = {"inwardIssue": {"key": ticket_id}, "outwardIssue": {"key": keep.id}}
                    self._http.write("POST", "/issueLink", {"type": {"name": name}, **ends})
                    return
        except (RefusedError, TemporaryError, AuthError):
            return  # Without 'Link Issues' Jira answers 401, though the credential is good.

    # -- people --------------------------------------------------------------------------------

    def _account(self, who: str) -> Dict[str, str]:
        """A person as Jira takes one: by login on a server, by account id on Cloud."""
        if not self._cloud:
            return {"name": who}
        if _ACCOUNT_ID.fullmatch(who):
            return {"accountId": who}
        if who not in self._found:
            self._found[who] = self._looked_up(who)
        return {"accountId": self._found[who]}

    def _looked_up(self, who: str) -> str:
        """The account of a mail address or of a whole display name, if there is just one."""
        query = {"project": self._settings.project, "query": who, "maxResults": PAGE}
        told = parse.sequence(self._http.read("/user/assignable/search", query).data, "the people")
        rows = [parse.mapping(row, "a person") for row in told]
        exact = [row for row in rows if who.casefold() in _holder(row)]
        # Jira finds by the hidden mail address as well, and does not show it.
        hidden = [row for row in rows if "@" in who and not row.get("emailAddress")]
        fitting = exact or hidden
        if len(fitting) != 1:
            raise RefusedError(
                f"{len(fitting) or 'no'} people who may be assigned in {self._settings.project} "
                f"go by {who!r}.",
                "Write the account id, mail address or whole name under roster.members[].tracker, "
                "and give the person 'Assignable User' in the project.",
                HTTP_UNPROCESSABLE,
            )
        return str(parse.at(fitting[0], "accountId", "a person"))

    # -- listings ------------------------------------------------------------------------------

    def _search(self, clause: str) -> List[Dict[str, Any]]:
        jql = f'project = "{self._settings.project}" AND {clause} ORDER BY key ASC'
        if not self._cloud:
            return self._pages("/search", {"jql": jql, "fields": FIELDS}, "issues")
        params: Dict[str, Any] = {"jql": jql, "fields": FIELDS, "maxResults": PAGE}
        rows: List[Dict[str, Any]] = []
        seen: Set[str] = set()
        while True:
            told = parse.mapping(self._http.read("/search/jql", params).data, "a listing")
            page = parse.sequence(parse.at(told, "issues", "a listing"), "a listing")
            rows += [parse.mapping(row, "an issue") for row in page]
            token = told.get("nextPageToken")
            if not token or told.get("isLast") is True:
                return rows
            if token in seen:
                raise parse.misread("a listing", "names a next page that was read already")
            seen.add(token)
            params["nextPageToken"] = token

    def _pages(self, path: str, params: Mapping[str, Any], name: str) -> List[Dict[str, Any]]:
        """All rows of a listing by offset, read again where it moved meanwhile."""
        return parse.steady(lambda: self._unmoved(path, params, name), self._place)

    def _unmoved(
        self, path: str, params: Mapping[str, Any], name: str
    ) -> Optional[List[Dict[str, Any]]]:
        """All rows; None if some may have been missed.

        Each page begins with the last row of the one before: what leaves the listing in front
        moves the rest up, and that row would be another then.
        """
        rows: List[Dict[str, Any]] = []
        while True:
            place = {"startAt": max(len(rows) - 1, 0), "maxResults": PAGE}
            told = parse.mapping(self._http.read(path, {**params, **place}).data, "a listing")
            listed = parse.sequence(parse.at(told, name, "a listing"), "a listing")
            page = [parse.mapping(row, "a row of a listing") for row in listed]
            ids = [str(parse.at(row, "id", "a row of a listing")) for row in page]
            if rows and ids[:1] != [str(rows[-1]["id"])]:
                return None
            fresh = page[1:] if rows else page
            rows += fresh
            if len(rows) >= int(parse.at(told, "total", "a listing")):
                return rows
            if not fresh:
                return None

    def _unless_gone(self, issue: str) -> Optional[Ticket]:
        try:
            return self.read(issue)
        except RefusedError as err:
            if err.status not in (HTTP_NOT_FOUND, HTTP_GONE):
                raise
            return None

    # -- parts ---------------------------------------------------------------------------------

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Write, with advice by the fields that a refusal names."""
        try:
            return self._http.write(method, path, body).data
        except RefusedError as err:
            advice = _advice(err.told)
            if not advice:
                raise
            raise RefusedError(err.message, advice, err.status, err.told) from err

    def _option(self, name: str) -> str:
        return self._settings.option(name, self.options)

    def _url(self, issue: str) -> str:
        return f"{self._web}/browse/{issue}"

    @parse.understood
    def _ticket(self, told: Any) -> Issue:
        issue = _checked(str(parse.at(told, "key", "an issue")))
        row = parse.mapping(parse.at(told, "fields", "an issue"), "an issue's fields")
        closed = _category(parse.at(row, "status", "an issue")) == DONE
        labels = tuple(str(label) for label in row.get("labels") or ())
        keys = [label for label in labels if KEY_PATTERN.fullmatch(label)]
        name = _shown(row.get("assignee"), self._cloud)
        ended = row.get("resolutiondate") or row.get("updated")
        return Issue(
            id=issue,
            number=_number(parse.at(told, "id", "an issue")),
            url=self._url(issue),
            key=keys[0] if keys else None,
            title=str(row.get("summary") or ""),
            state=State.CLOSED if closed else State.OPEN,
            resolution=self._word(row) if closed else "",
            assignees=(name,) if name else (),
            labels=tuple(label for label in labels if label not in keys),
            opened_at=parse.instant(row.get("created"), INSTANT),
            closed_at=parse.instant(ended, INSTANT) if closed else None,
            holder=_holder(row.get("assignee")),
        )

    def _word(self, row: Mapping[str, Any]) -> str:
        """The resolution, or the status where that is what says "leave us alone": projects without
        resolutions of their own have every ending as Done.
        """
        words = [_name(row.get("resolution")), _name(row.get("status"))]
        unwanted = {word.casefold() for word in self._settings.wont_fix}
        return next((word for word in words if word.casefold() in unwanted), words[0] or words[1])

    def _remedy(self, status: int) -> str:
        project = self._settings.project
        if status == HTTP_GONE:
            return "This Jira is on Atlassian's Cloud: set tracker.options.flavour to cloud."
        if status == HTTP_NOT_FOUND:
            return (
                f"Check tracker.url, tracker.project ({project}) and tracker.options.flavour; the "
                "pack's account needs 'Browse Projects' there."
            )
        if status == FORBIDDEN:
            return (
                f"Give the pack's account these permissions in {project} (tracker.project): Browse "
                "Projects, Create, Edit, Assign, Transition and Link Issues, Add Comments."
            )
        if status == HTTP_BAD_REQUEST:
            return f"Check that tracker.project ({project}) is there and may be seen by the token."
        return ""


def _is_cloud(settings: TrackerSettings, host: str) -> bool:
    flavour = settings.option("flavour", Jira.options)
    at_atlassian = host == GATEWAY or host.endswith(".atlassian.net")
    cloud = flavour == "cloud" or (flavour == "auto" and (at_atlassian or "@" in settings.username))
    if cloud and not settings.username and host != GATEWAY:
        raise ConfigError(
            "tracker.username is missing: Jira Cloud wants the token's mail address there.",
            "Set it, or tracker.options.flavour to server if this is no Cloud.",
        )
    return cloud


def _authorization(settings: TrackerSettings) -> str:
    if not settings.username:
        return f"Bearer {settings.token}"
    pair = f"{settings.username}:{settings.token}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


def _more_fields(text: str) -> Dict[str, Any]:
    try:
        fields = json.loads(text or "{}")
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise ConfigError(
            "tracker.options.fields is no JSON object.",
            f"Write it as {Jira.options['fields'].example}.",
        )
    return fields


def _advice(told: Any) -> str:
    """What to do about the fields that a refusal names; empty where it names none."""
    errors = told.get("errors") if isinstance(told, dict) else None
    names = [name for name in errors if _FIELD.fullmatch(name)] if isinstance(errors, dict) else []
    for name in names:
        if name in _ADVICE:
            return _ADVICE[name]
    if not names:
        return ""
    return (
        f"Jira wants something of {', '.join(names)}: for a new issue give it in "
        "tracker.options.fields; for a change of status take another transition, in "
        "tracker.options.close or reopen."
    )


def _issue(ticket_id: str) -> str:
    return f"/issue/{_checked(ticket_id)}"


def _checked(issue: str) -> str:
    if not _ISSUE_KEY.fullmatch(issue):
        raise RefusedError(f"{issue[:60]!r} is no key of an issue.", status=HTTP_NOT_FOUND)
    return issue


def _number(told: Any) -> int:
    if not str(told).isdigit():
        raise parse.misread("an issue's id", f"is {str(told)[:40]!r}")
    return int(told)


def _name(told: Any) -> str:
    """The name of a status, resolution or transition; empty where there is none."""
    return str(told.get("name") or "") if isinstance(told, dict) else ""


def _names(transition: Mapping[str, Any]) -> Set[str]:
    """What a transition may be called by: its own name, and its status's."""
    return {str(transition.get("name")).casefold(), _name(transition.get("to")).casefold()}


def _category(status: Any) -> str:
    """The key of a status's category: new, indeterminate or done."""
    category = parse.at(status, "statusCategory", "a status")
    return str(parse.at(category, "key", "a status's category"))


def _shown(person: Any, cloud: bool) -> str:
    """How a person is called: by login on a server, by display name on Cloud."""
    if not isinstance(person, dict):
        return ""
    names = ("displayName", "accountId") if cloud else ("name",)
    return next((str(person[name]) for name in names if person.get(name)), "")


def _holder(person: Any) -> FrozenSet[str]:
    """Every name of a person, without case."""
    if not isinstance(person, dict):
        return frozenset()
    names = ("accountId", "name", "emailAddress", "displayName")
    return frozenset(str(person[name]).casefold() for name in names if person.get(name))
