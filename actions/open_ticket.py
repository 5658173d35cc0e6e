"""See to it that a change has one open ticket."""

from __future__ import annotations

from typing import List

from st2common.runners.base_action import Action

from reviewloop.operations import tickets
from reviewloop.operations.context import Result, perform


class OpenTicket(Action):
    """See to it that a change has one open ticket."""

    def run(self, event_id: str, asked: List[int], attempt: int) -> Result:
        """The parameters are those of open_ticket.yaml; the result is its output_schema."""
        return perform(self, tickets.open_ticket, event_id=event_id, asked=asked, attempt=attempt)
