"""Which transition ends an issue or opens it again, and with which resolution."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Set, Tuple

from reviewloop.errors import ConfigError
from reviewloop.trackers import parse
from reviewloop.trackers.rest import member

DONE = "done"
"""The key of the category of all statuses that end an issue; names are translated, keys are not."""


class Workflow:
    """The choice among what Jira offers.

    :param option: a setting of the tracker, by name.
    """

    def __init__(self, option: Callable[[str], str], wont_fix: Tuple[str, ...]) -> None:
        self._option = option
        self._wont_fix = wont_fix

    def chosen(self, ticket_id: str, rows: List[Dict[str, Any]], option: str) -> Dict[str, Any]:
        """The transition to take."""
        closes, wanted = option == "close", self._option(option).casefold()
        fitting = [row for row in rows if (category(row.get("to")) == DONE) is closes]
        if wanted:
            fitting = [row for row in fitting if wanted in _names(row)]
        elif closes:
            unwanted = {word.casefold() for word in self._wont_fix}
            fitting = [row for row in fitting if not unwanted & _names(row)]
        else:
            fitting.sort(key=lambda row: category(row.get("to")) != "new")
        if fitting:
            return fitting[0]
        there = ", ".join(
            f"{row.get('name')!r} to {member(row.get('to'), 'name')!r}" for row in rows
        )
        leads = "to a status of the category Done" if closes else "out of the category Done"
        named = f" called {self._option(option)!r}" if wanted else ""
        raise ConfigError(
            f"{ticket_id} has no transition{named} {leads}; there are: {there or 'none'}.",
            f"Set tracker.options.{option} to one that leads there; if there are none, give the "
            "pack's account 'Transition Issues' in the project.",
        )

    def resolution(self, chosen: Mapping[str, Any], why: str) -> str:
        """The resolution to set; empty where the transition's screen does not ask for one."""
        screen = parse.mapping(chosen.get("fields") or {}, "a screen")
        if "resolution" not in screen:
            return ""
        words = [w.strip() for w in f"{self._option(why)},{self._option('resolution')}".split(",")]
        values = parse.mapping(screen["resolution"], "a field").get("allowedValues") or ()
        offered = {member(value, "name").casefold(): member(value, "name") for value in values}
        for word in words:
            if word.casefold() in offered:
                return offered[word.casefold()]
        raise ConfigError(
            f"The transition {chosen.get('name')!r} wants a resolution and offers "
            f"{', '.join(offered.values()) or 'none'}.",
            f"Set tracker.options.{why} to one of them.",
        )


def _names(transition: Mapping[str, Any]) -> Set[str]:
    """What a transition may be called by: its own name, and its status's."""
    return {str(transition.get("name")).casefold(), member(transition.get("to"), "name").casefold()}


def category(status: Any) -> str:
    """The key of a status's category: new, indeterminate or done."""
    category = parse.required(status, "statusCategory", "a status")
    return str(parse.required(category, "key", "a status's category"))
