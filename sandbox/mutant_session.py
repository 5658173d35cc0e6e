"""One run of pytest for many mutations: ``python -m sandbox.mutant_session``, by ``mutants.py``.

mutmut's own run starts pytest, and collects the tests, for each mutation, and runs all tests twice
before. Here pytest collects once and forks for each mutation. Which tests reach what is measured in
a process of its own, so that nothing is computed before that a mutation would change; it is kept
while the code and the test stay as they are.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Tuple

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import Phase, settings
from mutmut import __main__ as mutmut
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import change_cwd, walk_mutatable_files
from mutmut.utils.format_utils import mangled_name_from_mutant_name
from mutmut.workers.isolation import run_in_fork_with_result

from sandbox.cache import digest
from sandbox.mutant_children import Children, Reached, within
from sandbox.mutant_results import Outcome

MEASURED = Path("reached.json")
#: In the tree: the diff of each mutation that survived.
SHOWN = Path("shown.json")
SAVE_EVERY = 20.0  # seconds
PATIENCE = 60.0  # seconds that a test without a mutation may take


@dataclass
class Plan:
    """The mutations of a module: ``tests`` are the files that may run for it."""

    data: SourceFileMutationData
    tests: List[str]


class MutantSession:
    """A plugin of pytest's that runs mutations in place of the tests.

    :param end: by the monotonic clock.
    :param longest: a test that takes more CPU seconds is left out.
    """

    def __init__(self, plans: Sequence[Plan], end: float, longest: float, jobs: int) -> None:
        self._plans, self._end, self._longest, self._jobs = plans, end, longest, jobs
        self.problems: List[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        """One failing example is enough: a smaller one is not looked for."""
        quick = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", settings.get_profile("repeatable"), phases=quick)
        settings.load_profile("mutants")

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Measure what is not known, then try each mutation that has no result."""
        items = session.items
        measured = self._measured(items)
        if not self.problems:
            reached = {place: measured[item.nodeid] for place, item in enumerate(items)}
            children = Children(reached, set_mutant_under_test, _failing(items), self._jobs)
            try:
                self._try(children, items, reached)
            finally:
                children.finish()
                self._save(children)
        return True

    def _measured(self, items: Sequence[pytest.Item]) -> Dict[str, Reached]:
        helpers = [one for one in Path("tests").glob("*.py") if not one.name.startswith("test_")]
        code = digest([*Path("src").rglob("*.py"), *helpers], *sorted(config().only_mutate))
        known: Dict[str, Any] = {}
        if MEASURED.exists():
            known = json.loads(MEASURED.read_text("utf-8"))
        kept: Dict[str, Any] = {}
        for file, of_file in groupby(items, _file):
            key = digest([Path(file)], code)
            kept[key] = known.get(key) or run_in_fork_with_result(_measure, list(of_file))
            failed = [f"{name}: {why}" for name, (_, _, why) in kept[key].items() if why]
            if failed:
                self.problems.extend(f"FAILED without any mutation: {one}" for one in failed)
                break
            MEASURED.write_text(json.dumps({**known, **kept}), "utf-8")
        if not self.problems:
            MEASURED.write_text(json.dumps(kept), "utf-8")
        measures = [one for of_file in kept.values() for one in of_file.items()]
        return {name: Reached(seconds, functions) for name, (seconds, functions, _) in measures}

    def _try(
        self, children: Children, items: Sequence[pytest.Item], reached: Dict[int, Reached]
    ) -> None:
        saved = time.monotonic()
        for plan in self._plans:
            tests = [
                place
                for place, item in enumerate(items)
                if _file(item) in plan.tests and reached[place].seconds <= self._longest
            ]
            for name in _cheapest_first(plan, reached, tests):
                if time.monotonic() > self._end:
                    return
                children.start(name, mangled_name_from_mutant_name(name), tests)
                if time.monotonic() > saved + SAVE_EVERY:
                    self._save(children)
                    saved = time.monotonic()

    def _save(self, children: Children) -> None:
        with change_cwd(".."):  # mutmut takes its files from there
            for plan in self._plans:
                for name in plan.data.exit_code_by_key:
                    if name in children.results:
                        plan.data.exit_code_by_key[name] = children.results[name]
                plan.data.save()


def _cheapest_first(plan: Plan, reached: Dict[int, Reached], tests: Sequence[int]) -> List[str]:
    """The mutations without a result: one that survives costs all tests which reach it."""
    costs: Dict[str, float] = {}
    for one in tests:
        for function in reached[one].functions:
            costs[function] = costs.get(function, 0) + reached[one].seconds
    names = [name for name, known in plan.data.exit_code_by_key.items() if known is None]
    return sorted(names, key=lambda name: costs.get(mangled_name_from_mutant_name(name), 0))


def _file(item: pytest.Item) -> str:
    return item.nodeid.split("::")[0]


def _measure(items: Sequence[pytest.Item]) -> Dict[str, Tuple[float, List[str], str]]:
    set_mutant_under_test("stats")
    found = {}
    for item, following in zip(items, [*items[1:], None]):
        state()._stats.clear()
        begin = time.process_time()
        with within(PATIENCE):
            why = _why_failed(item, following)
        found[item.nodeid] = (time.process_time() - begin, sorted(state()._stats), why)
    return found


def _failing(items: Sequence[pytest.Item]) -> Any:
    return lambda place, following: bool(
        _why_failed(items[place], None if following is None else items[following])
    )


def _why_failed(item: pytest.Item, following: pytest.Item | None) -> str:
    """The last line of what pytest says of it; empty where the test passes."""
    for report in runtestprotocol(item, log=False, nextitem=following):
        if report.failed:
            return report.longreprtext.strip().rpartition("\n")[2] or "no reason given"
    return ""


def _plans(selections: Iterable[str]) -> List[Plan]:
    """In the order in which they are named."""
    known = {str(path): path for path in walk_mutatable_files()}
    plans = []
    for name, tests in (one.split("=", 1) for one in selections):
        if name in known:
            data = SourceFileMutationData(path=known[name])
            data.load()
            plans.append(Plan(data, tests.split(",")))
    return plans


def _shown(plan: Plan) -> Iterator[Tuple[str, str]]:
    outcome = Outcome(str(plan.data.path), tuple(plan.data.exit_code_by_key.items()))
    for name in outcome.names_of_survivors:
        yield name, get_diff_for_mutant(name, path=plan.data.path)


def _generate() -> None:
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir(exist_ok=True)
    mutmut.copy_src_dir()
    mutmut.copy_also_copy_files()
    mutmut.setup_source_paths()
    mutmut.create_mutants(1)
    set_mutant_under_test("")


def main() -> int:
    """Exit status 1: the tests fail as they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", nargs="+", help="src/reviewloop/MODULE=TEST,TEST...")
    parser.add_argument("--budget", type=float, required=True, help="seconds")
    parser.add_argument("--longest", type=float, required=True, help="CPU seconds of a test")
    parser.add_argument("--jobs", type=int, required=True, help="processes at once")
    options = parser.parse_args()
    end = time.monotonic() + options.budget
    _generate()
    plans = _plans(options.plan)
    session = MutantSession(plans, end, options.longest, options.jobs)
    arguments = ["--rootdir=.", "-q", "--tb=native", "-p", "no:cacheprovider"]
    with change_cwd("mutants"):
        status = pytest.main([*arguments, *sorted({t for p in plans for t in p.tests})], [session])
    print("\n".join(session.problems))
    SHOWN.write_text(json.dumps({name: diff for plan in plans for name, diff in _shown(plan)}))
    return int(bool(session.problems) or status != pytest.ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main())
