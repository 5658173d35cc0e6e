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

import json
import re
from dataclasses import replace
from datetime import datetime
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from reviewloop.errors import AmbiguousError, AuthError, ProtocolError, RefusedError, TemporaryError
from reviewloop.http import codes
from reviewloop.http.credentials import basic
from reviewloop.http.messages import whole_number
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.jira.issues import Issue, Issues, checked
from reviewloop.trackers.adapters.jira.listings import FIELDS, Listings
from reviewloop.trackers.adapters.jira.people import People, shown
from reviewloop.trackers.adapters.jira.settings import (
    OPTIONS,
    advice,
    is_cloud,
    more_fields,
    remedy,
)
from reviewloop.trackers.adapters.jira.setup import shortfalls
from reviewloop.trackers.adapters.jira.workflow import Workflow
from reviewloop.trackers.rest import LOOK_FIRST, RestTracker, member, open_with_key, with_key
from reviewloop.trackers.settings import Form, checked_url
from reviewloop.trackers.tickets import SHARED_LABEL, CloseReason, Comment, Draft, Ticket

CLOUD_LAG = 60.0
CLUSTER_LAG = 15.0
"""Three polls of a cluster's node."""


class Jira(RestTracker):
    """Issues of one project (``tracker.project``: its key)."""

    kind = "jira"
    body_format = BodyFormat.JIRA_WIKI
    api_path = "/rest/api/2"
    forms = {"project": Form(re.compile(r"[A-Z][A-Z0-9_]*"), "the project's key, as in ABC-1")}
    options = OPTIONS
    drops_hint = "Jira's workflow or automation rules may change what is set at creation."
    body_limit = 32_000
    """Jira refuses more than 32,767 by default (``jira.text.field.character.limit``)."""

    def _begin(self) -> None:
        self._cloud = is_cloud(self._settings, urlsplit(self._web).hostname or "")
        self.lag = CLOUD_LAG if self._cloud else CLUSTER_LAG
        self._pages = checked_url(self._option("web") or self._web)
        self._fields = more_fields(self._option("fields"))
        self._identity = ""
        self._people = People(self._http, self._project, self._cloud)
        wont_fix = self._settings.wont_fix
        self._issues = Issues(self._people, self._pages, self._cloud, wont_fix)
        self._listings = Listings(self._http, self._project, self._place, self._cloud)
        self._workflow = Workflow(self._option, wont_fix)
        self._setup = lambda: shortfalls(self._http, self._project, self._option("issue_type"))
        self._lookup = self._people.assignable

    def _headers(self) -> Dict[str, str]:
        user, token = self._settings.username, self._settings.token
        return {"Authorization": basic(user, token) if user else f"Bearer {token}"}

    def account(self) -> str:
        """Our login or account id: anybody may take our display name."""
        if not self._identity:
            self.whoami()
        return self._identity

    def _who(self) -> str:
        """Our account's name, from the one call that Cloud never answers anonymously."""
        try:
            data = parse.mapping(self._http.read("/myself").data, "our account")
        except RefusedError as err:
            if err.status != codes.FORBIDDEN:
                raise
            raise AuthError(
                f"{urlsplit(self._pages).netloc} refuses to log us in (403).",
                "Check tracker.token and tracker.username: Cloud wants the mail address of the "
                "token's account. A server asks for a CAPTCHA after wrong attempts: log in there "
                "once with a browser as that account.",
            ) from err
        self._identity = self._people.identity(data)
        return shown(data, self._cloud)

    @parse.protocol_errors
    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - one key has few issues
    ) -> Tuple[Ticket, ...]:
        """The project's issues with the key as a label, each as the database has it."""
        rows = self._listings.search(f"labels = {json.dumps(key)}")
        read = (self._unless_gone(str(parse.required(row, "key", "an issue"))) for row in rows)
        return with_key(filter(None, read), key)

    @parse.protocol_errors
    def list_open(self) -> Tuple[Ticket, ...]:
        """The project's open issues with the shared label and a key."""
        # By number, since the names of categories are translated: 3 is Done.
        rows = self._listings.search(f'labels = "{SHARED_LABEL}" AND statusCategory != 3')
        return open_with_key(self._issues.ticket(row) for row in rows)

    def read(self, ticket_id: str) -> Ticket:
        """One issue by its key, which may be the one it had before it was moved."""
        return self._issues.ticket(self._http.read(_issue(ticket_id), {"fields": FIELDS}).data)

    def create(self, draft: Draft) -> Ticket:
        """Create an issue whose labels are the key and the draft's."""
        kind = self._option("issue_type")
        fields: Dict[str, Any] = {
            **self._fields,
            "project": {"key": self._project},
            "issuetype": {"id": kind} if whole_number(kind) is not None else {"name": kind},
            "summary": self._title(draft),
            "description": self._sealed(draft),
            "labels": [*draft.labels, draft.key],
        }
        if draft.assignee:
            fields["assignee"] = self._people.named(draft.assignee)
        data = self._write("POST", "/issue", {"fields": fields})
        try:
            number, issue = (
                str(parse.required(data, name, "the new issue")) for name in ("id", "key")
            )
            opened = self._opened(draft, number, self._issues.url(issue), fields["summary"])
            return replace(opened, id=checked(issue))
        except (ProtocolError, RefusedError, ValueError) as err:
            raise AmbiguousError(
                "Jira's answer to a creation is not understood.",
                LOOK_FIRST,
            ) from err

    @parse.protocol_errors
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """All comments of an issue."""
        rows = self._listings.pages(
            f"{_issue(ticket_id)}/comment", {"orderBy": "created"}, "comments"
        )
        return tuple(
            Comment(
                str(row["id"]), str(row.get("body") or ""), shown(row.get("author"), self._cloud)
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
        self._write("PUT", f"{_issue(ticket_id)}/assignee", self._people.named(who))

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """By any name of the assignee; Cloud may hide a mail address, which is then looked up."""
        names = ticket.holder if isinstance(ticket, Issue) else frozenset()
        if who.casefold() in names:
            return True
        if not (self._cloud and names and "@" in who):
            return False
        try:
            return self._people.named(who)["accountId"].casefold() in names
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
        data = self._http.read(path, {"expand": "transitions.fields"}).data
        listed = parse.sequence(
            parse.required(data, "transitions", "the answer"), "the transitions"
        )
        ticket = self.read(ticket_id)
        if ticket.is_open is not closes:
            return ticket
        rows = [parse.mapping(row, "a transition") for row in listed]
        chosen = self._workflow.chosen(ticket_id, rows, option)
        body: Dict[str, Any] = {
            "transition": {"id": str(parse.required(chosen, "id", "a transition"))}
        }
        resolution = self._workflow.resolution(chosen, why) if closes else ""
        if resolution:
            body["fields"] = {"resolution": {"name": resolution}}
        try:
            self._write("POST", path, body)
        except RefusedError:
            if self.read(ticket_id).is_open is closes:
                raise
        return ticket

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
                err.answer,
            ) from err

    def _link(self, ticket_id: str, keep: Ticket) -> None:
        """Link two issues where they can be linked; the comment names the other one anyway."""
        wanted = self._option("duplicate").casefold()
        try:
            data = parse.required(
                self._http.read("/issueLinkType").data, "issueLinkTypes", "the answer"
            )
            for name in (member(one, "name") for one in parse.sequence(data, "the types of links")):
                if name.casefold() == wanted:
                    # The inward issue is the one that "duplicates" the outward one.
                    ends = {"inwardIssue": {"key": ticket_id}, "outwardIssue": {"key": keep.id}}
                    self._http.write("POST", "/issueLink", {"type": {"name": name}, **ends})
                    return
        except (RefusedError, TemporaryError, AuthError):
            return  # Without 'Link Issues' Jira answers 401, though the credential is good.

    # -- listings ------------------------------------------------------------------------------

    def _unless_gone(self, issue: str) -> Optional[Ticket]:
        try:
            return self.read(issue)
        except RefusedError as err:
            if err.status not in (codes.NOT_FOUND, codes.GONE):
                raise
            return None

    # -- parts ---------------------------------------------------------------------------------

    def _write(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Write, with advice by the fields that a refusal names."""
        try:
            return self._http.write(method, path, body).data
        except RefusedError as err:
            advised = advice(err.answer)
            if not advised:
                raise
            raise RefusedError(err.message, advised, err.status, err.answer) from err

    def _remedy(self, status: int) -> str:
        return remedy(status, self._project)


def _issue(ticket_id: str) -> str:
    return f"/issue/{checked(ticket_id)}"
