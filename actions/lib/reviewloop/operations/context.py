"""What an action works with, built once from the pack's configuration."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from functools import cached_property, partial  # Python 3.8
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterator,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from reviewloop.core.change import Change
from reviewloop.core.durations import Duration
from reviewloop.core.payloads import Site
from reviewloop.core.reading import Reading, Timeline
from reviewloop.errors import (
    DatastoreError,
    ReviewLoopError,
    TemporaryError,
    guarded,
    named,
)
from reviewloop.escalation.people import People
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.reading import READ_ANEW, Reads
from reviewloop.operations.failing import error_dict
from reviewloop.operations.one_reading import NO_READING, OneReading, joined_to
from reviewloop.settings.load import Settings, load
from reviewloop.store.asks import Ask, Asks
from reviewloop.store.datastore import Datastore
from reviewloop.store.lease import Lease, Leases
from reviewloop.store.pending import Pending, Pendings
from reviewloop.store.tally import ROSTER, Tally
from reviewloop.store.tickets import DatastoreRecords, Records
from reviewloop.trackers.base import Tracker
from reviewloop.trackers.factory import make_tracker
from reviewloop.trackers.settings import TrackerSettings

if TYPE_CHECKING:
    from reviewloop.markup.formats import BodyFormat
    from reviewloop.messages.subject import Subject
    from reviewloop.trackers.ticketing import Ticketing

Result = Tuple[bool, Dict[str, Any]]

PATIENCE = 5.0
"""Seconds to wait for the lease of the roster where it is only to note something."""


class Context:
    """Clients and records for one run of an action.

    :param config: the pack's configuration, as StackStorm hands it over, or as it was loaded.
    :param datastore: StackStorm's ``action_service``.
    :param client_of, tracker_of: how the two servers are reached, each when it is first needed.
    :param reads: how changes are read to decide on them.
    :raises ConfigError: the configuration is wrong; every problem is listed.
    """

    def __init__(
        self,
        config: Union[Mapping[str, Any], Settings, None],
        datastore: Datastore,
        client_of: Optional[Callable[[Settings], Client]] = None,
        tracker_of: Callable[[TrackerSettings], Optional[Tracker]] = make_tracker,
        reads: Reads = READ_ANEW,
    ) -> None:
        self.settings = config if isinstance(config, Settings) else load(config)
        self.config = {} if config is None or isinstance(config, Settings) else config
        self.datastore = datastore
        self._client_of = client_of or make_client
        self._tracker_of = tracker_of
        self.reads = reads
        self.reading = NO_READING
        self.progress: Callable[[str], None] = lambda _text: None

    @cached_property
    def client(self) -> Client:
        """The Gerrit server."""
        return self._client_of(self.settings)

    @cached_property
    def asks(self) -> Asks:
        """Who was asked what."""
        return Asks(self.datastore)

    @cached_property
    def pendings(self) -> Pendings:
        """What was put off."""
        return Pendings(self.datastore)

    @cached_property
    def tally(self) -> Tally:
        """Both in a few values."""
        return Tally(self.datastore, self.asks, self.pendings)

    def known(self) -> Tuple[Sequence[Ask], Sequence[Pending]]:
        """Every ask, and everything that was put off, by the tally."""
        return self.tally.load(self.client.now())

    def note(self, asks: Sequence[Ask] = (), dropped: Sequence[Pending] = ()) -> None:
        """Write records of asks, and drop some of what was put off; in the tally as well, unless
        others hold the lease of the roster for long: then that is made anew.
        """
        if not (asks or dropped):
            return
        try:
            with Leases(self.datastore, patience=PATIENCE).hold(ROSTER) as lease:
                self.tally.load(self.client.now(), lease)
                self.tally.note(self.client.now(), asks, dropped=dropped)
                return
        except DatastoreError:
            raise
        except TemporaryError:
            pass
        for ask in asks:
            self.asks.put(ask)
        for pending in dropped:
            self.pendings.drop(pending)

    @cached_property
    def leases(self) -> Leases:
        """What keeps runs apart that must not decide or write at once."""
        return Leases(self.datastore)

    @contextmanager
    def change_lease(self, number: int) -> Iterator[Lease]:
        """Hold what every writing operation about a change holds: they follow each other.

        Ask ``check()`` of what is held before a write that comes late. Meanwhile nobody else writes
        the record of the change's ticket, so it is read once.

        :raises TemporaryError: others held it all the while, or the datastore is down.
        """
        with self.leases.hold(f"change-{number}") as lease, self.records.remembered():
            yield lease

    @contextmanager
    def one_reading(self, number: int) -> Iterator[None]:
        """Hold a change's lease over several operations about it: what one of them has read of the
        change serves the next as well, while it is fresh.
        """
        with self.change_lease(number) as lease:
            self.reading = OneReading(lease)
            try:
                yield
            finally:
                self.reading = NO_READING

    @cached_property
    def people(self) -> People:
        """The roster."""
        return People(self.settings, self.client, self.datastore)

    @cached_property
    def records(self) -> Records:
        """The tickets that were opened."""
        return DatastoreRecords(self.datastore)

    @cached_property
    def ticketing(self) -> Optional[Ticketing]:
        """Opens and closes tickets; None where no tracker is configured."""
        if self.tracker is None:
            return None
        from reviewloop.trackers.outcomes import ReopenPolicy  # noqa: PLC0415 - few open tickets
        from reviewloop.trackers.ticketing import Ticketing  # noqa: PLC0415

        tracker = self.settings.tracker
        policy = ReopenPolicy(timedelta(days=tracker.reopen_days), tracker.wont_fix)
        return Ticketing(self.tracker, self.records, self.client.now, policy)

    @cached_property
    def tracker(self) -> Optional[Tracker]:
        """The configured tracker, or None."""
        return self._tracker_of(self.settings.tracker)

    @property
    def site(self) -> Site:
        """The server as links and ids name it."""
        return Site(self.settings.server, self.settings.gerrit.url)

    def url(self, change: Change) -> str:
        """A change's address for people."""
        return self.site.link(change)

    def text(
        self,
        purpose: str,
        body_format: BodyFormat,
        subject: Optional[Subject] = None,
        **more: Any,
    ) -> str:
        """The text of a purpose, see :func:`reviewloop.messages.render.render`."""
        from reviewloop.messages.render import render  # noqa: PLC0415 - Jinja is slow

        return render(purpose, body_format, subject, self.settings.templates, **more)

    def _joined(
        self, number: int, timeline: Timeline, milestone: Duration
    ) -> Tuple[Tuple[int, str], ...]:
        """The changes for which the latest ask of a wait's milestone is meant as well."""
        wait = (number, timeline.wait.party.value, timeline.wait.since)
        mine = [
            ask
            for ask in self.known()[0]
            if (ask.number, ask.party, ask.since) == wait and ask.event_id.endswith(f":{milestone}")
        ]
        return self.links(mine[-1].joined if mine else ())

    def links(self, numbers: Sequence[int]) -> Tuple[Tuple[int, str], ...]:
        """Changes with their addresses."""
        return tuple((one, self.site.short(one)) for one in numbers)

    def subject(
        self,
        reading: Reading,
        timeline: Timeline,
        milestone: Duration,
        asked: Sequence[int],
        ticket_url: str = "",
    ) -> Subject:
        """What a text about an open wait says of its change, as of now.

        :param asked: account ids of the people who are asked.
        """
        from reviewloop.messages.subject import Subject  # noqa: PLC0415 - few write texts
        from reviewloop.operations.usual import usual_text  # noqa: PLC0415 - few write texts

        policy, wait = self.settings.policy, timeline.wait
        return Subject(
            change=reading.change,
            url=self.url(reading.change),
            policy=policy,
            party=wait.party,
            since=wait.since,
            seconds=reading.elapsed(wait, self.client.now(), policy),
            milestone=str(milestone),
            human_reviews=reading.state.human_reviews,
            asked=tuple(self.people.one(account) for account in asked),
            ticket_url=ticket_url,
            joined=self.reading.once(
                joined_to(timeline.key, milestone),
                partial(self._joined, reading.change.number, timeline, milestone),
            ),
            usual=usual_text(self, reading, timeline),
        )


def make_client(settings: Settings, **more: Any) -> Client:
    """A client for the configured Gerrit server.

    :param more: as of :class:`reviewloop.gerrit.session.Session`.
    """
    gerrit = settings.gerrit
    return Client(gerrit.url, gerrit.username, gerrit.password, verify=gerrit.verify, **more)


def perform(action: Any, operation: Callable[..., Dict[str, Any]], **parameters: Any) -> Result:
    """Run an operation for a StackStorm action: ``(True, result)``, or ``(False, {"error": {…}})``.

    :param action: the action instance, with ``config`` and ``action_service``.
    :param operation: called with a :class:`Context` and the parameters.
    """
    # StackStorm stores each line that an action logs in its database, and publishes it. Its own
    # datastore logs one for each call, which is all that there would be below this level.
    action.logger.setLevel(max(action.logger.level, logging.INFO))

    def done() -> Result:
        context = Context(action.config, action.action_service)
        context.progress = action.logger.info
        return True, operation(context, **parameters)

    def failed(err: Exception) -> Result:
        if not isinstance(err, ReviewLoopError):
            action.logger.exception("A defect of this pack")
        return False, {"error": error_dict(named(err))}

    return guarded(done, failed)
