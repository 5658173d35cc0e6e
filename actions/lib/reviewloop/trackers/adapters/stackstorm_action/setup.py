"""Whether StackStorm has the actions that ``tracker.actions`` names, and runs them."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, List, Mapping

from reviewloop.errors import RefusedError
from reviewloop.http import codes
from reviewloop.trackers.adapters.stackstorm_action import mapping
from reviewloop.trackers.shortfalls import Shortfall


def shortfalls(
    actions: Mapping[str, Any], described: Callable[[str], Mapping[str, Any]]
) -> Iterator[Shortfall]:
    """One after the other.

    :param described: what StackStorm says of an action, by its reference; raises RefusedError with
        404 for one that it does not have.
    """
    named: Dict[str, List[str]] = {}
    for name in mapping.CALLS:
        mapped = mapping.call(actions, name)
        if mapped is not None:
            named.setdefault(mapped.ref, []).append(f"tracker.actions.{name}")
    for ref, places in named.items():
        where = " and ".join(places)
        try:
            is_enabled = described(ref).get("enabled", True)
        except RefusedError as err:
            if err.status != codes.NOT_FOUND:
                raise
            pack = ref.partition(".")[0]
            yield Shortfall(
                f"StackStorm has no action {ref}, which {where} names.",
                f"st2 pack install {pack}, or correct the reference.",
            )
        else:
            if not is_enabled:
                yield Shortfall(
                    f"The action {ref}, which {where} names, is disabled.",
                    f"st2 action enable {ref}",
                )
