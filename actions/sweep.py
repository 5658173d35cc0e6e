"""Stand down what the sensor cannot see any more."""

from __future__ import annotations

from typing import List

from st2common.runners.base_action import Action

from reviewloop.operations import sweep
from reviewloop.operations.context import Result, perform


class Sweep(Action):
    """Stand down what the sensor cannot see any more."""

    def run(self, most_gone: int, hashtags: List[str], dry_run: bool) -> Result:
        """The parameters are those of sweep.yaml; the result is its output_schema.

        What was done stands in the result; the action fails if a change could not be looked at, or
        if so much is out of sight that nothing of it was closed.
        """
        done, result = perform(
            self, sweep.sweep, most_gone=most_gone, hashtags=hashtags, dry_run=dry_run
        )
        return done and not (result["failures"] or result["held_back"]), result
