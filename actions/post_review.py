"""Post one review."""

from __future__ import annotations

from typing import Dict, List

from st2common.runners.base_action import Action

from reviewloop.operations import review
from reviewloop.operations.context import Result, perform


class PostReview(Action):
    """Post one review."""

    def run(
        self,
        number: int,
        message: str,
        purpose: str,
        event_id: str,
        tier: str,
        attempt: int,
        asked: List[int],
        reviewers: List[int],
        ccs: List[int],
        attention: List[int],
        labels: Dict[str, int],
        add_hashtags: List[str],
        remove_hashtags: List[str],
        ready: bool,
        notify: str,
        key: str,
    ) -> Result:
        """The parameters are those of post_review.yaml; the result is its output_schema."""
        return perform(
            self,
            review.post_review,
            number=number,
            message=message,
            purpose=purpose,
            event_id=event_id,
            tier=tier,
            attempt=attempt,
            asked=asked,
            reviewers=reviewers,
            ccs=ccs,
            attention=attention,
            labels=labels,
            add_hashtags=add_hashtags,
            remove_hashtags=remove_hashtags,
            ready=ready,
            notify=notify,
            key=key,
        )
