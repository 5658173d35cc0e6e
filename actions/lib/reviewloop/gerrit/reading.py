"""How Gerrit's answers are read, where whoever answers may have read them already."""

from __future__ import annotations

from typing import Protocol

from reviewloop.core.change import Change
from reviewloop.core.policy import Policy
from reviewloop.core.reading import Reading, read_change
from reviewloop.gerrit import parse
from reviewloop.gerrit.fields import Raw


class Reads(Protocol):
    """Reads answers. Whoever is answered the same often keeps what came of it."""

    def parsed(self, raw: Raw) -> Change:
        """What a search answered. :raises ProtocolError: the change makes no sense."""

    def read_raw(self, raw: Raw, policy: Policy) -> Reading:
        """The same, read. :raises ProtocolError: the change makes no sense."""

    def read_change(self, change: Change, policy: Policy) -> Reading:
        """A change, read."""


class ReadAnew:
    """Keeps nothing."""

    def parsed(self, raw: Raw) -> Change:
        """What a search answered. :raises ProtocolError: the change makes no sense."""
        return parse.change(raw)

    def read_raw(self, raw: Raw, policy: Policy) -> Reading:
        """The same, read. :raises ProtocolError: the change makes no sense."""
        return read_change(parse.change(raw), policy)

    def read_change(self, change: Change, policy: Policy) -> Reading:
        """A change, read."""
        return read_change(change, policy)


READ_ANEW = ReadAnew()
