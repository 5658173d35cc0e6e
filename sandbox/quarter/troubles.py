"""What goes wrong: steps. Every one of them lasts until it is used up, or until evening."""

from __future__ import annotations

from datetime import timedelta

from .machine import MACHINE
from .names import NETWORK
from .network import Fault
from .servers import GERRIT, TRACKER
from .world import COMMITTEE, LIMITS, World, step

# Which requests a fault meets: (writes only, after the work).
WHERE = ((None, False), (True, False), (True, True), (False, False))
SKEWS = (
    timedelta(hours=1),
    timedelta(hours=-1),
    timedelta(days=365),
    timedelta(days=-365),
    None,
    timedelta(minutes=1),
)


@step
def gerrit(world: World, kind: int, times: int, where: int) -> None:
    """Gerrit fails."""
    _network(world, GERRIT, kind, times, where)


@step
def tracker(world: World, kind: int, times: int, where: int) -> None:
    """The tracker fails."""
    _network(world, TRACKER, kind, times, where)


def _network(world: World, host: str, kind: int, times: int, where: int) -> None:
    writes, done = WHERE[where % len(WHERE)]
    fault = Fault(NETWORK[kind % len(NETWORK)], times, writes, done)
    world.network.faults.setdefault(host, []).append(fault)
    world.trouble()


@step
def clock(world: World, kind: int) -> None:
    """The server's clock is wrong, or not sent."""
    world.gerrit.ahead = SKEWS[kind % len(SKEWS)]
    world.trouble()


@step
def index(world: World, minutes: int) -> None:
    """The index lags."""
    world.gerrit.index_now()
    world.gerrit.lag = timedelta(minutes=minutes)
    world.trouble()


@step
def stale(world: World, change: int, minutes: int) -> None:
    """The index goes on showing a change as it is, for longer than the others."""
    number = world.pick(change).number
    world.gerrit.leave_stale(number)
    world.later(MACHINE.now + timedelta(minutes=minutes), lambda: world.gerrit.reindex(number))
    world.trouble()


@step
def datastore(world: World, kind: int, count: int) -> None:
    """The datastore is down, slow, loses writes, damages a value, is yesterday's, or answers as if
    it held nothing.
    """
    store = world.st2.datastore
    names = [one.name for one in store.items("gerrit.")]
    what = kind % 6
    store.down = store.down or what == 0
    if what == 1:
        store.slow = 20.0
    elif what == 2:
        store.losing += count
    elif what == 3 and names:
        store.damage(names[count % len(names)])
    elif what == 4:
        store.restore(world.yesterday)
    elif what == 5:
        store.blind += count
    world.trouble()


@step
def mend(world: World) -> None:
    """The datastore comes back, and the network."""
    world.st2.datastore.down = False
    world.network.faults.clear()
    world.trouble()


@step
def bus(world: World, kind: int, count: int) -> None:
    """The bus drops, doubles or reorders."""
    name = ("dropping", "doubling", "shuffling")[kind % 3]
    setattr(world.st2, name, count)
    world.trouble()


@step
def kill(world: World, who: int, after: int) -> None:
    """A process dies: the sensor's, an action's, or an action with its runner, for ever."""
    what = who % 3
    world.st2.die("sensor" if what == 0 else "action", after, forever=what == 2)
    world.trouble()


@step
def twice(world: World, count: int, side_by_side: int) -> None:
    """Runs are delivered twice and go side by side."""
    world.st2.twice = count
    world.st2.side_by_side = side_by_side
    world.trouble()


@step
def restart(world: World) -> None:
    """The sensor starts anew."""
    world.st2.sensor = None
    world.trouble()


@step
def configure(world: World, kind: int, value: int) -> None:
    """The configuration changes."""
    name, least = (("per_person_week", 3), ("per_run", 2), ("ramp_per_day", 2))[kind % 3]
    limits = {**LIMITS, name: least + value % 4}
    world.reconfigure(limits=limits)
    world.trouble()


@step
def roster(world: World, who: int) -> None:
    """Somebody leaves the roster, or comes back."""
    members = world.config["roster"]["members"]
    name = COMMITTEE[who % len(COMMITTEE)]
    left = [one for one in members if one["gerrit"] != name]
    if len(left) == len(members):
        left.append({"name": name, "gerrit": name})
    world.reconfigure(roster={"members": left or members})
    world.trouble()


@step
def away(world: World, who: int) -> None:
    """Somebody is away, or back."""
    key = f"gerrit.away.{COMMITTEE[who % len(COMMITTEE)]}"
    store = world.st2.datastore
    if any(one.name == key for one in store.items(key)):
        store._items.pop(key)
    else:
        store.put(key, "1", ttl=3 * 86_400)
    world.trouble()


@step
def departed(world: World, who: int) -> None:
    """An account is switched off, or on again."""
    account = world.gerrit.accounts[world.account(COMMITTEE, who)]
    account["inactive"] = not account.pop("inactive", False)
    world.trouble()


@step
def leave(world: World, minutes: int) -> None:
    """As ``wait``, while the trouble lasts."""
    world.advance(minutes)
    world.poll()
    world.last_trouble = MACHINE.now
