"""``gerrit.preview``: the plan as an action answers it, from what the pack has on record."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from preview_truth import TRACKER, Installation, foretold, live
from reviewloop.operations.context import Context
from reviewloop.operations.other import other_settings
from reviewloop.settings.limits import Limits

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def installation() -> Installation:
    """A pack that has been at work for two days, with a roster of two and a tracker."""
    members = [{"gerrit": "member0"}, {"gerrit": "member1"}]
    config = {
        "roster": {"kind": "static", "members": members},
        "poll_interval": 3600,
        "tracker": TRACKER,
    }
    found = Installation(config)
    live(found.gerrit, [("upload", n, n, 0) for n in range(4)])
    found.gerrit.advance(hours=20)
    found.run(found.gerrit.now + 2 * DAY)
    live(found.gerrit, [("upload", 1, 0, 0)])
    return found


def preview(installation: Installation, **parameters: Any) -> Dict[str, Any]:
    """What the action answers; it fits its schema."""
    with installation.reached():
        ran = installation.standin.run("gerrit.preview", **parameters)
    assert (ran.status, ran.problem) == ("succeeded", "")
    found: Dict[str, Any] = ran.result["result"]
    return found


def refused(installation: Installation, **parameters: Any) -> Dict[str, Any]:
    """Why the action does not answer."""
    with installation.reached():
        ran = installation.standin.run("gerrit.preview", days=0, **parameters)
    assert ran.status == "failed"
    found: Dict[str, Any] = ran.result["result"]["error"]
    return found


def test_action(installation: Installation) -> None:
    """The result tells the next days as the library does, and nothing is written: neither on
    Gerrit, nor on the tracker, nor in the datastore.
    """
    gerrit, store = installation.gerrit, installation.standin.datastore
    before = [(one.name, one.value) for one in store.items()]
    first, sent = len(gerrit.requests), len(installation.github.sent)
    found = preview(installation, days=3)
    assert {one.method for one in gerrit.requests[first:]} == {"GET"}
    assert len(installation.github.sent) == sent
    assert [(one.name, one.value) for one in store.items()] == before

    told = []
    for one in found["ahead"]["asks"]:
        ticket = one["ticket"] or {"title": "", "sha256": ""}
        hashes = one["text_sha256"], ticket["title"], ticket["sha256"]
        told.append((one["event_id"], one["tier"], tuple(one["account_ids"]), *hashes))
    assert told == [one[1:] for one in foretold(installation, gerrit.now + 7 * DAY)]
    assert len(told) > 1
    assert any(one[4] for one in told)
    assert found["past"]["count"] == len(found["past"]["asks"]) > 3
    assert found["ahead"]["failed"] == []
    assert found["against"] is None


def test_few_asks_are_listed(installation: Installation) -> None:
    """Asks beyond the limit are counted and not listed."""
    found = preview(installation, days=0, limit=1, against_settings={"milestones": ["2d"]})

    assert found["past"] is None
    assert len(found["ahead"]["asks"]) == 1 < found["ahead"]["count"]
    assert len(found["against"]["ahead"]["asks"]) == 1 < found["against"]["ahead"]["count"]


def test_texts(installation: Installation) -> None:
    """With them each request of the future says what people would read, in lines; their hashes are
    those of the plan without them, and the past has none.
    """
    found, bare = preview(installation, days=3, texts=True), preview(installation, days=3)
    asks = found["ahead"]["asks"]

    for one, plain in zip(asks, bare["ahead"]["asks"]):
        assert _hash(one["text"]) == one["text_sha256"] == plain["text_sha256"]
        if one["ticket"] is not None:
            assert _hash(one["ticket"]["body"]) == one["ticket"]["sha256"]
        assert "text" not in plain
    (opened, *_) = [one["ticket"] for one in asks if one["ticket"] and one["ticket"]["title"]]
    assert opened["title"].startswith("Review wanted: ")
    assert "To respond, comment on the change (not here)" in opened["body"]
    (more, *_) = [one["ticket"] for one in asks if one["ticket"] and one["ticket"]["ticket_id"]]
    assert "is still waiting for a review" in more["body"]
    assert all("text" not in one for one in found["past"]["asks"])


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("values", "differing", "why"),
    [
        ({"milestones": ["1d", "5d"]}, "milestones: 1d, 2d, 5d, 10d / 1d, 5d", "milestone"),
        (
            {"roster": {"members": [{"gerrit": "member1"}]}},
            "members: member0, member1 / member1",
            "nobody_eligible",
        ),
        ({"approval": None}, "", ""),
    ],
)
def test_against_values(
    installation: Installation, values: Dict[str, Any], differing: str, why: str
) -> None:
    """Settings that differ, the rest being the pack's own: which requests differ, and why."""
    found = preview(installation, days=3, against_settings=values)["against"]

    assert (found["past"]["count"] > 0) is bool(why)
    assert (why in found["past"]["by_why"]) is bool(why)
    assert found["past"]["ours"] > 0
    assert [one[: len(differing)] for one in found["settings"]] == [differing] * bool(why)


def test_values_are_laid_over_the_packs_own(installation: Installation) -> None:
    """Within a section too: what is not given stays, and null takes away what the pack has."""
    config = {**installation.config, "limits": {"per_run": 3, "ramp_per_day": 5}}
    values = {"limits": {"per_run": 4, "ramp_per_day": None}, "poll_interval": None}
    found = other_settings(Context(config, installation.datastore), values=values)

    assert found is not None
    assert (found.limits, found.poll_interval) == (Limits(per_run=4), 300)
    assert found.roster == installation.settings.roster


def test_against_a_file(installation: Installation, tmp_path: Path) -> None:
    """A whole configuration, whose secrets are not needed: it differs by what differs in it."""
    secret = "{{ st2kv.system.gerrit_password }}"
    tracker = {**TRACKER, "token": "{{ st2kv.system.gerrit_tracker_token }}"}
    config = {**installation.config, "password": secret, "tracker": tracker}
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    same = preview(installation, days=3, against=str(path))["against"]
    path.write_text(yaml.safe_dump({**config, "milestones": ["1d", "5d"]}), encoding="utf-8")
    found = preview(installation, days=3, against=str(path))["against"]
    values = {"milestones": ["1d", "5d"]}
    told = preview(installation, days=3, against_settings=values)["against"]

    assert (same["settings"], same["past"]["count"], same["ahead"]["count"]) == ([], 0, 0)
    assert found == told


def test_against_what_cannot_be_used(installation: Installation, tmp_path: Path) -> None:
    """Each fault is named with what to do, before Gerrit is read; nothing of the file is shown."""
    before = len(installation.gerrit.requests)
    path = tmp_path / "other.yaml"
    path.write_text("hunter2: [", encoding="utf-8")
    told = refused(installation, against=str(path))
    assert told["message"] == f"against {path}, line 1, is no YAML."
    path.write_text("hunter2", encoding="utf-8")
    assert "holds no settings" in refused(installation, against=str(path))["message"]
    path.write_bytes(b"\xff")
    assert "UTF-8" in refused(installation, against=str(path))["message"]
    gone = refused(installation, against=str(tmp_path / "none.yaml"))["message"]
    assert gone == f"against {tmp_path}/none.yaml cannot be read: No such file or directory."

    both = refused(installation, against="/a.yaml", against_settings={"milestones": ["1d"]})
    assert both["message"] == "against and against_settings are both given."
    wrong = refused(installation, against_settings={"milestones": ["2 days"], "querry": "x"})
    assert wrong["message"].startswith("against_settings has 2 problems:\n")
    assert len(wrong["problems"]) == 2
    assert wrong["remedy"].strip() == "Correct it there."
    elsewhere = refused(installation, against_settings={"query": "project:docs"})
    assert "has the query 'project:docs'" in elsewhere["message"]
    assert "hunter2" not in str([told, wrong, elsewhere])
    assert len(installation.gerrit.requests) == before
