"""What a tracker's place and our rights there fall short of, seen without writing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, Mapping, Optional

from reviewloop.errors import ConfigError, RefusedError


@dataclass(frozen=True)
class Shortfall:
    """``what`` is missing, and the ``remedy``.

    :param sure: True where tickets cannot be opened, moved or closed without it, False where they
        may lack something, None where the tracker does not tell.
    """

    what: str
    remedy: str
    sure: Optional[bool] = True


Setup = Callable[[], Iterator[Shortfall]]


def of_lookups(*lookups: Callable[[], object]) -> Iterator[Shortfall]:
    """What names in the settings the tracker does not know, each by the look-up that needs it."""
    for look_up in lookups:
        try:
            look_up()
        except (ConfigError, RefusedError) as err:
            yield Shortfall(err.message, err.remedy)


def of_repository(data: Mapping[str, Any], project: str, right: str) -> Iterator[Shortfall]:
    """What a repository's description, in GitHub's form, says against tickets in it.

    :param right: what the account needs there, in words.
    """
    if data.get("archived"):
        yield Shortfall(
            f"{project} is archived: nothing can be written there.",
            "Unarchive it, or set tracker.project to another repository.",
        )
    if data.get("has_issues") is False:
        yield Shortfall(
            f"{project} has its issues switched off.",
            "Switch them on in the repository's settings, or set tracker.project to another.",
        )
    rights = data.get("permissions")
    if isinstance(rights, Mapping) and not (rights.get("push") or rights.get("triage")):
        yield Shortfall(
            f"Our account may not write in {project}: labels and assignees are dropped there.",
            f"Give it {right}.",
            sure=False,
        )
