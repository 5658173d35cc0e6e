"""Ask for a change: see to its ticket, and post the review."""

from __future__ import annotations

from typing import Dict, List

from st2common.runners.base_action import Action

from reviewloop.operations import ask
from reviewloop.operations.context import Result, perform


class Ask(Action):
    """Ask for a change: see to its ticket, and post the review."""

    def run(
        self,
        event_id: str,
        tier: str,
        attempt: int,
        asked: List[int],
        labels: Dict[str, int],
        add_hashtags: List[str],
    ) -> Result:
        """The parameters are those of ask.yaml; the result is its output_schema.

        A part that failed stands in the result beside what was done before it.
        """
        done, result = perform(
            self,
            ask.ask,
            event_id=event_id,
            tier=tier,
            attempt=attempt,
            asked=asked,
            labels=labels,
            add_hashtags=add_hashtags,
        )
        return done and "error" not in result, result
