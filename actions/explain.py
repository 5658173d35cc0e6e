"""Why, why not, and when next."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations.context import Result, perform
from reviewloop.operations.explain import explain


class Explain(Action):
    """Why, why not, and when next."""

    def run(self, number: int, histories: int = 0) -> Result:
        """The parameters are those of explain.yaml; the result is its output_schema."""
        return perform(self, explain, number=number, histories=histories)
