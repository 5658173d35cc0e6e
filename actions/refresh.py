"""Whether the wait that people were asked about is over."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import assess
from reviewloop.operations.context import Result, perform


class Refresh(Action):
    """Whether the wait that people were asked about is over."""

    def run(self, number: int) -> Result:
        """The parameters are those of refresh.yaml; the result is its output_schema."""
        return perform(self, assess.refresh, number=number)
