"""What people and programs say on a change, as Gerrit words it.

A review's message begins ``Patch Set 3: Code-Review+1 -Verified`` (``PostReviewOp.java``); an
upload's ``Uploaded patch set 3.``, with votes cast by the push behind it (``ApprovalsUtil.java``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import dropwhile
from typing import AbstractSet, FrozenSet, List, Optional, Pattern, Sequence, Tuple

from reviewloop.core.policy import VOTE, Vote

# How a message says that comments were posted with it.
COMMENTS = re.compile(r"\([0-9]+ (?:inline )?comments?\)")
# Nobody makes a thousand million patch sets; longer numbers are not Gerrit's.
_REVIEW = "Patch Set "
_HEAD = re.compile(_REVIEW + "([0-9]{1,9}):(.*)")
# Lines up to so many characters are remembered with what they say.
_KEPT_LINE = 200
# `Uploaded patch set 3: Code-Review+1 -Verified.`, or with what was uploaded after another colon.
_PUSHED = re.compile(
    rf"Uploaded patch set [0-9]{{1,9}}:((?: {VOTE}| -[A-Za-z0-9][A-Za-z0-9-]*)+)(?:\.|:|$)"
)
# A vote on an older patch set counts on later ones too where Gerrit says that it copied it.
_FORWARDED = "Copied votes on follow-up patch sets have been updated:"
_COPIED_TO = re.compile(rf"\* ({VOTE}) has been copied to patch set ([^(]*(?:\(was [^)]*\)[^(]*)*)")
_REMOVED_FROM = re.compile(
    r"\* Copied ([A-Za-z0-9-]+) vote has been removed from patch set (.*?) since the new "
)
_PATCH_SET = re.compile(r"(?:^|, )([0-9]{1,9})")
# Of a line, as much as a pattern may have to look at.
_NOISE_CAP = 1_000


@dataclass(frozen=True)
class Ballot:
    """Votes ``cast``, and labels whose vote is ``removed``."""

    cast: Tuple[Vote, ...] = ()
    removed: Tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cast or self.removed)

    @property
    def labels(self) -> FrozenSet[str]:
        """The labels that it says something of."""
        return frozenset([*(vote.label for vote in self.cast), *self.removed])

    def of(self, labels: Optional[AbstractSet[str]]) -> Ballot:
        """What of it is about these labels; all for None."""
        if labels is None:
            return self
        cast = tuple(vote for vote in self.cast if vote.label in labels)
        return Ballot(cast, tuple(label for label in self.removed if label in labels))


def first_line(text: str) -> str:
    """The first line of a message, without its end."""
    return text.partition("\n")[0].rstrip()


def review_of(text: str) -> Optional[Tuple[int, Ballot]]:
    """The patch set that a review's message is about, and its votes; None where it is no review."""
    if not text.startswith(_REVIEW):
        return None
    line = first_line(text)
    return _review_of(line) if len(line) <= _KEPT_LINE else _review_of.__wrapped__(line)


@lru_cache(maxsize=4096)
def _review_of(line: str) -> Optional[Tuple[int, Ballot]]:
    """The same of a first line; the same few come again and again."""
    head = _HEAD.fullmatch(line)
    ballot = _ballot(head.group(2)) if head else None
    return None if head is None or ballot is None else (int(head.group(1)), ballot)


def pushed(text: str) -> Ballot:
    """The votes cast and taken back together with an upload."""
    found = _PUSHED.match(first_line(text))
    ballot = _ballot(found.group(1)) if found else None
    return ballot or Ballot()


def forwarded(text: str, patch_set: int) -> Ballot:
    """The votes of a review of an older patch set that Gerrit copied to this one, or took off it.

    Gerrit writes its list right below the first line, of what that says; people's words come after,
    and may look the same.
    """
    lines, review = text.split("\n")[1:], review_of(text)
    if review is None or not _has_list(lines, review[1]):
        return Ballot()
    given = review[1]
    cast: List[Vote] = []
    removed: List[str] = []
    for line in lines[2:]:
        copied, taken = _COPIED_TO.match(line), _REMOVED_FROM.match(line)
        if copied is not None and patch_set in _patch_sets(copied.group(2)):
            cast.append(Vote.parse(copied.group(1)))
        elif taken is not None and patch_set in _patch_sets(taken.group(2)):
            removed.append(taken.group(1))
        elif not line.startswith("* "):
            break
    return Ballot(
        tuple(vote for vote in given.cast if vote in cast),
        tuple(label for label in sorted(given.labels) if label in removed),
    )


def says_nothing(text: str, noise: Sequence[Pattern[str]]) -> bool:
    """Whether a message without votes holds no comment and no words meant for people."""
    if COMMENTS.search(text):
        return False
    below = map(str.strip, _words(text))
    first = next((line for line in below if line and not line.startswith("/")), None)
    return first is None or matches(noise, first[:_NOISE_CAP])


def matches(patterns: Sequence[Pattern[str]], text: str) -> bool:
    """Whether any of the patterns is found in the text."""
    return any(pattern.search(text) for pattern in patterns)


def _words(text: str) -> Sequence[str]:
    """The lines below the first one and below what Gerrit writes there itself."""
    lines, review = text.split("\n")[1:], review_of(text)
    if review is None or not _has_list(lines, review[1]):
        return lines
    return list(dropwhile(lambda line: line.startswith("* "), lines[2:]))


def _has_list(below: Sequence[str], ballot: Ballot) -> bool:
    """Whether Gerrit lists, below the first line, what became of its votes."""
    head = [line.rstrip() for line in below[:2]]
    return bool(ballot) and head == ["", _FORWARDED]


def _patch_sets(text: str) -> Sequence[int]:
    return [int(number) for number in _PATCH_SET.findall(text)]


def _ballot(text: str) -> Optional[Ballot]:
    """Votes cast and labels taken back in a first line; None where it is no review's."""
    text = text.strip()
    if not text or COMMENTS.fullmatch(text):
        return Ballot()
    cast: List[Vote] = []
    removed: List[str] = []
    for word in text.split():
        if word.startswith("-"):
            removed.append(word[1:])
            continue
        try:
            vote = Vote.parse(word)
        except ValueError:
            return None
        if vote.value:
            cast.append(vote)
        else:
            removed.append(vote.label)
    return Ballot(tuple(cast), tuple(removed))
