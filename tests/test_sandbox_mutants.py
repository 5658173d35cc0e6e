"""What is read out of a run of mutmut, as version 3.8 wrote it."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import Any, Callable, Dict, List, Optional

import pytest
from sandbox import mutant_children
from sandbox.mutant_children import Children, Reached, within
from sandbox.mutant_results import (
    SURVIVED,
    Outcome,
    Survivor,
    change_of,
    is_explained,
    is_noticed,
    to_try_again,
    where_of,
)
from sandbox.mutants import LEFT_OUT, selection, with_methods

from repository import ROOT

SPANS = "reviewloop.core.spans.x_"
SHOWN = """\
# reviewloop.core.spans.x__first_beyond__mutmut_3: survived
--- src/reviewloop/core/spans.py
+++ src/reviewloop/core/spans.py
@@ -3,7 +3,7 @@
     3.10).
     \"\"\"
     low, high = 0, len(holes)
-    while low < high:
+    while low <= high:
         middle = (low + high) // 2
         end = holes[middle].end
         if end is not None and end <= instant:
"""


def meta(**states: Optional[int]) -> Dict[str, object]:
    """A file ``spans.py.meta``: the exit status for each mutation."""
    return {
        "exit_code_by_key": {f"{SPANS}{name}": state for name, state in states.items()},
        "hash_by_function_name": {"x_in_order": "1c2f"},
        "type_check_error_by_key": {},
        "durations_by_key": {},
        "estimated_durations_by_key": {},
    }


def outcome(**states: Optional[int]) -> Outcome:
    """What became of these mutations."""
    return Outcome.read("core/spans.py", meta(**states))


@pytest.mark.parametrize(
    ("state", "row"),
    [
        (1, "1 | 1 | 0 | 0"),  # a test failed
        (3, "1 | 1 | 0 | 0"),  # pytest failed
        (36, "1 | 1 | 0 | 0"),  # out of time
        (-24, "1 | 1 | 0 | 0"),  # the same, by signal
        (0, "1 | 0 | 1 | 0"),  # all tests passed
        (33, "1 | 0 | 1 | 0"),  # no test reaches it
        (5, "1 | 0 | 1 | 0"),  # pytest found none of its tests
        (None, "1 | 0 | 0 | 1"),  # the budget ended before
        (2, "1 | 0 | 0 | 1"),  # interrupted
        (-9, "1 | 0 | 0 | 1"),  # killed by somebody
        (-11, "1 | 0 | 0 | 1"),  # crashed, which says nothing of the tests
    ],
)
def test_what_a_status_means(state: Optional[int], row: str) -> None:
    """Noticed is only what a test noticed, and tried only what has such a result."""
    assert outcome(in_order__mutmut_1=state).row() == f"| `core/spans.py` | {row} |"


def test_survivors() -> None:
    """Those that passed all tests, and those that no test reaches."""
    found = outcome(a__mutmut_1=0, a__mutmut_2=1, b__mutmut_1=33, b__mutmut_2=None)

    assert found.names_of_survivors == [f"{SPANS}a__mutmut_1", f"{SPANS}b__mutmut_1"]
    assert not found.is_whole


def test_whole() -> None:
    """All were tried; nothing is whole of which nothing is known."""
    assert outcome(a__mutmut_1=0, a__mutmut_2=1).is_whole
    assert not Outcome("core/spans.py").is_whole
    assert Outcome("core/spans.py").row() == "| `core/spans.py` | | | | all |"


def test_nothing_to_change() -> None:
    """A module of properties and tables only is whole from the start."""
    assert outcome().is_whole
    assert outcome().row() == "| `core/spans.py` | 0 | 0 | 0 | 0 |"


def test_what_is_tried_again() -> None:
    """Another run keeps what was noticed, and nothing else; mutmut's other notes stay."""
    again = to_try_again(meta(a=1, b=36, c=0, d=33, e=None, f=-9))

    assert again == meta(a=1, b=36, c=None, d=None, e=None, f=None)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("reviewloop.core.spans.x__first_beyond__mutmut_3", "core.spans._first_beyond"),
        ("reviewloop.core.spans.x_subtract__mutmut_1", "core.spans.subtract"),
        ("reviewloop.sensor.watch.xǁWatchǁlearn__mutmut_12", "sensor.watch.Watch.learn"),
        ("reviewloop.core.x.xǁBoxǁ__len____mutmut_1", "core.x.Box.__len__"),
    ],
)
def test_names(name: str, where: str) -> None:
    """A function or a method, as one would look for it."""
    assert where_of(name) == where


def test_change() -> None:
    """The line as it was and as it was made, without the diff's head and surroundings."""
    assert change_of(SHOWN) == "while low < high: → while low <= high:"


def test_change_of_several_lines() -> None:
    """They are joined, and fit into a cell of a table."""
    assert change_of("-    a = (\n-        b | c)\n+    a = None\n") == "a = ( b \\| c) → a = None"


def test_reason_in_the_page() -> None:
    """A survivor is explained by the row about just this change of just this function."""
    page = "| where | change | why |\n|---|---|---|\n| `core.a.b` | `x \\| 1 → x` | it is 0 |\n"

    assert is_explained(Survivor("core.a.b", "x \\| 1 → x"), page)
    assert not is_explained(Survivor("core.a.c", "x \\| 1 → x"), page)
    assert not is_explained(Survivor("core.a.b", "x → x \\| 1"), page)


@pytest.mark.parametrize(
    ("module", "test"),
    [
        ("core/spans.py", "tests/test_core_spans.py"),
        ("sensor/coverage.py", "tests/test_sensor_coverage.py"),
        ("sensor/poller.py", "tests/test_poller.py"),
        ("escalation/choice.py", "tests/test_assess.py"),
        ("core/keys.py", "tests/test_guards.py"),  # which imports it
        ("escalation/limits.py", "tests/test_limits.py"),
        ("trackers/ticketing.py", "tests/test_trackers_ticketing.py"),
    ],
)
def test_tests_of_a_module(module: str, test: str) -> None:
    """Those of its room, and those that import it."""
    assert test in selection(module)


def test_properties_are_changed_too() -> None:
    """For mutmut a property is made of a method, in which there is something to change."""
    text = """\
class Box:
    @property
    def size(self) -> int:
        \"\"\"Its size.\"\"\"
        return 1

    @classmethod
    def of(cls) -> Box:
        return cls()

    @property
    def weight(self) -> int:
        return (
            2
        )
"""
    made = with_methods(text)
    found: Dict[str, Any] = {}
    exec(made.replace("-> Box", ""), found)

    assert made.count("@") == 1
    assert "    size = property(size)\n\n    @classmethod" in made
    assert (found["Box"].of().size, found["Box"].of().weight) == (1, 2)


def test_no_test_that_starts_a_server() -> None:
    """Whatever needs the real Gerrit or a real tracker, or reads the pages, is left out."""
    real = [one.stem for one in (ROOT / "tests").glob("test_*_real.py")]

    assert real
    assert all(LEFT_OUT.fullmatch(one) for one in [*real, "test_loop", "test_docs_pages"])
    assert not re.search("_real|test_docs", " ".join(selection("core/reading.py")))


def children(fails: Dict[str, Callable[[int], bool]], **more: int) -> Children:
    """Tests 0, 1 and 2, of which the last is the quickest; each mutation says which of them fail.

    What a mutation does is done in a process of its own.
    """
    reached = {
        0: Reached(0.03, ["f", "g"]),
        1: Reached(0.02, ["f", "g"]),
        2: Reached(0.01, ["f"]),
    }
    active: List[str] = []
    return Children(
        reached, active.append, lambda test, _following: fails[active[-1]](test), **more
    )


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_becomes_of_mutations(jobs: int) -> None:
    """Each is tried by the tests that reach its function, apart from the others."""
    found = children(
        {
            "noticed": lambda test: test == 0,
            "unnoticed": lambda _test: False,
            "noticed elsewhere": lambda test: test == 2,
            "broken": lambda _test: bool(1 // 0),
            "killed": lambda _test: bool(os.kill(os.getpid(), signal.SIGKILL)),
        },
        jobs=jobs,
    )
    for name in ("noticed", "unnoticed", "broken", "killed"):
        found.start(name, "f", [0, 1, 2])
    found.start("noticed elsewhere", "g", [0, 1, 2])
    found.start("unreached", "h", [0, 1, 2])
    found.finish()

    assert found.results == {
        "noticed": 1,
        "unnoticed": SURVIVED,
        "broken": 3,
        "killed": -9,
        "noticed elsewhere": SURVIVED,
        "unreached": 33,
    }


def test_loop_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended, and counts as noticed."""
    monkeypatch.setattr(mutant_children, "MORE", 0.05)

    def run_on(_test: int) -> bool:
        while True:
            pass

    found = children({"endless": run_on})
    found.start("endless", "f", [0])
    found.finish()

    assert is_noticed(found.results["endless"])


def test_a_test_that_waits_for_ever() -> None:
    """It fails, so the run names it and ends; afterwards nothing is given up any more."""
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(pytest.fail.Exception, match="no end after 0.01 seconds"), within(0.01):
        time.sleep(60)

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_order_of_the_tests() -> None:
    """First what noticed another mutation of the function, the last of them first; then the
    quickest.
    """
    found = children({"a": lambda test: test == 0, "b": lambda test: test == 1})
    assert found.order("f", [0, 1, 2]) == [2, 1, 0]
    assert found.order("f", [0, 1]) == [1, 0]

    found.start("a", "f", [0, 1, 2])
    found.finish()
    assert found.order("f", [0, 1, 2]) == [0, 2, 1]
    assert found.order("g", [0, 1, 2]) == [1, 0]

    found.start("b", "f", [1, 2])
    found.finish()
    assert found.order("f", [0, 1, 2]) == [1, 0, 2]
    assert found.order("f", [0, 2]) == [0, 2]
