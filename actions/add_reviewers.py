"""Add people to a change."""

from __future__ import annotations

from typing import List

from st2common.runners.base_action import Action

from reviewloop.operations import review
from reviewloop.operations.context import Result, perform


class AddReviewers(Action):
    """Add people to a change."""

    def run(self, number: int, account_ids: List[int], state: str) -> Result:
        """The parameters are those of add_reviewers.yaml; the result is its output_schema."""
        return perform(
            self, review.add_reviewers, number=number, account_ids=account_ids, state=state
        )
