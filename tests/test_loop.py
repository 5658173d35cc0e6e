"""The whole loop: real Gerrit, real Roundup, and the pack's real sensor, rules and actions."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

import pytest
from sandbox.gerrit.any_server import AnyGerrit
from sandbox.gerrit.people import Person
from sandbox.gerrit.seed import COMMITTEE, PACK_ACCOUNT, PEOPLE, password_of
from sandbox.standin.runners import ProcessDied
from sandbox.standin.standin import Execution, StandIn
from sandbox.trackers.roundup import RoundupServer, SeenIssue

from repository import ROOT

FIRST_MONDAY = datetime(2026, 3, 9, 9, tzinfo=timezone.utc)
TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = range(1, 5)
WEEKS = count()
POSTING = ("gerrit.ask", "gerrit.post_review")
SECRETS = {
    "gerrit_password": password_of(PACK_ACCOUNT),
    "gerrit_tracker_token": "",
    "x": "a value that only this pack may read",
}


class World:
    """One week of its own, with its own StackStorm, on the servers that all tests share."""

    def __init__(self, gerrit: AnyGerrit, roundup: RoundupServer) -> None:
        self.gerrit = gerrit
        self.roundup = roundup
        # Changes of earlier tests are weeks old by then and cross nothing any more; that they are
        # overdue matters to the tests of that alone.
        self.monday = FIRST_MONDAY + timedelta(weeks=4 * next(WEEKS))
        self.secrets = {**SECRETS, "gerrit_tracker_token": roundup.token}
        self.config: Dict[str, Any] = {
            "url": gerrit.url,
            "username": PACK_ACCOUNT,
            "password": "{{ st2kv.system.gerrit_password }}",
            # What earlier tests left behind is four weeks old, and none of this one's business.
            "coverage_reach": "10d",
            "roster": {
                "members": [
                    {"name": PEOPLE[name], "gerrit": name, "tracker": {"roundup": name}}
                    for name in COMMITTEE
                ]
            },
            "tracker": {
                "kind": "roundup",
                "url": roundup.url,
                "token": "{{ st2kv.system.gerrit_tracker_token }}",
            },
        }
        self.author: Person = gerrit.person("author1")
        gerrit.clear_faults()
        gerrit.at(self.monday)
        self.begin()

    def begin(self, **config: Any) -> None:
        """A new StackStorm with all rules on, polled once."""
        self.config.update(config)
        self.standin = StandIn(
            ROOT, config=self.config, secrets=self.secrets, clock=self.gerrit.now
        )
        self.standin.enable_all_rules()
        self.standin.start_sensor()
        self.standin.poll()

    def change(self, subject: str = "Cache outputs", **extra: Any) -> int:
        """A change of author1 that nobody reviews."""
        return self.author.create_change("tools/build", subject, **extra)

    def on(self, day: int, hours: float = 0.5) -> List[Execution]:
        """Poll on a day of the week, some time after 9 o'clock."""
        self.gerrit.at(self.monday + timedelta(days=day, hours=hours))
        return self.standin.poll()

    def later(self, minutes: int = 5) -> List[Execution]:
        """Poll again."""
        self.gerrit.advance(minutes=minutes)
        return self.standin.poll()

    def ours(self, number: int, word: str = "") -> List[str]:
        """The texts of this pack's comments on a change that hold a word."""
        messages = self.author.messages(number)
        own = [one for one in messages if one.get("author", {}).get("username") == PACK_ACCOUNT]
        return [one["message"] for one in own if word in one["message"]]

    def asked(self, number: int) -> Set[str]:
        """Committee members among the change's reviewers."""
        reviewers = self.author.detail(number)["reviewers"].get("REVIEWER", [])
        return {one["username"] for one in reviewers} & set(COMMITTEE)

    def tickets(self, number: int) -> List[SeenIssue]:
        """The tickets about a change."""
        address = f"{self.gerrit.url}/c/tools/build/+/{number}"
        issues = self.roundup.issues()
        return [one for one in issues if any(address in text for text in one.messages)]

    def ticket(self, number: int) -> SeenIssue:
        """The one ticket about a change."""
        (issue,) = self.tickets(number)
        return issue

    def told(self, number: int) -> List[str]:
        """What the sensor told of a change: milestones, and how waits ended."""
        payloads = [trigger.payload for trigger in self.standin.triggers]
        mine = [payload for payload in payloads if payload.get("number") == number]
        return [payload.get("how") or payload["milestone"] for payload in mine]

    def effects(self, number: int) -> Dict[str, Any]:
        """Everything that others can see of what was done about a change."""
        detail = self.author.detail(number)
        return {
            "messages": [one["message"] for one in detail["messages"]],
            "hashtags": detail["hashtags"],
            "attention": sorted(detail["attention_set"]),
            "reviewers": sorted(one["username"] for one in detail["reviewers"]["REVIEWER"]),
            "meta": detail["meta_rev_id"],
            "tickets": self.tickets(number),
        }

    def posted(self, number: int) -> List[Execution]:
        """The runs that posted on a change, or tried to."""
        runs = [one for one in self.standin.executions if one.action in POSTING]
        return [one for one in runs if f":{number}:" in str(one.parameters["event_id"])]

    def failures(self) -> List[Execution]:
        """Executions that failed, or answered something else than they promise."""
        return [one for one in self.standin.executions if one.status != "succeeded" or one.problem]


@pytest.fixture
def world(any_gerrit: AnyGerrit, roundup_server: RoundupServer) -> Iterator[World]:
    """A week of one's own."""
    world = World(any_gerrit, roundup_server)
    yield world
    assert world.standin.dropped == []


def test_two_days_without_review(world: World) -> None:
    """After two working days one person is asked, once: comment, attention, hashtag and ticket."""
    number = world.change()
    world.on(TUESDAY)
    assert world.asked(number) == set()
    world.on(WEDNESDAY)
    for _ in range(3):
        world.later()

    (name,) = world.asked(number)
    (comment,) = world.ours(number, "[st2-gerrit escalate")
    ticket = world.ticket(number)
    assert f"{PEOPLE[name]} is asked to review it" in comment
    assert f"Ticket: {ticket.url}" in comment
    detail = world.author.detail(number)
    assert detail["hashtags"] == ["escalated"]
    assert {one["account"]["username"] for one in detail["attention_set"].values()} == {name}
    assert (ticket.status, ticket.assignee) == ("unread", name)
    assert ticket.title == f"Review wanted: tools/build change {number}: Cache outputs"
    assert world.told(number) == ["1d", "2d"]
    assert world.failures() == []


def test_second_run_of_everything(world: World) -> None:
    """Each action and workflow run again with its own parameters changes nothing."""
    number = world.change()
    world.author.add_reviewer(number, "reviewer1")
    world.on(TUESDAY)
    world.on(WEDNESDAY)
    before = world.effects(number)
    done = [(one.action, dict(one.parameters)) for one in world.standin.executions]
    assert {action for action, _ in done} >= {"gerrit.nudge", "gerrit.escalate"}
    for action, parameters in done:
        assert world.standin.run(action, **parameters).status == "succeeded"

    assert world.effects(number) == before


def test_second_run_of_standing_down(world: World) -> None:
    """Standing down twice closes the ticket once and leaves one last word on it."""
    number = world.change()
    world.on(WEDNESDAY)
    world.gerrit.person("reviewer1").review(number, message="Why?")
    world.later()
    before = world.effects(number)
    for one in [one for one in world.standin.executions if "stand_down" in one.action]:
        assert world.standin.run(one.action, **one.parameters).status == "succeeded"

    assert world.effects(number) == before


def test_review_stands_it_down(world: World) -> None:
    """A person's review closes the ticket with the reason and takes the hashtag off."""
    number = world.change()
    world.on(WEDNESDAY)
    (name,) = world.asked(number)
    world.gerrit.person(name).review(number, message="Looks right.", labels={"Code-Review": 1})
    world.later()

    ticket = world.ticket(number)
    assert ticket.status == "resolved"
    assert "The wait is over: somebody reviewed the change." in ticket.messages[-1]
    assert world.author.detail(number)["hashtags"] == []
    assert world.told(number) == ["2d", "reviewed"]
    assert world.failures() == []


def test_merge_stands_it_down(world: World) -> None:
    """A merged change closes its ticket; the hashtag comes off although the change is closed."""
    number = world.change()
    world.on(WEDNESDAY)
    committer = world.gerrit.person("reviewer2")
    committer.review(number, labels={"Code-Review": 2})
    committer.submit(number)
    world.later()

    assert world.ticket(number).status == "resolved"
    assert world.author.detail(number)["hashtags"] == []
    assert world.failures() == []


@pytest.mark.parametrize(
    "moment",
    [
        "sensor.before_dispatch",
        "sensor.after_dispatch",
        "sensor.before_set_value",
        "sensor.after_set_value",
    ],
)
def test_sensor_killed(world: World, moment: str) -> None:
    """A sensor killed anywhere around the dispatch neither loses nor doubles the effect."""
    number = world.change()
    world.later()
    world.standin.die_at(moment)
    world.gerrit.at(world.monday + timedelta(days=WEDNESDAY, hours=1))
    with pytest.raises(ProcessDied):
        world.standin.poll()
    world.standin.start_sensor()
    world.standin.poll()
    world.later()

    assert len(world.ours(number, "[st2-gerrit escalate")) == 1
    assert len(world.asked(number)) == 1
    assert len(world.tickets(number)) == 1
    assert set(world.told(number)) == {"2d"}


@pytest.mark.parametrize("moment", ["before_set_value", "after_set_value"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_action_killed(world: World, moment: str, nth: int) -> None:
    """An escalation killed around any write to the datastore is whole after one more run."""
    number = world.change()
    world.standin.die_at(f"action.{moment}", nth)
    world.on(WEDNESDAY)
    escalation = next(one for one in world.standin.executions if one.action == "gerrit.escalate")
    assert world.standin.run("gerrit.escalate", **escalation.parameters).status == "succeeded"

    assert len(world.ours(number, "[st2-gerrit escalate")) == 1
    assert len(world.asked(number)) == 1
    assert len(world.tickets(number)) == 1


def test_lost_answer(world: World) -> None:
    """A comment whose answer was lost is found on the change, and not posted again."""
    number = world.change()
    world.gerrit.fault("drop_after", match="/review$", method="POST")
    world.on(WEDNESDAY)

    assert len(world.ours(number, "[st2-gerrit escalate")) == 1
    posted = world.posted(number)
    assert [one.result["result"]["action"] for one in posted] == ["posted_answer_lost"]
    assert world.failures() == []


@pytest.mark.parametrize(
    ("match", "method", "count"),
    [("/review$", "POST", 3), ("/changes/[^/]+$", "GET", 9), ("/accounts/", "GET", 9)],
    ids=["the write", "what assess reads", "the roster"],
)
def test_gerrit_is_down_for_a_while(world: World, match: str, method: str, count: int) -> None:
    """A task that Gerrit fails is tried again, until the escalation is whole."""
    number = world.change()
    world.later()
    world.gerrit.fault("status:503", match=match, method=method, count=count)
    world.on(WEDNESDAY)

    assert len(world.ours(number, "[st2-gerrit escalate")) == 1
    assert len(world.asked(number)) == len(world.tickets(number)) == 1


def test_what_nobody_retried(world: World) -> None:
    """An escalation that failed for good is taken up again within the hour, and made once."""
    number = world.change()
    world.later()
    world.gerrit.fault("status:503", match="/review$", method="POST", count=6)
    world.on(WEDNESDAY)
    assert world.ours(number) == []
    assert {one.action for one in world.failures()} == {"gerrit.ask", "gerrit.escalate"}
    for _ in range(14):
        world.later()

    assert len(world.ours(number, "[st2-gerrit escalate")) == 1
    assert len(world.asked(number)) == len(world.tickets(number)) == 1


def test_permission_is_not_retried(world: World) -> None:
    """What somebody must put right first fails at once."""
    number = world.change()
    world.later()
    world.gerrit.fault("status:403", match="/review$", method="POST", count=99)
    world.on(WEDNESDAY)

    assert [one.status for one in world.posted(number)] == ["failed"]


HOSTILE = (
    "{{ config_context.password }} <% st2kv('system.x', decrypt => true) %> {{ 7*7 }}"
    " 'single' \"double\" \u200f\u202eright to left \U0001f4a3 -->"
)
HOSTILE_BRANCH = "{{config_context.password}}<%ctx()%>"


def test_hostile_texts(world: World) -> None:
    """Texts that ask for secrets, break lines or write backwards are escalated like any other."""
    world.gerrit.admin.create_branch("tools/build", HOSTILE_BRANCH)
    number = world.change(
        HOSTILE,
        branch=HOSTILE_BRANCH,
        topic="{{ config_context.password }}\n<% ctx() %>",
        hashtags=["{{config_context.password}}", "<% st2kv('system.x') %>"],
    )
    world.on(WEDNESDAY)
    world.gerrit.person("reviewer1").review(number, message="{{ config_context.password }}")
    world.later()

    assert world.told(number) == ["2d", "reviewed"]
    assert world.failures() == []
    ticket = world.ticket(number)
    assert ticket.status == "resolved"
    # Somebody who reads the change sees the text as it was written.
    assert "{{ config_context.password }}" in ticket.title
    seen = json.dumps(
        [
            world.effects(number),
            [vars(one) for one in world.standin.triggers],
            [vars(one) for one in world.standin.executions],
            [one.value for one in world.standin.datastore.items() if not one.secret],
        ],
        default=str,
    )
    for name, secret in world.secrets.items():
        assert secret not in seen, name
    assert "49" not in ticket.title


def test_quiet_poll(world: World) -> None:
    """When nothing moved and nothing is due the server sees one request."""
    world.change()
    world.later()
    world.gerrit.reset_requests()
    world.later()

    assert [one.path for one in world.gerrit.requests()] == ["/a/changes/"]


def test_first_start_among_old_changes(world: World) -> None:
    """A first start with 200 old open changes asks about no more of them than the ramp allows, and
    of a chain about the lowest alone.
    """
    world.author.push_chain("tools/docs", [f"Old change {index}" for index in range(200)])
    world.gerrit.at(world.monday + timedelta(days=20))
    world.begin(coverage_reach="60d")
    world.later()
    asked = [one for one in world.standin.executions if one.action in POSTING]

    assert {one.type for one in world.standin.triggers} <= {"gerrit.change_overdue"}
    assert len(asked) <= 10


def test_rule_that_is_enabled_later(world: World) -> None:
    """A wait whose edge met no rule is found overdue when there is one, and somebody is asked."""
    query = f"-is:private topic:late-{world.monday:%m%d}"
    world.begin(coverage_reach="60d", query=query)
    world.standin.enabled.clear()
    number = world.change(topic=query.rpartition(":")[2])
    world.on(WEDNESDAY)
    assert world.asked(number) == set()
    world.standin.enabled.add("gerrit.escalate_overdue")
    for _ in range(20):
        world.later()

    assert len(world.asked(number)) == 1
    assert len(world.ours(number, "[st2-gerrit escalate")) == 1
    kinds = [trigger.type.rpartition(".")[2] for trigger in world.standin.triggers]
    assert kinds == ["change_waiting", "change_overdue"]


def test_nudge(world: World) -> None:
    """After one working day the silent reviewers get the attention, once, and nobody is added."""
    number = world.change()
    world.author.add_reviewer(number, "reviewer1")
    world.author.add_reviewer(number, "reviewer2")
    world.gerrit.person("reviewer2").review(number, labels={"Code-Review": 1})
    world.on(TUESDAY, 1)
    world.later()

    (comment,) = world.ours(number, "[st2-gerrit nudge")
    assert "Reviewer One: could you have a look" in comment
    assert world.asked(number) == set()
    assert world.tickets(number) == []


def test_approved_and_not_merged(world: World) -> None:
    """Two working days after its approval a change is marked; submitting takes the mark off."""
    number = world.change()
    committer = world.gerrit.person("reviewer2")
    committer.review(number, labels={"Code-Review": 2})
    world.on(WEDNESDAY)
    assert world.author.detail(number)["hashtags"] == ["approved-waiting"]
    assert len(world.ours(number, "[st2-gerrit label")) == 1
    committer.submit(number)
    world.later()

    assert world.author.detail(number)["hashtags"] == []
    assert world.tickets(number) == []


def test_red_changes(world: World) -> None:
    """While CI is red the committee is left in peace, and the time does not count."""
    number = world.change()
    ci = world.gerrit.person("ci-bot")
    ci.review(number, labels={"Verified": -1}, tag="autogenerated:ci")
    world.on(WEDNESDAY)
    assert world.asked(number) == set()
    ci.review(number, labels={"Verified": 1}, tag="autogenerated:ci")
    world.on(THURSDAY)
    assert world.asked(number) == set()
    world.on(FRIDAY, 1)

    assert len(world.asked(number)) == 1


def board_of(world: World, *numbers: int) -> Dict[int, Tuple[str, int]]:
    """What the board says of changes: the reason why nobody is asked, and the leader."""
    waits = world.standin.run("gerrit.board").result["result"]["waits"]
    return {
        one["number"]: (one["reason"], one["leader"]) for one in waits if one["number"] in numbers
    }


def test_chain(world: World) -> None:
    """Of a chain only the lowest change is asked for, and reminded of, once for all; when it is
    merged the next one is, and so on.
    """
    numbers = world.author.push_chain("tools/build", ["Cache", "Use it", "Drop the old one"])
    for number in numbers:
        world.author.add_reviewer(number, "reviewer1")
    world.on(TUESDAY)
    assert [len(world.ours(number)) for number in numbers] == [1, 0, 0]
    world.on(WEDNESDAY)
    committer = world.gerrit.person("reviewer2")
    for place, bottom in enumerate(numbers, 1):
        above = numbers[place:]
        for _ in range(8):
            world.later(30)
        assert len(world.asked(bottom)) == len(world.ours(bottom, "[st2-gerrit escalate")) == 1
        (ticket,) = world.tickets(bottom)
        assert all(f"{number}" in ticket.messages[0] for number in above)
        assert [world.asked(number) for number in above] == [set()] * len(above)
        assert board_of(world, *above) == dict.fromkeys(above, ("joined", bottom))
        committer.review(bottom, labels={"Code-Review": 2})
        committer.submit(bottom)

    assert world.failures() == []


def test_young_parent(world: World) -> None:
    """Above a parent that is not overdue nobody is asked; when the parent is, its list holds what
    waits above it.
    """
    parent, child = world.author.push_chain("tools/build", ["Cache", "Use it"])
    world.author.add_reviewer(parent, "reviewer1")
    world.author.wip(parent)
    world.on(TUESDAY, 0)
    world.author.ready(parent)
    world.on(WEDNESDAY)
    assert board_of(world, parent, child) == {parent: ("", 0), child: ("joined", parent)}
    world.on(THURSDAY)
    world.later()

    assert (len(world.asked(parent)), world.asked(child)) == (1, set())
    assert f"{child}" in world.ticket(parent).messages[0]
    assert world.ours(child) == []


def test_approved_above_an_open_parent(world: World) -> None:
    """What cannot be submitted yet is not marked; it is once its parent is merged."""
    parent, child = world.author.push_chain("tools/build", ["Cache", "Use it"])
    committer = world.gerrit.person("reviewer2")
    committer.review(child, labels={"Code-Review": 2})
    world.on(WEDNESDAY)
    assert world.author.detail(child)["hashtags"] == []
    assert board_of(world, child) == {child: ("joined", parent)}
    committer.review(parent, labels={"Code-Review": 2})
    committer.submit(parent)
    for _ in range(6):
        world.later(30)

    assert world.author.detail(child)["hashtags"] == ["approved-waiting"]
    assert world.failures() == []


def test_rebase_resets_nothing(world: World) -> None:
    """A rebase on the second day does not give the reviewers two more."""
    number = world.change()
    world.on(TUESDAY)
    world.author.move_branch("tools/build")
    world.author.rebase(number)
    world.on(WEDNESDAY)

    assert len(world.asked(number)) == 1


def test_private_change(world: World) -> None:
    """A private change is neither told of nor escalated, although this account can see it."""
    number = world.change(private=True)
    late = world.change()
    world.later()
    world.author.set_private(late)
    world.on(WEDNESDAY)

    assert world.told(number) == world.told(late) == []
    assert world.tickets(number) == world.tickets(late) == []


def test_sweep(world: World) -> None:
    """What the sensor cannot see any more is closed without a word about the change; the rest
    stays.
    """
    # Of three owners: what one person pushes together is asked for together.
    hidden, deleted, waiting = (
        world.gerrit.person(name).create_change("tools/build", f"Secret {name}")
        for name in ("author1", "author2", "reviewer1")
    )
    world.on(WEDNESDAY)
    world.author.set_private(hidden)
    world.gerrit.admin.call("DELETE", f"/changes/{deleted}")
    world.later()
    before = world.effects(waiting)

    swept = world.standin.run("gerrit.sweep").result["result"]
    again = world.standin.run("gerrit.sweep").result["result"]

    # Tickets that other tests have left on the shared tracker are looked at as well.
    closed = {one["number"]: one["why"] for one in swept["closed"]}
    assert (closed.get(hidden), closed.get(deleted)) == ("hidden", "deleted")
    assert waiting not in closed
    assert again["closed"] == []
    for number in (hidden, deleted):
        ticket = world.ticket(number)
        assert ticket.status == "resolved"
        assert "No further action is needed" in ticket.messages[-1]
        assert "Secret" not in ticket.messages[-1]
    assert world.effects(waiting) == before
    assert world.failures() == []


def test_ticket_named_in_the_commit_message(world: World) -> None:
    """The pack comments there, once, opens no other, and does not close it."""
    number_of = world.roundup.add("issue", title="Crashes at night")
    world.begin(tracker={**world.config["tracker"], "existing": [r"^Closes-Bug: *#?(\d+)"]})
    number = world.change(f"Do not crash\n\nCloses-Bug: #{number_of}")
    world.on(WEDNESDAY)
    (name,) = world.asked(number)
    world.gerrit.person(name).review(number, message="Looks right.")
    world.later()

    assert [one.id for one in world.tickets(number)] == [number_of]
    ticket = world.roundup.issue(number_of)
    assert "has waited" in ticket.messages[0]
    assert "The wait is over" in ticket.messages[1]
    assert len(ticket.messages) == 2
    assert ticket.status != "resolved"
    assert ticket.assignee == ""
    assert world.failures() == []


def test_snooze_and_acknowledge(world: World) -> None:
    """A snooze puts the escalation off; whoever was asked can take it, which pauses the ladder."""
    number = world.change()
    world.gerrit.person("reviewer1").review(number, message="/snooze 1d")
    world.on(WEDNESDAY)
    assert world.asked(number) == set()
    world.on(THURSDAY)
    (name,) = world.asked(number)
    world.gerrit.person(name).review(number, message="/ack")
    world.later()

    assert world.ticket(number).status == "unread"
    explained = world.standin.run("gerrit.explain", number=number).result["result"]
    assert explained["reasons_not"] == ["paused"]
    assert [one["verb"] for one in explained["commands"]] == ["snooze", "ack"]


def test_reply_dialog(world: World) -> None:
    """Commands typed into the web page's reply dialog count; other words there are a review."""
    number, answered = world.change(), world.change("Cache inputs")
    reviewer = world.gerrit.person("reviewer1")
    reviewer.comment(number, "/snooze 1d until the release is out")
    reviewer.comment(answered, "Why?")
    world.on(WEDNESDAY)
    assert world.asked(number) == world.asked(answered) == set()
    world.on(THURSDAY)
    (name,) = world.asked(number)
    world.gerrit.person(name).comment(number, "/pass")
    world.later()

    (second,) = world.asked(number) - {name}
    assert world.ticket(number).assignee == second
    assert world.asked(answered) == set()


def test_handing_on(world: World) -> None:
    """When whoever was asked says /pass somebody else is asked at once, and has the ticket."""
    number = world.change()
    world.on(WEDNESDAY)
    (first,) = world.asked(number)
    world.gerrit.person(first).review(number, message="/pass")
    world.later()
    world.later()

    (second,) = world.asked(number) - {first}
    assert world.ticket(number).assignee == second
    assert len(world.ours(number, "[st2-gerrit escalate")) == 2


def test_vote_with_the_escalation(world: World) -> None:
    """An escalation can vote on a label of the site's own."""
    number = world.change()
    world.gerrit.at(world.monday + timedelta(days=2, hours=1))
    event = world.standin.run("gerrit.explain", number=number).result["result"]["waits"][0]
    escalated = world.standin.run(
        "gerrit.escalate", event_id=event["event_id"], number=number, labels={"Escalated": 1}
    )

    assert escalated.status == "succeeded"
    assert world.author.detail(number)["labels"]["Escalated"]["approved"]["name"]


def test_tracker_down(world: World) -> None:
    """With the tracker away the person is asked all the same, and the failure is loud."""
    number = world.change()
    world.begin(tracker={**world.config["tracker"], "url": "http://127.0.0.1:9/demo/"})
    world.on(WEDNESDAY)

    assert len(world.asked(number)) == 1
    assert {one.action for one in world.failures()} == {"gerrit.ask", "gerrit.escalate"}
    error = next(one for one in world.failures() if one.action == "gerrit.ask")
    assert error.result["result"]["error"]["kind"] == "temporary"


# What operators get wrong.


def _error(execution: Execution) -> Dict[str, Any]:
    assert execution.status == "failed"
    error: Dict[str, Any] = execution.result["result"]["error"]
    assert error["message"]
    return error


def _trouble(world: World) -> Optional[Dict[str, Any]]:
    told = [one.payload for one in world.standin.triggers if one.type == "gerrit.poll_trouble"]
    return told[-1] if told else None


def test_wrong_address(world: World) -> None:
    """Nothing listens there: told once as unreachable, and the sensor goes on trying."""
    world.begin(url="http://127.0.0.1:9")
    trouble = _trouble(world)

    assert trouble is not None
    assert (trouble["state"], trouble["kind"]) == ("down", "unreachable")
    assert world.standin.sensor is not None
    assert "127.0.0.1:9" in _error(world.standin.run("gerrit.explain", number=1))["message"]


def test_wrong_password(world: World) -> None:
    """A refused password is told as such, with the remedy and without the password."""
    world.secrets["gerrit_password"] = "not the right one"
    world.begin()
    trouble = _trouble(world)

    assert trouble is not None
    assert trouble["kind"] == "auth"
    assert "password" in trouble["remedy"]
    error = _error(world.standin.run("gerrit.explain", number=1))
    assert error["kind"] == "auth"
    assert "not the right one" not in json.dumps([error, trouble])


def test_login_page(world: World) -> None:
    """A page where an answer should be means that somebody has to log in."""
    world.gerrit.fault("html", match="/changes/", count=3)
    world.later()

    trouble = _trouble(world)
    assert trouble is not None
    assert trouble["kind"] == "auth"


def test_group_that_does_not_exist(world: World) -> None:
    """The group of the roster is named when it is not there."""
    number = world.change()
    world.begin(roster={"kind": "gerrit_group", "group": "tech-comittee"})
    world.on(WEDNESDAY)

    error = _error(next(one for one in world.failures() if one.action == "gerrit.assess"))
    assert "tech-comittee" in error["message"]
    assert error["remedy"]
    assert world.tickets(number) == []


def test_group_that_exists(world: World) -> None:
    """A group in Gerrit can be the roster."""
    number = world.change()
    world.begin(roster={"kind": "gerrit_group", "group": "tech-committee"})
    world.on(WEDNESDAY)

    assert len(world.asked(number)) == 1


def test_label_that_does_not_exist(world: World) -> None:
    """Gerrit drops an unknown label without a word; the action says so."""
    number = world.change()
    posted = world.standin.run(
        "gerrit.post_review", number=number, message="Hello.", labels={"Escalatd": 1}
    )

    error = _error(posted)
    assert "Escalatd+1" in error["message"]
    assert error["kind"] == "refused"


def test_several_mistakes_at_once(world: World) -> None:
    """Every mistake in the configuration is named by its key and value, all at once."""
    with pytest.raises(Exception, match="4 problems") as caught:
        world.begin(
            milestones=["2 days"],
            calendar={"timezone": "Europe/Berln", "holidays": {"dates": ["24.12.2026"]}},
            approval=["Code-Review"],
        )

    told = str(caught.value)
    for mistake in ("milestones[0]", "2 days", "Europe/Berln", "24.12.2026", "approval[0]"):
        assert mistake in told


def test_change_that_does_not_exist(world: World) -> None:
    """A number that Gerrit does not know is named."""
    error = _error(world.standin.run("gerrit.get_change", number=999_999))

    assert error["kind"] == "refused"
    assert "999999" in error["message"]


def test_webhook(world: World) -> None:
    """A webhook stands an escalation down at once; the poll that follows changes nothing more."""
    number = world.change()
    world.on(WEDNESDAY)
    run = world.standin.run("gerrit.stand_down_if_over", number=number)
    assert run.result["output"] == {"over": False}
    world.gerrit.person("reviewer1").review(number, message="Why?")
    run = world.standin.run("gerrit.stand_down_if_over", number=number)
    assert run.result["output"] == {"over": True}

    before = world.effects(number)
    assert world.ticket(number).status == "resolved"
    assert before["hashtags"] == []
    world.later()
    assert world.told(number) == ["2d", "reviewed"]
    assert world.effects(number) == before
    assert world.failures() == []
