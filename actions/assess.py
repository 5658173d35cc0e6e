"""Whether to act on an event, and whom to ask."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.deeds import escalating
from reviewloop.toolbox import Result, perform


class Assess(Action):
    """Whether to act on an event, and whom to ask."""

    def run(self, event_id: str, tier: str) -> Result:
        """The parameters are those of assess.yaml; the result is its output_schema."""
        return perform(self, escalating.assess, event_id=event_id, tier=tier)
