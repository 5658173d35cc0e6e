"""The pack on a StackStorm, as an operator installs, configures and removes it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple

from sandbox.gerrit.seed import PACK_ACCOUNT, password_of
from sandbox.stackstorm.api import DONE, StackStorm, until
from sandbox.trackers.roundup import RoundupServer

ROOT = Path(__file__).resolve().parents[2]
SENSOR = "gerrit.GerritChangesSensor"
#: The datastore values that the configuration names.
SECRETS = ("gerrit_password", "gerrit_tracker_token")


def server_of(url: str) -> str:
    """The id of the Gerrit at this address: what events and stored values are named by."""
    return url.rpartition("/")[2]


def secrets_of(roundup: RoundupServer) -> Dict[str, str]:
    """Datastore values that must never be seen."""
    return dict(zip(SECRETS, (password_of(PACK_ACCOUNT), roundup.token)))


def configuration(
    gerrit_url: str, roundup: RoundupServer, members: Mapping[str, str], poll: int
) -> Dict[str, Any]:
    """The pack's configuration.

    :param members: full name -> username, the same in Gerrit and in the tracker.
    :param poll: ``poll_interval``, in seconds.
    """
    roster = [
        {"name": name, "gerrit": username, "tracker": {"roundup": username}}
        for name, username in members.items()
    ]
    return {
        "url": gerrit_url,
        "username": PACK_ACCOUNT,
        "password": "{{ st2kv.system.gerrit_password }}",
        "poll_interval": poll,
        "roster": {"members": roster},
        "tracker": {
            "kind": "roundup",
            "url": roundup.url,
            "token": "{{ st2kv.system.gerrit_tracker_token }}",
        },
    }


def stored_names() -> Tuple[str, ...]:
    """What the names of stored values begin with, by the operator guide's table."""
    guide = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    return tuple(re.findall(r"^\| `(gerrit\.\w+\.)\*` \|", guide, re.MULTILINE))


def is_there(st2: StackStorm) -> bool:
    """Whether a pack of this name is installed."""
    return "gerrit" in [pack["ref"] for pack in st2.call("GET", "/packs")]


def must_not_be_there(st2: StackStorm) -> None:
    """Leave alone what somebody else installed."""
    assert not is_there(st2), (
        "The pack is there already: uninstall it first, or take another StackStorm."
    )


def install(
    st2: StackStorm,
    checkout: Path,
    secrets: Mapping[str, str],
    config: Mapping[str, Any],
    rules: Iterable[str],
) -> None:
    """Pack, secrets, configuration, rules, sensor; until the sensor has polled once.

    :param checkout: its committed files are installed.
    """
    installed = st2.run("packs.install", 900, packs=[f"file://{checkout}"])
    assert installed["status"] == "succeeded", installed["result"]
    for name, secret in secrets.items():
        st2.call("PUT", f"/keys/{name}", {"name": name, "value": secret, "secret": True})
    st2.call("PUT", "/configs/gerrit", config)
    for rule in rules:
        st2.enable("rules", f"gerrit.{rule}")
    st2.enable("sensortypes", SENSOR)
    cursor = f"gerrit.cursor.{server_of(config['url']).replace(':', '_')}"
    until(lambda: st2.keys(cursor), "the sensor's first poll", 300)


def uninstall(st2: StackStorm) -> None:
    """Uninstall it; what it stored stays."""
    removed = st2.run("packs.uninstall", 300, packs=["gerrit"])
    assert removed["status"] == "succeeded", removed["result"]


def clear_away(st2: StackStorm) -> None:
    """Remove the pack, if it is there, with its unfinished runs and all that it stored."""
    for execution in _unfinished(st2):
        st2.call("DELETE", f"/executions/{execution}")
    if is_there(st2):
        uninstall(st2)
    for name in _stored(st2):
        st2.call("DELETE", f"/keys/{name}")


def _stored(st2: StackStorm) -> Iterator[str]:
    """Its datastore values and the secrets, by name; StackStorm lists so many at a time."""
    while st2.keys("gerrit."):
        yield from st2.keys("gerrit.")
    yield from (name for name in SECRETS if st2.keys(name))


def _unfinished(st2: StackStorm) -> List[str]:
    """Those of the pack; a run whose process died is among them for ever."""
    return [
        str(one["id"])
        for one in st2.every_execution("id,status,action.ref")
        if one["action"]["ref"].startswith("gerrit.") and one["status"] not in DONE
    ]
