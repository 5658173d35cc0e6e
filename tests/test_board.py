"""Every overdue wait at once: who is asked, or why nobody is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, List

import pytest
from sandbox.gerrit.fake import URL
from sandbox.standin.values import problems

from assessing import Board
from reviewloop.cli import board as command
from reviewloop.cli.main import main
from reviewloop.core.tiers import Tier
from reviewloop.gerrit.client import Client
from reviewloop.operations import board, inspect
from reviewloop.operations.context import Context
from reviewloop.settings.load import Settings
from test_pack_contract import actions


class Wall(Board):
    """The board of a committee's server."""

    def context(self) -> Context:
        """What one action works with."""
        self.shelf.now = self.fake.now
        context = Context(self.config, self.shelf.service)
        context.__dict__["client"] = self.fake.client()
        return context

    def look(self) -> Dict[str, Any]:
        """The action ``board``; its answer is what it promises."""
        found = board.board(self.context())
        assert problems(found, actions()["board"]["output_schema"]) == ""
        return found

    def row(self, number: int = 0) -> Dict[str, Any]:
        """The one wait of a change."""
        (row,) = [one for one in self.look()["waits"] if one["number"] == (number or self.number)]
        return dict(row)


def test_asked() -> None:
    """A change that somebody is asked about: who, on which tier, since when, and what is next."""
    wall = Wall()
    found = wall.assess()
    wall.post(found)
    row = wall.row()

    assert row["asked"] == [
        {
            "account_ids": list(found.accounts),
            "tier": "committee",
            "milestone": "2d",
            "since": "2026-03-04T09:00:00Z",
        }
    ]
    assert (row["reason"], row["next"], row["next_at"]) == ("", "milestone", "2026-03-09T09:00:00Z")
    assert (row["waiting_days"], row["milestone"], row["event_id"]) == (2.0, "2d", wall.event())
    assert wall.look()["by_reason"] == {"asked": 1}


def test_recheck_in_the_reply_dialog() -> None:
    """What people typed there is read where a turn depends on it: a mere `recheck` is no review."""
    wall = Wall()
    wall.fake.review(wall.number, comment="recheck", at="2026-03-02 15:00:00")

    assert (wall.row()["party"], wall.row()["waiting_days"]) == ("reviewers", 2.0)


def test_record_alone_is_no_ask() -> None:
    """What was decided and never posted is not shown as asked, neither here nor by explain."""
    wall = Wall()
    wall.assess()
    wall.fake.advance(hours=2)
    (told,) = inspect.explain(wall.context(), wall.number)["asks"]

    assert (wall.row()["asked"], wall.row()["reason"]) == ([], "no_rule")
    assert told["open"] is False
    wall.post(wall.assess())
    (told,) = inspect.explain(wall.context(), wall.number)["asks"]
    assert told["open"] is True


def test_asked_at_an_earlier_milestone() -> None:
    """At the next milestone the earlier ask is shown, and why nobody is asked at this one."""
    wall = Wall()
    wall.post(wall.assess())
    wall.fake.at("2026-03-09 09:00:00")
    row = wall.row()

    assert len(row["asked"]) == 1
    assert (row["milestone"], row["reason"], row["next"]) == ("5d", "fresh", "offered")


def _exempt(wall: Wall) -> None:
    wall.fake.changes[wall.number].hashtags.append("no-escalation")


def _snoozed(wall: Wall) -> None:
    wall.fake.review(wall.number, text="/snooze 3d")


def _snoozed_in_a_comment(wall: Wall) -> None:
    wall.fake.review(wall.number, comment="/snooze 3d")


def _red(wall: Wall) -> None:
    wall.fake.review(wall.number, by=wall.fake.me, labels={"Verified": -1})


def _acknowledged(wall: Wall) -> None:
    found = wall.assess(wall.event("1d"))
    wall.post(found)
    wall.fake.review(wall.number, by=found.accounts[0], text="/ack")


def _held_out(wall: Wall) -> None:
    wall.config["limits"] = {"hold_out_percent": 50}
    while wall.assess(dry_run=True).verdict != "hold_out":
        wall.number = wall.change()


def _idle(wall: Wall) -> None:
    wall.config["coverage_reach"] = "1d"


@pytest.mark.parametrize(
    ("happens", "reason", "then"),
    [
        (_exempt, "exempt", ("nothing", "")),
        (_snoozed, "snoozed", ("pause_ends", "2026-03-09T09:00:00Z")),
        (_snoozed_in_a_comment, "snoozed", ("pause_ends", "2026-03-09T09:00:00Z")),
        (_acknowledged, "acknowledged", ("pause_ends", "2026-03-06T09:00:00Z")),
        (_held_out, "hold_out", ("nothing", "")),
        (_idle, "idle", ("nothing", "")),
    ],
)
def test_reasons_of_the_change(happens: Any, reason: str, then: Any) -> None:
    """What the change itself, or the configuration, gives as the reason; and what is next."""
    wall = Wall()
    happens(wall)
    row = wall.row()

    assert (row["reason"], (row["next"], row["next_at"])) == (reason, then)


def test_red() -> None:
    """While CI is red the owner's wait is shown as theirs, and the reviewers' as red."""
    wall = Wall()
    _red(wall)
    wall.fake.at("2026-03-06 09:00:00")
    found = {row["party"]: row["reason"] for row in wall.look()["waits"]}

    assert found == {"reviewers": "red", "owner": "fresh"}


@pytest.mark.parametrize(
    ("reason", "config"),
    [
        ("cap", {"per_run": 1}),
        ("budget", {"per_person_week": 1}),
        ("ramp", {"ramp_per_day": 1}),
    ],
)
def test_reasons_on_record(reason: str, config: Dict[str, int]) -> None:
    """What waits for a limit says which, and until when."""
    wall = Wall(limits=config)
    if reason == "ramp":
        wall.fake.at("2026-03-06 09:00:00")
    for _ in range(3):
        other = wall.change()
        wall.assess(wall.event(number=other))
    wall.assess()
    row = wall.row()

    assert (row["reason"], row["next"]) == (reason, "offered")
    assert row["next_at"] > wall.look()["now"]


def test_joined() -> None:
    """What is asked for in another change's name says in whose."""
    wall = Wall()
    other = wall.change(parent=wall.number)
    wall.assess(wall.event(number=other))

    assert (wall.row(other)["reason"], wall.row(other)["leader"]) == ("joined", wall.number)


def test_joined_at_an_earlier_milestone_too() -> None:
    """What was put off at the highest milestone is shown, not what no rule tries any more."""
    wall = Wall()
    bottom = wall.change()
    middle = wall.change(parent=bottom)
    top = wall.change(parent=middle)
    wall.assess(wall.event("1d", number=top), Tier.REVIEWERS)
    wall.fake.set_status(bottom, "MERGED")
    wall.assess(wall.event(number=top))

    assert (wall.row(top)["reason"], wall.row(top)["leader"]) == ("joined", middle)


def test_nobody_eligible() -> None:
    """A roster of which nobody can be asked is the reason."""
    wall = Wall(roster={"members": []})
    wall.assess()

    assert wall.row()["reason"] == "nobody_eligible"


def test_reason_of_an_earlier_milestone() -> None:
    """It is no reason why nobody is asked at the next one."""
    wall = Wall(roster={"members": []})
    wall.fake.at("2026-03-09 08:59:00")
    wall.assess()
    assert wall.row()["reason"] == "nobody_eligible"
    wall.fake.advance(minutes=1)

    assert (wall.row()["milestone"], wall.row()["reason"]) == ("5d", "fresh")


def test_fresh() -> None:
    """In the hour after a milestone its first trigger is still on its way."""
    wall = Wall()
    assert (wall.row()["reason"], wall.row()["next"]) == ("fresh", "offered")
    wall.fake.advance(hours=1)

    assert (wall.row()["reason"], wall.row()["next"]) == ("no_rule", "nothing")


def test_what_is_not_overdue() -> None:
    """Private, closed, unfinished, reviewed and young changes are not on it."""
    wall = Wall()
    wall.fake.changes[wall.number].private = True
    merged, wip, reviewed = (wall.change() for _ in range(3))
    wall.fake.set_status(merged, "MERGED")
    wall.fake.set_wip(wip, wip=True)
    wall.fake.review(reviewed, text="Why?")
    wall.fake.add_change()

    assert wall.look()["waits"] == []


def test_longest_first() -> None:
    """The longest wait comes first; of one second, the lower number."""
    wall = Wall()
    numbers = [
        wall.change(number=n, at=f"2026-03-02 0{hour}:00:00")
        for n, hour in ((12, 8), (9, 8), (11, 7))
    ]

    shown = [row["number"] for row in wall.look()["waits"]]
    assert shown == [numbers[2], numbers[1], numbers[0], wall.number]


def test_unreadable() -> None:
    """A record or a change that cannot be read is named, and hides nothing."""
    wall = Wall()
    wall.shelf.store.put("gerrit.pending.0123456789abcdef", "{")
    found = wall.look()

    assert [row["number"] for row in found["waits"]] == [wall.number]
    assert found["unreadable"] == [{"number": 0, "name": "gerrit.pending.0123456789abcdef"}]


def test_more() -> None:
    """A server with more changes than were looked at is told as such."""
    wall = Wall()
    wall.change()

    found = board.board(wall.context(), limit=1)
    assert (found["count"], found["more"]) == (1, True)


def test_nothing_is_written() -> None:
    """The board reads only."""
    wall = Wall()
    wall.assess(tier=Tier.REVIEWERS)
    before = wall.shelf.store.items()
    wall.fake.requests.clear()
    wall.look()

    assert not any(request.writes for request in wall.fake.requests)
    assert wall.shelf.store.items() == before


def test_page() -> None:
    """On the command line each wait is a line: asked or why not, and what is next."""
    wall = Wall(limits={"per_run": 1})
    wall.post(wall.assess())
    other = wall.change()
    wall.assess(wall.event(number=other))
    lines = list(command.page(wall.look()))

    assert lines[0] == "2 overdue at 2026-03-04T09:00:00Z"
    words = (
        f"{wall.number} 2.00 d reviewers 2d asked {wall.asks[0].accounts[0]} (committee) since"
        " 2026-03-04T09:00:00Z, milestone 2026-03-09T09:00:00Z"
    )
    assert lines[1].split() == words.split()
    assert lines[2].endswith("cap, offered 2026-03-04T09:05:00Z")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a server it fails with what to do; the configuration is checked before."""
    path = tmp_path / "gerrit.yaml"
    path.write_text(json.dumps({"url": "http://127.0.0.1:9"}), encoding="utf-8")
    assert main(["board", "--config", str(path)]) == 2
    assert "127.0.0.1:9" in capsys.readouterr().err
    path.write_text("{}", encoding="utf-8")
    assert main(["board", "--config", str(path)]) == 2
    assert "url" in capsys.readouterr().err


def test_a_public_server(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An address is enough to see a public server's board; anonymously, by the default policy."""
    wall = Wall()
    asked: List[Settings] = []

    def client(settings: Settings) -> Client:
        asked.append(settings)
        return wall.fake.client("")

    monkeypatch.setattr(command, "make_client", client)

    assert main(["board", "--url", URL, "--query", "project:tools/build", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["waits"]
    assert (row["number"], row["milestone"]) == (wall.number, "2d")
    (settings,) = asked
    assert (settings.gerrit.url, settings.gerrit.username) == (URL, "")
    assert settings.gerrit.query == "project:tools/build"
    assert not any("/a/" in one for one in wall.fake.seen)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "one of the arguments --config --url is required"),
        (["--config", "x", "--url", "y"], "not allowed with argument"),
        (["--config", "x", "--query", "status:open"], "--query goes with --url"),
        (["--config", "x", "--profile", "opendev"], "--profile goes with --url"),
        (["--url", "ftp://example.org"], "url"),
        (["--url", URL, "--query", "status:open"], "status"),
    ],
)
def test_arguments_that_do_not_fit(
    arguments: List[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What does not go together, or makes no sense, is said in one line; the status is 2."""
    try:
        status = main(["board", *arguments])
    except SystemExit as err:
        status = int(str(err))

    assert status == 2
    assert told in capsys.readouterr().err
