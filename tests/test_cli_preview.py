"""``reviewloop preview``: a plan of a server, and of histories in a file."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
import yaml
from sandbox.gerrit.fake import URL, FakeGerrit

from repository import ROOT
from reviewloop.cli import histories
from reviewloop.cli.main import main

CHANGES = ROOT / "tests" / "fixtures" / "histories.jsonl"
CONFIG: Dict[str, Any] = {
    "poll_interval": 3600,
    "url": URL,
    "query": "",
    "roster": {"kind": "static", "members": [{"gerrit": "one"}, {"gerrit": "two"}]},
}


class Bench:
    """A server with a change that waits for long and one that waits since an hour."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fake = FakeGerrit("2026-03-02 09:00:00")
        self.people = {name: self.fake.add_account(name) for name in ("one", "two")}
        self.folder = folder
        self.old = self.fake.add_change(reviewers=[self.fake.reviewer])
        self.fake.advance(days=10)
        self.new = self.fake.add_change(reviewers=[self.fake.reviewer])
        self.fake.advance(hours=1)
        monkeypatch.setattr(histories, "make_client", self._client)

    def _client(self, settings: Any, **more: Any) -> Any:
        return self.fake.client(settings.gerrit.username, **more)

    def config(self, name: str = "gerrit.yaml", **more: Any) -> str:
        """The path of a configuration."""
        path = self.folder / name
        path.write_text(yaml.safe_dump({**CONFIG, **more}), encoding="utf-8")
        return str(path)

    def plan(self, *arguments: str) -> Dict[str, Any]:
        """The plan that a command writes."""
        out = self.folder / "plan.json"
        given = ["preview", "--no-cache", "--out", str(out), *arguments]
        assert main(given) == 0
        found: Dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return found


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A server, reached by every command."""
    return Bench(tmp_path, monkeypatch)


def _asked(part: Dict[str, Any]) -> List[Tuple[int, str, str]]:
    return [(one["number"], one["purpose"], one["milestone"]) for one in part["asks"]]


def test_past_and_future(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """The past is played from its beginning, the future from now, with nothing on record."""
    plan = bench.plan("--config", bench.config(), "--days", "14")
    out, err = capsys.readouterr()

    old, new = bench.old, bench.new
    assert _asked(plan["past"]) == [
        (old, "nudge", "1d"),
        (old, "escalate", "2d"),
        (old, "escalate", "5d"),
    ]
    assert _asked(plan["ahead"])[:2] == [(old, "escalate", "5d"), (new, "nudge", "1d")]
    assert {row["milestone"]: row["waits"]["reviewers"] for row in plan["milestones"]} == {
        "1d": 1,
        "2d": 1,
        "5d": 1,
        "10d": 0,
    }
    (one,) = [one for one in plan["past"]["asks"] if one["milestone"] == "2d"]
    assert one["names"] in (["One"], ["Two"])
    assert one["account_ids"] in ([bench.people["one"]], [bench.people["two"]])
    assert len(one["text_sha256"]) == 64
    assert one["event_id"].endswith(":2d")
    assert "WHAT WOULD HAVE BEEN ASKED" in out
    assert "no claim of an effect" in err


def test_nothing_is_written(bench: Bench) -> None:
    """The server is read, and never told anything."""
    bench.plan("--config", bench.config(), "--days", "14")

    assert {one.method for one in bench.fake.requests} == {"GET"}


def test_without_the_past(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """With no days there is only what is due next, read from what is open."""
    plan = bench.plan("--config", bench.config(), "--days", "0", "--json")

    assert plan["past"] is None
    assert plan["milestones"] == []
    assert len(plan["ahead"]["asks"]) > 1
    assert json.loads(capsys.readouterr().out) == plan


@pytest.mark.parametrize("given", ["address", "file", "against"])
def test_read_anonymously(bench: Bench, given: str) -> None:
    """Without an account the server is read without one, although the plan is one of asking: a
    server answers 401 to a name that it does not know.
    """
    config = ["--config", bench.config()]
    source = ["--url", URL, "--query", ""] if given == "address" else config
    against = ["--against", bench.config("other.yaml", milestones=["5d"])]
    plan = bench.plan(*source, "--days", "3", *(against if given == "against" else []))

    assert plan["ahead"]["asks"]
    assert bench.fake.seen
    assert not any("/a/" in one for one in bench.fake.seen)


def test_what_cannot_be_used_is_said_first(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is not there, of rules or for the plan, is said before the server is read."""
    for wrong in ("--out", "--rules"):
        assert main(["preview", "--url", URL, wrong, "/nowhere/at/all"]) == 2
        told = capsys.readouterr().err
        assert told.startswith(f"reviewloop: {wrong} /nowhere/at/all")
        assert "[Errno" not in told
    assert bench.fake.requests == []


def test_address_alone(bench: Bench) -> None:
    """An address is enough, and nobody signs in; a volunteer is wanted where there is no roster."""
    plan = bench.plan("--url", URL, "--query", "project:tools/build", "--days", "3")

    escalations = [one for one in plan["past"]["asks"] if one["purpose"] == "escalate"]
    assert escalations == []
    assert plan["past"]["not_asked"] or plan["past"]["asks"]
    assert not [one.path for one in bench.fake.requests if one.path.startswith("/a/")]


def test_texts(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """With them it shows what people would read, on the change and on the ticket, as it is written;
    no tracker is asked, and without them there are hashes alone.
    """
    tracker = {"kind": "roundup", "url": "https://tracker.invalid/", "project": "review"}
    config = bench.config(tracker={**tracker, "username": "bot", "token": "bot:secret"})
    plan = bench.plan("--config", config, "--days", "0", "--texts")
    out = capsys.readouterr().out
    bare = bench.plan("--config", config, "--days", "0")
    (ask, *_) = [one for one in plan["ahead"]["asks"] if one["purpose"] == "escalate"]

    assert f"      | {ask['text'].splitlines()[0]}\n" in out
    assert "      |   /ack                I am on it; pauses reminders for 2d\n" in out
    assert f"    a new ticket: Review wanted: tools/build change {bench.old}: A change\n" in out
    assert f"      | {ask['ticket']['body'].splitlines()[0]}\n" in out
    assert "WHAT IT WOULD SAY" not in capsys.readouterr().out
    assert "text" not in str([list(one) for one in bare["ahead"]["asks"]]).replace("text_sha", "")
    assert [one["ticket"] and one["ticket"]["sha256"] for one in bare["ahead"]["asks"]] == [
        one["ticket"] and one["ticket"]["sha256"] for one in plan["ahead"]["asks"]
    ]
    assert "secret" not in str(plan)


def test_the_usual_time_is_not_known(bench: Bench) -> None:
    """Where texts are to name it, the plan says that it cannot."""
    plan = bench.plan("--config", bench.config(usual_wait=True), "--days", "0")

    assert [note for note in plan["notes"] if note.startswith("usual_wait: ")] != []


def test_plan_is_for_its_owner(bench: Bench) -> None:
    """The file names people, so nobody else may read it."""
    (bench.folder / "plan.json").touch(mode=0o644)
    bench.plan("--config", bench.config())

    assert stat.S_IMODE((bench.folder / "plan.json").stat().st_mode) == 0o600


def test_two_configurations(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """What differs is listed with its reason, for each kind of reason."""
    ours = bench.config()
    for values, why in (
        ({"milestones": ["1d", "5d"]}, "milestone"),
        ({"limits": {"hold_out_percent": 50}}, None),
        ({"roster": {"kind": "static", "members": [{"gerrit": "two"}]}}, "person"),
        ({"calendar": {"holidays": {"dates": ["2026-03-03", "2026-03-04"]}}}, "calendar"),
        ({"automation": ["^author$"]}, None),
        ({}, None),
    ):
        plan = bench.plan(
            "--config", ours, "--days", "14", "--against", bench.config("other.yaml", **values)
        )
        against = plan["against"]
        if why is not None:
            assert why in against["past"]["by_why"], values
        if not values:
            assert against == {
                "settings": [],
                "past": {**against["past"], "count": 0, "by_why": {}, "asks": []},
                "ahead": {**against["ahead"], "count": 0, "by_why": {}, "asks": []},
            }
    assert "AGAINST THE OTHER CONFIGURATION" in capsys.readouterr().out


def test_rules_of_ones_own(bench: Bench) -> None:
    """A folder of rules takes the place of the pack's; one with another action is named."""
    folder = bench.folder / "rules"
    folder.mkdir()
    base = {"trigger": {"type": "gerrit.change_waiting"}, "criteria": {}, "pack": "default"}
    chair = {"event_id": "{{ trigger.event_id }}", "number": "{{ trigger.number }}"}
    mine = {**base, "name": "owners"}
    mine["criteria"] = {"trigger.milestone": {"type": "eq", "pattern": "2d"}}
    mine["action"] = {"ref": "gerrit.nudge", "parameters": {**chair, "tier": "owners"}}
    other = {**base, "name": "log", "action": {"ref": "core.noop"}}
    for one in (mine, other):
        (folder / f"{one['name']}.yaml").write_text(yaml.safe_dump(one), encoding="utf-8")
    plan = bench.plan("--config", bench.config(), "--days", "14", "--rules", str(folder))

    assert [(one["rule"], one["tier"]) for one in plan["past"]["asks"]] == [
        ("default.owners", "owners")
    ]
    assert plan["notes"] == ["not previewed, calls another action: default.log (core.noop)"]


def test_histories_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is enough: roster members who are in no history are taken to exist."""
    config = tmp_path / "gerrit.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, "url": "https://review.example.org"}))
    given = ["preview", "--config", str(config), "--changes", str(CHANGES), "--days", "10"]
    status = main([*given, "--to", "2026-03-12", "--json"])
    out, err = capsys.readouterr()
    plan = json.loads(out)

    assert status == 0
    assert plan["now"] == "2026-03-12T00:00:00Z"
    names = {name for one in plan["past"]["asks"] for name in one["names"]}
    assert {"one", "two"} & names
    assert any(note.startswith("of a file") for note in plan["notes"])
    assert "no claim" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--days", "-1"], "write a whole number, 0 to 366"),
        (["--days", "1000"], "0 to 366"),
        (["--to", "2026-03-01"], "--to goes with --changes"),
        (["--against", "missing.yaml"], "missing.yaml cannot be read"),
        (["--rules", "missing"], "--rules missing cannot be read"),
        (["--changes", "missing.jsonl"], "missing.jsonl cannot be read"),
        (["--out", "/nowhere/plan.json", "--days", "0"], "--out /nowhere/plan.json"),
    ],
)
def test_arguments_that_do_not_fit(
    bench: Bench, arguments: List[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong is named with its value and what to do; the status is 2."""
    try:
        status = main(["preview", "--no-cache", "--config", bench.config(), *arguments])
    except SystemExit as err:
        status = int(str(err))

    assert status == 2
    assert told in capsys.readouterr().err


def test_other_server(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """Two configurations of different servers or queries cannot be compared."""
    other = bench.config("other.yaml", query="project:x")

    assert main(["preview", "--config", bench.config(), "--against", other]) == 2
    assert "same server and query" in capsys.readouterr().err


def test_no_changes_in_the_file(
    bench: Bench, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An empty file, or one of something else, is refused with what to ask Gerrit for."""
    empty = tmp_path / "changes.jsonl"
    empty.write_text('{"_number": 7}\n')

    assert main(["preview", "--config", bench.config(), "--changes", str(empty)]) == 2
    assert "o=MESSAGES" in capsys.readouterr().err


def test_a_server_that_fails(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be read ends the command: half a plan is none."""
    bench.fake.fail(503, times=100, match="related")

    assert main(["preview", "--no-cache", "--config", bench.config(), "--days", "0"]) == 2
    assert "503" in capsys.readouterr().err
