"""How far a long command is, on standard error: after two seconds, and never among its results."""

from __future__ import annotations

import sys
from typing import Callable, Iterable, Iterator, Optional, TextIO, TypeVar

from reviewloop.errors import TemporaryError
from reviewloop.http.retry import Timing

T = TypeVar("T")

#: Seconds before anything is shown; between two looks of a terminal's line; between two lines.
QUIET, LIVELY, PLAIN = 2.0, 0.2, 10.0
_CLEAR = "\r\x1b[K"
"""Takes off a terminal what is in its line."""


def waits(err: TemporaryError, pause: float) -> None:
    """Say why nothing goes on for a while, if it is long enough to be noticed."""
    if pause >= QUIET:
        clear = _CLEAR if sys.stderr.isatty() else ""
        sys.stderr.write(f"{clear}{err.message} Trying again in {pause:.0f} s.\n")
        sys.stderr.flush()


def counted(many: Iterable[T], progress: Progress) -> Iterator[T]:
    """Changes one by one, saying how many have been looked at."""
    try:
        for place, one in enumerate(many):
            progress.say(f"changes looked at: {place:,}")
            yield one
    finally:
        progress.done()


class Progress:
    """Says what is going on: one line that changes where there is a terminal, a line now and then
    elsewhere.

    :param stream: standard error, as it is when something is first said.
    :param monotonic: a clock, in seconds.
    """

    def __init__(
        self,
        stream: Optional[TextIO] = None,
        monotonic: Optional[Callable[[], float]] = None,
    ) -> None:
        self._stream = stream or sys.stderr
        self._monotonic = monotonic or Timing().monotonic
        self._begun = self._monotonic()
        self._said: Optional[float] = None
        self._is_open = False

    def say(self, text: str) -> None:
        """Show how far it is, unless something was shown just now."""
        now, live = self._monotonic(), self._stream.isatty()
        if now - self._begun < QUIET:
            return
        if self._said is not None and now - self._said < (LIVELY if live else PLAIN):
            return
        self._said, self._is_open = now, live
        self._stream.write(f"{_CLEAR}{text}" if live else f"{text}\n")
        self._stream.flush()

    def done(self) -> None:
        """Take the line off the terminal."""
        if self._is_open:
            self._stream.write(_CLEAR)
            self._stream.flush()
            self._is_open = False
