"""The examples on a real Gerrit and a real Roundup; only what is of other packs is made up."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List

import pytest
from sandbox.gerrit.any_server import AnyGerrit
from sandbox.gerrit.seed import COMMITTEE
from sandbox.standin import runners
from sandbox.trackers.roundup import RoundupServer

from test_examples import EXAMPLES, contract
from test_loop import WEDNESDAY, World


class Site:
    """A site that has put an example in the place of this pack's own rules."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.foreign: Dict[str, Any] = {}
        self.sent: List[Dict[str, Any]] = []
        world.standin.enabled.clear()

    def perform(self, _task: str, request: Dict[str, Any]) -> runners.Outcome:
        """Run this pack's actions; note other packs', which answer what was arranged."""
        if request["action"] in self.foreign:
            self.sent.append(request["input"])
            return "succeeded", self.foreign[request["action"]]
        done = self.world.standin.run(request["action"], **request["input"])
        return done.status, done.result

    def run(self, name: str, **inputs: Any) -> str:
        """Conduct an example, with its action's defaults; its status."""
        text = (EXAMPLES / name / "workflow.yaml").read_text(encoding="utf-8")
        parameters = contract.read(EXAMPLES / name / "action.yaml")["parameters"]
        defaults = {key: one["default"] for key, one in parameters.items() if "default" in one}
        store = self.world.standin.datastore
        status, _ = runners.run_workflow(text, {**defaults, **inputs}, {}, store, self.perform)
        return status

    def on_duty(self, name: str) -> None:
        """Let the roster name a person."""
        account = self.world.gerrit.person(name).call("GET", "/accounts/self")["_account_id"]
        self.foreign["core.http"] = {"status_code": 200, "body": {"account_id": account}}

    def event(self, number: int) -> str:
        """The event that a rule of the site's would have been told last."""
        payloads = [trigger.payload for trigger in self.world.standin.triggers]
        return [one["event_id"] for one in payloads if one.get("number") == number][-1]


@pytest.fixture
def site(any_gerrit: AnyGerrit, roundup_server: RoundupServer) -> Iterator[Site]:
    """A week of one's own, with this pack's rules off."""
    site = Site(World(any_gerrit, roundup_server))
    yield site
    assert site.world.failures() == []


def test_chat_is_told_once_somebody_was_asked(site: Site) -> None:
    """The room hears of the change by its number, after one of the committee was asked."""
    site.foreign["chatops.post_message"] = {}
    number = site.world.change("<% ctx().channel %> {{ 7*7 }}")
    site.world.on(WEDNESDAY)
    assert site.run("tell_chat", event_id=site.event(number), number=number) == "succeeded"

    assert len(site.world.asked(number)) == 1
    (message,) = site.sent
    assert message["message"].endswith(f"https://review.example.org/{number}")


def test_whoever_is_on_duty_is_asked(site: Site) -> None:
    """The account that the roster names is asked and has the ticket; run again, nothing changes."""
    name = COMMITTEE[-1]
    site.on_duty(name)
    number = site.world.change()
    site.world.on(WEDNESDAY)
    event = site.event(number)
    assert site.run("duty_roster", event_id=event, number=number) == "succeeded"
    before = site.world.effects(number)
    assert site.run("duty_roster", event_id=event, number=number) == "succeeded"

    assert site.world.asked(number) == {name}
    assert site.world.ticket(number).assignee == name
    assert len(site.world.ours(number, "[st2-gerrit escalate")) == 1
    assert site.world.effects(number) == before


def test_duty_roster_is_stood_down_too(site: Site) -> None:
    """What the example began, this pack's own rule ends."""
    site.on_duty(COMMITTEE[-1])
    site.world.standin.enabled.add("gerrit.stand_down")
    number = site.world.change()
    site.world.on(WEDNESDAY)
    site.run("duty_roster", event_id=site.event(number), number=number)
    site.world.gerrit.person("reviewer1").review(number, message="Why?")
    site.world.later()

    assert site.world.ticket(number).status == "resolved"


def test_morning_mail_links_the_idle(site: Site) -> None:
    """A change that has been idle for two days is in the mail, one of this morning is not."""
    site.foreign["email.send_email"] = {"result": None}
    old = site.world.change("{{ config_context.password }}")
    site.world.on(WEDNESDAY, hours=1)
    new = site.world.change()
    assert site.run("morning_mail", to="committee@example.org") == "succeeded"

    (mail,) = site.sent
    lines = mail["message"].splitlines()
    assert f"https://review.example.org/{old}" in lines
    assert f"https://review.example.org/{new}" not in lines
    assert all(line.rsplit("/", 1)[1].isdigit() for line in lines)
