"""Whether the wait that people were asked about is over."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.deeds import escalating
from reviewloop.toolbox import Result, perform


class Refresh(Action):
    """Whether the wait that people were asked about is over."""

    def run(self, number: int) -> Result:
        """The parameters are those of refresh.yaml; the result is its output_schema."""
        return perform(self, escalating.refresh, number=number)
