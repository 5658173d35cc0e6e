"""A poller on a fake Gerrit and a datastore in memory, for tests of what is told and when."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import yaml
from jsonschema import ValidationError
from sandbox.gerrit.fake import PASSWORD, URL, FakeGerrit
from sandbox.standin.values import validate

from repository import ROOT
from reviewloop.escalation.people import People
from reviewloop.http.retry import Timing
from reviewloop.sensor.beside import Beside
from reviewloop.sensor.clock import Clocks
from reviewloop.sensor.fingerprint import fingerprint
from reviewloop.sensor.poller import SETTLING, Poller, Stores
from reviewloop.sensor.reconcile import EVERY
from reviewloop.settings.load import load
from reviewloop.store.asks import Asks
from reviewloop.store.cursor import DatastoreCursor
from reviewloop.store.pending import Pendings
from reviewloop.store.troubles import DatastoreTroubles
from stores import Shelf

Told = Tuple[str, Dict[str, Any]]


def payload_schemas(path: Path = ROOT / "sensors" / "gerrit_changes_sensor.yaml") -> Dict[str, Any]:
    """The trigger types' payload schemas by reference."""
    meta = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {f"gerrit.{one['name']}": one["payload_schema"] for one in meta["trigger_types"]}


SCHEMAS = payload_schemas()


class Bench:
    """One server, one datastore, and the pollers that come and go between them.

    :param reconciles: whether a poller looks over everything once a day. That mends what else may
        be broken, so only its own tests want it.
    """

    def __init__(self, *, reconciles: bool = False, **config: Any) -> None:
        self.fake = FakeGerrit()
        self.shelf = Shelf()
        self.config = {
            "url": URL,
            "username": "st2-reviews",
            "password": PASSWORD,
            # Only its own tests want what is sent again and again.
            "coverage_reach": "0d",
            **config,
        }
        self.told: List[Told] = []
        self.local_time: Optional[datetime] = None
        self.dispatch_fails: Optional[BaseException] = None
        # The datastore goes down while a trigger is on its way.
        self.fails_after_dispatch = False
        self.refused: List[ValidationError] = []
        # A test that puts in a defect says so; no other meets one.
        self.has_defect = False
        self.reconcile_every = EVERY if reconciles else timedelta(days=36_500)
        self.log: List[logging.LogRecord] = []
        # Where a process leaves what it knows for the next one; nowhere unless a test says so.
        self.folder: Optional[Path] = None
        self.first_look: Callable[[], None] = lambda: None
        self.tidy: Callable[[], None] = lambda: None
        self._logger = logging.Logger("bench")
        self._logger.addHandler(_Keeper(self.log))
        self.start()

    def start(self) -> None:
        """A new process: only the datastore remembers."""
        settings = load(self.config)
        timing = Timing(self._seconds, self.fake.slept.append, lambda: 0.5)
        client = self.fake.client(timing=timing)
        service = self.shelf.service
        beside = self.folder and Beside(
            self.folder, settings.server, fingerprint(settings, self.fake.now), self._logger
        )
        self.poller = Poller(
            settings,
            client,
            Stores(
                DatastoreCursor(service, settings.server),
                DatastoreTroubles(service, settings.server),
                Pendings(service),
                Asks(service),
                beside or None,
            ),
            lambda: People(settings, client, service),
            self._dispatch,
            logger=self._logger,
            clock=lambda: Clocks(self.local(), client.clock().server),
            reconcile_every=self.reconcile_every,
            first_look=self.first_look,
            tidy=self.tidy,
        )

    def _seconds(self) -> float:
        """A clock by which the server's time ages: it goes with the server's own."""
        return self.fake.now.timestamp()

    def local(self) -> datetime:
        """The machine's clock; it goes with the server's unless it is set."""
        return self.fake.now if self.local_time is None else self.local_time

    def poll(self) -> List[Told]:
        """Poll as soon as what happens by now has settled; what that told."""
        before = len(self.told)
        self.fake.advance(seconds=SETTLING.total_seconds())
        self.shelf.now = self.fake.now
        logged = len(self.log)
        self.poller.poll()
        assert self.refused == []
        defects = [one.getMessage() for one in self.log[logged:] if one.exc_info]
        assert self.has_defect or defects == []
        self.fake.advance(seconds=-SETTLING.total_seconds())
        return self.told[before:]

    def waiting(self) -> List[Tuple[int, str]]:
        """Poll once; the change and milestone of each wait told."""
        return [
            (payload["number"], payload["milestone"])
            for trigger, payload in self.poll()
            if trigger == "gerrit.change_waiting"
        ]

    def endings(self) -> List[Tuple[int, str]]:
        """Poll once; the change and how, of each ending told."""
        return [
            (payload["number"], payload["how"])
            for trigger, payload in self.poll()
            if trigger == "gerrit.change_wait_ended"
        ]

    def requests(self) -> int:
        """How many requests the next poll takes."""
        before = len(self.fake.requests)
        self.poll()
        return len(self.fake.requests) - before

    def _dispatch(self, trigger: str, payload: Dict[str, Any], trace_tag: Optional[str]) -> None:
        if self.dispatch_fails is not None:
            raise self.dispatch_fails
        try:
            validate(payload, SCHEMAS[trigger])
        except ValidationError as err:
            self.refused.append(err)
        if trigger != "gerrit.poll_trouble":
            assert trace_tag == f"gerrit-{payload['number']}"
        self.told.append((trigger, payload))
        if self.fails_after_dispatch:
            self.shelf.store.down = True


class _Keeper(logging.Handler):
    def __init__(self, records: List[logging.LogRecord]) -> None:
        super().__init__()
        self._records = records

    def emit(self, record: logging.LogRecord) -> None:
        self._records.append(record)
