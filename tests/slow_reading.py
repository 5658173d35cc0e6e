"""A second reading of histories, slow and naive, to hold the first one against.

It is given what was meant (deeds), not what Gerrit wrote, keeps one row an event, and only then
looks for waits. Nothing of the library is used but its words.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, List, Optional, Sequence, Set, Tuple

Vote = Tuple[str, int]
Told = Tuple[str, str, int, Optional[int], Optional[str], int]

DAY = 86_400
OWNER = "owner"
ROBOT = "ci"


@dataclass(frozen=True)
class Deed:
    """What somebody did, ``gap`` seconds after the deed before.

    ``back`` says how many patch sets ago the one spoken of is; ``zeros`` are labels taken back;
    ``tagged`` is a program's message under a person's name.
    """

    kind: str
    who: str = OWNER
    gap: int = 0
    votes: Tuple[Vote, ...] = ()
    zeros: Tuple[str, ...] = ()
    words: str = ""
    back: int = 0
    rebase: bool = False
    wip: bool = False
    tagged: bool = False

    @property
    def robotic(self) -> bool:
        """Whether no person speaks."""
        return self.tagged or self.who == ROBOT


def made_ready(deeds: Sequence[Deed]) -> List[Deed]:
    """The deeds, with those by which a change in progress must have been made ready without a
    record, since a later upload was none in progress, or it was set in progress again: the first
    words of who answered for it. If they said none it was anybody else, unless a push may have
    done it.
    """
    found: List[Deed] = []
    own: Optional[int] = None  # where the first of their words are
    others: Optional[int] = None
    wip, uploader, answerable = False, OWNER, (OWNER, OWNER)
    for deed in deeds:
        shown = deed.kind == "wip" or (deed.kind == "upload" and not deed.wip)
        pushed = deed.kind == "upload" and not deed.rebase
        words = others if own is None and not pushed else own
        if wip and shown and words is not None:
            said = found[words]
            found[words] = replace(said, gap=0)
            found.insert(words, Deed("ready", gap=said.gap))
        if deed.kind == "upload":
            uploader = uploader if deed.rebase else deed.who
            wip = deed.wip
        elif deed.kind in ("wip", "ready"):
            wip = deed.kind == "wip"
        elif deed.kind == "say" and wip:
            if own is None and deed.who in answerable:
                own = len(found)
            if others is None and not deed.robotic:
                others = len(found)
        if deed.kind == "wip" or deed.wip or not wip:
            own, others, answerable = None, None, (OWNER, uploader)
        found.append(deed)
    return found


@dataclass(frozen=True)
class Row:
    """Where things stand after an event."""

    at: int
    turn: str
    cause: str
    span: int
    red: bool
    ended_turn_as: str
    ended_owner_as: str
    gated: bool = False


@dataclass
class Slow:
    """Everything known so far."""

    approval: Vote = ("Code-Review", 2)
    holds: Tuple[Vote, ...] = (("Code-Review", -2), ("Workflow", -1))
    now: int = 0
    patch_set: int = 0
    reworked: int = 0
    uploader: str = OWNER
    wip: bool = False
    turn: str = "nobody"
    cause: str = ""
    span: int = 0
    span_began_negative: bool = False
    standing: Dict[Tuple[str, str], Tuple[int, bool]] = field(default_factory=dict)
    failed: Dict[Tuple[str, str], Optional[int]] = field(default_factory=dict)
    touched: Set[Tuple[str, str]] = field(default_factory=set)
    gates: bool = False
    rows: List[Row] = field(default_factory=list)

    # What stands.

    def votes_of_people(self) -> List[Tuple[str, str, int]]:
        """(label, who, value)."""
        return [
            (label, who, value)
            for (label, who), (value, robotic) in self.standing.items()
            if not robotic
        ]

    def negative(self) -> bool:
        """A person is against it."""
        return any(value < 0 for _, _, value in self.votes_of_people())

    def red(self) -> bool:
        """A robot is against it, or was and has not come back yet."""
        return bool(self.failed)

    def approved(self) -> bool:
        """Somebody approved, and nobody is against it."""
        wanted, least = self.approval
        given = [value for (label, _), (value, _) in self.standing.items() if label == wanted]
        return not self.negative() and max(given, default=-9) >= least

    def gated(self) -> bool:
        """A robot has voted on a label of its own, and no positive vote of one stands there."""
        return self.gates and not any(
            robotic and value > 0 and label != "Code-Review"
            for (label, _), (value, robotic) in self.standing.items()
        )

    def held(self) -> bool:
        """Somebody holds it back."""
        for label, who, value in self.votes_of_people():
            if who in (OWNER, self.uploader) and value < 0:
                return True
            if any(label == hold and value <= most for hold, most in self.holds):
                return True
        return False

    # Deeds.

    def do(self, deed: Deed) -> None:
        """Take one deed in."""
        self._pass(self.now + deed.gap)
        if deed.kind == "upload":
            self._upload(deed)
        elif deed.kind in ("wip", "abandon", "merge"):
            self.wip = self.wip or deed.kind == "wip"
            how = {"wip": "wip", "abandon": "abandoned", "merge": "merged"}[deed.kind]
            self._note("nobody", "", how, how)
        elif deed.kind == "ready":
            self.wip = False
            self._note("reviewers", "ready", "superseded", "superseded", anew=True)
        elif deed.kind == "restore":
            turn = "nobody" if self.wip else "reviewers"
            self._note(turn, "restored", "superseded", "superseded", anew=True)
        elif deed.kind == "delete":
            gone = [
                key for key, (value, _) in self.standing.items() if (key[0], value) in deed.votes
            ]
            for key in gone:
                del self.standing[key]
            self._forget()
            self._recheck()
        else:
            self._say(deed)

    def _upload(self, deed: Deed) -> None:
        self.patch_set += 1
        self.wip = deed.wip
        if not deed.rebase:
            self.reworked, self.uploader = self.patch_set, deed.who
        self.standing = {
            key: vote for key, vote in self.standing.items() if (key[0], vote[0]) in deed.votes
        }
        self.failed = dict.fromkeys(self._robots_against())
        self.touched = set(self.failed)
        if deed.wip:
            self._note("nobody", "", "wip", "wip")
        elif self._keeps_turn(deed):
            self._stay("answered")
        else:
            how = "answered" if self.turn == "owner" else "superseded"
            self._note("reviewers", "uploaded", how, "answered")

    def _keeps_turn(self, deed: Deed) -> bool:
        return {
            "reviewers": True,
            "owner": deed.rebase,
            "submitter": self.approved(),
            "nobody": False,
        }[self.turn]

    def _say(self, deed: Deed) -> None:
        spoken_of = self.patch_set - deed.back
        votes, zeros = deed.votes, deed.zeros
        if spoken_of < (self.patch_set if deed.robotic else self.reworked):
            return
        if not deed.robotic and spoken_of < self.patch_set:
            votes, zeros = (), ()
        for label in zeros:
            self.standing.pop((label, deed.who), None)
        for label, value in votes:
            self.standing[label, deed.who] = (value, deed.robotic)
            self.gates = self.gates or (deed.robotic and label != "Code-Review")
        if deed.robotic:
            self._fail(deed)
        self._forget()
        said = [(label, value) for label, value in votes if value < 0 or label == "Code-Review"]
        if deed.robotic:
            self._stay("ci_recovered")
        elif self.turn == "nobody":
            self._stay("superseded")
        elif not said and deed.words in ("", "recheck", "/snooze 1d"):
            self._recheck()
        elif deed.who == OWNER or (
            deed.who == self.uploader and not any(value > 0 for _, value in votes)
        ):
            self._reply(votes)
        else:
            self._review(said)

    # Robots that fail a change, and what ends that.

    def _robots_against(self) -> List[Tuple[str, str]]:
        return [key for key, (value, robotic) in self.standing.items() if robotic and value < 0]

    def _fail(self, deed: Deed) -> None:
        mine = [key for key in self.failed if key[1] == deed.who]
        for label in deed.zeros:
            self.touched.add((label, deed.who))
            if self.failed.get((label, deed.who), 0) is None:
                self.failed[label, deed.who] = self.now
        ups = [(label, deed.who) for label, value in deed.votes if value > 0]
        on_reviews = any(label == "Code-Review" for label, _ in mine)
        if any(up in self.touched or on_reviews for up in ups):
            for key in mine:
                del self.failed[key]
        for label, value in deed.votes:
            if value < 0:
                self.failed[label, deed.who] = None
                self.touched.add((label, deed.who))

    def _forget(self) -> None:
        """Votes that others took away, or a person cast anew under the robot's name."""
        against = self._robots_against()
        for key in [key for key, back in self.failed.items() if back is None]:
            if key not in against:
                del self.failed[key]

    def _pass(self, until: int) -> None:
        """Time passes; a robot's silence of a day ends what it has taken back."""
        while True:
            ends = [back + DAY for back in self.failed.values() if back is not None]
            if not ends or min(ends) > until:
                break
            self.now = min(ends)
            self.failed = {
                key: back
                for key, back in self.failed.items()
                if back is None or back + DAY > self.now
            }
            self._stay("ci_recovered")
        self.now = until

    def _review(self, votes: List[Vote]) -> None:
        if not self.negative() and self.approved():
            self._unless("submitter", "approved", "reviewed", "reviewed")
        elif self.negative() or not votes:
            self._unless("owner", "reviewed", "reviewed", "reviewed")
        else:
            self._note("reviewers", "needs_another_review", "reviewed", "reviewed", anew=True)

    def _reply(self, votes: Tuple[Vote, ...]) -> None:
        ending = "approved" if self.approved() else "answered"
        if any(value < 0 for _, value in votes):
            self._unless("owner", "held_by_owner", "held_by_owner", ending)
        elif self.approved():
            self._unless("submitter", "approved", "approved", ending)
        elif self.turn == "submitter":
            self._note("reviewers", "vote_removed", "superseded", ending)
        elif self.turn == "owner":
            self._note("reviewers", "answered", "answered", ending)
        else:
            self._stay(ending)

    def _recheck(self) -> None:
        turn = self.turn
        if turn == "submitter" and not self.approved():
            turn = "reviewers"
        elif turn == "reviewers" and self.approved():
            turn = "submitter"
        elif turn == "owner" and self.span_began_negative and not self.negative():
            turn = "submitter" if self.approved() else "reviewers"
        self._unless(turn, "vote_removed", "superseded", "superseded")

    # Rows.

    def _stay(self, owner_how: str) -> None:
        self._add("", owner_how)

    def _unless(self, turn: str, cause: str, how: str, owner_how: str) -> None:
        if turn == self.turn:
            self._stay(owner_how)
        else:
            self._note(turn, cause, how, owner_how)

    def _note(self, turn: str, cause: str, how: str, owner_how: str, *, anew: bool = False) -> None:
        if self.held() and turn in ("reviewers", "submitter"):
            if self.turn == "owner":
                self._stay(owner_how)
                return
            turn, cause = "owner", "held"
        if turn == self.turn and not anew:
            self._stay(owner_how)
            return
        self.turn, self.cause, self.span = turn, cause, self.span + 1
        self.span_began_negative = self.negative()
        self._add(how, owner_how)

    def _add(self, how: str, owner_how: str) -> None:
        red, gated = self.red(), self.gated()
        row = Row(self.now, self.turn, self.cause, self.span, red, how, owner_how, gated)
        self.rows.append(row)

    # Waits, found afterwards: (party, cause, since, end, how, seconds on the stopwatch).

    def waits(self, until: int) -> List[Told]:
        """Every wait of some length, with its stopwatch at ``until``; the end of the deeds."""
        self._pass(self.now + 2 * DAY)
        spans = [one for number in range(1, self.span + 1) for one in self._span(number, until)]
        return sorted(spans + self._owed(until), key=lambda one: (one[2], one[0]))

    def _span(self, number: int, until: int) -> List[Told]:
        inside = [row for row in self.rows if row.span == number]
        if inside[0].turn not in ("reviewers", "submitter"):
            return []
        after = [row for row in self.rows if row.span > number][:1]
        end = after[0].at if after else None
        edges = [row.at for row in inside] + [until if end is None else end]
        edges = [min(edge, until) for edge in edges]
        running = sum(
            later - edge
            for row, edge, later in zip(inside, edges, edges[1:])
            if not row.red and not (row.gated and row.turn == "submitter")
        )
        since = inside[0].at
        if end is not None and end == since:
            return []
        how = after[0].ended_turn_as if after else None
        return [(inside[0].turn, inside[0].cause, since, end, how, running)]

    def _owed(self, until: int) -> List[Told]:
        found: List[Told] = []
        begun: Optional[Row] = None
        for row in self.rows:
            owes = row.turn == "owner" or (row.red and row.turn != "nobody")
            if owes and begun is None:
                begun = row
            elif begun is not None and not owes:
                if row.at > begun.at:
                    found.append(self._told(begun, row.at, row.ended_owner_as, until))
                begun = None
        return found + ([self._told(begun, None, None, until)] if begun else [])

    @staticmethod
    def _told(begun: Row, end: Optional[int], how: Optional[str], until: int) -> Told:
        cause = begun.cause if begun.turn == "owner" else "ci_failed"
        over = until if end is None else min(end, until)
        return ("owner", cause, begun.at, end, how, over - begun.at)
