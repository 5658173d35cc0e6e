"""`reviewloop report` of a server, as a process of its own, and what that took.

Shared by the figures (`benchmarks.report_real`) and by the tests.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Sequence

from sandbox.pages import ROOT
from sandbox.relay import Passed, Relay


@dataclass(frozen=True)
class Made:
    """A report.

    :ivar status: as a shell has it; below zero where a signal ended it.
    :ivar seconds: of wall time; ``cpu``: of processor time.
    :ivar memory: bytes at most.
    :ivar numbers: what it printed (JSON); ``page``: what it wrote (HTML).
    :ivar errors: what it said on standard error.
    """

    status: int
    seconds: float
    cpu: float
    memory: int
    numbers: bytes
    page: bytes
    errors: str


class Reading:
    """Reports of one server with one cache, each of the same kind.

    :param relay: through which the server is read.
    :param folder: where pages and caches are put.
    """

    def __init__(self, relay: Relay, folder: Path, arguments: Sequence[str] = ()) -> None:
        self._relay = relay
        self._folder = folder
        self._arguments = list(arguments)

    def make(self, cache: str, *, kill_at: int = 0) -> Made:
        """Make one.

        :param cache: the name of its folder for what was read.
        :param kill_at: end it with SIGKILL when this request arrives, which nobody answers.
        """
        page = self._folder / "report.html"
        page.unlink(missing_ok=True)
        out, err = self._folder / "out", self._folder / "err"
        began = time.monotonic()
        with out.open("wb") as printed, err.open("wb") as told:
            running = subprocess.Popen(
                self._command(cache, page), stdout=printed, stderr=told, env=_environment()
            )
            if kill_at:
                self._relay.before = lambda place: _kill(running.pid, place >= kill_at)
            _, ended, taken = os.wait4(running.pid, 0)
        seconds = time.monotonic() - began
        running.returncode = _status(ended)
        return Made(
            running.returncode,
            seconds,
            taken.ru_utime + taken.ru_stime,
            taken.ru_maxrss * 1024,
            out.read_bytes(),
            page.read_bytes() if page.exists() else b"",
            err.read_text(encoding="utf-8", errors="replace"),
        )

    def _command(self, cache: str, page: Path) -> List[str]:
        program = [sys.executable, "-m", "reviewloop.cli", "report", "--url", self._relay.url]
        where = ["--cache", str(self._folder / cache), "--out", str(page), "--json"]
        return [*program, *where, *self._arguments]


def asked_twice(passed: Sequence[Passed]) -> List[int]:
    """Changes whose histories were answered more than once."""
    asked = Counter(number for one in passed if not one.fault for number in one.histories)
    return [number for number, times in asked.items() if times > 1]


def _kill(pid: int, is_due: bool) -> None:
    if is_due:
        os.kill(pid, signal.SIGKILL)
        # Its request must not be answered, or not counted as answered: it was not heard.
        raise ConnectionAbortedError


def _status(ended: int) -> int:
    """As ``os.waitstatus_to_exitcode``, which Python 3.8 does not have."""
    return -os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)


def _environment() -> Dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "actions" / "lib")}
