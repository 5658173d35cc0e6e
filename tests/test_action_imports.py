"""What an action imports: each run is a new process, and pays for every module again."""

from __future__ import annotations

import subprocess
import sys
from typing import Dict, FrozenSet, Iterable

import pytest

from repository import ROOT

ENTRIES = sorted(path.stem for path in (ROOT / "actions").glob("*.py"))
# Jinja is for whoever writes a text; holidays for who configures a country; the communities for who
# names one; the guessers of encodings for nobody: all answers are UTF-8.
SELDOM = {
    "jinja2",
    "holidays",
    "chardet",
    "charset_normalizer",
    "yaml",
    "difflib",
    "reviewloop.messages.render",
    "reviewloop.settings.communities",
}
ADAPTERS = "reviewloop.trackers.adapters."
# What StackStorm's own process has imported before it reads its datastore for an action: st2client
# brings requests, from the pack's virtualenv (st2common/services/datastore.py, 3.8 to 3.10).
LIBRARIES = {"requests", "urllib3", "idna", "certifi", "chardet", "charset_normalizer"}
# Python 3.8 has no zoneinfo of its own.
LIBRARIES |= {"backports"} if sys.version_info < (3, 9) else set()
# Modules of ours, at most; each is some 0.8 ms.
MOST = {"assess": 109, "ask": 115, "set_hashtags": 104, "sweep": 117}
PRELUDE = f"""
import sys, types
sys.path[:0] = {[str(ROOT / "actions" / "lib"), str(ROOT / "actions")]!r}
for name in ("st2common", "st2common.runners", "st2common.runners.base_action"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["st2common.runners.base_action"].Action = object
before = set(sys.modules)
"""


def run(code: str) -> str:
    """What the code prints in a new process."""
    ran = subprocess.run(
        [sys.executable, "-c", PRELUDE + code],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
        text=True,
    )
    return ran.stdout


def imported(code: str) -> FrozenSet[str]:
    """The modules that a new process has after the code, beside those that Python starts with."""
    return frozenset(run(code + "\nprint(*sorted(set(sys.modules) - before))").split())


def below(modules: Iterable[str], place: str) -> FrozenSet[str]:
    """Those in a package, by the first part of their names within it."""
    inside = (one.split(place, 1)[1] for one in modules if one.startswith(place))
    return frozenset(one.split(".")[0] for one in inside)


@pytest.fixture(scope="module", name="loaded")
def loaded_() -> Dict[str, FrozenSet[str]]:
    """What each entry adds, loaded one after the other in one process: if none may add a module,
    none of them can hide it from the next.
    """
    steps = "\n".join(
        f"import {entry}\nprint({entry!r}, *sorted(set(sys.modules) - before))" for entry in ENTRIES
    )
    lines = (line.split() for line in run(steps).splitlines())
    return {line[0]: frozenset(line[1:]) for line in lines}


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry(entry: str, loaded: Dict[str, FrozenSet[str]]) -> None:
    """To load an action imports nothing that it may never need, and no tracker at all."""
    assert loaded[entry] & SELDOM == set()
    assert below(loaded[entry], ADAPTERS) == set()


@pytest.mark.parametrize("entry", MOST)
def test_number(entry: str) -> None:
    """Loading an action alone imports few modules of ours, and no library that StackStorm's process
    would not have had.
    """
    code = f"""
import {entry}, os.path
home = os.path.dirname(os.path.realpath(os.__file__))
for name in set(sys.modules) - before:
    file = os.path.realpath(getattr(sys.modules[name], "__file__", None) or home)
    if "site-packages" in file or not file.startswith(home):
        print(name)
"""
    found = run(code).split()
    ours = {name for name in found if name.split(".")[0] in {"reviewloop", entry}}

    assert len(ours) <= MOST[entry]
    assert {name.split(".")[0] for name in set(found) - ours} <= LIBRARIES


def test_only_the_configured_tracker() -> None:
    """A configuration is checked by the adapter of its own tracker and no other."""
    config = {
        "url": "https://review.example.org",
        "tracker": {"kind": "github", "project": "o/r", "token": "t"},
    }
    modules = imported(f"from reviewloop.settings.load import load\nload({config!r})")

    assert below(modules, ADAPTERS) == {"github"}
    assert modules & SELDOM == set()


def test_country() -> None:
    """A country's code is told to be right without the holidays of all countries."""
    config = {
        "url": "https://review.example.org",
        "calendar": {"holidays": {"countries": ["DE", "FR"]}},
    }
    modules = imported(f"from reviewloop.settings.load import load\nload({config!r})")

    assert below(modules, "holidays.countries.") == set()


def test_encodings_can_be_guessed() -> None:
    """Whoever else uses requests in the process can have an encoding guessed all the same."""
    code = """
import reviewloop.http.library
from requests.models import Response
answer = Response()
answer._content = "gr\\u00fc\\u00dfe aus M\\u00fcnchen, sch\\u00f6n".encode("utf-8")
assert answer.text.startswith("gr\\u00fc\\u00dfe"), answer.text
"""
    assert imported(code) & {"chardet", "charset_normalizer"}
