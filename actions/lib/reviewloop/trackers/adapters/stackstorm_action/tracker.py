"""Any tracker that StackStorm has a pack for: tickets through the site's own actions.

``tracker.actions`` says which action finds, creates, comments and closes
(:mod:`reviewloop.trackers.adapters.stackstorm_action.mapping`), and where its result tells what
(:mod:`reviewloop.trackers.adapters.stackstorm_action.reading`); they run through StackStorm's API
(:mod:`reviewloop.trackers.adapters.stackstorm_action.runs`).

What a site leaves out is made up for where that is safe:

- ``read``: the ticket is looked up by its key, once this run has met it.
- ``comments``: StackStorm's own history tells what was said, as long as it is kept.
- ``duplicate``: a duplicate is closed, and known by ticketing's comment on it.
- ``assign``, ``list_open``, ``whoami``: nothing is done, nothing is listed, and only StackStorm's
  credential is checked.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from typing import Any, Dict, List, Optional, Tuple

from reviewloop.core.text import neutralise
from reviewloop.errors import AmbiguousError, ConfigError, ProtocolError, RefusedError
from reviewloop.http import codes
from reviewloop.http.retry import Timing
from reviewloop.http.transport import Transport
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat
from reviewloop.trackers.adapters.stackstorm_action import mapping
from reviewloop.trackers.adapters.stackstorm_action.mapping import Execution
from reviewloop.trackers.adapters.stackstorm_action.problems import problems
from reviewloop.trackers.adapters.stackstorm_action.reading import ID, Reading
from reviewloop.trackers.adapters.stackstorm_action.runs import Runs
from reviewloop.trackers.adapters.stackstorm_action.settings import OPTIONS
from reviewloop.trackers.adapters.stackstorm_action.setup import shortfalls
from reviewloop.trackers.base import Tracker, check_settings, refuse
from reviewloop.trackers.settings import TrackerSettings
from reviewloop.trackers.shortfalls import Shortfall
from reviewloop.trackers.tickets import SHARED_LABEL, CloseReason, Comment, Draft, State, Ticket

FIRST_PAUSE = 1.0
LONG_AGO = datetime(1970, 1, 1, tzinfo=timezone.utc)


class AnyAction(Tracker):
    """Tickets of one tracker, through the actions of a site's own pack."""

    kind = mapping.KIND
    body_format = BodyFormat.TEXT
    needs = ("actions",)
    options = OPTIONS
    drops_hint = "Look at what tracker.actions.create sends and what tracker.actions.ticket reads."

    def __init__(
        self,
        settings: TrackerSettings,
        timing: Optional[Timing] = None,
        transport: Optional[Transport] = None,
    ) -> None:
        check_settings(type(self), settings)
        refuse(problems(settings))
        self._actions = settings.actions
        self._fixed: Dict[str, Any] = {
            "project": settings.project,
            "username": settings.username,
            "token": settings.token,
            "label": SHARED_LABEL,
        }
        self._username = settings.username
        self._timing = timing or Timing()
        create = self._mapped("create")
        self._place = f"{self.kind}:{create.ref}" + f"/{settings.project}" * bool(settings.project)
        self.body_format = BodyFormat(settings.option("format", self.options))
        # A site's own limits stand in place of the class's.
        limits = {name: int(settings.option(name, self.options)) for name in _LIMITS}
        vars(self).update(limits)
        words = {name: mapping.words(self._actions, name) for name in mapping.ERRORS}
        timeout = float(settings.option("timeout", self.options))
        self._runs = Runs(settings, timeout, words, timing, transport)
        self._me: Optional[str] = None
        self._keys: Dict[str, str] = {}
        """Keys of the tickets that this run has met, by their ids."""

    @property
    def name(self) -> str:
        """``action:<the action that creates>/<project>``."""
        return self._place

    def whoami(self) -> str:
        """Our account as ``whoami`` tells it. Without that, only StackStorm's own credential is
        checked; the tracker's then shows at the first look.
        """
        self._runs.check()
        if "whoami" not in self._actions:
            return self._username
        reading = self._reading("whoami")
        self._me = reading.text(reading.row(self._run("whoami", None)), "name") or self._username
        return self._me

    def account(self) -> str:
        """The same, asked once: each look is a run of an action."""
        return self.whoami() if self._me is None else self._me

    def shortfalls(self) -> Tuple[Shortfall, ...]:
        """The actions that StackStorm does not have, or has switched off."""
        return tuple(shortfalls(self._actions, self._runs.described))

    def find(
        self,
        key: str,
        since: Optional[datetime] = None,  # noqa: ARG002 - one key's tickets are few
    ) -> Tuple[Ticket, ...]:
        """The tickets of a key, duplicates that were retired left out."""
        found = self._found(key)
        if len(found) < 2:  # noqa: PLR2004 - no duplicates
            return found
        return tuple(one for one in found if one.is_open or not self._is_retired(one, key))

    def _found(self, key: str) -> Tuple[Ticket, ...]:
        self._runs.finished(self._tag(key))
        found = tuple(one for one in self._listed("find", key=key) if one.key == key)
        self._keys.update({one.id: key for one in found})
        return found

    def _is_retired(self, ticket: Ticket, key: str) -> bool:
        name = f"{key}/duplicate"
        return any(fmt.is_marked(comment.text, name) for comment in self.comments(ticket.id))

    def list_open(self) -> Tuple[Ticket, ...]:
        """What ``list_open`` lists; nothing without it."""
        if "list_open" not in self._actions:
            return ()
        return tuple(one for one in self._listed("list_open") if one.is_open and one.key)

    def _listed(self, call: str, **fields: Any) -> List[Ticket]:
        reading = self._reading(call)
        rows = self._rows(call, reading, fields)
        tickets = [self._dated(reading.ticket(row)) for row in rows]
        return sorted(tickets, key=lambda ticket: ticket.number)

    def _rows(self, call: str, reading: Reading, fields: Dict[str, Any]) -> List[Any]:
        try:
            return reading.rows(self._run(call, None, **fields))
        except RefusedError as err:
            # Some packs fail where there is nothing to list; the site says in which words.
            if err.answer != "none":
                raise
            return []

    def read(self, ticket_id: str) -> Ticket:
        """One ticket; without ``read``, one that this run has met, by its key."""
        self._settle(ticket_id)
        if "read" not in self._actions:
            return self._found_again(ticket_id)
        reading = self._reading("read")
        row = reading.row(self._run("read", None, id=ticket_id))
        return self._dated(reading.ticket(row))

    def _dated(self, ticket: Ticket) -> Ticket:
        """What cannot be reopened was closed too long ago for it."""
        if ticket.is_open or ticket.closed_at or "reopen" in self._actions:
            return ticket
        return replace(ticket, closed_at=LONG_AGO)

    def _found_again(self, ticket_id: str) -> Ticket:
        key = self._keys.get(ticket_id, "")
        waited, pause = 0.0, FIRST_PAUSE
        while key:
            for ticket in self._found(key):
                if ticket.id == ticket_id:
                    return ticket
            if waited >= self.lag:
                break
            self._timing.sleep(pause)
            waited, pause = waited + pause, pause * 2
        raise RefusedError(
            f"Ticket {ticket_id[:40]!r} cannot be looked up by its id.",
            "Map tracker.actions.read to an action that reads one ticket.",
            codes.NOT_FOUND,
        )

    def create(self, draft: Draft) -> Ticket:
        """Open a ticket whose body ends with the key."""
        title = fmt.title(neutralise(draft.title), self.title_limit)
        fields = {
            "key": draft.key,
            "title": title,
            "body": fmt.seal(neutralise(draft.body), draft.key, self.body_format, self.body_limit),
            "labels": list(draft.labels),
            "assignee": draft.assignee or None,
        }
        data = self._run("create", self._tag(draft.key), **fields)
        reading = self._reading("create")
        try:
            row = reading.row(data)
            number = reading.id(row)
            ticket = Ticket(
                id=number,
                # Many actions tell no more than the id; reading back tells the rest.
                number=reading.number(row, 0),
                url=reading.url(row),
                key=draft.key,
                title=title,
                state=State.OPEN,
            )
        except (ProtocolError, RefusedError) as err:
            raise AmbiguousError(err.message, err.remedy) from err
        self._keys[ticket.id] = draft.key
        return ticket

    def comments(self, ticket_id: str) -> Tuple[Comment, ...]:
        """What ``comments`` lists, and what StackStorm has had said with success: a listing that
        lags, or shows less than it should, makes nothing be said twice.
        """
        said = self._runs.said(self._tag(_checked(ticket_id)), self._mapped("comment").ref)
        if "comments" not in self._actions:
            return said
        reading = self._reading("comments")
        rows = self._rows("comments", reading, {"id": ticket_id})
        return (*(reading.comment(row) for row in rows), *said)

    def add_comment(self, ticket_id: str, text: str) -> None:
        """Add a comment. An action that also changes the state is the site's to choose."""
        self._write("comment", ticket_id, text=text)

    def close(self, ticket_id: str, reason: CloseReason) -> None:
        """Close a ticket, unless it is closed: few actions take that twice."""
        if self.read(ticket_id).is_open:
            self._bring("close", ticket_id, State.CLOSED, reason=reason.value)

    def close_duplicate(self, ticket_id: str, keep: Ticket) -> None:
        """Retire a duplicate as ``duplicate`` does, else just close it."""
        if "duplicate" in self._actions:
            more = {"key": keep.key or "", "keep_id": keep.id, "keep_url": keep.url}
            self._bring("duplicate", ticket_id, State.CLOSED, **more)
        else:
            self.close(ticket_id, CloseReason.NOT_PLANNED)

    def reopen(self, ticket_id: str) -> None:
        """Reopen a ticket."""
        if "reopen" not in self._actions:
            raise RefusedError(
                f"Ticket {ticket_id} is closed, and tracker.actions.reopen is not mapped.",
                "Map it, or set tracker.reopen_days to 0, so that a new ticket is opened instead.",
            )
        if not self.read(ticket_id).is_open:
            self._bring("reopen", ticket_id, State.OPEN)

    def _bring(self, call: str, ticket_id: str, state: State, **fields: Any) -> None:
        """Change a ticket's state. An action that refuses since another run was faster is right."""
        try:
            self._write(call, ticket_id, **fields)
        except RefusedError:
            if self.read(ticket_id).state is not state:
                raise

    def assign(self, ticket_id: str, who: str) -> None:
        """Assign a ticket; without ``assign`` nothing is done, which reading back shows."""
        if "assign" in self._actions:
            self._write("assign", ticket_id, assignee=who)

    # -- parts ---------------------------------------------------------------------------------

    def _mapped(self, call: str) -> mapping.Mapped:
        found = mapping.call(self._actions, call)
        if found is None:
            raise ConfigError(f"tracker.actions.{call} is missing.")
        return found

    def _reading(self, call: str) -> Reading:
        return Reading(call, self._mapped(call).result)

    def _run(self, call: str, tag: Optional[str], **fields: Any) -> Any:
        mapped = self._mapped(call)
        parameters = mapping.filled(mapped.parameters, {**self._fixed, **fields}) or {}
        return self._runs.run(Execution(call, mapped.ref, parameters, tag))

    def _write(self, call: str, ticket_id: str, **fields: Any) -> None:
        self._run(call, self._tag(_checked(ticket_id)), id=ticket_id, **fields)

    def _settle(self, ticket_id: str) -> List[Dict[str, Any]]:
        """Wait for all that was asked for a ticket, by whichever run; its history."""
        return self._runs.finished(self._tag(_checked(ticket_id)))

    def _tag(self, subject: str) -> str:
        return f"gerrit {self._place}#{subject}"


_LIMITS = ("lag", "title_limit", "body_limit")


def _checked(ticket_id: str) -> str:
    if not ID.fullmatch(ticket_id):
        raise RefusedError(f"{ticket_id[:40]!r} is no id of a ticket.", status=codes.NOT_FOUND)
    return ticket_id
