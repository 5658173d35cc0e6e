"""A record of ServiceNow as a ticket."""

from __future__ import annotations

import re
from typing import Any, Sequence

from reviewloop.trackers import parse
from reviewloop.trackers.adapters.servicenow.settings import KEY, LABELS
from reviewloop.trackers.adapters.servicenow.table import SYS_ID, Row, cell, shown
from reviewloop.trackers.rest import only_key
from reviewloop.trackers.tickets import State, Ticket

INSTANT = "%Y-%m-%d %H:%M:%S"
"""How values (not display values) tell instants: in UTC."""
# Incidents keep the instant of resolving, which is when people were done with it.
_ENDS = ("resolved_at", "closed_at", "sys_updated_on")


class Records:
    """The records of one table.

    :param web: the instance's address.
    :param closed: the states of a ticket that asks nothing any more.
    :param canceled: those whose own name is the ticket's resolution.
    """

    def __init__(
        self, web: str, table: str, closed: Sequence[str], canceled: Sequence[str]
    ) -> None:
        self._web = web
        self._table = table
        self._closed = closed
        self._canceled = canceled

    def ticket(self, data: Any) -> Ticket:
        """A row as a ticket."""
        row = parse.mapping(data, "a record")
        sys_id = cell(row, "sys_id")
        digits = re.findall(r"[0-9]+", cell(row, "number"))
        if not SYS_ID.fullmatch(sys_id) or not digits:
            raise parse.misread("a record", "lacks a sys_id or a number")
        state = cell(row, "state")
        closed = state in self._closed or cell(row, "active") == "false"
        who = cell(row, "assigned_to.user_name") or cell(row, "assigned_to")
        ended = next(filter(None, (cell(row, name) for name in _ENDS)), "")
        return Ticket(
            id=sys_id,
            number=int(digits[-1]),
            url=f"{self._web}/{self._table}.do?sys_id={sys_id}",
            key=only_key(cell(row, KEY)),
            title=cell(row, "short_description"),
            state=State.CLOSED if closed else State.OPEN,
            resolution=self._resolution(row, state) if closed else "",
            assignees=(who,) if who else (),
            labels=tuple(filter(None, map(str.strip, cell(row, LABELS).split(",")))),
            opened_at=parse.instant(cell(row, "sys_created_on"), INSTANT),
            closed_at=parse.instant(ended, INSTANT) if closed else None,
            author=cell(row, "sys_created_by"),
        )

    def _resolution(self, row: Row, state: str) -> str:
        """A code that was set when the ticket was resolved outlives its cancelling."""
        word = shown(row, "state") or state
        if state in self._canceled:
            return word
        return shown(row, "close_code") or word
