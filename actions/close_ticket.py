"""Close a change's ticket."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import tickets
from reviewloop.operations.context import Result, perform


class CloseTicket(Action):
    """Close a change's ticket."""

    def run(self, number: int, how: str, event_id: str) -> Result:
        """The parameters are those of close_ticket.yaml; the result is its output_schema."""
        return perform(self, tickets.close_ticket, number=number, how=how, event_id=event_id)
