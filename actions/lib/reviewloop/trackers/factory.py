"""From settings to a tracker. A new adapter is one module and one line here.

An adapter is imported when it is first asked for: an action works with one tracker at most, and
each has some modules of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import Dict, Iterator, MutableMapping, Optional, Type

from reviewloop.errors import ConfigError
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.settings import TrackerSettings

NONE = "none"
BY_ACTIONS = "action"
"""The kind whose calls are StackStorm actions."""


class Adapters(MutableMapping[str, Type[Tracker]]):
    """Adapters by kind.

    :param places: module below ``trackers.adapters`` and name of the class, by kind.
    """

    def __init__(self, **places: str) -> None:
        self._places = places
        self._loaded: Dict[str, Type[Tracker]] = {}

    def __getitem__(self, kind: str) -> Type[Tracker]:
        if kind not in self._loaded:
            module, _, name = self._places[kind].partition(":")
            found = import_module(f"reviewloop.trackers.adapters.{module}")
            self._loaded[kind] = getattr(found, name)
        return self._loaded[kind]

    def __setitem__(self, kind: str, adapter: Type[Tracker]) -> None:
        self._places.setdefault(kind, "")
        self._loaded[kind] = adapter

    def __delitem__(self, kind: str) -> None:
        del self._places[kind]
        self._loaded.pop(kind, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, kind: object) -> bool:
        return kind in self._places


ADAPTERS = Adapters(
    # BY_ACTIONS
    action="stackstorm_action.tracker:AnyAction",
    bugzilla="bugzilla.tracker:Bugzilla",
    gitea="gitea:Gitea",
    github="github:GitHub",
    gitlab="gitlab.tracker:GitLab",
    jira="jira.tracker:Jira",
    launchpad="launchpad.tracker:Launchpad",
    redmine="redmine.tracker:Redmine",
    roundup="roundup.tracker:Roundup",
    rt="rt.tracker:RequestTracker",
    servicenow="servicenow.tracker:ServiceNow",
)
KINDS = (NONE, *sorted(ADAPTERS))


def make_tracker(settings: TrackerSettings) -> Optional[Tracker]:
    """The configured tracker; None for the kind ``none``. Nothing is sent.

    :raises ConfigError: the kind is not known, or its settings are wrong.
    """
    if settings.kind == NONE:
        return None
    if settings.kind not in ADAPTERS:
        raise ConfigError(
            f"tracker.kind is {settings.kind!r}.",
            f"Use one of: {', '.join(KINDS)}.",
        )
    return ADAPTERS[settings.kind](settings)
