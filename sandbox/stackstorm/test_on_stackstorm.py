"""The pack on a running StackStorm, with a real Gerrit and a real tracker: ``make test-st2``.

The tests build on each other, in their order: the pack is installed at the start and uninstalled at
the end.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any, Dict, Iterator, List, Set

import pytest
import requests

from sandbox.gerrit.seed import COMMITTEE, PACK_ACCOUNT, PEOPLE
from sandbox.gerrit.server import GerritServer
from sandbox.stackstorm import pack
from sandbox.stackstorm.api import StackStorm, until
from sandbox.trackers.roundup import RoundupServer

ROOT = Path(__file__).resolve().parents[2]
RULES = ("nudge_reviewers", "escalate_to_committee", "label_unmerged", "stand_down")
# The least that the configuration takes, in seconds; each step waits for two polls at most.
POLL = 30
PATIENCE = 3 * POLL + 60
HOSTILE = (
    "{{ config_context.password }} <% st2kv('system.gerrit_password', decrypt => true) %>"
    " {{ 7*7 }} \"'\u202e\U0001f4a3"
)


class Site:
    """Gerrit, tracker and StackStorm, with the pack installed and switched on."""

    def __init__(self, gerrit: GerritServer, roundup: RoundupServer) -> None:
        self.gerrit = gerrit
        self.roundup = roundup
        self.st2 = StackStorm()
        self.author = gerrit.person("author1")
        self.strangers: Set[int] = set()

    def install(self) -> None:
        """As an operator does it: pack, secrets, configuration, rules, sensor."""
        pack.must_not_be_there(self.st2)
        self.strangers = set(_sensor_pids())
        members = {PEOPLE[name]: name for name in COMMITTEE}
        config = pack.configuration(self.gerrit.url, self.roundup, members, POLL)
        pack.install(self.st2, ROOT, self.secrets(), config, RULES)

    @property
    def server(self) -> str:
        """The server's id: events of earlier runs are of others."""
        return pack.server_of(self.gerrit.url)

    def secrets(self) -> Dict[str, str]:
        """What must never be seen."""
        return pack.secrets_of(self.roundup)

    def executions(self, action: str, number: int) -> List[Dict[str, Any]]:
        """Executions about a change of this very Gerrit, latest first."""
        mine = f"{self.server}:{number}:"
        found = self.st2.executions(action)
        return [one for one in found if one["parameters"]["event_id"].startswith(mine)]

    def escalated(self, number: int) -> Dict[str, Any]:
        """The escalation of a change, when it has ended."""
        found = until(
            lambda: self.executions("gerrit.escalate", number),
            f"change {number} to be escalated",
            PATIENCE,
        )
        return self.st2.wait(found[0]["id"])

    def ours(self, number: int, word: str) -> List[str]:
        """Our own comments on a change that hold a word."""
        messages = self.author.messages(number)
        own = [one for one in messages if one["author"].get("username") == PACK_ACCOUNT]
        return [one["message"] for one in own if word in one["message"]]

    def asked(self, number: int) -> Set[str]:
        """Committee members among the reviewers."""
        reviewers = self.author.detail(number)["reviewers"].get("REVIEWER", [])
        return {one["username"] for one in reviewers} & set(COMMITTEE)

    def tickets(self, number: int) -> List[Any]:
        """Tickets about a change."""
        address = f"{self.gerrit.url}/c/tools/build/+/{number}"
        return [i for i in self.roundup.issues() if any(address in text for text in i.messages)]


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    """Everything, once for all tests of this file."""
    with GerritServer() as gerrit, RoundupServer() as roundup:
        site = Site(gerrit, roundup)
        site.install()
        yield site


@pytest.fixture(scope="module")
def number(site: Site) -> int:
    """A change uploaded on Monday; it is Wednesday now."""
    found = site.author.create_change("tools/build", "Cache compiler outputs")
    site.gerrit.advance(days=2, minutes=5)
    return found


def test_escalated_once(site: Site, number: int) -> None:
    """After two working days one person is asked, with one comment, one hashtag and one ticket."""
    execution = site.escalated(number)
    assert execution["status"] == "succeeded", execution["result"]
    time.sleep(POLL + 5)

    assert len(site.executions("gerrit.escalate", number)) == 1
    assert len(site.ours(number, "[st2-gerrit escalate")) == 1
    assert len(site.asked(number)) == 1
    assert [ticket.status for ticket in site.tickets(number)] == ["unread"]
    assert site.author.detail(number)["hashtags"] == ["escalated"]


def test_two_at_once(site: Site, number: int) -> None:
    """Two more runs of the same escalation, at the same time, change nothing."""
    event_id = site.executions("gerrit.escalate", number)[0]["parameters"]["event_id"]
    runs = [site.st2.start("gerrit.escalate", event_id=event_id, number=number) for _ in range(2)]
    assert [site.st2.wait(run)["status"] for run in runs] == ["succeeded", "succeeded"]

    assert len(site.ours(number, "[st2-gerrit escalate")) == 1
    assert len(site.tickets(number)) == 1
    assert len(site.tickets(number)[0].messages) == 1


def test_trace(site: Site, number: int) -> None:
    """`st2 trace` shows the change's review: trigger, rule and executions, under its own tag."""
    first = site.executions("gerrit.escalate", number)[-1]["id"]
    traces = site.st2.call("GET", "/traces", trace_tag=f"gerrit-{number}")
    (trace,) = [
        one for one in traces if first in {ran["object_id"] for ran in one["action_executions"]}
    ]

    assert trace["trigger_instances"]
    assert {rule["ref"] for rule in trace["rules"]} == {"gerrit.escalate_to_committee"}
    ran = [one["ref"] for one in trace["action_executions"]]
    assert sorted(ran) == ["gerrit.ask", "gerrit.assess", "gerrit.escalate"]


def test_stood_down(site: Site, number: int) -> None:
    """A review closes the ticket and takes the hashtag off."""
    (name,) = site.asked(number)
    site.gerrit.person(name).review(number, message="Looks right.")
    site.gerrit.advance(minutes=1)
    found = until(lambda: site.executions("gerrit.stand_down", number), "standing down", PATIENCE)
    assert site.st2.wait(found[0]["id"])["status"] == "succeeded"

    assert [ticket.status for ticket in site.tickets(number)] == ["resolved"]
    assert site.author.detail(number)["hashtags"] == []


def _sensor_pids() -> List[int]:
    """The processes of this pack's sensor on this machine."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if "sensor_wrapper" in command and "GerritChangesSensor" in command:
                found.append(int(entry.name))
    return found


def test_hostile_texts_and_a_killed_sensor(site: Site) -> None:
    """A killed sensor comes back and goes on; hostile texts are escalated and read no secret."""
    (pid,) = set(_sensor_pids()) - site.strangers
    number = site.author.create_change(
        "tools/build",
        HOSTILE,
        topic="{{ config_context.password }}",
        hashtags=["{{config_context.password}}"],
    )
    os.kill(pid, signal.SIGKILL)
    until(lambda: set(_sensor_pids()) - site.strangers - {pid}, "the sensor's return", PATIENCE)
    site.gerrit.advance(days=2, minutes=5)

    execution = site.escalated(number)
    assert execution["status"] == "succeeded", execution["result"]
    assert len(site.ours(number, "[st2-gerrit escalate")) == 1
    (ticket,) = site.tickets(number)
    assert "{{ config_context.password }}" in ticket.title
    seen = json.dumps(
        [
            site.st2.call("GET", "/executions", limit=100),
            site.st2.call("GET", "/triggerinstances", limit=100),
            site.st2.keys("gerrit."),
            site.author.messages(number),
            ticket.messages,
        ]
    )
    for secret in site.secrets().values():
        assert secret not in seen


def test_sweep(site: Site) -> None:
    """A change that was made private is stood down by the sweep, which tells nothing of it."""
    assert site.st2.call("GET", "/rules/gerrit.sweep_daily")["enabled"] is False
    number = site.author.create_change("tools/build", "Secret plans")
    # By now it is Friday, so a weekend lies between.
    site.gerrit.advance(days=4, minutes=5)
    assert site.escalated(number)["status"] == "succeeded"
    site.author.set_private(number)

    tried = site.st2.run("gerrit.sweep", dry_run=True)
    assert tried["status"] == "succeeded", tried["result"]
    assert number in {one["number"] for one in tried["result"]["result"]["closed"]}
    (ticket,) = site.tickets(number)
    assert ticket.status != "resolved"

    swept = site.st2.run("gerrit.sweep")
    assert swept["status"] == "succeeded", swept["result"]
    (ticket,) = site.tickets(number)
    assert ticket.status == "resolved"
    assert "Secret" not in ticket.messages[-1]


def test_actions_alone(site: Site, number: int) -> None:
    """Actions can be run by hand; a failure has the form that is promised."""
    explained = site.st2.run("gerrit.explain", number=number)
    assert explained["status"] == "succeeded"
    assert explained["result"]["result"]["turn"] == "owner"

    failed = site.st2.run("gerrit.get_change", number=999_999)
    assert failed["status"] == "failed"
    assert set(failed["result"]["result"]["error"]) == {"kind", "message", "remedy"}


def test_doctor(site: Site) -> None:
    """The check-up sees what StackStorm has: keys, rules, the sensor's switch, executions."""

    def found() -> Dict[str, str]:
        done = site.st2.run("gerrit.doctor")
        assert done["status"] == "succeeded", done["result"]
        return {one["check"]: one["level"] for one in done["result"]["result"]["findings"]}

    before = found()
    assert before["datastore: gerrit_password"] == "ok"
    assert before["datastore: gerrit_tracker_token"] == "ok"
    assert before["sensor: switch"] == "ok"
    assert before["rules: gerrit.escalate_overdue"] == "warning"
    # The action before this one was made to fail.
    assert before["executions: failed"] == "warning"

    site.st2.disable("sensortypes", pack.SENSOR)
    try:
        assert found()["sensor: switch"] == "problem"
    finally:
        site.st2.enable("sensortypes", pack.SENSOR)


def test_uninstalled(site: Site) -> None:
    """Uninstalling leaves only the datastore values that the operator guide names."""
    pack.uninstall(site.st2)

    for path in ("/packs/gerrit", f"/sensortypes/{pack.SENSOR}", "/rules/gerrit.stand_down"):
        with pytest.raises(requests.HTTPError, match="404"):
            site.st2.call("GET", path)
    assert site.st2.call("GET", "/actions", pack="gerrit") == []
    left = set(site.st2.keys("gerrit"))
    assert {one for one in left if not one.startswith(pack.stored_names())} == set(site.secrets())
    for one in left:
        site.st2.call("DELETE", f"/keys/{one}")
