"""What an action answers where it fails."""

from __future__ import annotations

from typing import Any, Dict

from reviewloop.core.text import outward, outward_lines
from reviewloop.errors import ConfigError, ReviewLoopError

LONGEST = 5_000
"""Characters of an error's text, at most."""


def error_dict(err: ReviewLoopError) -> Dict[str, Any]:
    """``{kind, message, remedy}``, and every problem of a wrong configuration.

    A server's own words may be in it, and StackStorm evaluates expressions in what a workflow
    publishes: so nothing of it can be one.
    """
    told: Dict[str, Any] = {
        key: outward_lines(text, LONGEST) for key, text in err.as_dict().items()
    }
    if isinstance(err, ConfigError):
        told["problems"] = [outward(problem, LONGEST) for problem in err.problems]
    return told
