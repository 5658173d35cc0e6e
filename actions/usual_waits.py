"""Work out within which time changes usually get a review."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import usual
from reviewloop.operations.context import Result, perform


class UsualWaits(Action):
    """Work out within which time changes usually get a review."""

    def run(self, limit: int) -> Result:
        """The parameters are those of usual_waits.yaml; the result is its output_schema."""
        return perform(self, usual.usual_waits, limit=limit)
