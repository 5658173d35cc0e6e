"""What became of the changes of a Monday, counted from what Gerrit and the tracker show."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Sequence, Tuple

import pytest
from sandbox.gerrit.seed import PACK_ACCOUNT
from sandbox.stackstorm.play import Course
from sandbox.stackstorm.report import Report, states_of
from sandbox.stackstorm.tally import Fate, asked_count, fates, table
from sandbox.trackers.roundup import SeenIssue

COMMITTEE = ("committee1", "committee2")
MORNING = "2026-03-11"
CALM = datetime(2026, 3, 11, 0, 5, tzinfo=timezone.utc)
ASKED = CALM + timedelta(minutes=55)
ASK = "@committee1, please look.\n\n[st2-gerrit escalate 0123456789abcdef asked=7]"


def change(
    number: int,
    *texts: str,
    author: str = PACK_ACCOUNT,
    reviewers: Sequence[str] = (),
) -> Dict[str, Any]:
    """A ChangeInfo, as far as it is counted."""
    return {
        "_number": number,
        "messages": [
            {"message": "Uploaded patch set 1."},
            *(
                {"message": text, "author": {"username": author}, "date": f"{MORNING} 01:00:00.000"}
                for text in texts
            ),
        ],
        "reviewers": {"REVIEWER": [{"username": name} for name in ("reviewer1", *reviewers)]},
    }


def ticket(number: int, assignee: str, also: Tuple[int, ...] = ()) -> SeenIssue:
    """A ticket about a change, which may list others."""
    text = " ".join(f"http://127.0.0.1/c/tools/build/+/{one}" for one in (number, *also))
    return SeenIssue("1", "A title", "unread", assignee, (), (text,), (), "")


def test_asked_once():
    """One comment that asks, one reviewer of the roster, and one ticket of the same person."""
    whole = change(4, ASK, reviewers=["committee1"])
    (fate,) = fates([whole], [ticket(4, "committee1")], COMMITTEE)

    assert fate == Fate(4, 1, 1, ("committee1",), ("committee1",), at=ASKED)
    assert fate.word == "asked"
    assert asked_count([whole, change(5)]) == 1


@pytest.mark.parametrize(
    ("comments", "tickets", "asked", "assignees", "word"),
    [
        (0, 0, (), (), "never"),
        (1, 0, ("committee1",), (), "half"),
        (0, 1, (), ("committee1",), "half"),
        (1, 1, (), ("committee1",), "half"),
        (1, 1, ("committee1",), ("committee2",), "half"),
        (2, 1, ("committee1",), ("committee1",), "doubled"),
        (1, 2, ("committee1",), ("committee1", "committee1"), "doubled"),
        (1, 1, ("committee1", "committee2"), ("committee1",), "doubled"),
    ],
)
def test_not_as_it_should_be(
    comments: int, tickets: int, asked: Tuple[str, ...], assignees: Tuple[str, ...], word: str
):
    """What is missing, what is there twice, and two that contradict each other have a word each."""
    assert Fate(9, comments, tickets, asked, assignees).word == word


def test_joined():
    """A change that another's comment lists is joined; one that shows something is judged by it."""
    lists = f"{ASK}\nhttp://127.0.0.1/c/tools/build/+/5\nhttp://127.0.0.1/c/tools/build/+/6"
    changes = [change(4, lists, reviewers=["committee1"]), change(5), change(6, ASK), change(7)]
    found = fates(changes, [ticket(4, "committee1", also=(5, 6))], COMMITTEE)

    assert [fate.word for fate in found] == ["asked", "joined", "half", "never"]


def test_words_of_others():
    """A mark that somebody else wrote or quoted asks nobody."""
    changes = [change(4, ASK, author="author1"), change(5, f"> {ASK.splitlines()[-1]}")]

    assert asked_count(changes) == 0
    assert [fate.word for fate in fates(changes, [], COMMITTEE)] == ["never", "never"]


def test_report():
    """It has every number for people, and lists the changes that are not as they should be."""
    found = (
        Fate(4, 1, 1, ("committee1",), ("committee1",)),
        Fate(5, 2, 1, ("committee2",), ("committee2",), at=ASKED),
        Fate(6, 0, 0, (), ()),
    )
    cpu = {"gerrit": 3.0, "api": 4.4}
    report = Report(
        fates=found,
        committee=COMMITTEE,
        course=Course(83.4, 40.0, 1, CALM),
        states={"succeeded": 3},
        revived=("scheduler",),
        cpu=cpu,
        restarted=("api", "notifier"),
    )

    assert report.wrong == list(found[1:])
    assert report.lines() == [
        "changes        3",
        "asked          1",
        "joined         0",
        "half           0",
        "doubled        1",
        "never          1",
        "comments each  0: 1, 1: 1, 2: 1",
        "tickets each   0: 1, 1: 2",
        "per person     committee1: 1, committee2: 1",
        "doubled: 5",
        "never: 6",
        "last asked     83 s after the crossing",
        "faults over    40 s after the crossing",
        "clock turned   1 times 10 minutes",
        "longest delay  55 minutes after that, by Gerrit's clock",
        "escalate       succeeded: 3",
        "revived        scheduler",
        "restarted      api, notifier",
        "CPU            7 s: api 4, gerrit 3",
    ]


def test_many_forgotten():
    """So long a list is cut, and says so."""
    lines = table([Fate(number, 0, 0, (), ()) for number in range(50)], COMMITTEE)

    assert lines[-1].startswith("never: 0 1 2 ")
    assert lines[-1].endswith(" 38 39 …")


def test_escalations_of_another_server():
    """Executions of earlier Gerrits on the same StackStorm are not counted."""
    mine, other = "127.0.0.1:8080:4:w1:2d", "127.0.0.1:80801:4:w1:2d"
    seen = [
        {"status": status, "parameters": {"event_id": event}}
        for status, event in (("succeeded", mine), ("failed", mine), ("failed", other))
    ]

    assert states_of(seen, "127.0.0.1:8080") == {"succeeded": 1, "failed": 1}
