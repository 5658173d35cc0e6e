"""A check-up of the installation."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import doctor
from reviewloop.operations.context import Result


class Doctor(Action):
    """A check-up of the installation."""

    def run(self, limit: int) -> Result:
        """The parameters are those of doctor.yaml; the result is its output_schema."""
        return doctor.of_action(self, limit)
