"""The examples in docs/examples: each loads, and calls the pack as it wants to be called."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

import pytest
from sandbox.standin import compat, runners
from sandbox.standin.datastore import Datastore

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


def test_webhook_sends_what_the_rule_takes() -> None:
    """The operator guide has Gerrit send exactly the events that the rule lets pass."""
    guide = (ROOT / "docs" / "operators.md").read_text(encoding="utf-8")
    rule = contract.read(EXAMPLES / "webhook" / "rule.yaml")

    sent = re.findall(r"^ +event = (\S+)$", guide, re.MULTILINE)
    assert sent == rule["criteria"]["trigger.body.type"]["pattern"]
    assert f"/api/v1/webhooks/{rule['trigger']['parameters']['url']}" in guide


# --- conducted, with made-up answers ----------------------------------------------------------

SERVER = "https://review.example.org"
EVENT = "review.example.org:4242:reviewers:1772442000:2d"
Calls = List[Tuple[str, Dict[str, Any]]]
FAILED = {"error": "no answer"}


def answer(result: Any) -> Dict[str, Any]:
    """A python action's result, as StackStorm wraps it."""
    return {"result": result, "stdout": "", "stderr": "", "exit_code": 0}


def conduct(name: str, inputs: Mapping[str, Any], answers: Mapping[str, Any]) -> Tuple[str, Calls]:
    """Run an example to its end; its status, and the calls that were made in their order."""
    calls: Calls = []

    def perform(_task: str, request: Dict[str, Any]) -> runners.Outcome:
        calls.append((request["action"], request["input"]))
        found = answers[request["action"]]
        return ("failed" if found is FAILED else "succeeded"), found

    text = (EXAMPLES / name / "workflow.yaml").read_text(encoding="utf-8")
    action = contract.read(EXAMPLES / name / "action.yaml")
    defaults = {
        key: one["default"] for key, one in action["parameters"].items() if "default" in one
    }
    store = Datastore(lambda: datetime(2026, 3, 2, tzinfo=timezone.utc))
    status, _ = runners.run_workflow(text, {**defaults, **inputs}, {}, store, perform)
    return status, calls


@pytest.mark.parametrize(("verdict", "told"), [("proceed", True), ("snoozed", False)])
def test_chat_is_told_of_an_escalation(verdict: str, told: bool) -> None:
    """The room gets a link made of numbers, and nothing if nobody was asked."""
    answers = {
        "gerrit.escalate": {"output": {"verdict": verdict}},
        "chatops.post_message": {},
    }
    status, calls = conduct("tell_chat", {"event_id": EVENT, "number": 4242}, answers)

    assert status == "succeeded"
    messages = [given["message"] for action, given in calls if action == "chatops.post_message"]
    assert [text.split()[-1] for text in messages] == [f"{SERVER}/4242"] * told


@pytest.mark.parametrize("numbers", [[], [7], [4242, 4243]])
def test_morning_mail_has_a_line_a_change(numbers: List[int]) -> None:
    """Links only, even where a subject holds an expression; no mail on a good morning."""
    changes = [{"number": one, "subject": "<% ctx().account %>"} for one in numbers]
    answers = {
        "gerrit.query_changes": answer({"count": len(numbers), "changes": changes}),
        "email.send_email": answer(None),
    }
    status, calls = conduct("morning_mail", {"to": "committee@example.org"}, answers)

    assert status == "succeeded"
    mails = [given for action, given in calls if action == "email.send_email"]
    lines = [one["message"].splitlines() for one in mails]
    assert lines == [[f"{SERVER}/{one}" for one in numbers]] * bool(numbers)
    assert all(one["email_to"] == ["committee@example.org"] for one in mails)


def on_duty(account_id: Any) -> Dict[str, Any]:
    """What the roster answers over HTTP."""
    return {"status_code": 200, "body": {"account_id": account_id}}


def duty(roster: Any, proceed: bool = True) -> Tuple[str, Calls]:
    """The duty roster's workflow, with what Gerrit and the roster say."""
    answers = {
        "gerrit.assess": answer({"proceed": proceed}),
        "core.http": roster,
        "gerrit.escalate": {"output": {"verdict": "proceed"}},
        "gerrit.open_ticket": answer({}),
        "gerrit.post_review": answer({}),
    }
    return conduct("duty_roster", {"event_id": EVENT, "number": 4242}, answers)


@pytest.mark.parametrize("account_id", [1000005, "1000005"])
def test_duty_roster_names_who_is_asked(account_id: Any) -> None:
    """Whoever is on duty gets the ticket and is asked on the change, as a number."""
    status, calls = duty(on_duty(account_id))

    assert status == "succeeded"
    given = dict(calls)
    assert list(given) == ["gerrit.assess", "core.http", "gerrit.open_ticket", "gerrit.post_review"]
    assert given["gerrit.open_ticket"]["asked"] == [1000005]
    assert given["gerrit.post_review"]["asked"] == [1000005]


def test_duty_roster_is_left_alone_when_there_is_no_reason() -> None:
    """A change that somebody reviewed meanwhile troubles nobody."""
    status, calls = duty(on_duty(1000005), proceed=False)

    assert status == "succeeded"
    assert [action for action, _ in calls] == ["gerrit.assess"]


@pytest.mark.parametrize("account_id", ["<% 7 * 7 %>", "{{ 49 }}", "nobody"])
def test_duty_roster_that_answers_no_number(account_id: Any) -> None:
    """Nothing else gets any further: the workflow fails, and nobody is asked."""
    status, calls = duty(on_duty(account_id))

    assert status == "failed"
    assert [action for action, _ in calls] == ["gerrit.assess", "core.http"]


@pytest.mark.parametrize("roster", [on_duty(None), FAILED])
def test_nobody_on_duty(roster: Any) -> None:
    """Then the change is escalated as if there were no duty roster."""
    status, calls = duty(roster)

    assert status == "succeeded"
    assert calls[-1] == ("gerrit.escalate", {"event_id": EVENT, "number": 4242})
    assert [action for action, _ in calls][1:-1] == ["core.http"]
