"""Free ports, waiting for a server to come up, and ending the processes we started ourselves."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, List, Optional

LOOPBACK = "127.0.0.1"
LOG_LINES_SHOWN = 40
_kept: List[socket.socket] = []


class SandboxError(RuntimeError):
    """Something the sandbox needs is missing or did not start; the message says what to do."""


def free_port() -> int:
    """A free TCP port of the loopback interface, for a server; nobody else gets it meanwhile.

    On Linux two sockets that both reuse addresses, as those of servers do, may have one port if
    at most one listens (socket(7), SO_REUSEADDR). So we hold it until this process ends.
    Elsewhere the port was free a moment ago.
    """
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind((LOOPBACK, 0))
    port = int(probe.getsockname()[1])
    if sys.platform == "linux":
        _kept.append(probe)
    else:
        probe.close()
    return port


def spare_loopback() -> None:
    """Let no proxy of the environment get what this process and its children send to loopback."""
    for name in ("NO_PROXY", "no_proxy"):
        spared = [os.environ[name]] if os.environ.get(name) else []
        os.environ[name] = ",".join([*spared, LOOPBACK, "localhost"])


def accepts(port: int) -> bool:
    """Whether something listens on this loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1):
            return True
    except OSError:
        return False


def wait_until(
    ready: Callable[[], bool],
    what: str,
    *,
    timeout: float = 600.0,
    process: Optional[subprocess.Popen[Any]] = None,
    log: Optional[Path] = None,
) -> None:
    """Return once ``ready()`` is true.

    :param what: the thing waited for, for the error message.
    :param timeout: seconds; many, since a busy machine is no fault.
    :param process: give up at once when it ends.
    :param log: its last lines are shown in the error.
    :raises SandboxError: not ready in time, or the process ended.
    """
    give_up = time.monotonic() + timeout
    while not ready():
        if process is not None and process.poll() is not None:
            raise SandboxError(f"{what}: ended with status {process.returncode}.{tail(log)}")
        if time.monotonic() > give_up:
            raise SandboxError(f"{what}: not up after {timeout:.0f} s.{tail(log)}")
        time.sleep(0.05)


def end_process(process: subprocess.Popen[Any], grace: float = 15.0) -> None:
    """End a process that we started: SIGTERM, wait up to ``grace`` seconds, then SIGKILL."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def tail(log: Optional[Path]) -> str:
    """The last lines of a log file, to be put behind a sentence; empty when there are none."""
    if log is None or not log.exists():
        return ""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES_SHOWN:]
    return "\n".join(["", f"The end of {log}:", *lines])
