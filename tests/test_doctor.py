"""A check-up names the cause of what is wrong, and says how to mend it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest
from sandbox.gerrit.fake import FakeGerrit
from sandbox.standin.values import problems

from assessing import SERVER, Board
from reviewloop.cli import doctor as command
from reviewloop.cli.main import main
from reviewloop.errors import AuthError
from reviewloop.operations import doctor
from reviewloop.operations.context import Context
from reviewloop.store.cursor import Cursor, DatastoreCursor
from test_pack_contract import actions

LEVELS = ["problem", "warning", "unknown", "note", "ok"]


class Practice(Board):
    """A committee's server on Wednesday, its sensor up to date, and nothing wrong with it."""

    def __init__(self, **config: Any) -> None:
        super().__init__(automation=["^ci$"], **config)
        self.ci = self.fake.add_account("ci", service_user=True)
        self.local_ahead = timedelta(0)
        self.fake.review(self.number, self.ci, "", {"Verified": 1})
        self.tracker: Any = None
        self.polled(0)

    def polled(self, minutes_ago: float) -> None:
        """The sensor's last poll."""
        through = self.fake.now - timedelta(minutes=minutes_ago)
        DatastoreCursor(self.shelf.service, SERVER).save(Cursor(through))

    def look(self) -> List[Dict[str, str]]:
        """The action ``doctor``; its answer is what it promises."""
        self.shelf.now = self.fake.now
        context = Context(
            self.config, self.shelf.service, tracker_of=lambda _settings: self.tracker
        )
        username = str(self.config["username"])
        context.__dict__["client"] = self.fake.client(
            username, local_clock=lambda: self.fake.now + self.local_ahead
        )
        found = doctor.doctor(context)
        assert problems(found, actions()["doctor"]["output_schema"]) == ""
        levels = [one["level"] for one in found["findings"]]
        assert levels == sorted(levels, key=LEVELS.index)
        assert found["ok"] is ("problem" not in levels)
        assert (found["problems"], found["warnings"]) == (
            levels.count("problem"),
            levels.count("warning"),
        )
        return [one for one in found["findings"] if one["level"] != "ok"]


def test_all_is_well() -> None:
    """Nothing is found where nothing is wrong."""
    assert Practice().look() == []


def fake(change: Callable[[FakeGerrit], None]) -> Callable[[Practice], None]:
    """Something done to the server."""
    return lambda practice: change(practice.fake)


def having(**attributes: Any) -> Callable[[Practice], None]:
    """Something set at the server."""
    return lambda practice: [setattr(practice.fake, k, v) for k, v in attributes.items()] and None


def configured(**config: Any) -> Callable[[Practice], None]:
    """Something written in the configuration."""
    return lambda practice: practice.config.update(config)


def members(*entries: Dict[str, Any]) -> Callable[[Practice], None]:
    """Another roster."""
    return configured(roster={"members": list(entries)})


def person(practice: Practice) -> None:
    del practice.fake.accounts[practice.fake.me]["tags"]


def inactive(practice: Practice) -> None:
    practice.fake.accounts[practice.ids[0]]["inactive"] = True


def away(practice: Practice) -> None:
    for number in list(practice.fake.changes):
        del practice.fake.changes[number]


def private(practice: Practice) -> None:
    practice.fake.add_change(private=True)


def forgotten(practice: Practice) -> None:
    for name in practice.shelf.names():
        practice.shelf.store.drop(name)


def unmarked(practice: Practice) -> None:
    bot = practice.fake.add_account("builder")
    for _ in range(6):
        number = practice.change(at=practice.fake.now)
        for _ in range(4):
            practice.fake.review(number, bot, f"Build {number} finished: http://ci/{number}")
            practice.fake.advance(minutes=1)
            practice.fake.upload(number)
        practice.fake.review(number, bot, f"Build {number} finished: http://ci/{number}")
    practice.polled(0)


class Refusing:
    """A tracker whose credential is wrong."""

    name = "forge:example.org"

    def whoami(self) -> str:
        """Refused, as every call."""
        raise AuthError("The forge answers 401: the credential is wrong.", "Renew it.")


def broken_tracker(practice: Practice) -> None:
    practice.tracker = Refusing()


BROKEN = {
    "the server is down": (fake(lambda fake: fake.refuse(99)), "gerrit", "problem", "connection"),
    "the password is wrong": (having(accepts_password=False), "gerrit", "problem", "401"),
    "an old server": (having(version="3.1.4"), "gerrit", "problem", "3.1.4"),
    "no Date": (having(sends_date=False), "clock", "warning", "Date"),
    "clocks ten minutes apart": (
        having(date_ahead=timedelta(minutes=10)),
        "clock",
        "warning",
        "600 s",
    ),
    "clocks a day apart": (having(date_ahead=timedelta(days=-1)), "clock", "problem", "86400 s"),
    "nobody's account": (configured(username="", password=""), "account", "problem", "anonymously"),
    "a person's account": (person, "account: bot", "warning", "Service Users"),
    "an administrator": (having(administers=True), "account: administrator", "warning", "admin"),
    "few rows": (having(query_limit=20), "account: queryLimit", "warning", "20 rows"),
    "no search at all": (having(query_limit=0), "account", "problem", "may not search"),
    "a search that finds nothing": (
        configured(query="project:nowhere"),
        "query",
        "warning",
        "nowhere",
    ),
    "nothing to see": (away, "query", "warning", "No change"),
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
    "a bot that is not named": (unmarked, "bots: builder", "warning", "looks like a bot"),
    "a name that no bot has": (
        configured(automation=["^ci$", "^jenkins$"]),
        "bots: automation",
        "note",
        "jenkins",
    ),
    "private changes": (private, "permissions: private changes", "note", "private"),
    "no hashtags": (
        having(may_edit_hashtags=False),
        "permissions: hashtags",
        "warning",
        "hashtags",
    ),
    "permissions unseen": (having(views_access=False), "permissions: hashtags", "unknown", "tell"),
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
    "a roster of bots": (members({"gerrit": "ci"}), "roster", "problem", "Nobody"),
    "a group that is not there": (
        configured(roster={"kind": "gerrit_group", "group": "tech-committee"}),
        "roster",
        "problem",
        "tech-committee",
    ),
    "http": (
        configured(url="http://gerrit.example.org"),
        "configuration: gerrit.url",
        "warning",
        "http",
    ),
    "a tracker that refuses": (broken_tracker, "tracker", "problem", "credential"),
    "a sensor that never ran": (
        lambda practice: (
            [practice.shelf.store.drop(name) for name in practice.shelf.names()] and None
        ),
        "sensor",
        "warning",
        "never",
    ),
    "a sensor that died": (lambda practice: practice.polled(90), "sensor", "problem", "last poll"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    """Each fault is named by its check, at its level, with what is wrong and how to mend it."""
    breaks, check, level, word = BROKEN[name]
    practice = Practice()
    breaks(practice)
    found = practice.look()

    assert (check, level) in [(one["check"], one["level"]) for one in found], found
    (one, *_) = [one for one in found if (one["check"], one["level"]) == (check, level)]
    assert word in one["what"]
    assert one["remedy"] or level == "note"


@pytest.mark.parametrize("as_json", [False, True])
def test_command(
    as_json: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any
) -> None:
    """The command prints what the action answers, but for the sensor, and its exit status says
    whether there is a problem.
    """
    practice = Practice(roster={"members": [{"gerrit": "nobody"}]})
    config = tmp_path / "gerrit.yaml"
    config.write_text(json.dumps(practice.config))
    client = practice.fake.client(local_clock=lambda: practice.fake.now)
    monkeypatch.setattr(command, "make_client", lambda _settings: client)

    status = main(["doctor", "--config", str(config), *(["--json"] if as_json else [])])
    told = capsys.readouterr().out

    assert status == 1
    if as_json:
        assert json.loads(told)["problems"] == 2
    else:
        assert told.startswith("PROBLEM  ")
        assert told.endswith("\n2 problems, 0 warnings\n")
        assert "sensor" not in told


def test_nothing_is_written() -> None:
    """A check-up only reads."""
    practice = Practice()
    before = practice.shelf.names()
    practice.look()

    assert {one.split(" ")[0] for one in practice.fake.seen} == {"GET"}
    assert [name for name in practice.shelf.names() if name not in before] == []


def test_what_it_costs() -> None:
    """Few requests, however many changes there are: one for each hundred of them."""
    practice = Practice()
    for minute in range(250):
        practice.change(at=practice.fake.now - timedelta(minutes=minute))
    practice.fake.seen.clear()
    practice.look()

    searches = [one for one in practice.fake.seen if "-age:30d" in one]
    # A page begins with the last row of the one before.
    assert len(searches) == 3
    assert len(practice.fake.seen) <= 20
