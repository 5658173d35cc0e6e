"""What a real Gerrit says keeps a change from being submitted, and whose turn it is then."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Dict, Iterator, List, Tuple

import pytest
from sandbox.gerrit import rare
from sandbox.gerrit.seed import PACK_ACCOUNT, PROJECTS, password_of
from sandbox.gerrit.server import GerritServer

from reviewloop.core.change import Change
from reviewloop.core.policy import Policy
from reviewloop.core.waits import Wait, follow
from reviewloop.gerrit.client import Client

pytestmark = pytest.mark.real_gerrit

NOBODYS_OWN = "label:Code-Review=MAX,user=non_uploader AND -label:Code-Review=MIN"
TWO = "label:Code-Review=MAX,count>=2"
RESOLVED = "-has:unresolved"
VERIFIED = "label:Verified=MAX AND -label:Verified=MIN"


class Rig:
    """A server, and a project of one test's own, whose requirements it sets."""

    def __init__(self, server: GerritServer, project: str) -> None:
        self.server = server
        self.project = project
        self.client = Client(server.url, PACK_ACCOUNT, password_of(PACK_ACCOUNT))
        server.admin.call("PUT", f"/projects/{project}", {"create_empty_commit": True})

    def requires(self, **expressions: str) -> None:
        """Set submit requirements by their names, with ``_`` for ``-``."""
        for name, expression in expressions.items():
            rare.require(self.server.admin, self.project, name.replace("_", "-"), expression)

    def uploaded(self) -> int:
        """A new change by author1, an hour old."""
        number = self.server.person("author1").create_change(self.project, "To be submitted")
        self.server.advance(hours=1)
        return number

    def votes(self, number: int, who: str, **labels: int) -> None:
        """Somebody votes, and an hour passes; ``_`` stands for ``-`` in a label."""
        votes = {label.replace("_", "-"): vote for label, vote in labels.items()}
        self.server.person(who).review(number, labels=votes)
        self.server.advance(hours=1)

    def change(self, number: int) -> Change:
        """What the pack reads."""
        return self.client.change(number)

    def waits(self, number: int) -> List[Tuple[str, str, float]]:
        """Party, cause, and how many hours ago they began, of the open waits."""
        now = self.server.now()
        return [
            (one.party.value, one.cause.value, (now - one.since) / timedelta(hours=1))
            for one in self._open(number)
        ]

    def stands(self, number: int) -> bool:
        """Whether the stopwatch of the one open wait stands still."""
        (wait,) = self._open(number)
        return not wait.segments or wait.segments[-1].end is not None

    def _open(self, number: int) -> List[Wait]:
        waits = follow(self.change(number), Policy()).waits
        return [one for one in waits if one.lasts(self.server.now())]


@pytest.fixture
def rig(calm_gerrit: GerritServer, request: pytest.FixtureRequest) -> Iterator[Rig]:
    found = Rig(calm_gerrit, re.sub(r"[^a-zA-Z_]+", "-", request.node.name))
    yield found
    found.client.close()


def test_own_approval(rig: Rig) -> None:
    """An approval of one's own that does not count leaves the reviewers' turn; theirs ends it."""
    rig.requires(Code_Review=NOBODYS_OWN)
    number = rig.uploaded()
    rig.votes(number, "author1", Code_Review=2)

    assert rig.waits(number) == [("reviewers", "needs_approval", 1)]
    rig.votes(number, "reviewer1", Code_Review=2)
    assert rig.waits(number) == [("submitter", "approved", 2)]


def test_two_approvals(rig: Rig) -> None:
    """One approval of two is not enough."""
    rig.requires(Two=TWO)
    number = rig.uploaded()
    rig.votes(number, "reviewer1", Code_Review=2)

    assert rig.waits(number) == [("reviewers", "needs_approval", 1)]
    rig.votes(number, "reviewer2", Code_Review=2)
    assert [wait[:2] for wait in rig.waits(number)] == [("submitter", "approved")]


def test_unresolved_comments(rig: Rig) -> None:
    """An open comment is the owner's, and resolved it is nobody's."""
    rig.requires(No_Unresolved_Comments=RESOLVED)
    number = rig.uploaded()
    reviewer = rig.server.person("reviewer1")
    comment = {"message": "Shorter?", "unresolved": True}
    reviewer.review(number, labels={"Code-Review": 2}, comments={"/PATCHSET_LEVEL": [comment]})
    rig.server.advance(hours=1)

    assert rig.waits(number) == [("owner", "unresolved", 1)]
    (asked,) = reviewer.call("GET", f"/changes/{number}/comments")["/PATCHSET_LEVEL"]
    answer = {"message": "Done.", "unresolved": False, "in_reply_to": asked["id"]}
    rig.server.person("author1").review(number, comments={"/PATCHSET_LEVEL": [answer]})
    assert [wait[0] for wait in rig.waits(number)] == ["submitter"]


def test_gate_that_has_not_voted(rig: Rig) -> None:
    """While a gate has not voted the submitter's stopwatch stands."""
    rig.requires(Verified=VERIFIED)
    number = rig.uploaded()
    rig.votes(number, "reviewer1", Code_Review=2)

    assert rig.waits(number) == [("submitter", "approved", 1)]
    assert rig.stands(number)
    rig.votes(number, "ci-bot", Verified=1)
    assert rig.waits(number) == [("submitter", "approved", 2)]
    assert not rig.stands(number)


def test_several_in_one(rig: Rig) -> None:
    """Of a requirement with several terms those count that are not met."""
    rig.requires(All=f"label:Code-Review=MAX AND {VERIFIED} AND {RESOLVED}")
    number = rig.uploaded()
    rig.votes(number, "reviewer1", Code_Review=2)

    (unmet,) = rig.change(number).unmet
    assert (unmet.labels, unmet.unresolved) == (("Verified",), False)
    assert rig.stands(number)


def test_labels_of_the_standard_site(rig: Rig) -> None:
    """A label's function shows as a requirement of old; where it is met the submitter's turn is."""
    rig.project = PROJECTS[0]
    number = rig.uploaded()

    assert [one.name for one in rig.change(number).unmet] == ["Code-Review"]
    assert rig.waits(number) == [("reviewers", "uploaded", 1)]
    rig.votes(number, "reviewer1", Code_Review=2)
    assert rig.change(number).unmet == ()
    assert rig.waits(number) == [("submitter", "approved", 1)]
    assert not rig.stands(number)


#: A label's function -> whether it blocks a submit until somebody votes.
FUNCTIONS: Dict[str, bool] = {
    "MaxWithBlock": True,
    "MaxNoBlock": True,
    "AnyWithBlock": False,
    "NoBlock": False,
    "NoOp": False,
    "PatchSetLock": False,
}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_of_a_label(rig: Rig, function: str) -> None:
    """Every function of a label is read; where its vote is missing it is people's to give."""
    rare.define_label(rig.server.admin, rig.project, "Legal", "-1..1", function=function)
    number = rig.uploaded()
    rig.votes(number, "reviewer1", Code_Review=2)

    missing = [one.labels for one in rig.change(number).unmet]
    assert missing == ([("Legal",)] if FUNCTIONS[function] else [])
    party = "reviewers" if FUNCTIONS[function] else "submitter"
    assert [wait[0] for wait in rig.waits(number)] == [party]


def test_requirement_of_another_branch(rig: Rig) -> None:
    """What does not apply to the change keeps nobody from submitting it."""
    rare.require(
        rig.server.admin,
        rig.project,
        "Release",
        "label:Workflow=MAX",
        applies="branch:refs/heads/stable",
    )
    number = rig.uploaded()
    rig.votes(number, "reviewer1", Code_Review=2)

    assert rig.change(number).unmet == ()
