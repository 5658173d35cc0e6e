"""What the configuration would have done, and what is due next."""

from __future__ import annotations

from typing import Any, Dict

from st2common.runners.base_action import Action

from reviewloop.operations import preview
from reviewloop.operations.context import Result, perform


class Preview(Action):
    """What the configuration would have done, and what is due next."""

    def run(
        self,
        days: int,
        limit: int,
        against: str,
        against_settings: Dict[str, Any],
        texts: bool,
    ) -> Result:
        """The parameters are those of preview.yaml; the result is its output_schema."""
        return perform(
            self,
            preview.preview,
            days=days,
            limit=limit,
            against=against,
            against_settings=against_settings,
            texts=texts,
        )
