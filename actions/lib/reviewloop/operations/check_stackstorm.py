"""What of StackStorm keeps the pack from acting: the sensor's switch, executions that never end,
services that do not find each other. Rules are in ``check_rules``, the datastore in ``check_keys``.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import List

from reviewloop.insight.findings import Finding, Level, some
from reviewloop.operations.checks import Checks
from reviewloop.operations.stackstorm import SENSOR, Row, StackStorm, action_of

NOT_ASKED = Finding(
    "stackstorm",
    Level.UNKNOWN,
    "Rules, the sensor's switch, datastore keys, executions and coordination were not looked at:"
    " no StackStorm is named.",
    "They keep the pack from acting, too.",
    "Run `st2 run gerrit.doctor`; or set ST2_API_URL and ST2_AUTH_TOKEN, and run this again.",
)

#: An action ends within minutes; what still runs after so long is dead.
DEAD = timedelta(hours=1)
#: So far back executions are looked at.
BACK = timedelta(days=7)
#: Failures of so long are told.
LATELY = timedelta(days=1)
_UNENDED = ("running", "requested", "scheduled", "delayed")
_FAILED = ("failed", "timeout", "abandoned")


def sensor(found: StackStorm) -> Checks:
    """Whether the sensor is registered and switched on."""
    row = found.sensor()
    check = "sensor: switch"
    if row is None:
        yield Finding(
            check,
            Level.PROBLEM,
            f"StackStorm knows no sensor {SENSOR}.",
            "Nothing is polled, and no trigger is sent.",
            "st2 pack install PACK, or: st2ctl reload --register-sensors",
        )
    elif not row.get("enabled"):
        yield Finding(
            check,
            Level.PROBLEM,
            "The sensor is switched off.",
            "Nothing is polled, and no trigger is sent.",
            f"st2 sensor enable {SENSOR}; docs/operators.md says how it stays enabled.",
        )
    else:
        yield Finding(check, Level.OK, "The sensor is switched on.")


def executions(found: StackStorm, now: datetime) -> Checks:
    """Our executions that never end, and those that failed lately."""
    dead = [row for status in _UNENDED for row in found.executions(status, now - BACK, now - DEAD)]
    if dead:
        yield Finding(
            "executions: dead",
            Level.WARNING,
            f"{len(dead)} executions have not ended after an hour: {some(_told(dead))}.",
            "A service died under them. The pack goes on without them; they only take up room.",
            f"st2 execution cancel {dead[0].get('id')}",
        )
    else:
        yield Finding("executions: dead", Level.OK, "No execution hangs.")
    failed = [row for status in _FAILED for row in found.executions(status, now - LATELY, now)]
    if failed:
        counts = Counter(action_of(row) for row in failed)
        listed = ", ".join(f"{ref} {count}" for ref, count in sorted(counts.items()))
        yield Finding(
            "executions: failed",
            Level.WARNING,
            f"Executions of the last day that failed: {listed}.",
            "What they were to do may not be done; overdue waits are offered again.",
            f"st2 execution get {failed[0].get('id')}",
        )
    else:
        yield Finding("executions: failed", Level.OK, "No execution failed in the last day.")


def _told(rows: List[Row]) -> List[str]:
    return [f"{action_of(row)} since {row.get('start_timestamp')}" for row in rows]


def coordination(found: StackStorm) -> Checks:
    """Whether the services see each other. StackStorm's API says nothing of its settings, so only
    a service registry that has several services in it proves a backend.
    """
    check = "coordination"
    services = found.services()
    if services and len(services) > 1:
        yield Finding(check, Level.OK, f"Coordination knows {len(services)} kinds of services.")
        return
    yield Finding(
        check,
        Level.UNKNOWN,
        "StackStorm does not show whether a coordination backend is configured.",
        "Without one, several workflow engines or schedulers may run one task twice. The pack keeps"
        " its own runs apart by leases in the datastore.",
        "With more than one of them, set `url` and `service_registry = True` in the section"
        " coordination of st2.conf; then: st2 service-registry group list",
    )
