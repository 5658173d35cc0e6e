"""Several sensors share one Gerrit, each with projects of its own, as docs/scale.md says."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator, List, Set

import pytest
from sandbox.gerrit.simulated import SimulatedGerrit
from sandbox.standin.standin import StandIn

from repository import ROOT

PAGE = ROOT / "docs" / "scale.md"
BUILD, DOCS = "tools/build", "tools/docs"
#: What StackStorm has of a pack; a checkout has more.
INSTALLED = ("actions", "sensors", "rules", "workflows")
WAITING = "gerrit.change_waiting"
NOON = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)


@pytest.fixture
def gerrit() -> Iterator[SimulatedGerrit]:
    """A server of its own."""
    with SimulatedGerrit() as server:
        yield server


@pytest.fixture
def second_pack(tmp_path: Path) -> Path:
    """The pack of the second sensor, made by the commands of the page."""
    packs = tmp_path / "packs"
    for folder in INSTALLED:
        shutil.copytree(ROOT / folder, packs / "gerrit" / folder, symlinks=True)
    for path in [*ROOT.glob("*.yaml"), *ROOT.glob("requirements*.txt")]:
        shutil.copy(path, packs / "gerrit")
    (commands,) = re.findall(r"```shell\n(cd /opt/stackstorm/packs\n.*?)```", page(), re.DOTALL)
    script = commands.replace("/opt/stackstorm/packs", str(packs))
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "gerrit.yaml").write_text("url: http://127.0.0.1:9\n", encoding="utf-8")
    subprocess.run(["bash", "-euc", script], check=True)
    return packs / "gerrit_docs"


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def sensor(gerrit: SimulatedGerrit, pack: Path = ROOT, **config: Any) -> StandIn:
    """A StackStorm with one sensor and no rule."""
    given = {"url": gerrit.url, "server_id": "review.example.org", "sensor_cache": "none", **config}
    found = StandIn(ROOT, {"url": gerrit.url}, {}, clock=gerrit.now)
    known, triggers = found.pack.config_schema, found.pack.triggers
    told = {key: value for key, value in given.items() if key in known}
    found = StandIn(pack, told, {}, clock=gerrit.now)
    # Trigger types are the first pack's.
    found.pack.triggers = triggers
    found.enabled.clear()
    return found


def beside(first: StandIn, second: StandIn) -> None:
    """Let both be on one StackStorm."""
    second.datastore = first.datastore


def told(standin: StandIn) -> List[str]:
    assert standin.dropped == []
    return [one.payload["event_id"] for one in standin.triggers if one.type == WAITING]


def numbers(standin: StandIn) -> Set[int]:
    return {one.payload["number"] for one in standin.triggers if one.type == WAITING}


def changes(gerrit: SimulatedGerrit, project: str, count: int = 3) -> Set[int]:
    author = gerrit.person("author1")
    return {author.create_change(project, f"Change {index}") for index in range(count)}


def test_two_sensors_tell_what_one_would(gerrit: SimulatedGerrit, second_pack: Path) -> None:
    """Two sensors at once tell together what one alone tells, and nothing twice."""
    alone = sensor(gerrit)
    build = sensor(gerrit, query=f"project:{BUILD}", sensor_id="build")
    docs = sensor(gerrit, second_pack, query=f"project:{DOCS}", sensor_id="docs")
    beside(build, docs)
    for one in (alone, build, docs):
        one.start_sensor()
        one.poll()
    build_numbers, docs_numbers = changes(gerrit, BUILD), changes(gerrit, DOCS)

    for _ in range(30):
        gerrit.advance(hours=8)
        for one in (alone, build, docs):
            one.poll()

    assert sorted(told(build) + told(docs)) == sorted(told(alone)) != []
    assert len(set(told(alone))) == len(told(alone))
    assert (numbers(build), numbers(docs)) == (build_numbers, docs_numbers)


def test_one_sensor_goes_on_where_it_was_though_the_other_went_on(
    gerrit: SimulatedGerrit, second_pack: Path
) -> None:
    """A sensor that was down tells afterwards what it missed; the other's position is not its."""
    build = sensor(gerrit, query=f"project:{BUILD}", sensor_id="build")
    docs = sensor(gerrit, second_pack, query=f"project:{DOCS}", sensor_id="docs")
    beside(build, docs)
    for one in (build, docs):
        one.start_sensor()
        one.poll()
    missed = changes(gerrit, DOCS)

    for _ in range(6):
        gerrit.advance(hours=12)
        build.poll()
    docs.start_sensor()
    gerrit.advance(minutes=1)
    docs.poll()

    assert numbers(docs) == missed
    kept = {item.name for item in build.datastore.items("gerrit.cursor.")}
    assert kept == {f"gerrit.cursor.review.example.org_{name}" for name in ("build", "docs")}


def test_without_names_they_would_share_one_position(gerrit: SimulatedGerrit) -> None:
    """Why each needs a name: without it the one that was down believes it told what it had not."""
    build, docs = (sensor(gerrit, query=f"project:{name}") for name in (BUILD, DOCS))
    beside(build, docs)
    for one in (build, docs):
        one.start_sensor()
        one.poll()
    changes(gerrit, DOCS)

    for _ in range(6):
        gerrit.advance(hours=12)
        build.poll()
    docs.start_sensor()
    gerrit.advance(minutes=1)
    docs.poll()

    assert numbers(docs) == set()


def test_the_page_names_the_second_pack(second_pack: Path) -> None:
    """The second pack brings a sensor, and neither actions nor rules nor trigger types."""
    found = StandIn(second_pack, {"url": "http://127.0.0.1:9"}, {}, clock=lambda: NOON)

    assert found.pack.ref == "gerrit_docs"
    assert (found.pack.actions, found.pack.rules, found.pack.triggers) == ({}, {}, {})
    assert list(found.pack.sensors) == ["GerritChangesSensor"]
