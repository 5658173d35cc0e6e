"""Votes in the records that Gerrit itself writes: which a new patch set keeps, which are deleted.

People's words stand in the same messages, so each list is looked for exactly where Gerrit writes it
and nowhere else:

- ``ReplaceOp.java`` and ``PatchSetInserter.java`` put the lists of ``ApprovalsUtil.java`` at the
  very end of an upload's message, below the push message;
- ``DeleteVoteOp.java`` begins with ``Removed Code-Review+2 by <account>``, and the reason follows;
- ``DeleteReviewerOp.java`` begins with ``Removed reviewer <account> with the following votes:``,
  and the list is the next paragraph.
"""

from __future__ import annotations

import re
from typing import FrozenSet, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from reviewloop.core.policy import VOTE, Vote

COPIED, OUTDATED = "Copied Votes:", "Outdated Votes:"
_LISTED = "with the following votes:"

_DELETED = re.compile(rf"(?:Removed|\*) ({VOTE}) by (.*)")
# In a line such as `* Code-Review+1 by <GERRIT_ACCOUNT_7>, Code-Review+2 (copy condition: …)`
# (approvers are named where the condition asks who they are).
_COPIED = re.compile(rf"(?:^\*|,) ({VOTE})(?=,| by |$)")
_TEMPLATE = re.compile(r"<GERRIT_ACCOUNT_([0-9]{1,10})>")
# How an account without a template is told: `Somebody <mail>`, or `Somebody (7)` without a mail.
_MAIL, _NUMBER = re.compile(r"<([^<>]*)>$"), re.compile(r"\(([0-9]{1,10})\)$")


class VoteOf(NamedTuple):
    """A vote of one account, or of anybody who cast it (None)."""

    vote: Vote
    account: Optional[int] = None


Votes = FrozenSet[VoteOf]


def copies(text: str) -> Tuple[Votes, Votes]:
    """The votes that an upload keeps, and those that it does not, as its message lists them.

    Above the one list of Gerrit's may stand another, made up in the push message; but Gerrit lists
    every vote there was, so what it calls outdated below is not copied, whatever stands above.
    """
    if COPIED not in text and OUTDATED not in text:
        return frozenset(), frozenset()
    lines = text.rstrip().split("\n")
    outdated = _list(lines, OUTDATED)
    while outdated and lines and not lines[-1].strip():
        lines.pop()
    return _votes(_list(lines, COPIED)), _votes(outdated)


def _list(lines: List[str], heading: str) -> List[str]:
    """Take the list under a heading off the end of the lines; empty where there is none."""
    begin = len(lines)
    while begin and lines[begin - 1].startswith("* "):
        begin -= 1
    head = begin - 1
    if not 0 < begin < len(lines) or lines[head].rstrip() != heading:
        return []
    found = lines[begin:]
    del lines[head:]
    return found


def _votes(lines: List[str]) -> Votes:
    return frozenset(one for line in lines for one in _of_line(line.split(" (")[0].rstrip()))


def _of_line(line: str) -> Iterator[VoteOf]:
    matches = list(_COPIED.finditer(line))
    ends = [match.start() for match in matches[1:]] + [len(line)]
    for match, end in zip(matches, ends):
        vote = Vote.parse(match.group(1))
        named = _TEMPLATE.findall(line, match.end(), end)
        yield from [VoteOf(vote, int(one)) for one in named] or [VoteOf(vote)]


def deletions(text: str, addresses: Mapping[str, Optional[int]]) -> Votes:
    """The votes that a deletion's message takes away; empty where it is about none.

    :param addresses: e-mail address -> account of the people on the change; None where several bear
        one. A vote whose account cannot be told is taken from whoever cast it.
    """
    first, *below = text.split("\n")
    one = _DELETED.match(first)
    if one is not None:
        return frozenset([_taken(one, addresses)])
    if not first.rstrip().endswith(_LISTED):
        return frozenset()
    matches = (_DELETED.match(line) for line in _paragraph(below))
    return frozenset(_taken(match, addresses) for match in matches if match is not None)


def _paragraph(lines: List[str]) -> Iterator[str]:
    """The first lines that are not empty, as far as they follow each other."""
    begun = False
    for line in lines:
        if line.strip():
            begun = True
            yield line
        elif begun:
            return


def _taken(match: re.Match[str], addresses: Mapping[str, Optional[int]]) -> VoteOf:
    return VoteOf(Vote.parse(match.group(1)), _account(match.group(2).rstrip(), addresses))


def _account(who: str, addresses: Mapping[str, Optional[int]]) -> Optional[int]:
    template, mail, number = _TEMPLATE.fullmatch(who), _MAIL.search(who), _NUMBER.search(who)
    if template is not None:
        return int(template.group(1))
    if mail is not None:
        return addresses.get(mail.group(1)) if mail.group(1) else None
    return int(number.group(1)) if number is not None else None
