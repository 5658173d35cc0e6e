"""``tracker.actions``: which StackStorm action does what for a ticket, and what its result tells.

StackStorm renders ``{{ }}`` in a pack's configuration and again in every parameter of an execution
(``st2common/util/config_loader.py``, ``st2common/util/param.py``), so the mapping has placeholders
of another kind, ``$name``, and no value that is sent holds anything StackStorm would evaluate.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from string import Template
from typing import Any, Dict, Mapping, Optional, Tuple

from reviewloop.core.text import neutralise

Fields = Mapping[str, Any]
"""What a placeholder stands for; None for nothing."""

KIND = "action"
JSON = "$json"
"""The one key of a mapping that is sent as JSON text, for actions that take a body as text."""
ALWAYS = ("project", "username", "token", "label")


@dataclass(frozen=True)
class Call:
    """One thing to do: its own placeholders, those it must use, and what its result holds."""

    offers: Tuple[str, ...]
    needs: Tuple[Tuple[str, ...], ...] = ()
    returns: Tuple[str, ...] = ()
    required: bool = False
    lists: bool = False


TICKET = (
    "id", "number", "url", "key", "title", "state", "resolution",
    "assignees", "labels", "opened_at", "closed_at", "author",
)  # fmt: skip
COMMENT = ("id", "text", "author")
CALLS: Dict[str, Call] = {
    "find": Call(("key",), (("key",),), TICKET, required=True, lists=True),
    "create": Call(
        ("key", "title", "body", "labels", "assignee"),
        (("title",), ("body", "key")),
        ("id", "number", "url"),
        required=True,
    ),
    "read": Call(("id",), (("id",),), TICKET),
    "comment": Call(("id", "text"), (("id",), ("text",)), required=True),
    "comments": Call(("id",), (("id",),), COMMENT, lists=True),
    "close": Call(("id", "reason"), (("id",),), required=True),
    "duplicate": Call(("id", "key", "keep_id", "keep_url"), (("id",),)),
    "reopen": Call(("id",), (("id",),)),
    "assign": Call(("id", "assignee"), (("id",), ("assignee",))),
    "list_open": Call((), (), TICKET, lists=True),
    "whoami": Call((), (), ("name",)),
}
ERRORS: Dict[str, Tuple[str, ...]] = {
    "assignee": (),
    "busy": (
        "timed out", "connection refused", "connection aborted", "connection reset",
        "max retries exceeded", "name resolution", "bad gateway", "service unavailable",
        "too many requests",
    ),
    "credential": ("http 401", "unauthorized", "unauthorised"),
    "gone": ("does not exist", "not found", "http 404"),
    "none": (),
    "taken": (),
}  # fmt: skip
"""Words in a failed action's own error, and what they mean, unless ``errors`` says otherwise."""

_WHOLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


@dataclass(frozen=True)
class Mapped:
    """One call of the mapping, as it is written."""

    ref: str
    parameters: Mapping[str, Any]
    result: Mapping[str, Any]


def _section(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}


@dataclass(frozen=True)
class Execution:
    """What is to be run.

    :param call: its name in ``tracker.actions``.
    :param tag: what a write is found again by; None for what only reads.
    """

    call: str
    ref: str
    parameters: Mapping[str, Any]
    tag: Optional[str] = None


def call(actions: Mapping[str, Any], name: str) -> Optional[Mapped]:
    """A call of the mapping, None where it is not mapped; ``ticket`` goes before its ``result``."""
    data = _section(actions.get(name))
    if not data:
        return None
    shared = _section(actions.get("ticket")) if CALLS[name].returns[:2] == TICKET[:2] else {}
    result = {**shared, **_section(data.get("result"))}
    return Mapped(str(data.get("ref")), _section(data.get("parameters")), result)


def words(actions: Mapping[str, Any], name: str) -> Tuple[str, ...]:
    """The words that mean a kind of error, in lower case."""
    data = _section(actions.get("errors")).get(name, ERRORS[name])
    return tuple(str(word).casefold() for word in data)


def filled(value: Any, fields: Fields) -> Any:
    """A value of the mapping with its placeholders replaced; None where nothing is left of it.

    A placeholder that stands alone keeps its type. One that stands for nothing takes its entry with
    it, and a mapping or list left empty by that goes, too.
    """
    if isinstance(value, Mapping):
        return _kept({key: filled(inner, fields) for key, inner in value.items()}, value)
    if isinstance(value, list):
        inner = [filled(one, fields) for one in value]
        return [one for one in inner if one is not None] or (None if value else [])
    return _text(value, fields) if isinstance(value, str) else value


def _kept(inner: Dict[str, Any], before: Mapping[str, Any]) -> Any:
    rest = {key: one for key, one in inner.items() if one is not None or before[key] is None}
    if set(before) == {JSON}:
        return neutralise(json.dumps(rest.get(JSON), ensure_ascii=False))
    return rest if rest or not before else None


def _text(value: str, fields: Fields) -> Any:
    whole = _WHOLE.fullmatch(value)
    if whole is not None:
        found = fields[whole.group(1) or whole.group(2)]
        return [neutralise(one) for one in found] if isinstance(found, list) else _safe(found)
    shown = {name: _joined(found) for name, found in fields.items()}
    return neutralise(Template(value).substitute(shown))


def _safe(found: Any) -> Any:
    return neutralise(found) if isinstance(found, str) else found


def _joined(found: Any) -> str:
    if isinstance(found, list):
        return ",".join(found)
    return "" if found is None else str(found)
