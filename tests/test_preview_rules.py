"""The rules and workflows that a preview goes by are those of the pack."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Dict

import pytest
import yaml

from repository import ROOT
from reviewloop.errors import ConfigError
from reviewloop.preview.rules import SHIPPED, read_rules, rule
from reviewloop.preview.runs import RUNS

STEPS = {
    "nudge": {"assess", "post_review"},
    "escalate": {"assess", "ask", "post_review"},
    "label": {"assess", "post_review"},
    "stand_down": {"close_ticket", "set_hashtags"},
}
"""What ``runs.py`` does for each workflow; ``ask`` posts where no ticket fails."""


def test_shipped_rules_are_those_of_the_pack() -> None:
    """The list in the library, which a wheel has, is what the pack's folder says."""
    assert read_rules(ROOT / "rules") == SHIPPED


@pytest.mark.parametrize("name", sorted(STEPS))
def test_runs_take_the_steps_of_the_workflows(name: str) -> None:
    """Each workflow has the steps that its run takes, and the same parameters and defaults."""
    workflow = yaml.safe_load((ROOT / "workflows" / f"{name}.yaml").read_text("utf-8"))
    action = yaml.safe_load((ROOT / "actions" / f"{name}.yaml").read_text("utf-8"))
    steps = {task["action"].partition(".")[2] for task in workflow["tasks"].values()}
    wanted = {key: one.get("default") for key, one in action["parameters"].items()}
    given = {
        key: None if one.default is inspect.Parameter.empty else one.default
        for key, one in inspect.signature(RUNS[f"gerrit.{name}"]).parameters.items()
        if key != "made"
    }

    assert steps == STEPS[name]
    assert {key: _plain(value) for key, value in given.items()} == {
        key: _plain(value) for key, value in wanted.items()
    }


def _plain(value: Any) -> Any:
    """Empty values are alike: a function has no list or mapping as its default."""
    return (list(value) if isinstance(value, (list, tuple)) else value) or None


def test_every_rule_of_the_cookbook_is_understood() -> None:
    """Each recipe can be previewed; those that call another action are left out by name."""
    text = (ROOT / "docs" / "cookbook.md").read_text("utf-8")
    recipes = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    metas = [yaml.safe_load(one) for one in recipes]
    rules = [rule(one, one["name"]) for one in metas if "trigger" in one]

    assert len(rules) > 5
    assert any(one.action in RUNS for one in rules)


def _meta(**more: Any) -> Dict[str, Any]:
    return {
        "name": "mine",
        "trigger": {"type": "gerrit.change_waiting"},
        "action": {"ref": "gerrit.nudge", "parameters": {"number": "{{ trigger.number }}"}},
        **more,
    }


@pytest.mark.parametrize(
    ("operator", "pattern", "value", "holds"),
    [
        ("eq", "2d", "2d", True),
        ("neq", "2d", "2d", False),
        ("inside", ["1d", "2d"], "5d", False),
        ("ninside", ["1d"], "5d", True),
        ("regex", "^infra/", "infra/x", True),
        ("gt", 3, 2, False),
        ("lt", 3, None, False),
        ("contains", "a", ["a"], True),
        ("ncontains", "stable/", "stable/1", False),
    ],
)
def test_criteria(operator: str, pattern: Any, value: Any, holds: bool) -> None:
    """A rule takes a trigger if all its criteria hold; what cannot be compared does not hold."""
    meta = _meta(criteria={"trigger.it#2": {"type": operator, "pattern": pattern}})
    mine = rule(meta, "mine.yaml")

    assert mine.matches("gerrit.change_waiting", {"it": value}) is holds
    assert mine.matches("gerrit.change_overdue", {"it": value}) is False
    assert mine.given({"number": 7}) == {"number": 7}


@pytest.mark.parametrize(
    ("meta", "told"),
    [
        ([1], "no rule"),
        (_meta(trigger={}), "'type'"),
        (_meta(criteria={"trigger.a": {"type": "search", "pattern": 1}}), "'search'"),
        (_meta(trigger={"type": "core.st2.CronTimer", "parameters": {}}), "hour"),
    ],
)
def test_what_is_no_rule(meta: Any, told: str) -> None:
    """What a preview does not understand is refused by name, with what to do."""
    with pytest.raises(ConfigError, match="mine.yaml") as caught:
        rule(meta, "mine.yaml")

    assert told in str(caught.value)


def test_folder_of_rules(tmp_path: Path) -> None:
    """A folder without a rule, or with something else, is refused."""
    with pytest.raises(ConfigError, match="holds no rule"):
        read_rules(tmp_path)
    (tmp_path / "a.yaml").write_text("name: [", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rules(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rules(tmp_path / "missing")
