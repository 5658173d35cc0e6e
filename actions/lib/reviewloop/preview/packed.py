"""One change as a preview keeps it: its history, packed, and what is told of it without that."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import FrozenSet, Tuple

from reviewloop.core.change import Change, ChangeStatus
from reviewloop.core.commands import Verb
from reviewloop.core.keys import change_ident
from reviewloop.gerrit.fields import Raw
from reviewloop.preview.past import Beat, beats
from reviewloop.preview.searches import Shown

VERBS = frozenset(verb.value for verb in Verb)
CLOSED = frozenset(status.value for status in ChangeStatus if status.is_closed)
_VERB = re.compile(rf"\b(?:{'|'.join(sorted(VERBS))})\b")


@dataclass(frozen=True)
class Packed:
    """One change, as it was read.

    :param idle: since when nothing happened to it.
    :param watched: whether the configured query found it.
    """

    ident: str
    number: int
    project: str
    branch: str
    topic: str
    owner: int
    idle: datetime
    status: str
    beats: Tuple[Beat, ...]
    blob: bytes
    words: FrozenSet[str]
    watched: bool = True

    @property
    def raw(self) -> Raw:
        """The change as Gerrit answered it."""
        found: Raw = json.loads(zlib.decompress(self.blob))
        return found

    def was_over(self, since: datetime) -> bool:
        """Whether it was closed before an instant, which a message tells, and nothing happened to
        it after that: then every wait on it has ended by then.
        """
        last = self.beats[-1]
        is_closed = last.status in CLOSED and self.status in CLOSED
        return is_closed and max(last.at, self.idle) < since

    def shown(self, status: str, updated: datetime) -> Shown:
        """What an index has of it."""
        return Shown(
            number=self.number,
            project=self.project,
            branch=self.branch,
            topic=self.topic,
            owner=self.owner,
            is_open=status not in CLOSED,
            updated=updated,
            watched=self.watched,
            words=self.words,
        )


def pack(change: Change, text: str, *, watched: bool) -> Packed:
    """A change as it was read.

    :param text: the answer of which it was parsed, as JSON.
    """
    return Packed(
        ident=change_ident(change.number, change.project),
        number=change.number,
        project=change.project,
        branch=change.branch,
        topic=change.topic,
        owner=change.owner.id,
        idle=change.updated,
        status=change.status.value,
        beats=beats(change),
        blob=zlib.compress(text.encode(), 1),
        words=verbs_in(" ".join(message.text for message in change.messages)),
        watched=watched,
    )


def verbs_in(text: str) -> FrozenSet[str]:
    """The words of commands in a text, as an index of words finds them."""
    return frozenset(_VERB.findall(text.lower()))
