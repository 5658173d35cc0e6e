"""Add hashtags and take them off."""

from __future__ import annotations

from typing import List

from st2common.runners.base_action import Action

from reviewloop.operations import review
from reviewloop.operations.context import Result, perform


class SetHashtags(Action):
    """Add hashtags and take them off."""

    def run(self, number: int, add: List[str], remove: List[str], event_id: str) -> Result:
        """The parameters are those of set_hashtags.yaml; the result is its output_schema."""
        return perform(
            self, review.set_hashtags, number=number, add=add, remove=remove, event_id=event_id
        )
