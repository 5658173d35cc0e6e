"""What Gerrit says of a change's votes, and of what keeps it from being submitted.

https://gerrit-review.googlesource.com/Documentation/rest-api-changes.html#label-info and
#submit-requirement-result-info.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, FrozenSet, Iterator, Optional, Tuple

from reviewloop.core.change import Approval, Requirement
from reviewloop.gerrit.accounts import account
from reviewloop.gerrit.fields import Raw, field, mapping, shortened, time_of, typed, whole

# ERROR is one that Gerrit cannot evaluate; the change cannot be submitted then either.
_UNMET = ("UNSATISFIED", "ERROR")
# Not a label but the record of a submit, as a merged change lists it (``LabelId.java``).
_SUBMIT = "SUBM"
# What a label says of its votes where it does not list them.
_SUMMARIES = ("approved", "rejected", "recommended", "disliked", "value")
# The same few labels come with every change.
_shown = lru_cache(maxsize=256)(shortened)
_LABEL_TERM = re.compile(r'label:"?([A-Za-z0-9][A-Za-z0-9-]*)')
# Of an expression, as much as is looked at.
_EXPRESSION_CAP = 10_000


def approvals(raw: Raw, where: str) -> Optional[Tuple[Approval, ...]]:
    """The votes in ``labels``, zeros left out; None where the answer does not list them.

    With LABELS a label lists the votes of each reviewer under ``all``, and has no ``all`` on a
    change without reviewers (``LabelsJson.java``); ``{}`` says that there is no label at all. Some
    older servers only summarise: of what is missing there nobody can say whose vote it is.
    """
    if raw.get("labels") is None:
        return None
    labels = field(raw, "labels", dict, where)
    infos = {
        name: mapping(info, f"{where}, labels") for name, info in labels.items() if name != _SUBMIT
    }
    if any(map(_is_summary, infos.values())):
        return None
    return tuple(one for name, info in infos.items() for one in _approvals(name, info, where))


def names(raw: Raw, where: str) -> Optional[FrozenSet[str]]:
    """The labels that a change has which is not merged; None where the answer may hold fewer.

    Gerrit defines each of them, with its ``values``. What only lists votes names some; but not if
    it lists a label on which nobody has voted.
    """
    infos = field(raw, "labels", dict, where, {})
    untouched = (mapping(info, where).get("all") == [] for info in infos.values())
    return frozenset(map(whole, infos)) if _are_defined(infos, where) or any(untouched) else None


def _are_defined(infos: Raw, where: str) -> bool:
    """Whether labels are told with their values, as Gerrit does."""
    told = (mapping(info, where).get("values") is not None for info in infos.values())
    return bool(infos) and all(told)


def _is_summary(info: Raw) -> bool:
    """Whether somebody has voted on a label, and it does not list who."""
    return info.get("all") is None and any(info.get(key) is not None for key in _SUMMARIES)


def _approvals(name: str, info: Raw, where: str) -> Iterator[Approval]:
    where = f"{where}, label {_shown(name)}"
    for item in field(info, "all", list, where, []):
        vote: Any = mapping(item, where)
        value = field(vote, "value", int, where, 0)
        # Somebody who may vote and has not has no value, or zero.
        if value and vote.get("_account_id") is not None:
            date = time_of(vote, "date", where) if vote.get("date") is not None else None
            tag = field(vote, "tag", str, where, "")
            yield Approval(whole(name), account(vote, where), value, date, tag)


def unmet(raw: Raw, where: str) -> Optional[Tuple[Requirement, ...]]:
    """The ``submit_requirements`` that are not met (3.5+, with SUBMIT_REQUIREMENTS); of an older
    server the labels that an open change needs and lacks. None where the answer tells neither.
    """
    if raw.get("submit_requirements") is None:
        return _needed(raw, where)
    where = f"{where}, submit_requirements"
    items = [mapping(one, where) for one in field(raw, "submit_requirements", list, where, [])]
    return tuple(_requirement(one, where) for one in items if one.get("status") in _UNMET)


def _needed(raw: Raw, where: str) -> Optional[Tuple[Requirement, ...]]:
    """Labels that somebody has to approve, as the answer to LABELS tells: those that are not
    optional and that nobody has approved. That there are none does not say that nothing is missing.
    """
    infos = field(raw, "labels", dict, where, {})
    if raw.get("status") != "NEW" or not _are_defined(infos, where):
        return None
    lacks = (
        name
        for name, info in infos.items()
        if not info.get("optional") and not info.get("approved")
    )
    return tuple(Requirement(whole(name), (whole(name),)) for name in lacks) or None


def _requirement(raw: Raw, where: str) -> Requirement:
    name = field(raw, "name", str, where)
    result = field(raw, "submittability_expression_result", dict, where, {})
    terms = _missing(result, where)
    labels = tuple(dict.fromkeys(_LABEL_TERM.findall(terms)))
    told = (terms if labels else f"{terms} {name}").lower()
    owners = "code-owner" in f"{terms} {name}".lower()
    # Without its expression, as some servers answer, a requirement is of the label it names.
    return Requirement(name, labels if terms else (name,), "unresolved" in told, owners)


def _missing(result: Raw, where: str) -> str:
    """The terms for which an expression is not fulfilled; all of it where the answer tells none.

    Gerrit lists the terms that hold and those that do not, each without a ``-`` before it.
    """
    expression = field(result, "expression", str, where, "")[:_EXPRESSION_CAP]
    atoms = [
        (typed(atom, str, key, where), holds)
        for key, holds in (("failing_atoms", False), ("passing_atoms", True))
        for atom in field(result, key, list, where, [])
    ]
    # What holds and must not, or the opposite.
    missing = [atom for atom, holds in atoms if (f"-{atom}" in expression) is holds]
    return " ".join(missing)[:_EXPRESSION_CAP] or expression
