"""Mutations that no test notices: ``make mutants MODULE=core/turns.py BUDGET=300``.

mutmut changes one thing at a time (a number, a comparison, an argument) in the functions of one
module, and `sandbox.mutant_session` runs the tests that reach it. It does so in a copy of the
checkout below ``.cache/mutants/``, which keeps what is known: what a test has noticed is not tried
again while its function stays as it is, and a module that was tried whole, with all tests, not
before the code or a test changes. What survives and means the same is listed in
``docs/reliability.md`` with the reason.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import time
from math import inf
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence

from sandbox.cache import cache_folder, digest
from sandbox.mutant_results import (
    Outcome,
    Survivor,
    change_of,
    is_explained,
    to_try_again,
    where_of,
)

ROOT = Path(__file__).resolve().parents[1]
LIB = Path("actions") / "lib" / "reviewloop"
# mutmut takes a module's name from its path, and knows src/ as a folder that is no package.
SOURCE = Path("src") / "reviewloop"
PAGE = ROOT / "docs" / "reliability.md"
ALL = ("core", "sensor", "escalation", "trackers/ticketing.py")
# They start servers or processes, measure time, or read the repository's own text.
LEFT_OUT = re.compile(
    "test_(.*_real|.*contract|.*cost|any_gerrit|cli.*|coverage_regressions|demo|docs.*|examples.*"
    "|github_openapi|interface|layout|loop|monday.*|pictures|preflight|sandbox_.*|standin)"
)
# How the names of the tests of a room begin.
TESTS = {
    "core": re.compile("test_(core|advisers|unmarked)"),
    "sensor": re.compile("test_(sensor|poller|cursor)"),
    "escalation": re.compile(
        "test_(asks|assess|board|chains|grouping|guards|joined_lists|limits|neighbours|pending"
        "|people)"
    ),
    "operations": re.compile(
        "test_(asks|assess|board|chains_shown|guards|inspect|joined_lists|pending|sweeping)"
    ),
    "store": re.compile("test_(asks|assess_records|cursor|lease|limits|pending|people|tally)"),
    "trackers": re.compile("test_(trackers_ticketing|existing_tickets)"),
}


def main() -> int:
    """Exit status 1: there are survivors without a reason; 2: not all was tried."""
    options = _options()
    tree = _copied(cache_folder("mutants", "tree"))
    known = _Known(tree)
    outcomes = _tried(tree, known, list(_files(options.module or ALL)), options)
    page = PAGE.read_text("utf-8")
    unexplained = [o for one in outcomes for o in one.survivors if not is_explained(o, page)]
    print("\n| module | mutations | noticed | survived | not tried |\n|---|---|---|---|---|")
    for one in outcomes:
        print(one.row())
    if unexplained:
        print("\nWithout a reason in the page:\n")
    for survivor in unexplained:
        print(f"| `{survivor.where}` | `{survivor.change}` | WHY? |")
    survivors = sum(len(one.survivors) for one in outcomes)
    print(f"\n{survivors} survivors, {len(unexplained)} without a reason in {PAGE.name}.")
    whole = all(one.is_whole for one in outcomes)
    if not whole:
        print("The budget was too small to try all; run it again to go on.")
    return 1 if unexplained else 0 if whole else 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.mutants", description=__doc__)
    parser.add_argument("module", nargs="*", help="files or folders below reviewloop/")
    parser.add_argument("--budget", type=float, default=900, help="seconds in all")
    parser.add_argument(
        "--longest", type=float, default=inf, help="CPU seconds of a test; slower ones are left out"
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    return parser.parse_args()


def _files(modules: Sequence[str]) -> Iterator[str]:
    """The modules, with the folders' own ones one by one."""
    for module in modules:
        place = ROOT / LIB / module
        if module.split("/", maxsplit=1)[0] not in TESTS:
            raise SystemExit(f"{module} is in no room with known tests: {', '.join(TESTS)}.")
        if place.is_dir():
            found = sorted(one for one in place.rglob("*.py") if one.name != "__init__.py")
            yield from (str(one.relative_to(ROOT / LIB)) for one in found)
        elif place.is_file():
            yield module
        else:
            raise SystemExit(f"There is no {LIB / module}. Name a file or a folder below {LIB}.")


def _copied(tree: Path) -> Path:
    """A copy of what git knows, where the library also stands below ``src/``.

    What has changed is newer there than what mutmut made of it; what is gone is gone.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    wanted: Dict[Path, bytes] = {}
    for name in filter(None, names.decode().split("\0")):
        source = ROOT / name
        if not source.is_file() or source.is_symlink() or name == "pyproject.toml":
            continue
        wanted[tree / name] = content = source.read_bytes()
        if LIB in Path(name).parents:
            if source.suffix == ".py":
                content = with_methods(content.decode()).encode()
            wanted[tree / SOURCE / Path(name).relative_to(LIB)] = content
    for target, content in wanted.items():
        if not target.exists() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    _without_others(tree, set(wanted) | {tree / "pyproject.toml"})
    return tree


def with_methods(text: str) -> str:
    """The same with methods, and ``name = property(name)`` below them, in place of properties: what
    is decorated mutmut leaves alone.
    """
    lines = text.splitlines(keepends=True)
    nodes = [one for one in ast.walk(ast.parse(text)) if isinstance(one, ast.FunctionDef)]
    for node in sorted(nodes, key=lambda one: -one.lineno):
        if [getattr(one, "id", "") for one in node.decorator_list] == ["property"]:
            end = node.end_lineno or node.lineno
            lines.insert(end, f"{' ' * node.col_offset}{node.name} = property({node.name})\n")
            del lines[node.decorator_list[0].lineno - 1]
    return "".join(lines)


def _without_others(tree: Path, wanted: set[Path]) -> None:
    made = tree / "mutants"  # mutmut's own copy, with its results beside the sources
    for file in list(tree.rglob("*.py")):
        original = tree / file.relative_to(made) if made in file.parents else file
        if original not in wanted:
            file.unlink()


class _Known:
    """What survived in which module, and of what code and tests that is all there is to know."""

    def __init__(self, tree: Path) -> None:
        self._file = tree.parent / "known.json"
        self._known: Dict[str, Dict[str, Any]] = (
            json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}
        )
        code = (tree / SOURCE).rglob("*.py")
        self._code = digest([*code, *(tree / "tests").glob("*.py")])

    def is_whole(self, module: str) -> bool:
        return bool(self._known.get(module, {}).get("whole") == self._code)

    def survivors(self, module: str) -> List[Survivor]:
        return [Survivor(*one) for one in self._known.get(module, {}).get("survivors", ())]

    def put(self, outcome: Outcome, *, by_all_tests: bool) -> None:
        self._known[outcome.module] = {
            "whole": self._code if outcome.is_whole and by_all_tests else "",
            "survivors": [(one.where, one.change) for one in outcome.survivors],
        }
        self._file.write_text(json.dumps(self._known, indent=1, sort_keys=True), "utf-8")


def _tried(
    tree: Path, known: _Known, modules: Sequence[str], options: argparse.Namespace
) -> List[Outcome]:
    """What is known of the modules' mutations once the time is up, or all were tried."""
    end = time.monotonic() + options.budget
    wanted = [one for one in modules if not known.is_whole(one)]
    new: Dict[str, Outcome] = {}
    for room in TESTS:
        ours = [one for one in wanted if one.split("/", maxsplit=1)[0] == room]
        if ours and time.monotonic() < end:
            (tree / "pyproject.toml").write_text(_settings(tree, ours), "utf-8")
            for module in ours:
                _forget(_meta(tree, module))
            diffs = _run(tree, ours, end - time.monotonic(), options)
            new.update((one, _read(tree, one).with_survivors(_shown(diffs, one))) for one in ours)
    for outcome in new.values():
        known.put(outcome, by_all_tests=options.longest == inf)
    kept = (one for one in modules if one not in new)
    new.update((one, _read(tree, one).with_survivors(known.survivors(one))) for one in kept)
    return [new[one] for one in modules]


def _read(tree: Path, module: str) -> Outcome:
    meta = _meta(tree, module)
    if not meta.exists():
        return Outcome(module)
    return Outcome.read(module, json.loads(meta.read_text("utf-8")))


def _shown(diffs: Dict[str, str], module: str) -> Iterator[Survivor]:
    for name, diff in diffs.items():
        if where_of(name).startswith(module[:-3].replace("/", ".") + "."):
            yield Survivor(where_of(name), change_of(diff))


def _meta(tree: Path, module: str) -> Path:
    return tree / "mutants" / SOURCE / f"{module}.meta"


def _forget(meta: Path) -> None:
    """What survived, or was not reached, is tried again.

    A run about another module has put the plain text where mutmut would look for its mutations.
    """
    made = meta.with_suffix("")
    if made.exists() and "mutmut" not in made.read_text("utf-8"):
        made.unlink()
    if meta.exists():
        known = json.loads(meta.read_text("utf-8"))
        meta.write_text(json.dumps(to_try_again(known)), "utf-8")


def _run(
    tree: Path, modules: Sequence[str], budget: float, options: argparse.Namespace
) -> Dict[str, str]:
    """Try the modules' mutations; the diff of each that survived, by its name."""
    print(f"{', '.join(modules)}: for up to {budget:.0f} seconds", flush=True)
    plan = [f"{SOURCE / module}={','.join(selection(module))}" for module in modules]
    limits = [f"--budget={budget}", f"--longest={options.longest}", f"--jobs={options.jobs}"]
    command = [sys.executable, "-m", "sandbox.mutant_session", *plan, *limits]
    # Nor do the tests start a real Gerrit that need one, in files of any name.
    environ = {**os.environ, "GERRIT": "fake"}
    with (tree.parent / "mutants.log").open("w") as log:
        status = subprocess.call(command, cwd=tree, stdout=log, stderr=log, env=environ)
    if status:
        told = [one for one in Path(log.name).read_text("utf-8").splitlines() if "FAILED" in one]
        print("\n".join(told) or "The last words are in the log.")
        raise SystemExit(f"The tests failed without a mutation; all that was said: {log.name}.")
    found: Dict[str, str] = json.loads((tree / "shown.json").read_text("utf-8"))
    return found


def _settings(tree: Path, modules: Sequence[str]) -> str:
    """The checkout's settings, with the library below ``src/``, and mutmut's."""
    own = (ROOT / "pyproject.toml").read_text("utf-8")
    own = own.replace('pythonpath = ["actions/lib",', 'pythonpath = ["src",')
    left = ("src", "tests", "mutants", "pyproject.toml")
    copied = [one.name for one in sorted(tree.iterdir()) if one.name not in left]
    return "\n".join(
        [
            own,
            "[tool.mutmut]",
            f'source_paths = ["{SOURCE.parent}"]',
            f"only_mutate = {[str(SOURCE / module) for module in modules]!r}",
            f"also_copy = {copied!r}",
            "track_dependencies = false",
            "use_git_change_detection = false",
            "",
        ]
    )


def selection(module: str) -> List[str]:
    """The tests of the module's room, and those that import the module itself."""
    room, name = module.split("/", maxsplit=1)[0], module.replace(".py", "").replace("/", ".")
    found = (
        file
        for file in sorted((ROOT / "tests").glob("test_*.py"))
        if TESTS[room].match(file.stem) or _imports(file.read_text("utf-8"), name)
    )
    return [f"tests/{file.name}" for file in found if not LEFT_OUT.fullmatch(file.stem)]


def _imports(text: str, name: str) -> bool:
    package, _, last = f"reviewloop.{name}".rpartition(".")
    direct = rf"from {package}\.{last}\b|from {package} import .*\b{last}\b"
    return re.search(direct, text) is not None


if __name__ == "__main__":
    sys.exit(main())
