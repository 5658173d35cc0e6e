"""Every overdue wait at once."""

from __future__ import annotations

from st2common.runners.base_action import Action

from reviewloop.operations import board
from reviewloop.operations.context import Result, perform


class Board(Action):
    """Every overdue wait at once."""

    def run(self, limit: int) -> Result:
        """The parameters are those of board.yaml; the result is its output_schema."""
        return perform(self, board.board, limit=limit)
