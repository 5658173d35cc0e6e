"""The same day twice: as a preview tells it, and as the pack then goes through it.

The pack is the real one: its sensor, rules, workflows and actions in the stand-in for StackStorm,
on a simulated Gerrit whose people do nothing that day.
"""

from __future__ import annotations

import hashlib
import random
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple
from unittest import mock

from sandbox.gerrit.fake import PASSWORD, URL, FakeGerrit, body_of
from sandbox.gerrit.fake_world import Json
from sandbox.standin.datastore import DatastoreService
from sandbox.standin.standin import Execution, StandIn

from fake_github import TOKEN, FakeGitHub
from repository import ROOT
from reviewloop.escalation.events import event_ref
from reviewloop.http.messages import Request
from reviewloop.insight.eta import Kind
from reviewloop.insight.usual import Time, Usual
from reviewloop.operations import context as operations
from reviewloop.operations.usual import name_for
from reviewloop.preview.asks import Ask
from reviewloop.preview.gather import recorded_now
from reviewloop.preview.loop import Loop
from reviewloop.preview.store import copied
from reviewloop.settings.load import Settings, load
from reviewloop.store.datastore import Datastore
from reviewloop.trackers import factory
from reviewloop.trackers.adapters.github import GitHub
from reviewloop.trackers.settings import TrackerSettings
from trackers_rig import Pace

#: When, about which event, on which tier, who, the text's SHA-256, and what is written on the
#: tracker: a ticket's title and the SHA-256 of its body, or of a comment's.
Told = Tuple[str, str, str, Tuple[int, ...], str, str, str]
Step = Tuple[str, int, int, int]
PROJECTS = ("tools/build", "tools/docs")
TOPICS = ("", "", "caches")
WORDS = ("/snooze 1d", "/ack", "/pass", "Why?", "recheck")
SWEEP = (4, 30)
TRACKER = {"kind": "github", "project": "example/project", "token": TOKEN}
PAUSES = (0, 0, 0, 1, 2, 5)
"""Hours between two things that people do."""


class WatchedGerrit(FakeGerrit):
    """A simulated Gerrit that keeps what was posted on it."""

    def __init__(self) -> None:
        super().__init__("2026-03-02 06:00:00")
        self.posts: List[Tuple[datetime, str]] = []
        self.people = [self.add_account(f"member{number}") for number in range(4)]
        self.bot = self.add_account("ci-bot", service_user=True)

    def _post_review(self, request: Request, ident: str, revision: str) -> Json:
        message = body_of(request).get("message", "")
        if message:
            self.posts.append((self.now, message))
        return super()._post_review(request, ident, revision)


@dataclass
class Installation:
    """The pack on a stand-in for StackStorm, and its Gerrit."""

    config: Dict[str, Any]
    gerrit: WatchedGerrit = field(default_factory=WatchedGerrit)
    github: FakeGitHub = field(default_factory=FakeGitHub)
    told: List[Told] = field(default_factory=list)
    opened: List[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        given = {"url": URL, "username": "st2-reviews", "password": PASSWORD, **self.config}
        self.config = {**given, "sensor_cache": "none"}
        self.settings = load(self.config)
        self.standin = StandIn(ROOT, self.config, {}, clock=lambda: self.gerrit.now)
        self.standin.enable_all_rules()
        groups = {(Kind.FIRST, "tools/build", ""): Time(60, 90_000)}
        calendar = self.settings.policy.calendar
        table = Usual(self.gerrit.now, calendar.day_seconds, groups)
        self.datastore.set_value(name_for(self.settings), table.to_json(), local=False)

    def run(self, until: datetime) -> None:
        """Start the sensor anew, poll as often as it is configured, and let everything follow."""
        pause = timedelta(seconds=self.settings.poll_interval)
        poll, sweep = self.gerrit.now, self._next_sweep()
        with self.reached():
            self.standin.start_sensor()
            while poll <= until:
                if sweep <= poll:
                    self._at(sweep)
                    self.standin.run("gerrit.sweep")
                    sweep += timedelta(days=1)
                self._at(poll)
                self._followed(self.standin.poll())
                poll += pause
        self.gerrit.now = until

    def _at(self, now: datetime) -> None:
        self.gerrit.now = self.github.clock = now

    def _next_sweep(self) -> datetime:
        now = self.gerrit.now
        at = now.replace(hour=SWEEP[0], minute=SWEEP[1], second=0)
        return at if at > now else at + timedelta(days=1)

    @contextmanager
    def reached(self) -> Iterator[None]:
        """Meanwhile whoever reaches for Gerrit and GitHub gets these."""
        github = self.github

        class Reached(GitHub):
            def __init__(self, settings: TrackerSettings) -> None:
                super().__init__(settings, Pace().timing(), github)

        clients = mock.patch.object(operations, "make_client", self._client)
        with clients, mock.patch.dict(factory.ADAPTERS._loaded, github=Reached):
            yield

    def _client(self, _settings: Settings) -> Any:
        # Before the server's first answer it is this machine's clock that holds.
        return self.gerrit.client(local_clock=lambda: self.gerrit.now)

    def _followed(self, ran: Sequence[Execution]) -> None:
        posting = [one for one in ran if one.action in ("gerrit.post_review", "gerrit.ask")]
        for one in posting:
            assert one.status == "succeeded", one.result
        posted = [one for one in posting if one.result["result"].get("posted")]
        posts, self.gerrit.posts = self.gerrit.posts, []
        assert len(posted) == len(posts)
        for one, (at, text) in zip(posted, posts):
            given = one.parameters
            asked = tuple(given["asked"] or ())
            ticket = self._ticket(one)
            told = (given["event_id"], given["tier"] or "nobody", asked, digest(self._bare(text)))
            self.told.append((at.isoformat(), *told, *ticket))

    def _ticket(self, ran: Execution) -> Tuple[str, str]:
        """What a run wrote on the tracker."""
        told = ran.result["result"].get("ticket", {"action": "nothing"})
        if told["action"] == "created":
            self.opened.append(told["ticket_url"])
            issue = self.github.issue(int(told["ticket_id"]))
            return issue["title"], digest(issue["body"])
        if told["action"] == "nothing" and told.get("reason") != "the comment is there already":
            return "", ""
        event = event_ref(ran.parameters["event_id"])
        step = f"{int(event.since.timestamp())}-{event.milestone}-{ran.parameters['attempt'] or 0}"
        said = self.github.comments(int(told["ticket_id"]))
        (comment,) = [one for one in said if f"/{step} " in one]
        return "", digest(comment)

    def _bare(self, text: str) -> str:
        """A comment without the address of a ticket that was not there when it was foretold."""
        lines = text.split("\n")
        return "\n".join(one for one in lines if one.partition("Ticket: ")[2] not in self.opened)

    @property
    def datastore(self) -> Datastore:
        """What the pack has kept."""
        return DatastoreService(self.standin.datastore, "gerrit", "preview", lambda _moment: None)


def digest(text: str) -> str:
    """SHA-256 of a text, in hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def foretold(installation: Installation, until: datetime) -> List[Told]:
    """What a preview says from now on."""
    client = installation.gerrit.client()
    client.version()  # by which it knows the server's time
    settings = installation.settings
    now, values = client.now(), copied(installation.datastore)
    recorded = recorded_now(settings, client, now, values=values)
    with installation.reached():
        before = len(installation.github.sent)
        found = Loop(settings, recorded, now, plays=False, values=values).run(until)
        assert installation.github.sent[before:] == []
    assert found.failed == ()
    assert found.troubles == ()
    return [_told(one) for one in found.asks]


def _told(ask: Ask) -> Told:
    ticket = ("", "") if ask.ticket is None else (ask.ticket.title, ask.ticket.sha256)
    return (ask.at.isoformat(), ask.event_id, ask.tier, ask.accounts, ask.sha256, *ticket)


# What people do


def upload(gerrit: WatchedGerrit, one: int, two: int) -> None:
    """A new change."""
    numbers = [number for number, change in gerrit.changes.items() if change.status == "NEW"]
    gerrit.add_change(
        PROJECTS[one % 2],
        f"Change {one}",
        owner=(gerrit.author, *gerrit.people)[one % 5],
        wip=two % 11 == 3,
        private=two % 17 == 7,
        topic=TOPICS[two % 3],
        parent=numbers[one % len(numbers)] if numbers and two % 4 == 1 else None,
        reviewers=[gerrit.reviewer] if one % 3 else (),
        hashtags=["no-escalation"] if two % 13 == 5 else (),
    )


def picked(act: Callable[[WatchedGerrit, int, int], None]) -> Callable[..., None]:
    """Something that is done to an open change, where there is one."""

    def done(gerrit: WatchedGerrit, one: int, two: int) -> None:
        numbers = [number for number, change in gerrit.changes.items() if change.status == "NEW"]
        if numbers:
            act(gerrit, numbers[one % len(numbers)], two)

    return done


@picked
def review(gerrit: WatchedGerrit, number: int, how: int) -> None:
    """Somebody votes or asks."""
    value = (0, 1, -1, 2)[how % 4]
    by = (gerrit.reviewer, *gerrit.people)[how % 5]
    if by != gerrit.changes[number].owner:
        gerrit.review(number, by, "" if value else "Why?", {"Code-Review": value} if value else {})


@picked
def say(gerrit: WatchedGerrit, number: int, how: int) -> None:
    """Somebody writes words, a command perhaps, some of them in the reply dialog."""
    by = (gerrit.changes[number].owner, gerrit.reviewer, *gerrit.people)[how % 6]
    words = WORDS[how % len(WORDS)]
    gerrit.review(number, by, **({"comment": words} if how % 2 else {"text": words}))


@picked
def patch(gerrit: WatchedGerrit, number: int, how: int) -> None:
    """A new patch set."""
    gerrit.upload(number, rebase=how % 3 == 0)


@picked
def robot(gerrit: WatchedGerrit, number: int, how: int) -> None:
    """CI votes."""
    vote = {"Verified": 1 if how % 3 else -1}
    gerrit.review(number, gerrit.bot, "Done.", vote, tag="autogenerated:ci")


@picked
def end(gerrit: WatchedGerrit, number: int, how: int) -> None:
    """Merged or abandoned."""
    gerrit.set_status(number, "MERGED" if how % 2 else "ABANDONED")


@picked
def progress(gerrit: WatchedGerrit, number: int, how: int) -> None:
    """Work in progress, or ready again."""
    gerrit.set_wip(number, not gerrit.changes[number].wip)


ACTS: Dict[str, Callable[[WatchedGerrit, int, int], None]] = {
    "upload": upload,
    "review": review,
    "say": say,
    "patch": patch,
    "robot": robot,
    "end": end,
    "progress": progress,
}


def live(gerrit: WatchedGerrit, steps: Sequence[Step]) -> None:
    """Let people act; each step's last number says how many hours go by before it."""
    for name, one, two, hours in steps:
        gerrit.advance(hours=hours, seconds=17 * (one % 100))
        ACTS[name](gerrit, one, two)


_SHARES = {"upload": 8, "review": 3, "say": 3, "patch": 2, "robot": 1, "end": 1, "progress": 1}


def history(seed: int, length: int) -> List[Step]:
    """What people do, drawn from a seed: a longer one begins like a shorter one."""
    rng = random.Random(seed)
    names, shares = list(_SHARES), list(_SHARES.values())
    return [
        (
            rng.choices(names, shares)[0],
            rng.randint(0, 999),
            rng.randint(0, 999),
            rng.choice(PAUSES),
        )
        for _ in range(length)
    ]
