"""Say on the ticket that the change still waits."""

from __future__ import annotations

from typing import List

from st2common.runners.base_action import Action

from reviewloop.operations import tickets
from reviewloop.operations.context import Result, perform


class UpdateTicket(Action):
    """Say on the ticket that the change still waits."""

    def run(self, event_id: str, asked: List[int], attempt: int) -> Result:
        """The parameters are those of update_ticket.yaml; the result is its output_schema."""
        return perform(self, tickets.update_ticket, event_id=event_id, asked=asked, attempt=attempt)
