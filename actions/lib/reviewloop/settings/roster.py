"""The ``roster`` section: whom a languishing change is escalated to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Dict, Sequence, Tuple

from reviewloop.settings.reader import Reader, suggest
from reviewloop.settings.values import email
from reviewloop.trackers.factory import KINDS, NONE


class RosterKind(str, Enum):
    """Where the committee's names come from."""

    STATIC = "static"
    GERRIT_GROUP = "gerrit_group"


@dataclass(frozen=True)
class RosterMember:
    """One person of the roster; ``tracker`` holds pairs of a tracker's kind and a login there."""

    name: str
    email: str = ""
    gerrit: str = ""
    tracker: Tuple[Tuple[str, str], ...] = ()
    projects: Tuple[str, ...] = ()
    chair: bool = False

    def login(self, kind: str) -> str:
        """The person's login in a kind of tracker; empty where there is none."""
        return dict(self.tracker).get(kind, "")


@dataclass(frozen=True)
class RosterSettings:
    """Whom to escalate to: the members, or those of a Gerrit group, to whom members add details."""

    kind: RosterKind = RosterKind.STATIC
    members: Tuple[RosterMember, ...] = ()
    group: str = ""


def read_roster(section: Reader) -> RosterSettings:
    """The roster; what is wrong with it is reported."""
    kind = RosterKind(section.choice("kind", "static", [kind.value for kind in RosterKind]))
    group = section.text("group", "", "tech-committee")
    example = "{name: Committee One, gerrit: committee1}"
    members = tuple(_member(item) for item in section.sections("members", example))
    section.finish()
    if kind is RosterKind.GERRIT_GROUP and not section.given("group"):
        section.problem("group", "is missing: name the Gerrit group, such as tech-committee.")
    if kind is RosterKind.STATIC and section.given("group"):
        section.problem("group", f"is {group!r}, but kind is static: write kind: gerrit_group.")
    _report_doubles(section, "gerrit", [member.gerrit for member in members])
    _report_doubles(section, "email", [member.email for member in members])
    return RosterSettings(kind, members, group)


def _member(item: Reader) -> RosterMember:
    member = RosterMember(
        name=item.text("name", "", "Committee One"),
        email=item.value("email", "", "committee1@example.org").parse(email) or "",
        gerrit=item.text("gerrit", "", "committee1"),
        tracker=_logins(item),
        projects=tuple(value.text for value in item.texts("projects", (), '"tools/build"')),
        chair=item.flag("chair", False),
    )
    item.finish()
    if not (item.given("gerrit") or item.given("email")):
        name = f"is {member.name!r}, and a name is no account" if member.name else "is missing"
        item.problem(
            "name" if member.name else "gerrit",
            f"{name}: write the person's username or account id under gerrit, or their Gerrit"
            " e-mail address under email. Anybody may take any name.",
        )
    return member


def _logins(item: Reader) -> Tuple[Tuple[str, str], ...]:
    logins = item.pairs("tracker", "octocat")
    kinds = [kind for kind in KINDS if kind != NONE]
    for kind, _ in logins:
        if kind not in kinds:
            near = suggest(kind, kinds) or f" Write one of {', '.join(kinds)}."
            item.problem(f"tracker.{kind}", f"is no kind of tracker.{near}")
    return logins


def _report_doubles(section: Reader, key: str, names: Sequence[str]) -> None:
    first: Dict[str, int] = {}
    for index, name in enumerate(names):
        before = first.setdefault(name.casefold(), index)
        if name and before != index:
            section.problem(
                f"members[{index}].{key}",
                f"is {name!r}, as is members[{before}]'s: remove one of the two.",
            )
