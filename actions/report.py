"""How reviews stand and go."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import report
from reviewloop.operations.context import Result, perform


class Report(Action):
    """How reviews stand and go."""

    def run(self, days: int, limit: int, out: str, names: bool) -> Result:
        """The parameters are those of report.yaml; the result is its output_schema."""
        return perform(self, report.report, days=days, limit=limit, out=out, names=names)
