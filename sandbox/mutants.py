"""Mutations that no test notices: ``make mutants MODULE=core/turns.py BUDGET=300``.

mutmut changes one thing at a time (a number, a comparison, an argument) and runs the tests that
reach it. It does so in a copy of the checkout below ``.cache/mutants/``, which keeps what is known:
another run goes on from there. What survives and means the same is listed in
``docs/reliability.md`` with the reason, and not told again.
"""

from __future__ import annotations

import argparse
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, Sequence, Tuple

from sandbox.cache import cache_folder

ROOT = Path(__file__).resolve().parents[1]
LIB = Path("actions") / "lib"
PAGE = ROOT / "docs" / "reliability.md"
ALL = ("core", "sensor", "escalation", "trackers/ticketing.py")
# They start servers, need what is not in the copy, or read the code's own text.
LEFT_OUT = re.compile(
    "_(real|loop|sandbox|demo|docs|examples|coverage|contract|interface|preflight|standin|cost"
    "|any_gerrit|slow|sweeping)"
)
_ROW = re.compile(r"^\| `(?P<where>[^`]+)` \| `(?P<change>.+?)` \| (?P<why>.+) \|$", re.MULTILINE)


@dataclass(frozen=True)
class Survivor:
    """A mutation that no test noticed; ``change`` is the line that it makes."""

    where: str
    change: str


def main() -> int:
    """Exit status 1: there are survivors without a reason; 2: not all was tried."""
    options = _options()
    modules = options.module or ALL
    tree = _copied(cache_folder("mutants", "tree"))
    whole = True
    for module in modules:
        whole &= _run(tree, module, options.budget / len(modules), options.jobs)
    found = [one for module in modules for one in _survivors(tree, module)]
    unexplained = [one for one in found if not _is_explained(one, PAGE.read_text("utf-8"))]
    for one in unexplained:
        print(f"| `{one.where}` | `{one.change}` | WHY? |")
    print(f"{len(found)} survivors, {len(unexplained)} without a reason in {PAGE.name}.")
    if not whole:
        print("The budget was too small to try all; run it again to go on.")
    return 1 if unexplained else 0 if whole else 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.mutants", description=__doc__)
    parser.add_argument("module", nargs="*", help="files or folders below reviewloop/")
    parser.add_argument("--budget", type=float, default=900, help="seconds in all")
    parser.add_argument("--jobs", type=int, default=2, help="processes at once")
    return parser.parse_args()


def _copied(tree: Path) -> Path:
    """A copy of what git knows, in which only what has changed is newer."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout
    for name in filter(None, names.decode().split("\0")):
        source, target = ROOT / name, tree / name
        if not source.is_file() or source.is_symlink():
            continue
        if not target.exists() or target.read_bytes() != source.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return tree


def _run(tree: Path, module: str, budget: float, jobs: int) -> bool:
    """Try the mutations of a module; whether there was time for all."""
    settings = (ROOT / "pyproject.toml").read_text("utf-8") + _settings(module)
    (tree / "pyproject.toml").write_text(settings, "utf-8")
    print(f"{module}: {', '.join(_tests(module))}", flush=True)
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(jobs)]
    with (tree.parent / "mutmut.log").open("w") as log:
        process = subprocess.Popen(command, cwd=tree, stdout=log, stderr=log)
        try:
            status = process.wait(budget)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it keeps what it knows by then
            process.wait()
            return False
    if status:
        raise SystemExit(f"mutmut failed; its last words are in {log.name}.")
    return True


def _settings(module: str) -> str:
    target = LIB / "reviewloop" / module
    pattern = str(target) if module.endswith(".py") else f"{target}/*"
    parts = [one.name for one in sorted(ROOT.iterdir()) if not one.name.startswith(".")]
    copied = [name for name in parts if name not in ("actions", "tests", "pyproject.toml")]
    copied += [f"actions/{one.name}" for one in sorted((ROOT / "actions").iterdir())]
    copied.remove("actions/lib")
    return "\n".join(
        [
            "\n[tool.mutmut]",
            f'source_paths = ["{LIB}"]',
            f'only_mutate = ["{pattern}"]',
            f"also_copy = {copied!r}",
            f"pytest_add_cli_args_test_selection = {_tests(module)!r}",
            'pytest_add_cli_args = ["-p", "no:cacheprovider", "-q"]',
            "",
        ]
    )


def _tests(module: str) -> List[str]:
    """The tests of the module's room, and those that import the module itself."""
    room, name = module.split("/", maxsplit=1)[0], module.replace(".py", "").replace("/", ".")
    own = f"test_{room}_" if room != "trackers" else "test_trackers_ticketing"
    files = sorted((ROOT / "tests").glob("test_*.py"))
    found = [f for f in files if f.stem.startswith(own) or _imports(f.read_text("utf-8"), name)]
    return [f"tests/{file.name}" for file in found if not LEFT_OUT.search(file.stem)]


def _imports(text: str, name: str) -> bool:
    package, _, last = f"reviewloop.{name}".rpartition(".")
    direct = rf"from {package}\.{last}\b|from {package} import .*\b{last}\b"
    return re.search(direct, text) is not None


def _survivors(tree: Path, module: str) -> Iterator[Survivor]:
    told = _mutmut(tree, "results")
    place = (LIB / "reviewloop" / module).with_suffix("").relative_to(LIB)
    start = ".".join(place.parts)
    for name, state in re.findall(r"^\s+(\S+): (.+)$", told, re.MULTILINE):
        if state in ("survived", "no tests") and name.startswith(start):
            yield Survivor(_where(name), _change(_mutmut(tree, "show", name)))


def _where(name: str) -> str:
    """``core.turns._held`` for ``reviewloop.core.turns.x__held__mutmut_3``."""
    module, _, function = name.partition("__mutmut_")[0].rpartition(".")
    function = re.sub(r"^x_", "", function).replace("xǁ", "").replace("ǁ", ".")
    return f"{module.replace('reviewloop.', '', 1)}.{function}"


def _change(diff: str) -> str:
    lines = [line for line in diff.splitlines() if re.match(r"[-+] ", line)]
    halves: Dict[str, List[str]] = {"-": [], "+": []}
    for line in lines:
        halves[line[0]].append(line[1:].strip())
    return f"{' '.join(halves['-'])} → {' '.join(halves['+'])}".replace("|", "\\|")


def _mutmut(tree: Path, *words: str) -> str:
    command = [sys.executable, "-m", "mutmut", *words]
    return subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, text=True, check=False).stdout


def _is_explained(one: Survivor, page: str) -> bool:
    rows: Sequence[Tuple[str, str, str]] = _ROW.findall(page)
    return any((where, change) == (one.where, one.change) for where, change, _ in rows)


if __name__ == "__main__":
    sys.exit(main())
