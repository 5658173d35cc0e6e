"""Prints the rule of turns into ``docs/turns.md``, from the tables of ``reviewloop.core.turns``.

python -m sandbox.turns_page            writes them into the page
python -m sandbox.turns_page --check    fails if the page is out of date

The library must be on the path: ``PYTHONPATH=actions/lib``.
"""

from __future__ import annotations

import sys
from typing import Iterable, List, Optional, Sequence

from reviewloop.core.turns import (
    OWNER_ENDINGS,
    REDIRECTS,
    TABLE,
    Cause,
    Fact,
    OwnerEnding,
    Party,
    Redirect,
    Row,
)

from .pages import ROOT, settle, table

PAGE = ROOT / "docs" / "turns.md"


def page() -> str:
    """The page about turns, with each table between its two marks."""
    text = PAGE.read_text(encoding="utf-8")
    text = _between("turns", _turns(TABLE), text)
    text = _between("redirects", _redirects(REDIRECTS), text)
    return _between("owner endings", _owner_endings(OWNER_ENDINGS), text)


def _turns(rows: Sequence[Row]) -> List[str]:
    """What each event does to the turn."""
    head = ("event", "the turn was", "if", "the turn becomes (cause)", "the old wait ends as")
    return table(
        head,
        (
            (
                row.event.value,
                _parties(row.turns),
                _given(row.given, any(_beside(row, one) for one in rows[:index])),
                _becomes(row),
                f"`{row.ending.value}`" if row.ending else "",
            )
            for index, row in enumerate(rows)
        ),
    )


def _redirects(rows: Sequence[Redirect]) -> List[str]:
    """What overrules the row that fits."""
    return table(
        ("the turn would go to", "if", "it goes to (cause)"),
        ((_parties(row.to), _given(row.given), _party(row.becomes, row.cause)) for row in rows),
    )


def _owner_endings(rows: Sequence[OwnerEnding]) -> List[str]:
    """How each event ends the owner's wait."""
    return table(
        ("event", "if", "the owner's wait ends as"),
        (
            (
                row.event.value,
                _given(row.given, any(one.event is row.event for one in rows[:index])),
                f"`{row.how.value}`",
            )
            for index, row in enumerate(rows)
        ),
    )


def _beside(row: Row, before: Row) -> bool:
    """Whether a row above takes some of the cases that this one is about."""
    return before.event is row.event and not set(before.turns).isdisjoint(row.turns)


def _becomes(row: Row) -> str:
    text = "unchanged"
    if row.becomes is not None:
        text = _party(row.becomes, row.cause)
    text += ", a new wait" if row.new_span else ""
    return f"{text}: {row.note}" if row.note else text


def _party(party: Party, cause: Optional[Cause]) -> str:
    return f"{party.value} (`{cause.value}`)" if cause else party.value


def _parties(parties: Sequence[Party]) -> str:
    missing = [party for party in Party if party not in parties]
    if len(missing) <= 1:
        return " but ".join(["any", *(party.value for party in missing)])
    return " or ".join(party.value for party in parties)


def _given(facts: Iterable[Fact], otherwise: bool = False) -> str:
    return " and ".join(fact.value for fact in facts) or ("otherwise" if otherwise else "")


def _between(name: str, lines: Iterable[str], text: str) -> str:
    """The text with the lines between ``<!-- name: begin -->`` and ``<!-- name: end -->``."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    before, rest = text.split(begin, 1)
    shown = (f"{line}\n" for line in lines if line)
    return "".join([before, begin, *shown, end, rest.split(end, 1)[1]])


if __name__ == "__main__":
    sys.exit(settle(PAGE, page()))
