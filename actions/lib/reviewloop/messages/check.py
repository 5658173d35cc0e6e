"""Whether an operator's folder of templates is sound, before the first text is made from it."""

from __future__ import annotations

from datetime import datetime, timezone
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping

import jinja2.meta
import jinja2.nodes

from reviewloop.core.change import Account, Change, ChangeStatus
from reviewloop.core.policy import Policy
from reviewloop.core.roster import Member
from reviewloop.core.turns import Party
from reviewloop.errors import ConfigError
from reviewloop.markup.formats import BodyFormat
from reviewloop.messages.render import (
    FAULTS,
    FOLDER,
    KEY,
    REMEDY,
    check_exists,
    environment,
    is_template,
    render_template,
)
from reviewloop.messages.subject import Gone, Subject

USUAL = (
    "Of changes like this one (tools/build, size S), 80 % got their first review within 1.9 working"
    " days."
)
"""What a text says of other waits, where it says it."""


def check_folder(folder: str) -> List[str]:
    """What is wrong in an operator's folder of templates, each in a sentence with its remedy.

    Files that no text is made from are reported by their names. The others are read for names
    that do not exist, and made into texts about an example, for each party and with nobody asked.
    """
    try:
        check_exists(folder)
        names = sorted(path.name for path in Path(folder).iterdir() if path.is_file())
    except ConfigError as fault:
        return [str(fault)]
    except OSError as fault:
        return [f"{KEY}: the folder {folder!r} cannot be read: {fault.strerror}."]
    known = _known()
    odd = [problem for name in names if name not in known for problem in _unknown(folder, name)]
    return odd + [problem for name in names if name in known for problem in _problems(folder, name)]


def _known() -> List[str]:
    return sorted(path.name for path in FOLDER.glob("*.j2"))


def _unknown(folder: str, name: str) -> Iterator[str]:
    """What to say of a file that no text is made from; nothing of parts (``_x.j2``) and of files
    that were not meant to be templates.
    """
    if name.startswith(("_", ".")):
        return
    close = get_close_matches(name, _known(), n=1)
    if close or is_template(name):
        hint = f"Did you mean {close[0]}?" if close else "See docs/templates.md for the names."
        yield f"{KEY}: {Path(folder) / name}: no text has this name, so it is never used. {hint}"


def _problems(folder: str, name: str) -> List[str]:
    purpose, format_name, _ = name.split(".")
    body_format = BodyFormat(format_name)
    models = list(_example_models(purpose))
    undefined = _undefined_names(folder, name, body_format, models[0])
    if undefined:
        return undefined
    found: Dict[str, None] = {}
    for model in models:
        try:
            render_template(name, body_format, folder, model)
        except ConfigError as fault:
            found[str(fault)] = None
    return list(found)


def _undefined_names(
    folder: str, name: str, body_format: BodyFormat, model: Mapping[str, Any]
) -> List[str]:
    """Names that nothing has, in branches too that no example goes through."""
    engine = environment(body_format, folder)
    try:
        tree = engine.parse((Path(folder) / name).read_text(encoding="utf-8"))
        used = jinja2.meta.find_undeclared_variables(tree)
    except FAULTS:
        return []  # making the text says it, with its line
    unknown = used - set(model) - set(engine.globals)
    lines: Dict[str, int] = {}
    for node in tree.find_all(jinja2.nodes.Name):
        if node.name in unknown:
            lines.setdefault(node.name, node.lineno)
    return [
        f"{KEY}: {Path(folder) / name}, line {line}: {one!r} is undefined."
        f" {_did_you_mean(one, model)}{REMEDY}"
        for one, line in sorted(lines.items(), key=lambda item: item[1])
    ]


def _did_you_mean(name: str, model: Mapping[str, Any]) -> str:
    close = get_close_matches(name, sorted(model), n=1)
    return f"Did you mean {close[0]}? " if close else ""


def _example_models(purpose: str) -> Iterator[Dict[str, Any]]:
    if purpose == "ticket_gone":
        yield from ({"reason": reason.value} for reason in Gone)
    elif purpose == "ticket_over":
        yield {"how_text": "somebody reviewed the change"}
    elif purpose == "ticket_joined":
        url, how = "https://review.example.org/13", "somebody reviewed the change"
        yield {"number": 13, "url": url, "how_text": how}
        yield {"number": "", "url": "", "how_text": ""}
    else:
        for party in (Party.REVIEWERS, Party.OWNER, Party.SUBMITTER):
            yield from (example(party, asked).model() for asked in (True, False))
        yield {**example().model(), "usual": USUAL}


def example(party: Party = Party.REVIEWERS, asked: bool = True) -> Subject:
    """A wait that never was, to try templates with."""
    began = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
    change = Change(
        number=12,
        project="tools/build",
        branch="master",
        change_id="I" + 40 * "0",
        status=ChangeStatus.NEW,
        subject="Cache outputs",
        owner=Account(1, "Author One"),
        created=began,
        updated=began,
        insertions=10,
        deletions=2,
    )
    return Subject(
        change=change,
        url="https://review.example.org/c/tools/build/+/12",
        policy=Policy(),
        party=party,
        since=began,
        seconds=2 * 86_400,
        milestone="2d",
        asked=(Member(Account(7, "Committee Two"), projects=("tools/*",)),) if asked else (),
        ticket_url="https://tracker.example.org/issue3" if asked else "",
    )
