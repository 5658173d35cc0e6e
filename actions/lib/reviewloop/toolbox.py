"""What an action works with, built once from the pack's configuration."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property  # Python 3.8
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from reviewloop.core.change import Change
from reviewloop.core.payloads import Site
from reviewloop.errors import ConfigError, ReviewLoopError
from reviewloop.escalation.assess import Assessor
from reviewloop.escalation.people import People
from reviewloop.gerrit.client import Client
from reviewloop.settings.load import Settings, load
from reviewloop.store.asks import Asks
from reviewloop.store.datastore import Datastore
from reviewloop.store.tickets import DatastoreRecords, Records
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.desk import Desk, ReopenPolicy
from reviewloop.trackers.factory import make_tracker

Result = Tuple[bool, Dict[str, Any]]


class Toolbox:
    """Clients and records for one run of an action.

    :param config: the pack's configuration, as StackStorm hands it over.
    :param datastore: StackStorm's ``action_service``.
    :raises ConfigError: the configuration is wrong; every problem is listed.
    """

    def __init__(self, config: Optional[Mapping[str, Any]], datastore: Datastore) -> None:
        self.settings: Settings = load(config)
        self._datastore = datastore

    @cached_property
    def client(self) -> Client:
        """The Gerrit server."""
        return make_client(self.settings)

    @cached_property
    def asks(self) -> Asks:
        """Who was asked what."""
        return Asks(self._datastore)

    @cached_property
    def people(self) -> People:
        """The roster."""
        return People(self.settings, self.client, self._datastore)

    @cached_property
    def assessor(self) -> Assessor:
        """Decides on events."""
        return Assessor(self.settings, self.client, self.people, self.asks)

    @cached_property
    def records(self) -> Records:
        """The tickets that were opened."""
        return DatastoreRecords(self._datastore)

    @cached_property
    def desk(self) -> Optional[Desk]:
        """Opens and closes tickets; None where no tracker is configured."""
        if self.tracker is None:
            return None
        tracker = self.settings.tracker
        policy = ReopenPolicy(timedelta(days=tracker.reopen_days), tracker.wont_fix)
        return Desk(self.tracker, self.records, self.client.now, policy)

    @cached_property
    def tracker(self) -> Optional[Tracker]:
        """The configured tracker, or None."""
        return make_tracker(self.settings.tracker)

    @property
    def site(self) -> Site:
        """The server as links and ids name it."""
        return Site(self.settings.server, self.settings.gerrit.url)

    def url(self, change: Change) -> str:
        """A change's address for people."""
        return self.site.link(change)


def make_client(settings: Settings) -> Client:
    """A client for the configured Gerrit server."""
    gerrit = settings.gerrit
    return Client(gerrit.url, gerrit.username, gerrit.password, verify=gerrit.verify)


def perform(action: Any, deed: Callable[..., Dict[str, Any]], **parameters: Any) -> Result:
    """Run a deed for a StackStorm action: ``(True, result)``, or ``(False, {"error": {…}})``.

    :param action: the action instance, with ``config`` and ``action_service``.
    :param deed: called with a :class:`Toolbox` and the parameters.
    """
    try:
        return True, deed(Toolbox(action.config, action.action_service), **parameters)
    except ReviewLoopError as err:
        return False, {"error": error_dict(err)}


def error_dict(err: ReviewLoopError) -> Dict[str, Any]:
    """``{kind, message, remedy}``, and every problem of a wrong configuration."""
    told: Dict[str, Any] = dict(err.as_dict())
    if isinstance(err, ConfigError):
        told["problems"] = list(err.problems)
    return told
