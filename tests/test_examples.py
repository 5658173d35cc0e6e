"""The examples in docs/examples: each loads, and calls the pack as it wants to be called."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List

import pytest
from sandbox.standin import compat

import test_pack_contract as contract
from repository import ROOT

compat.repair()

from orquesta.specs import loader as specs  # noqa: E402

EXAMPLES = ROOT / "docs" / "examples"
WORKFLOWS = sorted(EXAMPLES.glob("*/workflow.yaml"))
# What the examples call of other packs: parameters they must have, and may have.
FOREIGN: Dict[str, List[set]] = {
    "chatops.post_message": [
        {"message", "channel"},
        {"route", "user", "context", "extra", "whisper"},
    ],
    "core.http": [{"url"}, {"method", "headers", "params", "timeout", "verify_ssl_cert"}],
    "email.send_email": [
        {"email_from", "email_to", "subject", "message", "account"},
        {"email_cc", "attachments", "mime"},
    ],
}


def names(paths: List[Path]) -> List[str]:
    """The examples' names."""
    return [path.parent.name for path in paths]


@pytest.mark.parametrize("path", WORKFLOWS, ids=names(WORKFLOWS))
def test_workflows(path: Path) -> None:
    """Orquesta finds nothing wrong, and every action is given what it takes."""
    content = contract.read(path)
    spec = specs.get_spec_module("native").instantiate(path.read_text(encoding="utf-8"))
    assert spec.inspect() == {}

    for task in content["tasks"].values():
        given = set(task.get("input", {}))
        if task["action"] in FOREIGN:
            needed, more = FOREIGN[task["action"]]
            assert needed <= given <= needed | more
        else:
            contract.check_call(task["action"], sorted(given))


@pytest.mark.parametrize("path", WORKFLOWS, ids=names(WORKFLOWS))
def test_actions(path: Path) -> None:
    """The action beside a workflow gives it its inputs, with descriptions."""
    action = contract.read(path.with_name("action.yaml"))
    wanted = contract.names_of(contract.read(path)["input"])

    assert action["name"] == path.parent.name
    assert list(action["parameters"]) == wanted
    for name, schema in action["parameters"].items():
        assert list(contract.parameter_problems(schema, name)) == []


RULES = sorted(EXAMPLES.glob("*/rule.yaml"))


@pytest.mark.parametrize("path", RULES, ids=names(RULES))
def test_rules(path: Path) -> None:
    """A rule passes on ids and numbers only, to an action that there is."""
    rule: Dict[str, Any] = contract.read(path)
    kind = rule["trigger"]["type"]
    ref = rule["action"]["ref"]
    passed = {field for _, field in contract.TEMPLATE.findall(str(rule["action"]["parameters"]))}
    assert not passed & contract.TYPED_BY_PEOPLE
    if kind.startswith("gerrit."):
        properties = contract.triggers()[kind]["payload_schema"]["properties"]
        assert passed <= set(properties)
    else:
        assert kind in ("core.st2.CronTimer", "core.st2.webhook")

    pack, name = ref.split(".")
    if pack == "gerrit":
        contract.check_call(ref, list(rule["action"]["parameters"]))
    else:
        action = contract.read(EXAMPLES / name / "action.yaml")
        assert set(rule["action"]["parameters"]) <= set(action["parameters"])


def test_readme_names_every_example() -> None:
    """The list of examples is the folders there are."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    for folder in (path for path in EXAMPLES.iterdir() if path.is_dir()):
        assert f"| [{folder.name}](" in text
