"""What mutmut says of its mutations, read: its results, its names and its diffs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, List, Mapping, Tuple

# A test failed, or pytest itself did.
KILLED = (1, 3)
# Ended by the limit of time, in each way that mutmut writes it down: an endless loop is noticed.
TIMED_OUT = (36, 24, -24, 152, 255)
# All tests passed; no test is there (pytest's word, and mutmut's).
SURVIVED, NO_TESTS = 0, (5, 33)
_ROW = re.compile(r"^\| `(?P<where>[^`]+)` \| `(?P<change>.+?)` \| (?P<why>.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Survivor:
    """A mutation that no test noticed; ``change`` is the line as it was, and as it was made."""

    where: str
    change: str


@dataclass(frozen=True)
class Outcome:
    """What became of the mutations of a module.

    :param is_known: whether they were made; a module may have nothing to change.
    """

    module: str
    states: Tuple[Tuple[str, int | None], ...] = ()
    survivors: Tuple[Survivor, ...] = ()
    is_known: bool = False

    @classmethod
    def read(cls, module: str, meta: Mapping[str, Any]) -> Outcome:
        """Out of mutmut's ``.meta`` file: its exit status for each mutation, or null."""
        return cls(module, tuple(meta["exit_code_by_key"].items()), is_known=True)

    def with_survivors(self, survivors: Iterable[Survivor]) -> Outcome:
        """The same, with what was changed."""
        return replace(self, survivors=tuple(survivors))

    @property
    def names_of_survivors(self) -> List[str]:
        """As mutmut names them."""
        return [name for name, state in self.states if state in (SURVIVED, *NO_TESTS)]

    @property
    def noticed(self) -> int:
        """How many a test noticed."""
        return sum(is_noticed(state) for _, state in self.states)

    @property
    def not_tried(self) -> int:
        """How many have no result, or one that says nothing."""
        return len(self.states) - self.noticed - len(self.names_of_survivors)

    @property
    def is_whole(self) -> bool:
        """Whether each was tried."""
        return self.is_known and not self.not_tried

    def row(self) -> str:
        """One line of a table."""
        if not self.is_known:
            return f"| `{self.module}` | | | | all |"
        counts = (len(self.states), self.noticed, len(self.names_of_survivors), self.not_tried)
        return f"| `{self.module}` | {' | '.join(map(str, counts))} |"


def is_noticed(state: int | None) -> bool:
    """Whether this exit status says that a test noticed the mutation."""
    return state in KILLED or state in TIMED_OUT


def to_try_again(meta: Mapping[str, Any]) -> Dict[str, Any]:
    """The same ``.meta``, without the results of what no test noticed."""
    states = meta["exit_code_by_key"].items()
    kept = {name: state if is_noticed(state) else None for name, state in states}
    return {**meta, "exit_code_by_key": kept}


def where_of(name: str) -> str:
    """``core.turns._held`` for ``reviewloop.core.turns.x__held__mutmut_3``."""
    module, _, function = name.partition("__mutmut_")[0].rpartition(".")
    function = re.sub("^(x_|xǁ)", "", function).replace("ǁ", ".")
    return f"{module.replace('reviewloop.', '', 1)}.{function}"


def change_of(diff: str) -> str:
    """The lines taken away and those put there, of ``mutmut show``, as a cell of a table."""
    halves: Dict[str, List[str]] = {"-": [], "+": []}
    for line in diff.splitlines():
        if line[:1] in halves and not line.startswith(("---", "+++")):
            halves[line[0]].append(line[1:].strip())
    return f"{' '.join(halves['-'])} → {' '.join(halves['+'])}".replace("|", "\\|")


def is_explained(one: Survivor, page: str) -> bool:
    """Whether the page has a row with a reason for it."""
    return any(
        (where, change) == (one.where, one.change) for where, change, _ in _ROW.findall(page)
    )
