"""The bugs of one Launchpad project: how they are listed and read, and a bug as a ticket.

A bug has a task for each project it affects: status and assignee are the task's, tags and
duplicates the bug's. A search leaves out closed statuses and duplicates unless told otherwise
(``lp/bugs/model/bugtarget.py``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import unquote, urlsplit

from reviewloop.errors import RefusedError
from reviewloop.http import codes
from reviewloop.trackers import parse
from reviewloop.trackers.adapters.launchpad.service import as_json, name_in, number_in
from reviewloop.trackers.http import Http
from reviewloop.trackers.rest import by_number, key_among, ticket_number
from reviewloop.trackers.tickets import State, Ticket

PAGE = 100
INSTANT = "%Y-%m-%dT%H:%M:%S"
DUPLICATE = "Duplicate"
"""What we call the resolution of a duplicate: its task keeps the status it had."""

Row = Dict[str, Any]


class Bugs:
    """The bugs of one project, distribution or source package.

    :param base: the web service's address.
    """

    def __init__(self, http: Http, base: str, project: str) -> None:
        self._http = http
        self._base = base
        self._project = project
        parts = urlsplit(base)
        site = parts.netloc.replace("api.", "", 1)
        self._pages = f"{parts.scheme}://bugs.{site}/{project}"

    def listed(self, **only: Any) -> Tuple[Ticket, ...]:
        """The project's bugs that a search finds, by number."""
        # By number: a bug reported meanwhile goes to the end and moves no page.
        query = {"ws.op": "searchTasks", **as_json({"order_by": ["id"], **only})}
        tasks = {}
        for task in self.entries(f"/{self._project}", query):
            # A project's listing also shows tasks of its series.
            if self._is_ours(str(task.get("target_link"))):
                tasks[number_in(task.get("bug_link"))] = task
        tickets = (self._listed_ticket(number, task) for number, task in tasks.items())
        return by_number(filter(None, tickets))

    def _listed_ticket(self, number: str, task: Mapping[str, Any]) -> Optional[Ticket]:
        """The ticket of a listed task; None where its bug has just been hidden from us."""
        try:
            return self.ticket(self.bug(number), task)
        except RefusedError as err:
            if err.status != codes.NOT_FOUND:
                raise
            return None

    def _is_ours(self, target_link: str) -> bool:
        path = unquote(urlsplit(target_link).path)
        return path == f"{urlsplit(self._base).path}/{self._project}"

    def entries(self, path: str, query: Mapping[str, Any]) -> Iterator[Row]:
        """Entries of all pages; the next page's address is Launchpad's own."""
        data = self.row(path, {**query, "ws.size": PAGE})
        while True:
            for row in parse.sequence(parse.required(data, "entries", "a listing"), "a listing"):
                yield parse.mapping(row, "a row of a listing")
            following = data.get("next_collection_link")
            if not following:
                return
            data = self.row(str(following))

    def row(self, path: str, query: Optional[Mapping[str, Any]] = None) -> Row:
        """An object below the service's address."""
        return parse.mapping(self._http.read(path, query).data, "the answer")

    def bug(self, ticket_id: str) -> Row:
        """A bug by its number."""
        return self.row(bug_path(ticket_id))

    def task(self, ticket_id: str) -> Row:
        """The project's part in a bug: status and assignee."""
        return self.row(self.task_path(ticket_id))

    def task_path(self, ticket_id: str) -> str:
        """The path of that part."""
        return f"/{self._project}/+bug/{ticket_number(ticket_id, 'bug')}"

    def url(self, number: str) -> str:
        """The address at which people see a bug."""
        return f"{self._pages}/+bug/{number}"

    @parse.protocol_errors
    def ticket(self, bug: Mapping[str, Any], task: Mapping[str, Any]) -> Ticket:
        """A bug and the project's task in it as a ticket."""
        number = int(parse.required(bug, "id", "a bug"))
        status = str(parse.required(task, "status", "a bug's task"))
        duplicate = bool(bug.get("duplicate_of_link"))
        closed = duplicate or bool(parse.required(task, "is_complete", "a bug's task"))
        key, labels = key_among(tags_of(bug))
        assignee = name_in(task.get("assignee_link"))
        ended = task.get("date_closed") or bug.get("date_last_updated")
        return Ticket(
            id=str(number),
            number=number,
            url=self.url(str(number)),
            key=key,
            title=str(bug.get("title") or ""),
            state=State.CLOSED if closed else State.OPEN,
            resolution=(DUPLICATE if duplicate else status) if closed else "",
            assignees=(assignee,) if assignee else (),
            labels=labels,
            opened_at=_instant(bug.get("date_created")),
            closed_at=_instant(ended) if closed else None,
            author=name_in(bug.get("owner_link")),
        )


def bug_path(ticket_id: str) -> str:
    """The path of a bug."""
    return f"/bugs/{ticket_number(ticket_id, 'bug')}"


def tags_of(bug: Mapping[str, Any]) -> List[str]:
    """A bug's tags, keys included."""
    return [str(tag) for tag in parse.sequence(bug.get("tags") or [], "a bug's tags")]


def _instant(text: Any) -> Optional[datetime]:
    """An instant; all of Launchpad's are in UTC, some with fractions of a second."""
    return parse.instant(str(text or "")[: len("2026-03-02T09:00:00")], INSTANT)
