"""Why, why not, and when next."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import inspect
from reviewloop.operations.context import Result, perform


class Explain(Action):
    """Why, why not, and when next."""

    def run(self, number: int) -> Result:
        """The parameters are those of explain.yaml; the result is its output_schema."""
        return perform(self, inspect.explain, number=number)
