"""Whether to act on an event, and whom to ask."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import assess
from reviewloop.operations.context import Result, perform


class Assess(Action):
    """Whether to act on an event, and whom to ask."""

    def run(self, event_id: str, tier: str, dry_run: bool) -> Result:
        """The parameters are those of assess.yaml; the result is its output_schema."""
        return perform(self, assess.assess, event_id=event_id, tier=tier, dry_run=dry_run)
