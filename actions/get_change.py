"""One change."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import inspect
from reviewloop.operations.context import Result, perform


class GetChange(Action):
    """One change."""

    def run(self, number: int) -> Result:
        """The parameters are those of get_change.yaml; the result is its output_schema."""
        return perform(self, inspect.get_change, number=number)
