"""What people read: comments on changes, tickets and what is said on them, from the templates
beside this file.

A text is made by ``<purpose>.<format>.j2``. A file of that name in the operator's folder goes
before the pack's own. Whatever a template prints by ``{{ }}`` is made one line that the format
shows as it was and that calls on nobody: a template cannot forget it (``docs/templates.md``).
"""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime, timezone
from difflib import get_close_matches
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

import jinja2
import jinja2.meta
import jinja2.nodes
import jinja2.sandbox

from reviewloop.core.change import Account, Change, ChangeStatus
from reviewloop.core.policy import Policy
from reviewloop.core.roster import Member
from reviewloop.core.turns import Party
from reviewloop.errors import ConfigError
from reviewloop.markup import escape as fmt
from reviewloop.markup.formats import BodyFormat

# What a change waits for, and what is asked, by whose turn it is.
_LACKS = {
    Party.REVIEWERS: "for a review",
    Party.OWNER: "for its owner's next move",
    Party.SUBMITTER: "to be submitted after its approval",
}
_FAVOURS = {
    Party.REVIEWERS: "to review it, or to find somebody who will",
    Party.OWNER: "to see what it needs, and to help it on",
    Party.SUBMITTER: "to submit it, or to say what it waits for",
}
_ENDINGS = {
    Party.REVIEWERS: "when somebody reviews the change, or when it is merged or abandoned",
    Party.OWNER: "when its owner answers, or when it is merged or abandoned",
    Party.SUBMITTER: "when the change is merged or abandoned, or needs a review again",
}

FOLDER = Path(__file__).parent / "templates"
KEY = "tracker.templates"
"""Where the configuration names the operator's folder."""

TICKET_PURPOSES = ("ticket_open", "ticket_update", "ticket_over", "ticket_gone", "ticket_linked")
"""They exist in every format; comments on changes are plain text."""

# Purposes that know nothing of the change, and what they are given instead. A ticket outlives what
# may be told of its change: it may have become private, or be gone.
_APART: Mapping[str, Tuple[str, ...]] = {"ticket_over": ("how_text",), "ticket_gone": ("reason",)}

# What rendering a template can end in, whatever is written in it.
_FAULTS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)
_REMEDY = "Correct it, or take the file out of the folder: the pack's own text serves then."


class Gone(str, Enum):
    """Why nothing may be told of a ticket's change any more; the ``reason`` of ``ticket_gone``."""

    DELETED = "deleted"
    HIDDEN = "hidden"
    WAIT_OVER = "wait_over"


class Shown(str):
    """Text that is ready for its format; everything else a template prints is escaped."""

    __slots__ = ()


@dataclass(frozen=True)
class Subject:
    """What every text is about.

    :param since: when the wait began; ``seconds`` of working time have passed on its stopwatch.
    :param asked: who is asked, by name; nobody for a whole committee.
    :param ticket_url: the ticket's address, "" where there is none.
    """

    change: Change
    url: str
    policy: Policy
    party: Party
    since: datetime
    seconds: int
    milestone: str
    human_reviews: int = 0
    asked: Tuple[Member, ...] = ()
    ticket_url: str = ""

    def model(self) -> Dict[str, Any]:
        """The values that templates see."""
        return {
            "change": self.change,
            "url": self.url,
            "owner": name_of(self.change.owner),
            "lacks": _LACKS[self.party],
            "favour": _FAVOURS[self.party],
            "ending": _ENDINGS[self.party],
            "since": moment(self.since),
            "waiting": working_days(self.seconds, self.policy),
            "milestone": self.milestone,
            "zone": str(self.policy.calendar.zone),
            "human_reviews": self.human_reviews,
            "asked": [name_of(member.account) for member in self.asked],
            "why": [why(member, self.change.project) for member in self.asked],
            "ticket_url": self.ticket_url,
            "ack_pause": str(self.policy.ack_pause),
        }


def write(
    purpose: str,
    body_format: BodyFormat,
    subject: Optional[Subject] = None,
    folder: str = "",
    **more: Any,
) -> str:
    """The text of a purpose (a template's name) in a format, without its mark.

    Nothing is sent and nothing is kept here: whoever is refused can write again.

    :param subject: what it is about; ``ticket_over`` and ``ticket_gone`` take none, and are told
        nothing of one.
    :param folder: whose templates go before the pack's own; "" for none.
    :param more: ``how_text`` for ``ticket_over``, ``reason`` (:class:`Gone`) for ``ticket_gone``.
    :raises ConfigError: the folder is not there, or a template in it is at fault.
    :raises jinja2.TemplateNotFound: there is no such text in this format.
    """
    if purpose not in _APART and subject is None:
        raise ValueError(f"{purpose} is about a change, and none was given.")
    model = {} if purpose in _APART or subject is None else subject.model()
    model.update((name, one.value if isinstance(one, Enum) else one) for name, one in more.items())
    return _write(f"{purpose}.{body_format.value}.j2", body_format, folder, model)


def check_folder(folder: str) -> List[str]:
    """What is wrong in an operator's folder of templates, each in a sentence with its remedy.

    Files that no text is made from are told by their names. The others are read for names that do
    not exist, and made into texts about an example, for each party and with nobody asked.
    """
    try:
        _look_at(folder)
        names = sorted(path.name for path in Path(folder).iterdir() if path.is_file())
    except ConfigError as fault:
        return [str(fault)]
    except OSError as fault:
        return [f"{KEY}: the folder {folder!r} cannot be read: {fault.strerror}."]
    known = _known()
    odd = [problem for name in names if name not in known for problem in _unknown(folder, name)]
    return odd + [problem for name in names if name in known for problem in _problems(folder, name)]


def title(change: Change, party: Party) -> str:
    """A ticket's title: it stays the same however long the wait lasts."""
    wanted = "Review wanted" if party is Party.REVIEWERS else "Help wanted"
    return fmt.title(f"{wanted}: {change.project} change {change.number}: {change.subject}")


def working_days(seconds: int, policy: Policy) -> str:
    """Working seconds in words: ``2 working days``, ``1.5 working days``, ``3 working hours``."""
    days = seconds / policy.calendar.day_seconds
    if days < 1:
        return _amount(seconds / 3600, "working hour")
    return _amount(days, "working day")


def moment(instant: datetime) -> str:
    """``2026-03-02 09:00 UTC``."""
    return instant.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def name_of(account: Account) -> str:
    """What a person is called; never a bare mail address."""
    return account.name or account.username or f"account {account.id}"


def why(member: Member, project: str) -> str:
    """Why this person and not another."""
    if member.looks_after(project):
        return "looks after this project"
    return "next by the roster's fair order (fewest open requests, then longest since the last)"


def _amount(number: float, unit: str) -> str:
    text = f"{number:.1f}".rstrip("0").rstrip(".")
    return f"{text} {unit}" if text == "1" else f"{text} {unit}s"


# --- making a text ----------------------------------------------------------------------------


def _write(name: str, body_format: BodyFormat, folder: str, model: Mapping[str, Any]) -> str:
    if folder:
        _look_at(folder)
    try:
        text = _environment(body_format, folder).get_template(name).render(model).strip()
    except _FAULTS as fault:
        place = _place(fault, folder, name)
        if not place:
            raise
        raise ConfigError(f"{KEY}: {place}: {_said(fault)}.", _REMEDY) from fault
    if not text:
        raise ConfigError(f"{KEY}: {Path(folder) / name}: it makes an empty text.", _REMEDY)
    return text


@lru_cache(maxsize=None)
def _environment(body_format: BodyFormat, folder: str) -> jinja2.Environment:
    # Jinja's own escaping is HTML's only: `shown` escapes for the format at hand, in its place.
    def shown(value: Any) -> Shown:
        return value if isinstance(value, Shown) else Shown(fmt.value(str(value), body_format))

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader([folder, str(FOLDER)] if folder else [str(FOLDER)]),
        undefined=jinja2.StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        outside=shown,
        link=lambda url, label: Shown(fmt.link(str(url), str(label), body_format)),
        address=lambda url: Shown(fmt.address(str(url), body_format)),
    )
    return environment


def _look_at(folder: str) -> None:
    if not Path(folder).is_dir():
        raise ConfigError(
            f"{KEY}: there is no folder {folder!r} on this host.",
            "Create it wherever actions run, or take the key out: the pack's own texts serve then.",
        )


def _place(fault: BaseException, folder: str, name: str) -> str:
    """The file and line in the operator's folder where a fault is, "" where it is elsewhere."""
    spots: List[Tuple[str, Optional[int]]] = []
    if folder and (Path(folder) / name).is_file():
        spots.append((str(Path(folder) / name), None))
    # Jinja puts a template's file and line into the traceback.
    frames = traceback.extract_tb(fault.__traceback__)
    spots.extend((frame.filename, frame.lineno) for frame in frames if _is_template(frame.filename))
    if isinstance(fault, jinja2.TemplateSyntaxError) and fault.filename:
        spots.append((fault.filename, fault.lineno))
    if not spots or not folder or Path(folder) not in Path(spots[-1][0]).parents:
        return ""
    file, line = spots[-1]
    return file if line is None else f"{file}, line {line}"


def _is_template(filename: str) -> bool:
    return filename.endswith(".j2")


def _said(fault: BaseException) -> str:
    if isinstance(fault, jinja2.TemplateNotFound):
        return f"there is no template {fault.name!r}"
    if isinstance(fault, UnicodeDecodeError):
        return "it is not written in UTF-8"
    text = fault.strerror if isinstance(fault, OSError) else str(fault)
    return fmt.title(text or type(fault).__name__).rstrip(".")


# --- checking a folder ------------------------------------------------------------------------


def _known() -> List[str]:
    return sorted(path.name for path in FOLDER.glob("*.j2"))


def _unknown(folder: str, name: str) -> Iterator[str]:
    """What to say of a file that no text is made from; nothing of parts (``_x.j2``) and of files
    that were not meant to be templates.
    """
    if name.startswith(("_", ".")):
        return
    close = get_close_matches(name, _known(), n=1)
    if close or _is_template(name):
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
            _write(name, body_format, folder, model)
        except ConfigError as fault:
            found[str(fault)] = None
    return list(found)


def _undefined_names(
    folder: str, name: str, body_format: BodyFormat, model: Mapping[str, Any]
) -> List[str]:
    """Names that nothing has, in branches too that no example goes through."""
    environment = _environment(body_format, folder)
    try:
        tree = environment.parse((Path(folder) / name).read_text(encoding="utf-8"))
        used = jinja2.meta.find_undeclared_variables(tree)
    except _FAULTS:
        return []  # making the text says it, with its line
    unknown = used - set(model) - set(environment.globals)
    lines: Dict[str, int] = {}
    for node in tree.find_all(jinja2.nodes.Name):
        if node.name in unknown:
            lines.setdefault(node.name, node.lineno)
    return [
        f"{KEY}: {Path(folder) / name}, line {line}: {one!r} is undefined."
        f" {_did_you_mean(one, model)}{_REMEDY}"
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
    else:
        for party in _LACKS:
            yield from (example(party, asked).model() for asked in (True, False))


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
