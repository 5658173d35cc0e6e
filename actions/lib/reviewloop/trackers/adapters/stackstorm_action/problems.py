"""What is wrong with ``tracker.actions``: every problem at once, by key."""

from __future__ import annotations

import difflib
import re
from string import Template
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Tuple

from reviewloop.core.text import neutralise
from reviewloop.trackers.adapters.stackstorm_action import mapping
from reviewloop.trackers.settings import TrackerSettings

Problem = Tuple[str, str]
"""A key below ``tracker``, and what is wrong with it."""

TICKET_CALLS = ("find", "read", "list_open")
MUST_TELL = ("id", "key", "state")
WORDS = ("open_values", "closed_values")
LISTS = (*WORDS, "nobody_values")

_REF = re.compile(r"[a-z0-9_]+\.[\w.-]+")
_PATH = re.compile(r"[\w-]+(\.[\w-]+)*")
_BRACES = re.compile(r"\{[{%#]|<%")


def problems(settings: TrackerSettings) -> Dict[str, str]:
    """All that is wrong with a mapping, by keys below ``tracker``, ``actions.create.ref`` and so
    on.
    """
    found: Dict[str, str] = {}
    for key, text in _problems(settings):
        if text not in found.setdefault(key, text):
            found[key] += f" And it {text}"
    return found


def _problems(settings: TrackerSettings) -> Iterator[Problem]:
    actions = settings.actions
    for name, data in actions.items():
        path = f"actions.{name}"
        if name not in (*mapping.CALLS, "ticket", "errors"):
            yield path, f"is nothing to map.{_near(name, (*mapping.CALLS, 'ticket', 'errors'))}"
        elif not isinstance(data, Mapping):
            yield path, f"is {data!r}: write `key: value` lines below it."
        elif name == "errors":
            yield from _error_problems(path, data)
        elif name == "ticket":
            yield from _result_problems(path, data, mapping.TICKET, ())
        else:
            yield from _call_problems(path, data, name, settings)
    for name, sort in mapping.CALLS.items():
        if sort.required and name not in actions:
            yield f"actions.{name}", "is missing: write the ref of the action that does it."
    yield from _together(actions, settings)


def _call_problems(
    path: str, data: Mapping[str, Any], name: str, settings: TrackerSettings
) -> Iterator[Problem]:
    sort = mapping.CALLS[name]
    for key in data:
        if key not in ("ref", "parameters", "result"):
            near = _near(key, ("ref", "parameters", "result"))
            yield f"{path}.{key}", f"is not known here.{near}"
    ref = data.get("ref")
    if not isinstance(ref, str) or not _REF.fullmatch(ref):
        yield f"{path}.ref", f"is {ref!r}: write pack.action, such as servicenow.insert."
    given = data.get("parameters") or {}
    if not isinstance(given, Mapping):
        yield f"{path}.parameters", f"is {given!r}: write `parameter: value` lines below it."
        return
    offered = (*mapping.ALWAYS, *sort.offers)
    yield from _value_problems(f"{path}.parameters", given, offered)
    used = _used(given)
    for either in sort.needs:
        if not used & set(either):
            yield f"{path}.parameters", f"must say ${' or $'.join(either)} somewhere."
    for key in ("project", "username", "token"):
        if key in used and not getattr(settings, key):
            yield key, f"is missing: {path} says ${key}."
    extra = ("items",) if sort.lists else ("item",) if sort.returns else ()
    result = data.get("result") or {}
    if not isinstance(result, Mapping):
        yield f"{path}.result", f"is {result!r}: write `field: path` lines below it."
    else:
        yield from _result_problems(f"{path}.result", result, sort.returns, extra)


def _value_problems(path: str, value: Any, offered: Tuple[str, ...]) -> Iterator[Problem]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == mapping.JSON and len(value) > 1:
                yield (
                    f"{path}.{key}",
                    "must stand alone: it makes JSON text of what is below it.",
                )
            if _BRACES.search(str(key)):
                yield f"{path}.{key}", "holds what StackStorm would evaluate."
            yield from _value_problems(f"{path}.{key}", inner, offered)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _value_problems(f"{path}[{index}]", inner, offered)
    elif isinstance(value, str):
        yield from ((path, f"is {value!r}: {fault}") for fault in _faults(value, offered))


def _faults(value: str, offered: Tuple[str, ...]) -> Iterator[str]:
    if _BRACES.search(value):
        yield "StackStorm would evaluate it; write $name instead."
    for name in _names(value):
        if not name:
            yield "write $$ for a dollar sign that stands for itself."
        elif name not in offered:
            near = _near(name, offered) or f" It has ${', $'.join(offered)}."
            yield f"there is no ${name} here.{near}"


def _result_problems(
    path: str, data: Mapping[str, Any], known: Tuple[str, ...], extra: Tuple[str, ...]
) -> Iterator[Problem]:
    offered = (*known, *extra, *(LISTS if "state" in known else ()))
    for name, value in data.items():
        at = f"{path}.{name}"
        if name not in offered:
            near = _near(name, offered) or (f" It has {', '.join(offered)}." if offered else "")
            yield at, f"is not read here.{near}"
        elif name in LISTS:
            if not isinstance(value, list) or not value:
                yield at, f"is {value!r}: write a list of words, such as [Closed, Cancelled]."
        elif name == "url" and isinstance(value, str) and "://" in value:
            for used in _names(value):
                if used not in ("id", "number"):
                    yield at, f"is {value!r}: an address may hold $id and $number only."
        elif not isinstance(value, str) or (value and not _PATH.fullmatch(value)):
            yield at, f"is {value!r}: write names with dots between them, such as result.key."


def _error_problems(path: str, data: Mapping[str, Any]) -> Iterator[Problem]:
    for name, value in data.items():
        if name not in mapping.ERRORS:
            near = _near(name, mapping.ERRORS) or f" It has {', '.join(mapping.ERRORS)}."
            yield f"{path}.{name}", f"is no kind of error.{near}"
        elif not isinstance(value, list) or not all(isinstance(w, str) and w for w in value):
            yield f"{path}.{name}", f"is {value!r}: write a list of texts in quotes."


def _told_problems(actions: Mapping[str, Any]) -> Iterator[Problem]:
    """What no result tells, though it must be known."""
    shared = {field: f"actions.ticket.{field}" for field in (*MUST_TELL, *WORDS)}
    for name in (name for name in mapping.CALLS if name in actions):
        mapped = mapping.call(actions, name)
        data = {} if mapped is None else mapped.result
        at = {**shared, "id": shared["id"] if name in TICKET_CALLS else f"actions.{name}.result.id"}
        for field in _must_tell(name):
            if field not in data:
                where = at.get(field, f"actions.{name}.result.{field}")
                yield where, f"is missing: where the result of {name} tells it."
        if name in TICKET_CALLS and not any(word in data for word in WORDS):
            yield at["closed_values"], "is missing: the words for a closed ticket, in a list."


def _must_tell(name: str) -> Tuple[str, ...]:
    if name in TICKET_CALLS:
        return (*MUST_TELL, "items") if mapping.CALLS[name].lists else MUST_TELL
    return {"create": ("id",), "comments": ("items", "text")}.get(name, ())


def _together(actions: Mapping[str, Any], settings: TrackerSettings) -> Iterator[Problem]:
    """What is only wrong about the mapping as a whole."""
    yield from _told_problems(actions)
    if "reopen" not in actions and settings.reopen_days:
        yield (
            "actions.reopen",
            "is missing: map it, or set tracker.reopen_days to 0, so that a new ticket is opened"
            " instead.",
        )
    created, found = mapping.call(actions, "create"), mapping.call(actions, "find")
    assigns = "assign" in actions or (created and "assignee" in _used(created.parameters))
    if assigns and found is not None and "assignees" not in found.result:
        yield "actions.ticket.assignees", "is missing: nobody would see who has a ticket already."
    if neutralise(settings.token) != settings.token:
        yield "token", "(not shown) holds what StackStorm would evaluate: it cannot be sent."


def _near(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(str(word), list(known), n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _names(text: str) -> List[str]:
    """The placeholders of a text; "" for a dollar sign that is none."""
    found = []
    for match in Template.pattern.finditer(text):
        if match.group("escaped") is None:
            found.append(match.group("named") or match.group("braced") or "")
    return found


def _used(value: Any) -> FrozenSet[str]:
    if isinstance(value, Mapping):
        return frozenset().union(*map(_used, value.values()))
    if isinstance(value, list):
        return frozenset().union(*map(_used, value))
    return frozenset(_names(value)) if isinstance(value, str) else frozenset()
