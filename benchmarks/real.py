"""What the sensor costs on a real Gerrit with many open changes, beside the bare requests.

    PYTHONPATH=actions/lib:. python -m benchmarks.real SITE

SITE is what `benchmarks.site` printed last. The sensor is the pack's own, in the stand-in for
StackStorm, whose clock goes with the server's; a poll comes when this says so.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import tempfile
import time
from base64 import b64encode
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "actions/lib")]

from sandbox.gerrit.daemon import instant  # noqa: E402
from sandbox.gerrit.people import ADMIN, ADMIN_PASSWORD  # noqa: E402
from sandbox.gerrit.seed import PACK_ACCOUNT, password_of  # noqa: E402
from sandbox.gerrit.server import START  # noqa: E402
from sandbox.standin.standin import StandIn  # noqa: E402

from benchmarks import holding  # noqa: E402
from benchmarks.meter import Meter, Taken  # noqa: E402
from benchmarks.rows import Row, head, times  # noqa: E402
from benchmarks.site import DAYS, BulkGerrit  # noqa: E402
from reviewloop.gerrit.queries import Option, after, all_of, before  # noqa: E402
from reviewloop.http.messages import Request  # noqa: E402
from reviewloop.http.transport import Limits, RequestsTransport  # noqa: E402
from reviewloop.sensor.reader import HISTORY, MOVED  # noqa: E402

_UPDATED = re.compile(rb'"updated":"([^".]+)')
_MORE = b'"_more_changes":true'
TOUCHED = 200


class Bare:
    """The requests alone: no options but those asked for, and no answer is parsed."""

    def __init__(self, url: str) -> None:
        secret = f"{PACK_ACCOUNT}:{password_of(PACK_ACCOUNT)}".encode()
        basic = f"Basic {b64encode(secret).decode()}"
        limits = Limits(whole=600.0, read=300.0, size=256 * 1024 * 1024)
        self._transport = RequestsTransport(url, {"Authorization": basic}, limits=limits)

    def query(self, search: str, options: Sequence[Option] = (), most: int = 500) -> bytes:
        """One page."""
        asked = "".join(f"&o={one.value}" for one in options)
        target = f"/a/changes/?q={quote(search)}&n={most}{asked}"
        headers = {"Accept": "application/json"}
        return self._transport.send(Request("GET", target, headers=headers)).body

    def scan(self, search: str, options: Sequence[Option] = (), *, parses: bool = False) -> None:
        """All pages, by the time of the last row of each.

        :param parses: make values of each answer, and drop them.
        """
        bound = ""
        while True:
            body = self.query(all_of(search, bound) if bound else search, options)
            if parses:
                json.loads(body[body.index(b"\n") :])
            if _MORE not in body:
                return
            last = _UPDATED.findall(body)[-1].decode()
            bound = before(instant(last.replace(" ", "T") + "Z"))


class Sensor:
    """The pack's sensor on a server."""

    def __init__(self, server: BulkGerrit, cache: str) -> None:
        self.server = server
        self.now = instant(START)
        self.standin = StandIn(ROOT, {"url": server.url}, {}, clock=lambda: self.now)
        config: Dict[str, Any] = {
            "url": server.url,
            "username": PACK_ACCOUNT,
            "password": "{{ st2kv.system.gerrit_password }}",
            # What is offered again and again is another row, on the simulated server.
            "coverage_reach": "0d",
        }
        if "sensor_cache" in self.standin.pack.config_schema:
            config["sensor_cache"] = cache
        secrets = {"gerrit_password": password_of(PACK_ACCOUNT)}
        self.standin = StandIn(ROOT, config, secrets, clock=lambda: self.now)
        self.standin.enabled.clear()
        #: Processor time of the stand-in: it checks each payload, as StackStorm does.
        self.aside = 0.0
        self._dispatch = self.standin.dispatch
        self.standin.dispatch = self._timed  # type: ignore[method-assign]
        self.standin.start_sensor()

    def _timed(self, *given: Any) -> None:
        begun = time.process_time()
        self._dispatch(*given)
        self.aside += time.process_time() - begun

    def at(self, moment: datetime) -> None:
        """Set both clocks."""
        self.now = self.server.at(moment)

    def poll(self) -> List[str]:
        """The types of the triggers that one poll sends."""
        sent = len(self.standin.triggers)
        self.standin.poll()
        return [one.type for one in self.standin.triggers[sent:]]


def main(arguments: Sequence[str]) -> int:
    """Measure, and print a table."""
    logging.disable(logging.WARNING)
    print(head())
    with tempfile.TemporaryDirectory() as cache, BulkGerrit(Path(arguments[0])) as server:
        for row in measure(server, cache):
            print(row, flush=True)
    return 0


def measure(server: BulkGerrit, cache: str) -> Iterator[Row]:
    """Every row, in the order in which one leads to the next."""
    taking, bare = Meter(server), Bare(server.url)
    is_open = all_of("status:open", after(instant(START) - timedelta(days=2 * DAYS)), "-is:private")
    # A server that has just started compiles.
    bare.scan(is_open, HISTORY)
    rows = taking.run(lambda: bare.scan(is_open))
    full = taking.run(lambda: bare.scan(is_open, HISTORY))
    parsed = taking.run(lambda: bare.scan(is_open, HISTORY, parses=True))
    yield Row("bare scan without options", str(rows))
    yield Row("bare scan with the sensor's options", str(full))
    yield Row("the same, and json.loads of each answer", str(parsed))
    held = holding.memory()
    holding.forget_memory()
    sensor = Sensor(server, cache)
    start = taking.run(sensor.poll)
    yield Row(
        "cold start",
        str(start),
        str(full),
        "<= 1.2 x requests, <= 15 s CPU, <= 1.3 x wall",
        _ratios(start, full),
    )
    yield _memory(held, server.changes)
    yield _quiet(taking, bare, sensor, "quiet poll")
    yield from _restart(taking, sensor, rows)
    yield from _touched(taking, bare, sensor)
    yield from _due(taking, sensor)
    yield _reconcile(taking, sensor, rows)


def _memory(held: float, changes: int) -> Row:
    """What the process holds, above what it held before it had a sensor."""
    now, most, used = holding.memory(), holding.most_memory(), holding.used_memory()
    each = (used - held) * 2**20 / changes
    figure = f"{now:.0f} MB, {most:.0f} MB at most; {used:.0f} MB in use: {each:,.0f} B a change"
    floor = f"{held:.0f} MB before it"
    note = "all that is above it, by changes; its constant part is told below"
    return Row("memory after it", figure, floor, "<= 2 kB a change above 40 MB", note)


def _ratios(one: Taken, other: Taken) -> str:
    return (
        f"{times(one.requests, other.requests)} requests, {times(one.wire, other.wire)} bytes,"
        f" {times(one.wall, other.wall)} wall, {times(one.server_cpu, other.server_cpu)} server"
    )


def _quiet(taking: Meter, bare: Bare, sensor: Sensor, name: str) -> Row:
    sensor.poll()
    delta = after(sensor.now)
    floor = taking.least(lambda: bare.query(delta))
    return Row(name, taking.least(sensor.poll).small, floor.small, "<= 3 ms CPU, at any size")


def _restart(taking: Meter, sensor: Sensor, rows: Taken) -> Iterator[Row]:
    sensor.at(sensor.now + timedelta(minutes=1))
    sensor.standin.start_sensor()
    again = taking.run(sensor.poll)
    yield Row("restart a minute later", str(again), str(rows), "<= 1.2 x", _ratios(again, rows))


def _touched(taking: Meter, bare: Bare, sensor: Sensor) -> Iterator[Row]:
    sensor.at(sensor.now + timedelta(minutes=5))
    admin = sensor.server.person(ADMIN, ADMIN_PASSWORD)
    touched = min(TOUCHED, sensor.server.changes)
    for number in range(1, touched + 1):
        admin.review(number, "Looked at again.")
    sensor.at(sensor.now + timedelta(minutes=5))
    name = f"{touched} touched since the last poll"
    delta = all_of(after(sensor.now - timedelta(minutes=10)))
    floor = taking.run(lambda: bare.query(delta, MOVED))
    yield Row(name, str(taking.run(sensor.poll)), str(floor))
    sensor.at(sensor.now + timedelta(minutes=30))
    yield _quiet(taking, bare, sensor, "quiet poll half an hour after that")


def _due(taking: Meter, sensor: Sensor) -> Iterator[Row]:
    """What falls due until the next morning, at most 50 a poll."""
    while sensor.poll():
        pass
    sensor.at(instant(START) + timedelta(hours=23))
    sent: List[str] = []
    polls = 0

    def drain() -> None:
        nonlocal polls
        new = sensor.poll()
        while new:
            sent.extend(new)
            polls += 1
            new = sensor.poll()

    before = sensor.aside
    spent = taking.run(drain)
    aside, count = sensor.aside - before, max(1, len(sent))
    each = (spent.cpu - aside) / count * 1e3
    figure = f"{each:.2f} ms CPU a trigger, {polls} polls; {spent}"
    note = f"{aside / count * 1e3:.2f} ms more are the stand-in's for StackStorm"
    yield Row(f"{len(sent):,} due at once, cap 50", figure, "0.37 ms", "<= 0.6 ms a trigger", note)


def _reconcile(taking: Meter, sensor: Sensor, rows: Taken) -> Row:
    """The poll a day after the start, without what falls due meanwhile."""
    sensor.at(instant(START) + timedelta(hours=23, minutes=30))
    while sensor.poll():
        pass
    sensor.at(instant(START) + timedelta(hours=24, minutes=15))
    spent = taking.run(sensor.poll)
    return Row("poll with the daily look at all", str(spent), str(rows), "", _ratios(spent, rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
