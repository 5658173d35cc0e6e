"""Names that are the same whenever they are computed: event ids, ticket keys, and the marks on our
messages.

A mark is the last line of every message this pack posts. It says what was asked of whom, so that a
second run finds its own words, and so that the history alone tells who was asked.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Tuple
from urllib.parse import quote

from reviewloop.core.change import Message

KEY_PATTERN = re.compile(r"grv-[0-9a-f]{16}")
"""The key of one escalation: legal as label, tag, keyword and field value in all known trackers."""

_NUMBER = re.compile(r"[0-9]{1,10}")
_MARK = re.compile(
    r"\[st2-gerrit (?P<purpose>[a-z_]{1,32}) (?P<id>[0-9a-f]{16})"
    r"(?: asked=(?P<asked>[0-9]{1,10}(?:,[0-9]{1,10})*))?\]"
)


@dataclass(frozen=True)
class Mark:
    """``purpose`` (a small word), ``id`` (16 hex digits), ``asked`` (account ids)."""

    purpose: str
    id: str
    asked: Tuple[int, ...] = ()

    def __str__(self) -> str:
        asked = " asked=" + ",".join(map(str, self.asked)) if self.asked else ""
        return f"[st2-gerrit {self.purpose} {self.id}{asked}]"

    @property
    def key(self) -> str:
        """What identifies the mark among messages: the same for whoever is asked."""
        return f"[st2-gerrit {self.purpose} {self.id}"


def marks_of(message: Message) -> Tuple[Mark, ...]:
    """The mark in a message, none or one; the caller says whether its author is to be believed.

    Only the last line is one: above it a message of our own may repeat what others wrote.
    """
    found = _MARK.fullmatch(message.text.rstrip().rsplit("\n", 1)[-1])
    if found is None:
        return ()
    asked = (found["asked"] or "").split(",")
    return (Mark(found["purpose"], found["id"], tuple(int(one) for one in asked if one)),)


def event_id(
    server: str, number: int, party: str, since: datetime, milestone: str, project: str = ""
) -> str:
    """``<server>:<number>:<party>:<since, epoch s>:<milestone>``.

    :param project: the change's, where the server has another one of that number (changes imported
        from another server): then ``<project, quoted>~<number>`` stands for the number.
    """
    change = f"{quote(project, safe='')}~{number}" if project else str(number)
    return f"{server}:{change}:{party}:{int(since.timestamp())}:{milestone}"


def event_order(event: str) -> Tuple[int, str]:
    """Where an event id stands among those of one second: by the change's number, then as text."""
    change = event.rsplit(":", 4)[1:2]
    number = change[0].rpartition("~")[2] if change else ""
    return (int(number) if _NUMBER.fullmatch(number) else 0, event)


def digest(*parts: object) -> str:
    """16 hex digits of SHA-256 over the parts."""
    told = "|".join(map(str, parts)).encode("utf-8", "backslashreplace")
    return hashlib.sha256(told).hexdigest()[:16]


def ticket_key(server: str, number: int) -> str:
    """The key of a change's ticket: 20 characters of ``[a-z0-9-]``, legal as a label, tag or
    keyword everywhere.
    """
    return "grv-" + digest("ticket", server, number)
