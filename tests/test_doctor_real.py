"""A check-up of set-ups that are broken on real servers, a Gerrit and a Roundup: each cause is
named. What these two cannot show is broken on the fakes (``test_doctor.py``,
``test_trackers_setup.py``).
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timezone
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from sandbox.gerrit.people import Person, password_of
from sandbox.gerrit.seed import CI_ACCOUNT, COMMITTEE, PACK_ACCOUNT
from sandbox.gerrit.server import START, GerritServer
from sandbox.ports import free_port
from sandbox.trackers.roundup import RoundupServer

from reviewloop.gerrit.client import Client
from reviewloop.http.retry import Timing
from reviewloop.insight.findings import Finding
from reviewloop.operations.doctor import CheckUp
from reviewloop.settings.load import load
from reviewloop.trackers.factory import make_tracker

pytestmark = pytest.mark.real_gerrit

BUILD, DOCS = "tools/build", "tools/docs"


class World:
    """A good set-up on both servers; what a test breaks there is mended after it."""

    def __init__(self, gerrit: GerritServer, roundup: RoundupServer, undo: ExitStack) -> None:
        self.gerrit, self.roundup, self.undo = gerrit, roundup, undo
        self.config: Dict[str, Any] = {
            "url": gerrit.url,
            "username": PACK_ACCOUNT,
            "password": password_of(PACK_ACCOUNT),
            "automation": [f"^{CI_ACCOUNT}$"],
            "roster": {
                "members": [{"gerrit": name, "tracker": {"roundup": name}} for name in COMMITTEE]
            },
            "tracker": {"kind": "roundup", "url": roundup.url, "token": roundup.token},
        }
        self.local_clock: Callable[[], datetime] = gerrit.now

    def findings(self) -> List[Finding]:
        """What is found, but for what is as it should be."""
        settings = load(self.config)
        gerrit = settings.gerrit
        client = Client(
            gerrit.url,
            gerrit.username,
            gerrit.password,
            timing=Timing(sleep=lambda _seconds: None),
            local_clock=self.local_clock,
        )
        checkup = CheckUp(settings, client, lambda: make_tracker(settings.tracker))
        try:
            return [one for one in checkup.findings(50) if one.level.value != "ok"]
        finally:
            client.close()

    @property
    def admin(self) -> Person:
        """Gerrit's administrator."""
        return self.gerrit.admin

    def grant(
        self,
        permission: str,
        group: str,
        ref: str = "refs/*",
        project: str = "All-Projects",
        **rule: Any,
    ) -> None:
        """Allow a group something, or what ``action`` says, until the test is over."""
        uuid = self.group(group)
        rules = {"permissions": {permission: {"rules": {uuid: {"action": "ALLOW", **rule}}}}}
        path = f"/projects/{project.replace('/', '%2F')}/access"
        self.admin.call("POST", path, {"add": {ref: rules}})
        self.undo.callback(self.admin.call, "POST", path, {"remove": {ref: rules}})

    def group(self, name: str) -> str:
        """A group's UUID."""
        return str(self.admin.call("GET", f"/groups/{name}/detail")["id"])

    def join(self, group: str, username: str) -> None:
        """Put somebody into a group until the test is over."""
        path = f"/groups/{group.replace(' ', '%20')}/members/{username}"
        self.admin.call("PUT", path, {})
        self.undo.callback(self.admin.call, "DELETE", path)

    def leave(self, group: str, username: str) -> None:
        """Take somebody out of a group until the test is over."""
        path = f"/groups/{group.replace(' ', '%20')}/members/{username}"
        self.admin.call("DELETE", path)
        self.undo.callback(self.admin.call, "PUT", path, {})


@pytest.fixture(scope="module", name="site")
def _site(gerrit: GerritServer) -> GerritServer:
    """A change in each project, which the CI has tested."""
    gerrit.at(START)
    for project in (BUILD, DOCS):
        number = gerrit.person("author1").create_change(project, "Languishing")
        gerrit.person(CI_ACCOUNT).review(number, labels={"Verified": 1})
    return gerrit


@pytest.fixture(name="world")
def _world(site: GerritServer, roundup_server: RoundupServer) -> Iterator[World]:
    site.clear_faults()
    with ExitStack() as undo:
        yield World(site, roundup_server, undo)


#: What these servers say of no set-up at all: the account sees private changes by the site's own
#: rule, lacks View Access, and Roundup does not tell our rights.
ALWAYS = {
    ("permissions: private changes", "note"),
    ("permissions: hashtags", "unknown"),
    ("roster: sight", "unknown"),
    ("tracker: set-up", "unknown"),
    ("stackstorm", "unknown"),
}


def test_all_is_well(world: World) -> None:
    """Nothing is found beyond what the servers do not tell."""
    assert {(one.check, one.level.value) for one in world.findings()} <= ALWAYS


# --- what is broken ---------------------------------------------------------------------------


def configured(**config: Any) -> Callable[[World], None]:
    """Something written in the configuration."""
    return lambda world: world.config.update(config)


def members(*entries: Dict[str, Any]) -> Callable[[World], None]:
    """Another roster."""
    return configured(roster={"members": list(entries)})


def in_tracker(**settings: Any) -> Callable[[World], None]:
    """Something written under ``tracker``."""
    return lambda world: world.config["tracker"].update(settings)


def wrong_port(world: World) -> None:
    world.config["url"] = f"http://127.0.0.1:{free_port()}"


def another_server(world: World) -> None:
    world.config["url"] = world.roundup.url.rstrip("/")


def other_clock(world: World) -> None:
    world.local_clock = lambda: datetime(2026, 3, 1, 9, 10, tzinfo=timezone.utc)


def no_bot(world: World) -> None:
    world.leave("Service Users", PACK_ACCOUNT)


def administrator(world: World) -> None:
    world.join("Administrators", PACK_ACCOUNT)


def few_rows(world: World) -> None:
    world.grant("queryLimit", "review-escalation", "GLOBAL_CAPABILITIES", min=0, max=20)


def private(world: World) -> None:
    author = world.gerrit.person("author1")
    number = author.create_change(BUILD, "Secret")
    author.set_private(number)
    world.undo.callback(author.abandon, number)


def blind(world: World) -> None:
    world.grant("viewAccess", "review-escalation", "GLOBAL_CAPABILITIES")
    for project in (BUILD, DOCS):
        world.grant("read", "tech-committee", project=project, action="BLOCK")


def inactive(world: World) -> None:
    path = f"/accounts/{COMMITTEE[0]}/active"
    number = world.admin.call("GET", f"/accounts/{COMMITTEE[0]}")["_account_id"]
    world.admin.call("DELETE", path)
    world.undo.callback(world.admin.call, "PUT", f"/accounts/{number}/active", {})
    world.config["roster"]["members"][0]["gerrit"] = str(number)


def hidden_group(world: World) -> None:
    world.admin.call("PUT", "/groups/hidden-committee", {"members": list(COMMITTEE)})
    world.config["roster"] = {"kind": "gerrit_group", "group": "hidden-committee"}


def unmarked(world: World) -> None:
    bot, author = world.gerrit.person("reviewer2"), world.gerrit.person("author2")
    for place in range(6):
        number = author.create_change(BUILD, f"Change {place}")
        for _ in range(3):
            bot.review(number, f"Build {number} finished: http://ci.example.org/{number}")
        world.gerrit.advance(minutes=1)
        author.push_patch_set(number)
        bot.review(number, f"Build {number} finished: http://ci.example.org/{number}")
        world.undo.callback(author.abandon, number)


def no_status(world: World) -> None:
    rows = world.roundup._get("status", {"@fields": "name"})["collection"]
    for row in rows:
        if row["name"] in ("resolved", "closed"):
            rename(world, row["id"], "finished")
            world.undo.callback(rename, world, row["id"], row["name"])


def rename(world: World, number: str, name: str) -> None:
    """Another name for a status of Roundup."""
    etag = world.roundup._get(f"status/{number}", {})["@etag"]
    world.roundup._send("PATCH", f"status/{number}", {"name": name}, {"If-Match": etag})


def retired(world: World) -> None:
    number = world.roundup.add(
        "user", username="leaver", password="leaver-password", address="l@example.org"
    )
    etag = world.roundup._get(f"user/{number}", {})["@etag"]
    world.roundup._send("DELETE", f"user/{number}", {}, {"If-Match": etag})
    world.config["roster"]["members"][0]["tracker"] = {"roundup": "leaver"}


def tracker_down(world: World) -> None:
    world.config["tracker"]["url"] = f"http://127.0.0.1:{free_port()}/demo/"


Broken = Tuple[Callable[[World], None], str, str, str]
BROKEN: Dict[str, Broken] = {
    "nobody listens": (wrong_port, "gerrit", "problem", "127.0.0.1"),
    "no Gerrit at all": (another_server, "gerrit", "problem", "version"),
    "a wrong password": (configured(password="wrong"), "gerrit", "problem", "401"),
    "nobody's account": (configured(username="", password=""), "account", "problem", "anonymous"),
    "a clock a day ahead": (other_clock, "clock", "problem", "apart"),
    "not in Service Users": (no_bot, "account: bot", "warning", "Service Users"),
    "an administrator": (administrator, "account: administrator", "warning", "administrates"),
    "few rows a page": (few_rows, "account: queryLimit", "warning", "20 rows"),
    "a query that finds nothing": (
        configured(query="project:nowhere"),
        "query",
        "warning",
        "nowhere",
    ),
    "a query that Gerrit does not take": (
        configured(query="nonsense:yes"),
        "query",
        "problem",
        "nonsense",
    ),
    "an approval that no project has": (
        configured(approval=["Approved+1"]),
        "labels: approval Approved",
        "problem",
        "None",
    ),
    "a hold that no project has": (
        configured(hold=["Do-Not-Merge-1"]),
        "labels: hold Do-Not-Merge",
        "note",
        "None",
    ),
    "a review label that no project has": (
        configured(review_labels=["Quality"]),
        "labels: review_labels Quality",
        "note",
        "None",
    ),
    "a name that no bot has": (
        configured(automation=[f"^{CI_ACCOUNT}$", "^jenkins$"]),
        "bots: automation",
        "note",
        "jenkins",
    ),
    "a bot that is not named": (unmarked, "bots: reviewer2", "warning", "looks like a bot"),
    "private changes": (private, "permissions: private changes", "note", "private"),
    "permissions untold": (lambda _world: None, "permissions: hashtags", "unknown", "not tell"),
    "members without sight": (blind, "roster: sight", "problem", "committee1"),
    "sight untold": (lambda _world: None, "roster: sight", "unknown", "not tell"),
    "a member who is nobody": (
        members({"gerrit": "committee1"}, {"gerrit": "commitee2"}),
        "roster",
        "problem",
        "commitee2",
    ),
    "a member twice": (
        members({"gerrit": "committee1"}, {"email": "committee1@example.org"}),
        "roster",
        "problem",
        "same account",
    ),
    "a member who left": (inactive, "roster", "problem", "inactive"),
    "an empty roster": (members(), "roster", "warning", "Nobody"),
    "a roster of bots": (members({"gerrit": CI_ACCOUNT}), "roster", "problem", "Nobody"),
    "a group that is not there": (
        configured(roster={"kind": "gerrit_group", "group": "comittee"}),
        "roster",
        "problem",
        "comittee",
    ),
    "a group that is hidden": (hidden_group, "roster", "problem", "hidden-committee"),
    "a wrong token": (in_tracker(token="reviewbot:wrong"), "tracker", "problem", "401"),
    "a stranger's token": (
        in_tracker(token="nobody:nobody-password"),
        "tracker",
        "problem",
        "credential",
    ),
    "no tracker there": (tracker_down, "tracker", "problem", "127.0.0.1"),
    "another tracker's address": (
        lambda world: world.config["tracker"].update(
            url=world.roundup.url.replace("/demo/", "/gone/")
        ),
        "tracker",
        "problem",
        "404",
    ),
    "no status that closes": (no_status, "tracker: set-up", "problem", "no status"),
    "rights untold by the tracker": (
        lambda _world: None,
        "tracker: set-up",
        "unknown",
        "not tell",
    ),
    "a login that is nobody's": (
        members({"gerrit": "committee1", "tracker": {"roundup": "committe1"}}),
        "roster: logins",
        "problem",
        "'committe1'",
    ),
    "a login that was retired": (retired, "roster: logins", "problem", "'leaver'"),
    "no login": (members({"gerrit": "committee1"}), "roster: logins", "note", "no login"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str, world: World) -> None:
    """Each fault is named by its check, at its level, with what is wrong and how to mend it."""
    breaks, check, level, word = BROKEN[name]
    breaks(world)
    found = world.findings()

    fitting = [one for one in found if (one.check, one.level.value) == (check, level)]
    assert fitting, found
    assert any(word in one.what for one in fitting), fitting
    assert all(one.remedy for one in fitting) or level == "note"


def test_thirty() -> None:
    """There are thirty at the least."""
    assert len(BROKEN) >= 30


def test_a_defect_ends_no_other_check(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that fails is found, and what comes after it is looked at all the same."""

    def fails(*_: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr("reviewloop.operations.checks.sample", fails)
    found = {one.check: one.level.value for one in world.findings()}

    assert found["query"] == "problem"
    assert "tracker: set-up" in found
    assert "roster" not in found
