"""Every ``st2 run`` of the documents is run, as it stands there, on the sandbox's StackStorm."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Callable, Dict, Iterator, List, Tuple

import pytest
from sandbox.gerrit.people import password_of
from sandbox.gerrit.simulated import SimulatedGerrit
from sandbox.standin.standin import StandIn
from sandbox.trackers.roundup import RoundupServer

from repository import ROOT
from test_docs import parameters_of, st2_runs

NUMBER, MEMBER = 4242, 1000005
MONDAY = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
NEXT = "/opt/stackstorm/configs/gerrit-next.yaml"
RUNS = sorted({(ref, tuple(given)) for ref, given in st2_runs() if ref.startswith("gerrit.")})


@pytest.fixture(name="site")
def _site(roundup_server: RoundupServer, tmp_path: Path) -> Iterator[Tuple[StandIn, Path]]:
    """The change that the documents take as an example has waited for two working days."""
    with SimulatedGerrit(MONDAY) as server:
        gerrit = server._fake
        while max(gerrit.accounts) < MEMBER:
            gerrit.add_account(f"somebody{len(gerrit.accounts)}")
        gerrit.add_change("tools/build", "Cache outputs", number=NUMBER, at=MONDAY)
        server.at(MONDAY + timedelta(days=2, hours=1))
        config = {
            "url": server.url,
            "server_id": "review.example.org",
            "username": "st2-reviews",
            "password": "{{ st2kv.system.password }}",
            "roster": {"members": [{"name": "Five", "gerrit": str(MEMBER)}]},
            "tracker": {
                "kind": "roundup",
                "url": roundup_server.url,
                "token": "{{ st2kv.system.token }}",
            },
        }
        other = tmp_path / "gerrit-next.yaml"
        told = {"url": server.url, "server_id": config["server_id"], "milestones": ["3d"]}
        other.write_text(json.dumps(told), encoding="utf-8")  # JSON is YAML
        secrets = {"password": password_of("st2-reviews"), "token": roundup_server.token}
        yield StandIn(ROOT, config, secrets, clock=server.now), other


def given(ref: str, arguments: Tuple[str, ...], other: Path) -> Dict[str, object]:
    """The arguments as the client passes them on: by the type that the action declares."""
    types: Dict[str, Callable[[str], object]] = {
        "integer": int,
        "boolean": lambda text: text == "true",
        "array": _list,
        "object": json.loads,
    }
    found: Dict[str, object] = {}
    for argument in arguments:
        name, text = argument.split("=", 1)
        text = str(NUMBER) if text == "NUMBER" else text.replace(NEXT, str(other))
        found[name] = types.get(parameters_of(ref)[name]["type"], str)(text)
    return found


def _list(text: str) -> List[object]:
    return [int(one) if one.isdigit() else one for one in text.split(",")]


@pytest.mark.parametrize(("ref", "arguments"), RUNS)
def test_run_succeeds(ref: str, arguments: Tuple[str, ...], site: Tuple[StandIn, Path]) -> None:
    """It is accepted, ends well and answers something."""
    standin, other = site
    ran = standin.run(ref, **given(ref, arguments, other))

    assert ran.status == "succeeded", ran.result
    assert ran.result
    assert not ran.problem
