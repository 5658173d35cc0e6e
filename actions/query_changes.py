"""Search for changes."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import inspect
from reviewloop.operations.context import Result, perform


class QueryChanges(Action):
    """Search for changes."""

    def run(self, query: str, limit: int) -> Result:
        """The parameters are those of query_changes.yaml; the result is its output_schema."""
        return perform(self, inspect.query_changes, query=query, limit=limit)
