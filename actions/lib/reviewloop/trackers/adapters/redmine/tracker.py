"""Redmine, through its REST API (https://www.redmine.org/projects/redmine/wiki/Rest_api).

What it takes, and what this relies on, with the file of Redmine's source that shows it:

- A wrong key reads as nobody: listings answer 200 and show what strangers may see. Only
  ``/users/current.json`` and writes answer 401 (app/controllers/application_controller.rb).
- The key lives in a custom field of issues. ``f[]``, ``op[]`` and ``v[]`` filter by the whole
  value, which the short ``cf_N=`` does not (app/models/query.rb). A field that is not "used as a
  filter" is left out of the filter without a word, so every row is compared here again.
- Numbers behind names: see :mod:`reviewloop.trackers.adapters.redmine.site`.
- What the account may not set is dropped without a word and answered with 201 or 204: a status
  that the workflow does not allow, a field that the tracker does not have
  (app/models/issue.rb, ``safe_attributes=``). Hence the reading back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Mapping, Optional, Tuple

from reviewloop.errors import ProtocolError, RefusedError
from reviewloop.http import codes
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.redmine.settings import (
    CLOSED,
    FORMS,
    OPTIONS,
    REJECTED,
    REOPEN,
    remedy,
)
from reviewloop.trackers.adapters.redmine.site import People, Row, Site, part
from reviewloop.trackers.rest import (
    RestTracker,
    ambiguous,
    only_key,
    open_with_key,
    ticket_number,
    with_key,
)
from reviewloop.trackers.tickets import SHARED_LABEL, CloseReason, Comment, Draft, State, Ticket

INSTANT = "%Y-%m-%dT%H:%M:%SZ"


class Redmine(RestTracker):
    """Issues of one Redmine project (``tracker.project``: its identifier, as in its address)."""

    kind = "redmine"
    body_format = BodyFormat.TEXTILE
    forms = FORMS
    options = OPTIONS
    drops_hint = (
        "Redmine drops what the account may not set: give its role 'Edit own issues', and look at "
        "the tracker's fields and at the workflow's field permissions."
    )

    def _begin(self) -> None:
        self._issues = f"/projects/{self._project}/issues.json"
        self.body_format = BodyFormat(self._option("format"))
        self._site = Site(self._http, self._settings, self.options)
        self._people = People(self._http, self._project)
        self._number = ""
        self._setup = self._site.shortfalls
        self._lookup = self._people.number

    def _headers(self) -> Dict[str, str]:
        return {"X-Redmine-API-Key": self._settings.token}

    def account(self) -> str:
        """Our number: for an author Redmine tells a number and a full name."""
        if not self._number:
            self.whoami()
        return self._number

    def _who(self) -> str:
        """Our login, from the one reading call that answers 401 to a wrong key."""
        try:
            data = self._http.read("/users/current.json").data
        except RefusedError as err:
            if err.status != codes.FORBIDDEN:
                raise
            raise RefusedError(
                f"Redmine at {self._web} does not take API keys.",
                "Enable the REST web service in Redmine under Administration, Settings, API; "
                "tracker.url must be this Redmine.",
                err.status,
            ) from err
        user = parse.required(data, "user", "an account")
        self._number = str(parse.required(user, "id", "an account"))
        return str(parse.required(user, "login", "an account"))

    # -- looking -------------------------------------------------------------------------------

    @parse.protocol_errors
    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - the listing is cheap
    ) -> Tuple[Ticket, ...]:
        """The project's issues, open and closed, whose field holds the key, from the database."""
        rows = self._site.rows("*", "=", key)
        return with_key((self._ticket(row) for row in rows), key)

    @parse.protocol_errors
    def list_open(self) -> Tuple[Ticket, ...]:
        """The project's open issues whose field holds any key."""
        return open_with_key(self._ticket(row) for row in self._site.rows("o", "*"))

    def read(self, ticket_id: str) -> Ticket:
        """One issue by its number."""
        return self._ticket(self._issue(ticket_id))

    @parse.protocol_errors
    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """The notes in an issue's journals; an account may have them shown newest first."""
        row = self._issue(ticket_id, "journals")
        journals = [parse.mapping(one, "a journal") for one in row.get("journals") or ()]
        notes = [one for one in journals if one.get("notes")]
        notes.sort(key=lambda one: int(parse.required(one, "id", "a journal")))
        return tuple(
            Comment(str(one["id"]), str(one["notes"]), part(one, "user", "name")) for one in notes
        )

    # -- writing -------------------------------------------------------------------------------

    @parse.protocol_errors
    def create(self, draft: Draft) -> Ticket:
        """Open an issue with the key in its field; the key in the body is for people."""
        issue: Row = {
            "subject": self._title(draft),
            "description": self._sealed(draft),
            "custom_fields": [{"id": int(self._site.field_id()), "value": draft.key}],
        }
        if self._site.option("tracker"):
            issue["tracker_id"] = self._site.tracker_id()
        if self._site.option("priority"):
            issue["priority_id"] = self._site.priority_id()
        if draft.assignee:
            issue["assigned_to_id"] = int(self._people.number(draft.assignee))
        data = self._http.write("POST", self._issues, {"issue": issue}).data
        try:
            return self._ticket(parse.required(data, "issue", "the new issue"))
        except ProtocolError as err:
            raise ambiguous(err) from err

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a note, which changes no status.

        :raises RefusedError: Redmine dropped it, as it does without the right to add notes.
        """
        self._put(ticket_id, {"notes": text})
        if text.split() not in [comment.text.split() for comment in self.comments(ticket_id)]:
            raise RefusedError(
                f"Redmine dropped our note on issue {ticket_id} without a word.",
                "Give the account's role 'Add notes'.",
                codes.FORBIDDEN,
            )

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Set the closed status, or the rejected one; a closed issue keeps its own."""
        if self.read(ticket_id).is_open:
            not_planned = reason is CloseReason.NOT_PLANNED
            self._move(ticket_id, self._site.status(REJECTED if not_planned else CLOSED))

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Relate an issue to the one that stays, then close it and empty its key field in one
        call.
        """
        relation = {"issue_to_id": int(keep.id), "relation_type": "duplicates"}
        path = f"/issues/{ticket_number(ticket_id, 'issue')}/relations.json"
        try:
            self._http.write("POST", path, {"relation": relation})
        except RefusedError as err:
            # It is there already, or we may not relate issues: the comment links them all the same.
            if err.status not in (codes.FORBIDDEN, codes.UNPROCESSABLE):
                raise
        empty = [{"id": int(self._site.field_id()), "value": ""}]
        self._move(ticket_id, self._site.status(CLOSED), custom_fields=empty)

    def reopen(self, ticket_id: str) -> None:
        """Set the status of reopened issues."""
        if not self.read(ticket_id).is_open:
            self._move(ticket_id, self._site.status(REOPEN))

    def assign(self, ticket_id: str, who: str) -> None:
        """Set the one assignee that Redmine has."""
        self._put(ticket_id, {"assigned_to_id": int(self._people.number(who))})

    def is_assigned(self, ticket: Ticket, who: str) -> bool:
        """Whether ``who``, a login, number or name, is the one whose login the ticket shows."""
        if super().is_assigned(ticket, who):
            return True
        return bool(ticket.assignees) and self._people.called(who) in ticket.assignees

    # -- parts ---------------------------------------------------------------------------------

    def _issue(self, ticket_id: str, include: str = "") -> Row:
        params = {"include": include} if include else None
        data = self._http.read(f"/issues/{ticket_number(ticket_id, 'issue')}.json", params).data
        return parse.mapping(parse.required(data, "issue", "an answer"), "an issue")

    def _put(self, ticket_id: str, change: Mapping[str, Any]) -> None:
        """Change an issue; again where somebody else changed it in the same moment."""
        path = f"/issues/{ticket_number(ticket_id, 'issue')}.json"
        self._edited(
            lambda: self._written(path, change),
            ticket_id,
            # A refusal without a reason means that the issue was changed since it was read, and
            # that nothing was done (app/controllers/issues_controller.rb, StaleObjectError).
            lambda err: err.answer == {"errors": []},
        )

    def _written(self, path: str, change: Mapping[str, Any]) -> None:
        self._http.write("PUT", path, {"issue": dict(change)})

    def _move(self, ticket_id: str, status: Row, **more: Any) -> None:
        """Change a status. Redmine answers 204 to a step that its workflow does not allow, too.

        :raises RefusedError: the workflow does not allow it; where Redmine tells beforehand (since
            5.0), nothing was written.
        """
        row = self._issue(ticket_id, "allowed_statuses")
        allowed = row.get("allowed_statuses")
        if allowed is not None and status["id"] not in [one.get("id") for one in allowed]:
            raise self._barred(row, status)
        self._put(ticket_id, {"status_id": status["id"], **more})
        row = self._issue(ticket_id)
        if part(row, "status", "id") != str(status["id"]):
            raise self._barred(row, status)

    def _barred(self, row: Row, status: Row) -> RefusedError:
        return RefusedError(
            f"Redmine's workflow does not let us take issue {row.get('id')} from "
            f"{part(row, 'status', 'name')!r} to {status['name']!r}.",
            "Allow that step for the account's role and this tracker under Administration, "
            "Workflow, with 'Edit own issues'; an open subtask or a blocking issue also bars it.",
            codes.UNPROCESSABLE,
        )

    @parse.protocol_errors
    def _ticket(self, data: Any) -> Ticket:
        row = parse.mapping(data, "an issue")
        number = parse.required(row, "id", "an issue")
        closed = self._site.is_closed(row)
        assignee = self._people.shown(row.get("assigned_to"))
        return Ticket(
            id=str(number),
            number=int(number),
            url=f"{self._web}/issues/{number}",
            key=self._key(row),
            title=str(row.get("subject") or ""),
            state=State.CLOSED if closed else State.OPEN,
            resolution=part(row, "status", "name") if closed else "",
            assignees=(assignee,) if assignee else (),
            # Redmine has no labels; that an issue is ours, its key field says.
            labels=(SHARED_LABEL,),
            opened_at=parse.instant(row.get("created_on"), INSTANT),
            closed_at=parse.instant(row.get("closed_on"), INSTANT),
            author=part(row, "author", "id"),
        )

    def _key(self, row: Mapping[str, Any]) -> Optional[str]:
        for field in row.get("custom_fields") or ():
            if str(field.get("id")) == self._site.field_id():
                return only_key(str(field.get("value") or ""))
        return None

    def _remedy(self, status: int) -> str:
        return remedy(status, self._project)
