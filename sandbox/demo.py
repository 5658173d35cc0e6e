"""The whole loop in front of your eyes: Gerrit, a tracker and the pack, over four working days.

    python -m sandbox.demo

See `sandbox.story` for what is played. Status 0 when all went well, 1 when something in the story
failed, 2 when it could not start, 128 and the signal's number when it was stopped.
Nothing is sent to anywhere but this machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator, TextIO

from sandbox.gerrit.choice import choice
from sandbox.ports import SandboxError, spare_loopback

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asks for the end. Not an Exception: what the pack catches must not catch this."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def main() -> int:
    """Play the story; the process's status."""
    for number in _SIGNALS:
        signal.signal(number, _stop)
    for stream in (sys.stdout, sys.stderr):
        _never_fail_on_letters(stream)
    spare_loopback()
    try:
        with _own_folder():
            return _play()
    except SandboxError as err:
        print(f"The demo cannot run: {err}", file=sys.stderr)
        return 2
    except Stopped as err:
        print(f"\nStopped ({err}). Servers and folders are gone.", file=sys.stderr)
        return 128 + err.number
    except BrokenPipeError:
        # What is still buffered has nowhere to go either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print("Stopped: nobody reads the output. Servers and folders are gone.", file=sys.stderr)
        return 128 + signal.SIGPIPE


def _play() -> int:
    chosen = choice()
    from sandbox.story import play  # noqa: PLC0415 - slow, and signals are heeded from here on

    return play(chosen)


def _stop(number: int, _frame: Any) -> None:
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # the end is not interrupted
    raise Stopped(number)


def _never_fail_on_letters(stream: TextIO) -> None:
    """In a POSIX locale a letter that cannot be written becomes a question mark."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


@contextmanager
def _own_folder() -> Iterator[None]:
    """All temporary files in one folder, which goes whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="reviewloop-demo-"))
    folder.chmod(0o711)  # servers may give root's privileges up
    before = tempfile.tempdir
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
