"""From settings to a tracker. A new adapter is one module and one line here."""

from __future__ import annotations

from typing import Dict, Optional, Type

from reviewloop.errors import ConfigError
from reviewloop.trackers.adapters.bugzilla.tracker import Bugzilla
from reviewloop.trackers.adapters.gitea import Gitea
from reviewloop.trackers.adapters.github import GitHub
from reviewloop.trackers.adapters.gitlab.tracker import GitLab
from reviewloop.trackers.adapters.jira.tracker import Jira
from reviewloop.trackers.adapters.launchpad.tracker import Launchpad
from reviewloop.trackers.adapters.redmine.tracker import Redmine
from reviewloop.trackers.adapters.roundup.tracker import Roundup
from reviewloop.trackers.adapters.rt.tracker import RequestTracker
from reviewloop.trackers.adapters.servicenow.tracker import ServiceNow
from reviewloop.trackers.adapters.stackstorm_action.tracker import AnyAction
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.settings import TrackerSettings

NONE = "none"

ADAPTERS: Dict[str, Type[Tracker]] = {
    AnyAction.kind: AnyAction,
    Bugzilla.kind: Bugzilla,
    Gitea.kind: Gitea,
    GitHub.kind: GitHub,
    GitLab.kind: GitLab,
    Jira.kind: Jira,
    Launchpad.kind: Launchpad,
    Redmine.kind: Redmine,
    Roundup.kind: Roundup,
    RequestTracker.kind: RequestTracker,
    ServiceNow.kind: ServiceNow,
}
KINDS = (NONE, *sorted(ADAPTERS))


def make_tracker(settings: TrackerSettings) -> Optional[Tracker]:
    """The configured tracker; None for the kind ``none``. Nothing is sent.

    :raises ConfigError: the kind is not known, or its settings are wrong.
    """
    if settings.kind == NONE:
        return None
    try:
        adapter = ADAPTERS[settings.kind]
    except KeyError as err:
        raise ConfigError(
            f"tracker.kind is {settings.kind!r}.",
            f"Use one of: {', '.join(KINDS)}.",
        ) from err
    return adapter(settings)
