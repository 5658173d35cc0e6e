"""What came of looking at a change: it was read, or why it was not."""

from __future__ import annotations

from dataclasses import dataclass, field
from sys import intern
from typing import Mapping, NamedTuple, Optional, Tuple, Union

from reviewloop.core.asked import LiveAsk
from reviewloop.core.change import Change
from reviewloop.core.reading import Reading, WaitKey
from reviewloop.errors import ProtocolError
from reviewloop.gerrit import fields, parse
from reviewloop.gerrit.fields import Raw

#: Who is asked about each wait of a change.
Asks = Mapping[WaitKey, Tuple[LiveAsk, ...]]


class ChangeKey(NamedTuple):
    """What tells a change from all others of its server.

    The number alone does not where changes were imported from another server.
    """

    number: int
    project: str

    @classmethod
    def of(cls, change: Change) -> ChangeKey:
        """The key of a change."""
        # One text for all changes of a project.
        return cls(change.number, intern(change.project))


@dataclass(frozen=True)
class Read:
    """A change as Gerrit just answered it.

    :param asks: who is asked about each of its open waits.
    :param oddity: what was not understood, "" if nothing.
    :param is_whole: whether what people said in comments was asked for, as far as turns depend on
        it; of the many changes of a start it is not, until something is to be dispatched of one.
    """

    reading: Reading
    asks: Asks = field(default_factory=dict)
    oddity: str = ""
    is_whole: bool = True

    @property
    def key(self) -> ChangeKey:
        """The change."""
        return ChangeKey.of(self.reading.change)


@dataclass(frozen=True)
class Private:
    """A private change: whatever the search says, nothing on it leaves Gerrit."""

    change: Change

    @property
    def key(self) -> ChangeKey:
        """The change."""
        return ChangeKey.of(self.change)


@dataclass(frozen=True)
class Gone:
    """A change that was asked for and not answered: deleted, out of sight, or out of the search."""

    key: ChangeKey


@dataclass(frozen=True)
class Failed:
    """A change that could not be read, and why; ``key`` is None where not even that is known."""

    key: Optional[ChangeKey]
    why: Exception


Found = Union[Read, Private, Gone, Failed]


def key_of(raw: Raw) -> Optional[ChangeKey]:
    """The change that an answer is about, None where that cannot be told."""
    try:
        return ChangeKey(parse.number_of(raw), fields.text(raw.get("project"), "change"))
    except ProtocolError:
        return None
