"""What is wrong, told once, and that it is over, told once."""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Optional, Tuple

import pytest

from histories import at
from reviewloop.errors import (
    AuthError,
    ConfigError,
    DatastoreError,
    ProtocolError,
    RefusedError,
    TemporaryError,
)
from reviewloop.sensor.aside import PartialError
from reviewloop.sensor.clock import ClockError
from reviewloop.sensor.dispatch import MessagingError, Outbox
from reviewloop.sensor.trouble import Troubles, kind_of
from reviewloop.store.troubles import DatastoreTroubles, OpenTrouble
from stores import Shelf

Told = Tuple[str, str, int]


class Desk:
    """Troubles over one datastore; ``told`` is state, kind and failures of each trigger."""

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.told: List[Told] = []
        self.payloads: List[Dict[str, Any]] = []
        self.bus_is_down = False
        self.now = at("mon 9:00")
        self.start()

    def start(self) -> None:
        """A new process."""
        self.troubles = Troubles(
            "review.example.org:8443",
            DatastoreTroubles(self.shelf.service, "review.example.org:8443"),
            Outbox(self._send),
            lambda: self.now,
            logging.Logger("troubles"),
        )

    def took(self) -> List[Told]:
        """What was told since the last look."""
        told, self.told = self.told, []
        return told

    def _send(self, trigger: str, payload: Dict[str, Any], trace_tag: Optional[str]) -> None:
        if self.bus_is_down:
            raise OSError("no bus")
        assert (trigger, trace_tag) == ("gerrit.poll_trouble", None)
        self.payloads.append(payload)
        self.told.append((payload["state"], payload["kind"], payload["failures"]))


@pytest.fixture
def desk() -> Desk:
    """Nothing has gone wrong yet."""
    return Desk()


DOWN = TemporaryError("no answer", "Wait.")
AUTH = AuthError("wrong password", "Renew it.")
PARTIAL = PartialError("change 7", "Report it.")
CLOCK = ClockError("a year ahead", "Set it.")


def test_told_once(desk: Desk) -> None:
    """When it begins, and when it is over, with how many polls met it."""
    for _ in range(3):
        desk.troubles.failed(DOWN)
    desk.troubles.worked({})
    desk.troubles.worked({})

    assert desk.took() == [("down", "unreachable", 1), ("recovered", "unreachable", 3)]
    assert desk.payloads[0]["remedy"] == "Wait."
    assert desk.payloads[1]["since"] == "2026-03-02T09:00:00Z"


def test_another_reason(desk: Desk) -> None:
    """When polling fails for another reason that is told, and the count goes on."""
    desk.troubles.failed(DOWN)
    desk.now = at("mon 10:00")
    desk.troubles.failed(AUTH)
    desk.troubles.failed(AUTH)
    desk.troubles.worked({})

    assert desk.took() == [
        ("down", "unreachable", 1),
        ("down", "auth", 2),
        ("recovered", "auth", 3),
    ]
    assert {one["since"] for one in desk.payloads} == {"2026-03-02T09:00:00Z"}


def test_side_by_side(desk: Desk) -> None:
    """What does not keep polls from working begins and ends by itself."""
    desk.troubles.worked({"partial": PARTIAL})
    desk.troubles.worked({"partial": PARTIAL, "clock": CLOCK})
    desk.troubles.failed(DOWN)
    assert desk.took() == [("down", "partial", 1), ("down", "clock", 1), ("down", "unreachable", 1)]

    desk.troubles.worked({"clock": CLOCK})
    assert sorted(desk.took()) == [("recovered", "partial", 2), ("recovered", "unreachable", 1)]


def test_each_has_its_own_time(desk: Desk) -> None:
    """What stands beside tells when it began, and how many polls met it."""
    desk.troubles.worked({"partial": PARTIAL})
    desk.now = at("mon 10:00")
    desk.troubles.worked({"partial": PARTIAL, "clock": CLOCK})
    desk.now = at("mon 11:00")
    desk.troubles.worked({"partial": PARTIAL})
    desk.troubles.worked({})

    told = [(one["kind"], one["state"], one["since"][11:16], one["failures"], one["remedy"])
            for one in desk.payloads]  # fmt: skip
    assert told == [
        ("partial", "down", "09:00", 1, "Report it."),
        ("clock", "down", "10:00", 1, "Set it."),
        ("clock", "recovered", "10:00", 1, ""),
        ("partial", "recovered", "09:00", 3, ""),
    ]
    assert {one["server"] for one in desk.payloads} == {"review.example.org:8443"}


def test_failure_beside_what_stands(desk: Desk) -> None:
    """A failing poll neither ends what stands beside it nor takes its count over."""
    for _ in range(3):
        desk.troubles.worked({"partial": PARTIAL})
    desk.now = at("mon 10:00")
    desk.troubles.failed(DOWN)

    assert desk.took() == [("down", "partial", 1), ("down", "unreachable", 1)]
    assert desk.payloads[1]["since"] == "2026-03-02T10:00:00Z"


def test_what_could_not_be_remembered_at_once(desk: Desk) -> None:
    """It is remembered with the next poll, though nothing new is to be told then."""
    desk.troubles.worked({})
    desk.shelf.store.down = True
    desk.troubles.worked({"clock": CLOCK})
    desk.shelf.store.down = False
    desk.troubles.worked({"clock": CLOCK})
    desk.start()
    desk.troubles.worked({})

    assert desk.took() == [("down", "clock", 1), ("recovered", "clock", 2)]


def test_mended_by_a_restart(desk: Desk) -> None:
    """What a new process finds mended is over, and told to be."""
    desk.troubles.failed(AUTH)
    desk.troubles.failed(AUTH)
    desk.start()
    desk.troubles.worked({})
    desk.start()
    desk.troubles.worked({})

    assert desk.took() == [("down", "auth", 1), ("recovered", "auth", 1)]


def test_lasting_over_a_restart(desk: Desk) -> None:
    """What goes on is not told again; what becomes another is."""
    desk.troubles.failed(AUTH)
    desk.troubles.worked({"clock": CLOCK})
    desk.took()
    desk.troubles.failed(AUTH)
    desk.took()
    desk.start()
    desk.troubles.failed(AUTH)
    assert desk.took() == []
    desk.troubles.failed(DOWN)

    assert desk.took() == [("down", "unreachable", 3)]
    desk.troubles.worked({"clock": CLOCK})
    assert desk.took() == [("recovered", "unreachable", 3)]


def test_datastore_down(desk: Desk) -> None:
    """Troubles are told all the same while nothing can be remembered of them."""
    desk.troubles.failed(AUTH)
    desk.start()
    desk.shelf.store.down = True
    desk.troubles.failed(DatastoreError("down"))
    desk.troubles.failed(DatastoreError("down"))
    assert desk.took() == [("down", "auth", 1), ("down", "datastore", 1)]
    desk.shelf.store.down = False
    desk.troubles.worked({})

    assert sorted(desk.took()) == [("recovered", "auth", 1), ("recovered", "datastore", 2)]
    desk.start()
    desk.troubles.worked({})
    assert desk.took() == []


def test_written_only_when_it_changes(desk: Desk) -> None:
    """A trouble that lasts, and polls that work, cost the datastore nothing."""
    written: List[str] = []
    set_value = desk.shelf.service.set_value

    def counting(name: str, *args: Any, **kwargs: Any) -> Any:
        written.append(name)
        return set_value(name, *args, **kwargs)

    desk.shelf.service.set_value = counting  # type: ignore[method-assign]
    for _ in range(3):
        desk.troubles.worked({})
    assert written == []
    for _ in range(3):
        desk.troubles.failed(DOWN)
    assert len(written) == 1
    for _ in range(3):
        desk.troubles.worked({})
    assert len(written) == 2


def test_bus_down(desk: Desk) -> None:
    """Where StackStorm takes no trigger, that is only in the log, and a recovery waits for it."""
    desk.troubles.failed(DOWN)
    desk.bus_is_down = True
    with pytest.raises(MessagingError):
        desk.troubles.worked({})
    desk.troubles.failed(MessagingError("no bus"))
    desk.bus_is_down = False
    desk.troubles.worked({})

    assert desk.took() == [("down", "unreachable", 1), ("recovered", "messaging", 2)]


@pytest.mark.parametrize(
    "text", ["no JSON", "[]", '{"version": 2}', '{"version": 1, "open": {"x": 1}}']
)
def test_stored_value_that_makes_no_sense(desk: Desk, text: str) -> None:
    """All that it costs is that an old trouble is never told to be over."""
    desk.shelf.store.put("gerrit.trouble.review.example.org_8443", text)
    desk.troubles.worked({})

    assert desk.took() == []


def test_stored_value() -> None:
    """What is stored is what is read."""
    shelf = Shelf()
    troubles = {"auth": OpenTrouble(at("mon 9:00"), 3)}
    DatastoreTroubles(shelf.service, "x").save(troubles)

    assert DatastoreTroubles(shelf.service, "x").load() == troubles
    assert DatastoreTroubles(shelf.service, "y").load() == {}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (DOWN, "unreachable"),
        (AUTH, "auth"),
        (ConfigError("x"), "config"),
        (DatastoreError("x"), "datastore"),
        (RefusedError("x", status=403), "forbidden"),
        (RefusedError("x", status=400), "config"),
        (PARTIAL, "partial"),
        (CLOCK, "clock"),
        (MessagingError("x"), "messaging"),
        (ProtocolError("x"), "internal"),
        (KeyError("x"), "internal"),
    ],
)
def test_kinds(error: Exception, kind: str) -> None:
    """Errors are named by who must act."""
    assert kind_of(error) == kind


def test_always_a_remedy(desk: Desk) -> None:
    """Whatever it is, the trigger says what to do."""
    desk.troubles.failed(KeyError("x"))

    assert "Report it" in desk.payloads[0]["remedy"]
