"""What the GitHub adapter sends, held against GitHub's own published description of its API."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, Mapping, Optional

import jsonschema
import pytest
from sandbox.trackers import github_openapi

from fake_http import Sent
from reviewloop.trackers.outcomes import ReopenPolicy
from reviewloop.trackers.tickets import CloseReason
from rig_github import GitHubRig
from trackers_rig import NOW, draft, fresh_key

NOT_JSON_SCHEMA = {"nullable", "example", "examples", "description", "title", "format"}


@pytest.fixture(scope="module")
def document() -> Dict[str, Any]:
    """The description; where npm is missing only `make test-trackers` insists on it."""
    here = github_openapi.is_cached() or github_openapi.has_npm()
    if not here and os.environ.get("TRACKERS") != "all":
        pytest.skip("npm, which fetches GitHub's description, is not on this machine")
    return github_openapi.description()


def a_whole_life() -> List[Sent]:
    """Every request that the adapter can send, on the fake."""
    rig = GitHubRig()
    key, other = fresh_key(), fresh_key()
    for _ in range(2):
        rig.tracker().create(draft(key))
    ticketing = rig.ticketing()
    ticketing.open_once(draft(key))
    ticketing.comment_once(key, "It still waits.", "level-1")
    ticketing.assign_once(key, "committee2")
    ticketing.close_once(key, "Reviewed.", "end")
    rig.ticketing(policy=ReopenPolicy()).open_once(draft(key, assignee=None))
    made = rig.ticketing().open_once(draft(other, title="x" * 400, body="y" * 70_000)).ticket
    assert made is not None
    tracker = rig.tracker()
    tracker.close(made.id, CloseReason.NOT_PLANNED)
    tracker.find(other, NOW)
    tracker.list_open()
    return rig.server.sent


def test_all_that_the_adapter_sends(document: Dict[str, Any]) -> None:
    """Each path, query and body is one that GitHub describes, and no field is unknown to it."""
    wrong = [problem for sent in a_whole_life() for problem in problems(document, sent)]

    assert wrong == []


def test_each_kind_of_write_was_looked_at() -> None:
    """The life above really has them all: the check does not pass for want of something to
    check.
    """
    writes = {
        (one.method, re.sub(r"\d+", "N", one.path.split("/issues")[-1]), *sorted(one.body))
        for one in a_whole_life()
        if one.method != "GET"
    }

    assert writes == {
        ("POST", "", "assignees", "body", "labels", "title"),
        ("POST", "/N/comments", "body"),
        ("PATCH", "/N", "assignees"),
        ("PATCH", "/N", "body", "state", "state_reason"),
        ("PATCH", "/N", "state"),
        ("PATCH", "/N", "state", "state_reason"),
    }


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/repos/o/r/issues", {"labels": ["x"]}),
        ("POST", "/repos/o/r/issues", {"title": "x", "labels": "x"}),
        ("POST", "/repos/o/r/issues", {"title": "x", "assigned": "me"}),
        ("PATCH", "/repos/o/r/issues/1", {"state": "shut"}),
        ("PATCH", "/repos/o/r/issues/1", {"state_reason": "bogus"}),
        ("POST", "/repos/o/r/issues/1/comments", {}),
        ("POST", "/repos/o/r/isues", {"title": "x"}),
    ],
)
def test_what_github_does_not_take(
    document: Dict[str, Any], method: str, path: str, body: Dict[str, Any]
) -> None:
    """The check notices a missing field, a wrong type, an unknown field, word and path."""
    assert problems(document, Sent(method, path, {}, body, {}))


def test_a_query_that_github_does_not_take(document: Dict[str, Any]) -> None:
    """The check notices an unknown parameter and an unknown word."""
    for query in ({"lable": "x"}, {"state": "both"}):
        assert problems(document, Sent("GET", "/repos/o/r/issues", query, None, {}))


# -- reading the description ---------------------------------------------------------------------


def problems(document: Dict[str, Any], sent: Sent) -> Iterator[str]:
    """What is wrong with a request, in words."""
    what = f"{sent.method} {sent.path}"
    operation = _operation(document, sent)
    if operation is None:
        yield f"{what}: GitHub describes no such call"
        return
    known = {one["name"]: one["schema"] for one in _parameters(document, operation)}
    for name, text in sent.query.items():
        if name not in known:
            yield f"{what}: unknown parameter {name}"
        else:
            yield from _faults(document, known[name], _typed(text, known[name]), f"{what}?{name}")
    if sent.body is not None:
        content = operation["requestBody"]["content"]["application/json"]
        yield from _faults(document, content["schema"], sent.body, what)
        for name in set(sent.body) - set(content["schema"]["properties"]):
            yield f"{what}: unknown field {name}"


def _operation(document: Dict[str, Any], sent: Sent) -> Optional[Dict[str, Any]]:
    for template, operations in document["paths"].items():
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, sent.path) and sent.method.lower() in operations:
            found: Dict[str, Any] = operations[sent.method.lower()]
            return found
    return None


def _parameters(document: Dict[str, Any], operation: Mapping[str, Any]) -> Iterator[Any]:
    for told in operation.get("parameters", ()):
        found = _followed(document, told)
        if found["in"] == "query":
            yield found


def _followed(document: Dict[str, Any], told: Any) -> Any:
    """What a reference points at."""
    if "$ref" not in told:
        return told
    found: Any = document
    for part in told["$ref"].lstrip("#/").split("/"):
        found = found[part]
    return found


def _typed(text: str, schema: Mapping[str, Any]) -> Any:
    return int(text) if schema.get("type") == "integer" and text.isdigit() else text


def _faults(document: Dict[str, Any], schema: Any, value: Any, what: str) -> Iterator[str]:
    validator = jsonschema.Draft4Validator(_as_json_schema(document, schema))
    for fault in validator.iter_errors(value):
        yield f"{what}: {fault.message}"


def _as_json_schema(document: Dict[str, Any], told: Any) -> Any:
    """OpenAPI 3.0's dialect (https://spec.openapis.org/oas/v3.0.3#schema-object) as Draft 4."""
    if isinstance(told, list):
        return [_as_json_schema(document, one) for one in told]
    if not isinstance(told, dict):
        return told
    schema = _followed(document, told)
    plain = {name: _kept(document, name, value) for name, value in schema.items()}
    plain = {name: value for name, value in plain.items() if name not in NOT_JSON_SCHEMA}
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain


def _kept(document: Dict[str, Any], name: str, value: Any) -> Any:
    if name == "properties":
        return {key: _as_json_schema(document, one) for key, one in value.items()}
    return value if name in ("enum", "required", "default") else _as_json_schema(document, value)
