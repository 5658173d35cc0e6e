"""Runs Gerrit on a prepared site, and speaks with its control port: clock, requests, faults.

Why over 300 lines: one process and its control port, one method for each thing it can be asked.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Union

import requests

from sandbox.gerrit.artifacts import Distribution
from sandbox.gerrit.people import ADMIN, ADMIN_PASSWORD, Person
from sandbox.ports import LOOPBACK, SandboxError, end_process, free_port, tail, wait_until

Moment = Union[str, datetime]
START_ATTEMPTS = 3

# Gerrit writes the server's id into every commit of its NoteDb: a packed site must keep it.
# No cache directory: a site packs small and starts faster without caches on disk.
CONFIG = """\
[gerrit]
  basePath = git
  canonicalWebUrl = {url}/
  serverId = 5c1f6d1e-0c0b-4f0a-9a57-1f3b7e0a2d64
[httpd]
  listenUrl = {url}/
  filterClass = reviewloop.launcher.FrontFilter
[sshd]
  listenAddress = off
[auth]
  type = DEVELOPMENT_BECOME_ANY_ACCOUNT
  gitBasicAuthPolicy = HTTP
  userNameCaseInsensitive = true
[sendemail]
  enable = false
[index]
  type = lucene
"""
_LOGGING = (
    "-Dflogger.backend_factory="
    "com.google.common.flogger.backend.log4j.Log4jBackendFactory#getInstance",
    "-Dflogger.logging_context=com.google.gerrit.server.logging.LoggingContext#getInstance",
)


@dataclass(frozen=True)
class SeenRequest:
    """One request as it arrived at the server: ``path`` and ``query`` as sent, percent-encoded."""

    method: str
    path: str
    query: str


def instant(moment: Moment) -> datetime:
    """An aware UTC time from ISO-8601 text (``Z`` or an offset required) or an aware datetime.

    :raises ValueError: not ISO-8601, or without a time zone.
    """
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: end it with Z")
    return moment.astimezone(timezone.utc)


def init_site(directory: Path, parts: Distribution) -> None:
    """Let Gerrit's own init make an empty site here, with its administrator.

    :raises SandboxError: init failed; the message ends with what it printed.
    """
    (directory / "etc").mkdir(parents=True)
    _write_config(directory, f"http://{LOOPBACK}:{free_port()}")
    _run_once("init", directory, parts)


def reindex_site(directory: Path, parts: Distribution) -> None:
    """Let Gerrit's own reindex read all changes of a site that does not run.

    :raises SandboxError: it failed; the message ends with what it printed.
    """
    _run_once("reindex", directory, parts)


def _run_once(program: str, directory: Path, parts: Distribution) -> None:
    log = directory / f"{program}.log"
    with log.open("wb") as output:
        done = subprocess.run(
            _launcher(parts, program, str(directory)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise SandboxError(f"Gerrit's {program} ended with status {done.returncode}.{tail(log)}")


class Daemon:
    """Gerrit running on a site directory, on free loopback ports; a context manager.

    The clock starts frozen. ``url`` (Gerrit) and ``control_url`` (ours) have no slash at their end.

    :param record: write an archive of the loaded classes here when it ends, see `Distribution`.
    :param ports: answers a port that is probably free.
    """

    def __init__(
        self,
        directory: Path,
        parts: Distribution,
        start: Moment,
        *,
        record: Optional[Path] = None,
        ports: Callable[[], int] = free_port,
    ) -> None:
        self.directory = directory
        self.log = directory / "gerrit.log"
        self.parts = parts
        self._start = instant(start)
        self._record = record
        self._ports = ports
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._control = requests.Session()
        self._control.trust_env = False
        self.control_url = ""
        self.url = ""

    def start(self) -> None:
        """Start and wait until Gerrit answers.

        :raises SandboxError: it did not; the message ends with the end of its log, which is kept.
        """
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                self._start_once(self._ports(), self._ports())
            except SandboxError:
                if attempt == START_ATTEMPTS or not self._port_was_taken():
                    raise
            else:
                break
        self.reset_requests()

    def _start_once(self, port: int, control: int) -> None:
        self.url, self.control_url = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{control}"
        _write_config(self.directory, self.url)
        command = _launcher(
            self.parts, "run", str(self.directory), str(control), _text(self._start)
        )
        command[1:1] = self._class_sharing()
        # The launcher ends when its standard input does: Gerrit does not outlive a killed test run.
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            wait_until(self._answers, "Gerrit", process=self._process, log=self.log)
        except BaseException:
            Daemon.stop(self)  # Not a subclass's, which may remove the log.
            raise

    def _port_was_taken(self) -> bool:
        """Whether somebody else took a port between our look and our use."""
        return "Address already in use" in self.log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """End Gerrit; nothing happens if it does not run."""
        if self._process is None:
            return
        end_process(self._process, grace=60 if self._record else 15)
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None
        self._control.close()

    def pause(self) -> None:
        """End Gerrit for a while; site, addresses and time are kept for `resume`.

        :raises SandboxError: it does not run.
        """
        if not self.runs:
            raise SandboxError("Gerrit does not run: there is nothing to pause.")
        self._start = self.now()
        Daemon.stop(self)  # Not a subclass's, which may remove the site.

    def resume(self) -> None:
        """Start Gerrit again where `pause` left it; its clock stands still then, as at first.

        :raises SandboxError: it runs, was never started, or somebody else took its port.
        """
        if self.runs or not self.url:
            raise SandboxError("Gerrit is not paused: there is nothing to resume.")
        port, control = (int(url.rpartition(":")[2]) for url in (self.url, self.control_url))
        self._start_once(port, control)

    @property
    def runs(self) -> bool:
        """Whether it was started, and neither stopped nor paused since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """The process id.

        :raises SandboxError: it does not run.
        """
        if self._process is None:
            raise SandboxError("Gerrit does not run: start it first.")
        return self._process.pid

    def person(self, username: str, password: Optional[str] = None) -> Person:
        """Act as this account; the password may be left out for those of the standard site."""
        return Person(self.url, username, password)

    @property
    def admin(self) -> Person:
        """Act as Gerrit's first administrator."""
        return self.person(ADMIN, ADMIN_PASSWORD)

    # The clock

    def at(self, moment: Moment) -> datetime:
        """Freeze the clock at this instant, which may lie before the present one."""
        return self._clock(freeze="", set=_text(instant(moment)))

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Step the clock by whole seconds; it stays frozen if it was."""
        step = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return self._clock(advance=str(round(step.total_seconds())))

    def run_clock(self) -> datetime:
        """Let the clock run on from where it stands."""
        return self._clock(run="")

    def now(self) -> datetime:
        """What time it is at the server."""
        return self._clock()

    def _clock(self, **parameters: str) -> datetime:
        millis = int(self._ask("/clock", parameters)["millis"])
        return datetime.fromtimestamp(millis / 1000, timezone.utc)

    # What arrived

    def requests(self) -> List[SeenRequest]:
        """What arrived since the last reset, in order (of very many only the newest 5000)."""
        return [SeenRequest(**seen) for seen in self._ask("/requests")["requests"]]

    def reset_requests(self) -> None:
        """Forget what arrived."""
        self._ask("/requests", {"reset": ""})

    # Faults

    def fault(
        self,
        kind: str,
        match: str = "",
        count: int = 1,
        *,
        method: str = "",
        retry_after: str = "",
    ) -> None:
        """Play a fault on the next ``count`` requests whose path holds the pattern ``match``.

        :param kind: ``status:CODE`` (answer so, without doing the work), ``html`` (200 with a login
            page, without doing the work), ``drop_before`` and ``drop_after`` (close the connection
            without an answer, before or after the work was done), ``delay:MS`` (do the work late).
        :param match: a Java regular expression, sought in the path as sent (percent-encoded,
            without the query); empty matches all.
        :param method: only this HTTP method; empty for all.
        :param retry_after: value of the ``Retry-After`` header of a ``status`` fault.
        :raises SandboxError: an unknown kind.
        """
        wanted = {"kind": kind, "match": match, "count": str(count), "method": method}
        self._ask("/fault", {**wanted, "retry_after": retry_after})

    def clear_faults(self) -> None:
        """Drop all faults that still wait for a request."""
        self._ask("/fault", {"clear": ""})

    def waiting_faults(self) -> int:
        """How many requests the faults still wait for."""
        return sum(fault["left"] for fault in self._ask("/fault")["waiting"])

    def _ask(self, path: str, parameters: Optional[Dict[str, str]] = None) -> Any:
        answer = self._control.get(self.control_url + path, params=parameters, timeout=10)
        if not answer.ok:
            raise SandboxError(f"Gerrit's control port refused {path}: {answer.json()['error']}")
        return answer.json()

    def _class_sharing(self) -> List[str]:
        """A JVM that cannot use an archive goes on without it, so a stale one does no harm."""
        base, archive = self.parts.base_classes, self.parts.loaded_classes
        archives = [str(base)] if base else []
        if self._record:
            record = [f"-XX:ArchiveClassesAtExit={self._record}"]
            return record + [f"-XX:SharedArchiveFile={one}" for one in archives]
        archives += [str(archive)] if archive.exists() else []
        return [f"-XX:SharedArchiveFile={os.pathsep.join(archives)}"] if archives else []

    def _answers(self) -> bool:
        try:
            answer = self._control.get(f"{self.url}/config/server/version", timeout=10)
        except requests.ConnectionError:
            return False
        return bool(answer.ok)


def _launcher(parts: Distribution, *arguments: str) -> List[str]:
    main = ("reviewloop.launcher.Launcher", *arguments)
    return [str(parts.java), *parts.jvm, *_LOGGING, "-cp", parts.class_path, *main]


def _write_config(directory: Path, url: str) -> None:
    config = directory / "etc" / "gerrit.config"
    config.write_text(CONFIG.format(url=url), encoding="utf-8")


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
