"""StackStorm's services as processes of this machine: ended, started again, and what they cost.

How a StackStorm is run is its operator's business. ``ST2_SERVICES`` names a folder with the handles
that faults need: ``start.sh``, ``stop.sh`` and ``kill.sh``, to which names of services are given.
"""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Set, Tuple

from sandbox.ports import SandboxError

KEY = "ST2_SERVICES"
SCRIPTS = ("start.sh", "stop.sh", "kill.sh")
RUNNERS = "actionrunner"
RUNNER = f"{RUNNERS}1"
RABBIT = "rabbitmq"
DATABASE = "mongo"
SENSORS = "sensorcontainer"
SECOND_SENSOR = f"{SENSORS}2"
#: StackStorm's own services, without their ``st2``; a number may follow.
OWN = (
    RUNNERS,
    "api",
    "auth",
    "garbagecollector",
    "notifier",
    "rulesengine",
    "scheduler",
    SENSORS,
    "stream",
    "timersengine",
    "workflowengine",
)
#: For one script, in seconds.
PATIENCE = 300
TICKS = os.sysconf("SC_CLK_TCK")


def missing(folder: str) -> str:
    """Why StackStorm's services cannot be stopped through this folder; empty if they can.

    :param folder: the value of ``ST2_SERVICES``.
    """
    names = ", ".join((RUNNER, RABBIT, DATABASE, SECOND_SENSOR))
    remedy = f"name a folder with executable {', '.join(SCRIPTS)} that take: {names}"
    if not folder:
        return f"{KEY} is not set: {remedy}"
    lacking = [name for name in SCRIPTS if not _executable(Path(folder) / name)]
    if lacking:
        return f"{KEY}={folder} has no executable {', '.join(lacking)}: {remedy}"
    if not any(is_own(file.stem) for file in (Path(folder) / "run").glob("*.pid")):
        return f"{KEY}={folder} has no run/NAME.pid of a service of StackStorm: write them there"
    return ""


def is_own(name: str) -> bool:
    """Whether this is a service of StackStorm itself: not the message bus, not the database."""
    return name.rstrip("0123456789") in OWN


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


class Services:
    """The services by name, known by ``run/<service>.pid``.

    Those that run at first are started again when they end by themselves. systemd does that for a
    packaged StackStorm, whose scheduler and runners count on it: they end when the database goes.

    :param folder: of the scripts; None: no service can be touched.
    """

    def __init__(self, folder: Optional[Path] = None) -> None:
        self._folder = folder
        self._ended: List[str] = []
        self._added: List[str] = []
        self._kept: Set[str] = set(self.running())
        self.revived: List[str] = []
        self.restarted: List[str] = []

    def running(self) -> Dict[str, int]:
        """Service -> process id, of those with a file of it."""
        found: Dict[str, int] = {}
        if self._folder is None:
            return found
        for file in sorted((self._folder / "run").glob("*.pid")):
            pid = int(file.read_text(encoding="ascii").strip() or 0)
            if cpu_seconds(pid) is not None:
                found[file.stem] = pid
        return found

    def start(self, *names: str) -> None:
        """Start services."""
        self._call("start", names)
        for name in names:
            if name in self._ended:
                self._ended.remove(name)
            else:
                self._added.append(name)
        self._kept.update(set(names) & set(self.running()))

    def stop(self, *names: str) -> None:
        """End services in good order."""
        self._end("stop", names)

    def kill(self, *names: str) -> None:
        """End services with SIGKILL; their children live on."""
        self._end("kill", names)

    def revive(self) -> None:
        """Start what has ended though nobody ended it."""
        gone = sorted(self._kept - set(self.running()))
        if gone:
            self.revived += gone
            self._call("start", gone)

    def restart_own(self) -> None:
        """End all of StackStorm's own services at once, and start them again.

        An installation has to do that when the message bus was away: what a service of StackStorm
        3.9 wanted to send meanwhile leaves its connection closed for ever.
        """
        names = sorted(name for name in self._kept if is_own(name))
        if names:
            with ThreadPoolExecutor(len(names)) as pool:
                list(pool.map(lambda name: self._call("stop", [name]), names))
            self._call("start", names)
            self.restarted += names

    def restore(self) -> None:
        """Start what was ended here, and end what was started here."""
        for name in list(self._ended):
            self.start(name)
        for name in list(self._added):
            self.stop(name)

    def _end(self, verb: str, names: Sequence[str]) -> None:
        # Noted first: what a script did before it failed has to be undone too.
        self._kept.difference_update(names)
        for name in names:
            if name in self._added:
                self._added.remove(name)
            else:
                self._ended.append(name)
        self._call(verb, names)

    def _call(self, verb: str, names: Sequence[str]) -> None:
        if self._folder is None:
            raise SandboxError(f"{verb} {' '.join(names)}: {missing('')}.")
        command = [str(self._folder / f"{verb}.sh"), *names]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)


class Meter:
    """Processor time by name, from its making on; processes may come and go between two looks."""

    def __init__(self) -> None:
        self._first: Dict[Tuple[str, int], float] = {}
        self._last: Dict[Tuple[str, int], float] = {}

    def look(self, pids: Dict[str, int], *, since_birth: bool = True) -> None:
        """Read every process; one that is new counts from its birth, or from now."""
        for name, pid in pids.items():
            seconds = cpu_seconds(pid)
            if seconds is not None:
                self._first.setdefault((name, pid), 0.0 if since_birth else seconds)
                self._last[name, pid] = seconds

    def seconds(self) -> Dict[str, float]:
        """Seconds by name, those of children that were waited for included."""
        spent: Dict[str, float] = {}
        for key, last in self._last.items():
            spent[key[0]] = spent.get(key[0], 0.0) + last - self._first[key]
        return spent


def cpu_seconds(pid: int) -> Optional[float]:
    """Seconds that a process and its ended children ran; None when it has ended."""
    stat = stat_of(pid)
    return None if stat is None else stat.own + stat.ended


@dataclass(frozen=True)
class Stat:
    """What a process has cost so far, in seconds of processor time.

    :ivar ended: of its children that ended and were waited for, and of theirs.
    """

    parent: int
    own: float
    ended: float


def stat_of(pid: int) -> Optional[Stat]:
    """What a process has cost; None when it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return parse_stat(text)


def parse_stat(text: str) -> Optional[Stat]:
    """A line of ``/proc/PID/stat``, as proc(5) has it; None of a process that has ended.

    The second field, the program's name in brackets, may hold anything, brackets and spaces too.
    """
    fields = text.rpartition(")")[2].split()
    if fields[0] == "Z":
        return None
    user, system, children_user, children_system = (int(ticks) / TICKS for ticks in fields[11:15])
    return Stat(int(fields[1]), user + system, children_user + children_system)


def children(pid: int) -> List[int]:
    """The process ids of those whose parent this is."""
    found = ((int(file.name), stat_of(int(file.name))) for file in Path("/proc").glob("[0-9]*"))
    return sorted(child for child, stat in found if stat is not None and stat.parent == pid)
