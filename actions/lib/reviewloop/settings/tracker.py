"""The section ``tracker`` of the configuration. What a kind needs, its adapter declares."""

from __future__ import annotations

import os.path
import re
from typing import Dict, List, Mapping, Pattern, Tuple, Type

from reviewloop.errors import ConfigError
from reviewloop.settings import values
from reviewloop.settings.reader import Reader, suggest
from reviewloop.settings.server import Exists, read_address, read_verify
from reviewloop.trackers.base import Tracker, setting_problems
from reviewloop.trackers.factory import ADAPTERS, BY_ACTIONS, KINDS, NONE
from reviewloop.trackers.settings import WONT_FIX, Option, TrackerSettings

LONGEST_REOPEN = 3650
TEMPLATES = "templates"
"""Its own key at the top; below ``tracker``, where it was once, it is still read."""
_EXAMPLES = {
    "url": "https://tracker.example.org",
    "username": "st2-reviews",
}


def read_tracker(section: Reader, exists: Exists) -> TrackerSettings:
    """Where tickets go; every problem is reported to the section."""
    kind = section.choice("kind", NONE, KINDS)
    adapter = ADAPTERS.get(kind)
    parts = read_address(section, "url", _EXAMPLES["url"], values.address)
    verify = read_verify(section, exists)
    settings = TrackerSettings(
        kind=kind,
        url=parts.geturl() if parts else "",
        project=section.text("project", "", "owner/repository"),
        token=section.secret("token"),
        username=section.text("username", "", "st2-reviews"),
        verify=bool(verify),
        ca_bundle=verify if isinstance(verify, str) else "",
        options=_options(section.section("options"), {} if adapter is None else adapter.options),
        actions=section.section("actions").values,
        reopen_days=section.number("reopen_days", 30, 0, LONGEST_REOPEN),
        wont_fix=tuple(word.text for word in section.texts("wont_fix", WONT_FIX, '"wontfix"')),
        existing=_existing(section),
    )
    section.asked.add(TEMPLATES)
    section.finish()
    if adapter is not None:
        for key, text in setting_problems(adapter, settings).items():
            _report(section, key, text)
    if kind == BY_ACTIONS:
        _check_mapping(section, settings)
        return settings
    if settings.actions:
        section.problem("actions", f"is only for tracker.kind: {BY_ACTIONS}. Remove it.")
    if adapter is not None and not any("tracker." in one for one in section.problems):
        section.problems.extend(_together(adapter, settings))
    return settings


def _check_mapping(section: Reader, settings: TrackerSettings) -> None:
    from reviewloop.trackers.adapters.stackstorm_action import problems  # noqa: PLC0415 - seldom

    for key, text in problems.problems(settings).items():
        _report(section, key, text)


def _together(adapter: Type[Tracker], settings: TrackerSettings) -> Tuple[str, ...]:
    """What is wrong only about settings taken together: an adapter says so when it is made."""
    try:
        adapter(settings)
    except ConfigError as err:
        return err.problems
    return ()


def _report(section: Reader, key: str, text: str) -> None:
    """A problem of the adapter, unless the value's own reading has reported one already."""
    told = section.values.get(key)
    if isinstance(told, str) and ("{{" in told or ("@" in told and key == "url")):
        return
    if key == "token" and "is missing" in text:
        text = section.lacking(key, "gerrit_tracker_token")
    elif "is missing" in text:
        example = _EXAMPLES.get(key)
        advice = f"Write it as {example}." if example else "docs/trackers.md shows where it is."
        text = f"{text} {advice}"
    section.problem(key, text)


def _options(section: Reader, known: Mapping[str, Option]) -> Dict[str, str]:
    """The options of a kind, as text; a number counts as its digits."""
    found: Dict[str, str] = {}
    for name, told in section.values.items():
        if name not in known:
            near = suggest(name, known) or f" {_offer(known)}"
            section.problem(name, f"is no option of this kind of tracker.{near}")
        elif isinstance(told, int) and not isinstance(told, bool):
            found[name] = str(told)
        elif told is not None:
            found[name] = section.text(name, "", f'"{known[name].example}"')
    return found


def _offer(known: Mapping[str, Option]) -> str:
    return f"It has {', '.join(sorted(known))}." if known else "It has none: remove it."


def read_templates(top: Reader, tracker: Reader, warnings: List[str]) -> str:
    """The folder whose templates go before the pack's, "" for none."""
    value = top.value(TEMPLATES, "", "/opt/stackstorm/configs/gerrit-templates")
    if tracker.given(TEMPLATES):
        warnings.append(
            "tracker.templates is now templates, since comments on changes are made from them too:"
            " move the line to the top level of gerrit.yaml."
        )
        old = tracker.value(TEMPLATES, "", "/opt/stackstorm/configs/gerrit-templates")
        value = value if value.text else old
    if value.text and not os.path.isdir(value.text):
        value.problem("no such folder on this host; write its absolute path, or leave it out.")
    return value.text


def _existing(section: Reader) -> Tuple[Pattern[str], ...]:
    found = []
    for value in section.texts("existing", (), "'^Closes-Bug: *#?(\\d+)'"):
        compiled = value.parse(_ticket_pattern)
        if compiled is not None:
            found.append(compiled)
    return tuple(found)


def _ticket_pattern(text: str) -> Pattern[str]:
    """A pattern over a commit message, line by line, with the ticket's id as its one group."""
    compiled = values.pattern(text)
    if compiled.groups != 1:
        raise ValueError(
            "it must have one group, round the ticket's id, such as ^Closes-Bug: *#?(\\d+)."
        )
    return re.compile(text, re.IGNORECASE | re.MULTILINE)
