"""Polls Gerrit for changes whose wait reached a milestone, or is over."""

from __future__ import annotations

import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Optional

from st2reactor.sensor.base import PollingSensor

# StackStorm puts actions/lib on the path of actions only.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "actions" / "lib"))

# pylint: disable=import-error  # it does not see that either
from reviewloop.escalation.people import People
from reviewloop.messages.check import check_folder
from reviewloop.operations import garbage
from reviewloop.operations.context import make_client
from reviewloop.sensor.clock import Clocks
from reviewloop.sensor.fingerprint import beside
from reviewloop.sensor.first_look import first_look, in_background
from reviewloop.sensor.poller import Poller, Stores
from reviewloop.settings.load import load
from reviewloop.settings.server import sensor_key
from reviewloop.store.asks import Asks
from reviewloop.store.cursor import DatastoreCursor
from reviewloop.store.pending import Pendings
from reviewloop.store.troubles import DatastoreTroubles


class GerritChangesSensor(PollingSensor):
    """One poller for the configured Gerrit server."""

    #: How a check-up is begun for which no poll waits.
    in_background = staticmethod(in_background)

    @staticmethod
    def local_clock() -> datetime:
        """The machine's time, with which the server's is compared."""
        return datetime.now(timezone.utc)  # noqa: TID251

    def setup(self) -> None:
        """Check the configuration; an unreachable server is the first poll's matter.

        :raises ConfigError: the configuration is wrong; every problem is listed at once.
        """
        garbage.seldom()
        settings = load(self.config, check_templates=check_folder)
        self.set_poll_interval(settings.poll_interval)
        client = make_client(settings)
        service, kept_as = self.sensor_service, sensor_key(settings.server, settings.sensor_id)
        logger = service.get_logger(name=type(self).__name__)
        logger.info("profile: %s", settings.profile)
        for warning in settings.warnings:
            logger.warning(warning)
        self._poller = Poller(
            settings,
            client,
            Stores(
                DatastoreCursor(service, kept_as),
                DatastoreTroubles(service, kept_as),
                Pendings(service),
                Asks(service),
                beside(settings, self.local_clock(), logger),
            ),
            lambda: People(settings, client, service),
            self._dispatch,
            logger=logger,
            clock=lambda: Clocks(self.local_clock(), client.clock().server),
            first_look=lambda: self.in_background(lambda: first_look(settings, logger)),
            tidy=garbage.give_back,
        )

    def poll(self) -> None:
        """One poll. Never raises."""
        self._poller.poll()

    def _dispatch(self, trigger: str, payload: Dict[str, Any], trace_tag: Optional[str]) -> None:
        self.sensor_service.dispatch(trigger=trigger, payload=payload, trace_tag=trace_tag)

    def cleanup(self) -> None:
        """Nothing is held open between polls."""

    def add_trigger(self, trigger: Any) -> None:
        """Triggers of this sensor have no parameters."""

    def update_trigger(self, trigger: Any) -> None:
        """Triggers of this sensor have no parameters."""

    def remove_trigger(self, trigger: Any) -> None:
        """Triggers of this sensor have no parameters."""
