"""``reviewloop report`` and ``gerrit.report``: words, JSON, CSV and the page; what goes wrong."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest
from sandbox import npm, vegalite
from sandbox.report.histories import CONFIG, END, histories
from sandbox.standin.values import problems

from assessing import Board
from report_parts import HOSTILE
from reviewloop.cli import histories as reading
from reviewloop.cli.main import main
from reviewloop.errors import ConfigError
from reviewloop.insight.report.whole import report as reported
from reviewloop.operations import report
from reviewloop.operations.context import Context
from reviewloop.page import MARK
from reviewloop.page.document import document
from reviewloop.page.vega import PACKAGE
from reviewloop.settings.load import load
from test_pack_contract import actions

MEGABYTE = 1_000_000
LIVES = histories()


@pytest.fixture(name="source", scope="module")
def _source(tmp_path_factory: pytest.TempPathFactory) -> List[str]:
    """Arguments that name half a year of made-up reviews."""
    folder = tmp_path_factory.mktemp("lives")
    lines = "".join(f"{json.dumps(one)}\n" for one in LIVES)
    (folder / "changes.jsonl").write_text(lines, encoding="utf-8")
    (folder / "gerrit.yaml").write_text(json.dumps(CONFIG), encoding="utf-8")
    return ["--config", str(folder / "gerrit.yaml"), "--changes", str(folder / "changes.jsonl")]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> Tuple[int, str, str]:
    """Status, what was printed, and what was complained of."""
    status = main(["report", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_words(capsys: pytest.CaptureFixture[str], source: List[str]) -> None:
    """Without --out it prints each part's finding, as wide as a terminal, and needs no charts."""
    status, out, err = run(capsys, *source)
    lines = out.splitlines()

    assert (status, "left out" in err) == (0, False)
    assert max(map(len, lines)) <= 82
    assert lines[0].startswith("Code review on review.example.org, 2026-08-28T")
    assert "How it stands" in lines


def test_json_has_all_numbers(capsys: pytest.CaptureFixture[str], source: List[str]) -> None:
    """JSON holds every part with its table and its chart, and nobody's name."""
    status, out, _ = run(capsys, *source, "--json")
    found = json.loads(out)

    assert status == 0
    assert {"title", "generated", "sections", "nine"} == set(found)
    assert len({one["id"] for one in found["sections"]}) == len(found["sections"]) > 12
    assert "Reviewer 1" not in out
    assert "Author 1" not in out


def test_names(capsys: pytest.CaptureFixture[str], source: List[str]) -> None:
    """With --names those who review are named."""
    assert "Reviewer 1" in run(capsys, *source, "--json", "--names")[1]


def test_csv(capsys: pytest.CaptureFixture[str], source: List[str], tmp_path: Path) -> None:
    """CSV has the figures by project and cycle, which JSON has too."""
    path = tmp_path / "nine.csv"
    _, out, _ = run(capsys, *source, "--json", "--csv", str(path))
    with path.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.reader(opened))

    assert rows[0] == json.loads(out)["nine"]["columns"]
    assert len(rows) == len(json.loads(out)["nine"]["rows"]) + 1 > 5


def test_page(capsys: pytest.CaptureFixture[str], source: List[str], tmp_path: Path) -> None:
    """--out writes the page, and says how large it is."""
    path = tmp_path / "report.html"
    status, _, err = run(capsys, *source, "--out", str(path))
    text = path.read_text(encoding="utf-8")

    assert status == 0
    assert text.startswith(MARK)
    assert path.stat().st_size < MEGABYTE
    assert f"{path.stat().st_size:,} bytes" in err
    assert f"{len(LIVES)} changes of https://review.example.org" in text
    assert [one.name for one in tmp_path.iterdir()] == ["report.html"]


def test_period(capsys: pytest.CaptureFixture[str], source: List[str]) -> None:
    """--to and --days say which changes count: those touched in between, and those still open."""
    end = END.strftime("%Y-%m-%d")
    counts = []
    for days in ("30", "200"):
        found = json.loads(run(capsys, *source, "--to", end, "--days", days, "--json")[1])
        (part,) = [one for one in found["sections"] if one["id"] == "definitions"]
        counts.append(dict(part["table"]["rows"])["changes read"])

    open_ones = [one for one in LIVES if one["status"] == "NEW"]
    assert len(open_ones) < counts[0] < counts[1] == len(LIVES)


def test_schema_accepts_every_chart() -> None:
    """Each chart of a report is Vega-Lite's, as its published schema has it."""
    if not (vegalite.is_cached() or npm.has_npm()):
        pytest.skip("npm, which fetches Vega-Lite's schema, is not on this machine")
    schema, period = vegalite.schema(), report.Period(END, 180)
    found = reported(period.changes(LIVES), load(CONFIG), END, since=period.since)
    drawn = [one for one in found.sections if one.chart is not None]

    assert len(drawn) > 7
    for one in drawn:
        assert list(vegalite.faults(one.chart or {}, schema)) == [], one.id


def test_server_with_many_projects() -> None:
    """Of hundreds of projects, with hundreds of waits each, the page stays below a megabyte."""
    lives = [
        {**one, "_number": 10_000 * turn + one["_number"], "project": f"group/project-{turn:03}"}
        for turn in range(200)
        for one in LIVES[: 60 if turn < 30 else 3]
    ]
    period = report.Period(END, 200)
    found = report.made(period.changes(lives), period, load(CONFIG), names=False)

    assert period.used == len(lives)
    assert len(document(found.title, [], found.sections).encode("utf-8")) < MEGABYTE


def test_hostile_names(tmp_path: Path) -> None:
    """Projects and people whose names are markup are text, wherever the page shows them."""
    who = {"name": HOSTILE}
    lives = [
        {
            **one,
            "project": one["project"].replace("docs", HOSTILE),
            "messages": [{**said, "author": {**said["author"], **who}} for said in one["messages"]],
        }
        for one in LIVES[:200]
    ]
    period = report.Period(END, 180)
    found = report.made(period.changes(lives), period, load(CONFIG), names=True)
    text = document(found.title, [], found.sections)

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    for bad in ("<script", "<img", "onerror=alert(2)>", "</style><"):
        assert bad not in text.replace("&lt;", "")


# --- what goes wrong ------------------------------------------------------------------------------


def test_renderer_that_is_missing(
    capsys: pytest.CaptureFixture[str],
    source: List[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The page is refused before anything is read, with what to install; numbers come anyhow."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    status, out, err = run(capsys, *source, "--out", str(tmp_path / "report.html"))

    assert (status, out) == (2, "")
    assert PACKAGE in err
    assert "pip install '.[report]'" in err
    assert run(capsys, *source, "--json", "--csv", str(tmp_path / "a.csv"))[0] == 0


@pytest.mark.parametrize("argument", ["--out", "--csv"])
def test_folder_that_is_missing(
    capsys: pytest.CaptureFixture[str], source: List[str], tmp_path: Path, argument: str
) -> None:
    """What could not be written is refused before anything is read: argument, path, remedy."""
    path = tmp_path / "nowhere" / "report"
    unread = (*source[:2], "--changes", str(tmp_path / "none.jsonl"))
    status, out, err = run(capsys, *unread, argument, str(path))

    assert (status, out) == (2, "")
    told = f"{argument} {path}: there is no folder {path.parent}. Create it."
    assert told in " ".join(err.split())


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    """The error names the file; nothing half-written stays."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(ConfigError, match="taken"):
        report.write(tmp_path / "taken", "text")

    assert os.listdir(tmp_path) == ["taken"]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [("[1]\n", "no change with its time"), ('{"updated": "x"}\n', "no change with its time")],
)
def test_file_of_something_else(
    capsys: pytest.CaptureFixture[str],
    source: List[str],
    tmp_path: Path,
    lines: str,
    complaint: str,
) -> None:
    """A file in which nothing makes sense is refused with what to pass."""
    path = tmp_path / "changes.jsonl"
    path.write_text(lines, encoding="utf-8")
    status, out, err = run(capsys, *source[:2], "--changes", str(path))

    assert (status, out) == (2, "")
    assert complaint in err
    status, out, err = run(capsys, *source[:2], "--changes", str(path), "--to", "2026-08-31")
    assert (status, out) == (2, "")
    assert "o=MESSAGES" in err


def test_line_that_makes_no_sense(
    capsys: pytest.CaptureFixture[str], source: List[str], tmp_path: Path
) -> None:
    """A change that cannot be read is counted and named; the others are told of."""
    path = tmp_path / "changes.jsonl"
    lines = [{**LIVES[0], "owner": 5}, *LIVES[1:30]]
    path.write_text("".join(f"{json.dumps(one)}\n" for one in lines), encoding="utf-8")
    status, out, err = run(capsys, *source[:2], "--changes", str(path))

    assert status == 0
    assert "Unreadable, the first of them:" in err
    assert "29 changes" in " ".join(out.split())


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "²", "99999999"])
def test_days(capsys: pytest.CaptureFixture[str], source: List[str], days: str) -> None:
    """What is no number of days is refused: argument, value, and what may be written."""
    with pytest.raises(SystemExit, match="2"):
        run(capsys, *source, "--days", days)

    told = f"argument --days: {days!r}: write a whole number, 1 to 20000"
    assert told in " ".join(capsys.readouterr().err.split())


# --- of a server ----------------------------------------------------------------------------------


class Server(Board):
    """A committee's server, whose changes are reported on."""

    def context(self) -> Context:
        """What one action works with."""
        self.shelf.now = self.fake.now
        context = Context(self.config, self.shelf.service)
        context.__dict__["client"] = self.fake.client()
        return context

    def told(self, **more: Any) -> Dict[str, Any]:
        """The action ``report``; its answer is what it promises."""
        found = report.report(self.context(), **more)
        assert problems(found, actions()["report"]["output_schema"]) == ""
        json.dumps(found)
        # StackStorm's own JSON takes no subclass of a number.
        cells = (cell for one in found["sections"] for row in one["rows"] for cell in row)
        assert {*map(type, cells)} <= {str, int, float, type(None)}
        return found


def test_command_on_a_server(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a file it reads the server, until now, and writes nothing to it."""
    server = Server()
    monkeypatch.setattr(reading, "make_client", lambda _settings, **_: server.fake.client())
    path = tmp_path / "gerrit.yaml"
    path.write_text(json.dumps(server.config), encoding="utf-8")
    status, out, _ = run(capsys, "--config", str(path), "--no-cache", "--json")

    assert status == 0
    assert json.loads(out)["generated"] == "2026-03-04T09:00:00Z"
    assert not [one for one in server.fake.requests if one.method not in ("GET", "HEAD")]


def test_action_counts_open_and_touched_changes() -> None:
    """The action tells of the changes touched in the period, and of older ones that are open."""
    server = Server()
    closed = server.change()
    server.fake.set_status(closed, "MERGED")
    assert server.told()["changes"] == 2
    server.fake.at("2026-06-04 09:00:00")
    found = server.told(days=30)

    assert found["changes"] == 1
    assert found["since"] == "2026-05-05T09:00:00Z"
    assert (found["page"], found["bytes"], found["more"]) == ("", 0, False)
    assert server.told(days=180, limit=1)["more"] is True


def test_action_answers_nothing_that_is_evaluated() -> None:
    """Names of projects come without what StackStorm would evaluate."""
    server = Server()
    server.change(project="{{ st2kv.system.gerrit_password }}")
    told = json.dumps(server.told())

    assert "{{" not in told
    assert "st2kv" in told


def test_action_writes_over_its_own_pages_only(tmp_path: Path) -> None:
    """The page goes where it is wanted; a file that is no report stays as it is."""
    server, path = Server(), tmp_path / "report.html"
    for _ in range(2):
        found = server.told(out=str(path))
        assert found["bytes"] == path.stat().st_size > 10_000
    with pytest.raises(ConfigError, match="whole path"):
        server.told(out="report.html")
    path.write_text("mine", encoding="utf-8")

    with pytest.raises(ConfigError, match="no report"):
        server.told(out=str(path))
    assert path.read_text(encoding="utf-8") == "mine"
