"""What the demo plays: four working days of a small project, on servers of its own.

The tracker is real, and so is Gerrit where Java is; people are played over Gerrit's REST API.
StackStorm is stood in for by ``sandbox.standin``, which runs the pack's real sensor, rules,
workflows and actions.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List

from sandbox.gerrit.any_server import AnyGerrit, chosen_server
from sandbox.gerrit.choice import Choice
from sandbox.gerrit.seed import COMMITTEE, PACK_ACCOUNT, PEOPLE, password_of
from sandbox.standin.standin import Execution, StandIn, Trigger
from sandbox.telling import facts, headline, reason, tell
from sandbox.trackers.roundup import RoundupServer

PACK = Path(__file__).resolve().parents[1]
MARGIN = " " * 18
# Not by strftime: the name of a day would be the locale's.
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
TROUBLE = "gerrit.poll_trouble"
START = "2026-03-02T09:00:00Z"
#: Who looks after the projects, and so is asked first, whatever the servers' ports are.
KEEPER = COMMITTEE[1]


class StoryError(Exception):
    """Something of the pack failed; why has been told."""


def play(choice: Choice) -> int:
    """Play the story, then leave the servers up until Enter where there is a terminal.

    :returns: 0, or 1 if something of the pack failed.
    :raises SandboxError: a server did not start.
    """
    # StackStorm's stand-in and the sensor log what they do; here the account below tells it.
    logging.disable(logging.INFO)
    tell(f"{choice.line}\nStarting it and a real Roundup tracker on 127.0.0.1 ...")
    name = "Gerrit" if choice.is_real else "the simulated Gerrit"
    with chosen_server(choice, START) as gerrit, RoundupServer() as roundup:
        story = Story(gerrit, roundup)
        try:
            story.play()
        except StoryError:
            tell("\nThe demo ends here, because something failed: see the reason above.")
            return 1
        story.show_result(name)
        if sys.stdin is not None and sys.stdin.isatty():
            story.show_where_to_look()
            with suppress(EOFError):
                input("Press Enter to end both servers. ")
    return 0


class Story:
    """Four working days of a small project."""

    def __init__(self, gerrit: AnyGerrit, roundup: RoundupServer) -> None:
        self._gerrit = gerrit
        self._roundup = roundup
        self._people = {name: gerrit.person(name) for name in PEOPLE}
        self._standin = StandIn(
            PACK,
            config=self._config(),
            secrets={
                "gerrit_password": password_of(PACK_ACCOUNT),
                "gerrit_tracker_token": roundup.token,
            },
            clock=self._gerrit.now,
        )
        self._slow = 0
        self._names = {
            person.call("GET", "/accounts/self")["_account_id"]: PEOPLE[name]
            for name, person in self._people.items()
        }

    def _config(self) -> Dict[str, Any]:
        return {
            "url": self._gerrit.url,
            "username": PACK_ACCOUNT,
            "password": "{{ st2kv.system.gerrit_password }}",
            "automation": ["^ci-bot$"],
            "roster": {
                "members": [
                    {
                        "name": PEOPLE[name],
                        "gerrit": name,
                        "tracker": {"roundup": name},
                        "projects": ["tools/*"] if name == KEEPER else [],
                    }
                    for name in COMMITTEE
                ]
            },
            "tracker": {
                "kind": "roundup",
                "url": self._roundup.url,
                "token": "{{ st2kv.system.gerrit_tracker_token }}",
            },
        }

    def play(self) -> None:
        """Monday to Thursday."""
        self._standin.enable_all_rules()
        self._standin.start_sensor()
        self._at(START)
        self._poll("the sensor's first look; whatever is old stays untold")
        self._monday()
        self._at("2026-03-03T09:30:00Z")
        self._poll(
            "one working day later: the reviewer of the slow change is reminded, nobody else"
        )
        self._at("2026-03-04T09:30:00Z")
        self._poll(
            "two working days: a committee member is asked, and an approved change is marked"
        )
        self._at("2026-03-04T09:35:00Z")
        self._poll("only this pack's own comments are new; nothing is told twice")
        self._at("2026-03-04T09:40:00Z")
        self._poll("nothing is new: a quiet poll")
        self._thursday()

    def _monday(self) -> None:
        self._at("2026-03-02T09:05:00Z")
        people = self._people
        self._slow = people["author1"].create_change("tools/build", "Cache compiler outputs")
        people["author1"].add_reviewer(self._slow, "reviewer1")
        self._say("author1", f"uploads change {self._slow} and asks reviewer1")
        quick = people["author2"].create_change("tools/docs", "Explain the release steps")
        self._say("author2", f"uploads change {quick}")
        broken = people["author2"].create_change("tools/build", "Drop the old linker")
        self._say("author2", f"uploads change {broken}")
        unmerged = people["author1"].create_change("tools/docs", "List the supported systems")
        self._say("author1", f"uploads change {unmerged}")
        for number, vote in ((self._slow, 1), (quick, 1), (unmerged, 1), (broken, -1)):
            people["ci-bot"].review(number, labels={"Verified": vote}, tag="autogenerated:ci")
        self._say("ci-bot", f"votes; change {broken} fails, so the next move is its owner's")
        self._gerrit.advance(minutes=1)
        people["reviewer2"].review(quick, message="Which systems does step 3 mean?")
        self._say("reviewer2", f"asks a question on change {quick}: the next move is its owner's")
        people["reviewer2"].review(unmerged, labels={"Code-Review": 2})
        self._say("reviewer2", f"approves change {unmerged}; nobody submits it")
        self._poll("everything is fresh, so nothing is told")

    def _thursday(self) -> None:
        self._at("2026-03-05T10:00:00Z")
        self._people[KEEPER].review(self._slow, message="Good idea.", labels={"Code-Review": 2})
        self._say(KEEPER, f"reviews and approves change {self._slow}")
        self._at("2026-03-05T10:05:00Z")
        self._poll("the wait is over: the ticket is closed, the hashtag taken off")

    # Telling

    def _at(self, moment: str) -> None:
        self._gerrit.at(moment)
        instant = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
        tell(f"\n{DAYS[instant.weekday()]} {instant:%Y-%m-%d, %H:%M} UTC")

    def _poll(self, what: str) -> None:
        self._gerrit.reset_requests()
        self._say("sensor polls", what)
        standin = self._standin
        triggers, rules = len(standin.triggers), len(standin.enforcements)
        first = len(standin.executions)
        standin.poll()
        for trigger in standin.triggers[triggers:]:
            self._tell(trigger)
            for rule in standin.enforcements[rules:]:
                if rule.trigger_id == trigger.id:
                    tell(f"rule {rule.rule} matches {rule.failure_reason}".rstrip(), MARGIN)
                    self._tell_execution(rule.execution_id, MARGIN + "  ")
        if len(standin.triggers) == triggers:
            tell(f"no trigger; requests to Gerrit: {len(self._gerrit.requests())}", MARGIN)
        self._stop_if_failed(standin.triggers[triggers:], standin.executions[first:])

    @staticmethod
    def _stop_if_failed(triggers: List[Trigger], executions: List[Execution]) -> None:
        troubles = [trigger for trigger in triggers if trigger.type == TROUBLE]
        failed = [run for run in executions if run.status != "succeeded" or run.problem]
        if troubles or failed:
            raise StoryError

    @staticmethod
    def _tell(trigger: Trigger) -> None:
        told = trigger.payload
        if trigger.type == TROUBLE:
            what = f"{told['state']} ({told['kind']}). {told['remedy']}"
        elif "how" in told:
            what = f"change {told['number']}, {told['party']}, {told['how']}"
        else:
            how_long = f"{told['milestone']} of working time ({told['cause']})"
            what = f"change {told['number']}, {told['party']}, {how_long}"
        tell(f"trigger {trigger.type}: {what}", MARGIN, "  ")

    def _tell_execution(self, execution_id: str, indent: str) -> None:
        executions = self._standin.executions
        one = next((run for run in executions if run.id == execution_id), None)
        if one is None:
            return
        told = [f"{one.action}: {one.status}", *facts(one.result, self._names)]
        told += [one.problem] if one.problem else []
        told += [reason(one.result)] if one.status != "succeeded" else []
        tell("; ".join(told), indent, "  ")
        for child in executions:
            if child.parent == execution_id:
                self._tell_execution(child.id, indent + "  ")

    @staticmethod
    def _say(who: str, what: str) -> None:
        tell(f"  {who + ':':<15} {what}", hanging=MARGIN[2:])

    def show_result(self, name: str) -> None:
        """The change's messages and the ticket, as the servers serve them.

        :param name: how to call Gerrit.
        """
        headline(f"Change {self._slow} as {name} serves it")
        author = self._people["author1"]
        for message in author.messages(self._slow):
            who = message.get("author", {}).get("name", "Gerrit")
            tell(f"\n[{message['date'][:16]}] {who}")
            tell(message["message"], "    ")
        tell(
            f"\nhashtags now: {', '.join(author.detail(self._slow)['hashtags']) or 'none'}", "    "
        )
        headline("The ticket as Roundup serves it")
        for issue in self._roundup.issues():
            tell(f"\nissue{issue.id}: {issue.title}", hanging="    ")
            tell(f"{issue.url}\nstatus: {issue.status}, assigned to: {issue.assignee}", "    ")
            for message in issue.messages:
                tell(f"\n{message}", "    ")

    def show_where_to_look(self) -> None:
        """Addresses and logins, for as long as the servers are up."""
        headline("Look for yourself")
        (issue, *_) = self._roundup.issues()
        tell(f"The ticket: {issue.url}")
        tell(f"Log in as {KEEPER} with the password {password_of(KEEPER)}.", "    ")
        tell("The change, as text:")
        login = f"author1:{password_of('author1')}"
        tell(f"curl -su {login} {self._gerrit.url}/a/changes/{self._slow}/detail", "    ", "  ")
