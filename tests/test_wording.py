"""What people read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest

from reviewloop.core.change import Account, Change, ChangeStatus
from reviewloop.core.policy import Policy
from reviewloop.core.roster import Member
from reviewloop.core.turns import Party
from reviewloop.core.worktime import Calendar
from reviewloop.trackers.base import BodyFormat
from reviewloop.wording import FOLDER, Subject, title, why, working_days, write

MONDAY = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)
CHANGE = Change(
    number=12,
    project="tools/build",
    branch="master",
    change_id="I1",
    status=ChangeStatus.NEW,
    subject="Cache outputs",
    owner=Account(1, "Author One"),
    created=MONDAY,
    updated=MONDAY,
    insertions=10,
    deletions=2,
)
MEMBER = Member(Account(7, "Committee Two"), projects=("tools/*",))
SUBJECT = Subject(
    change=CHANGE,
    url="https://review.example.org/c/tools/build/+/12",
    policy=Policy(),
    party=Party.REVIEWERS,
    since=MONDAY,
    seconds=2 * 86_400,
    milestone="2d",
    asked=(MEMBER,),
    ticket_url="https://tracker.example.org/issue3",
)
HOSTILE = "@team #1 <!-- --> {{ 7*7 }} [x](http://x.example) `*_"

ESCALATE = """\
This change has waited 2 working days for a review, since 2026-03-02 09:00 UTC.
Committee Two is asked to review it, or to find somebody who will.
Why Committee Two: looks after this project.
Ticket: https://tracker.example.org/issue3

In a comment here, on a line of its own:
  /ack                take it, and pause reminders for 2d
  /pass               have somebody else asked
  /snooze 5d REASON   wait; also /snooze 2026-12-24, and /unsnooze
The hashtag no-escalation keeps this change out of it."""

TICKET = """\
[Change 12](https://review.example.org/c/tools/build/+/12) in **tools/build** has waited \
**2 working days** for a review, since 2026-03-02 09:00 UTC.
**Committee Two** is asked to review it, or to find somebody who will.

- Subject: Cache outputs
- Owner: Author One
- Branch: master
- Size: 10 lines added, 2 removed
- Reviews by people so far: 0
- Working time is counted in the time zone UTC; the policy's limit was 2d

Why Committee Two: looks after this project.

In a comment on the change, on a line of its own: `/ack` takes it and pauses reminders for 2d, \
`/pass` has somebody else asked, `/snooze 5d REASON` waits. The hashtag `no-escalation` keeps the \
change out of this.

This ticket closes by itself when somebody reviews the change, or when it is merged or abandoned."""


def test_comment_of_an_escalation() -> None:
    """The comment says how long, who is asked and why, and every way out."""
    assert write("escalate", BodyFormat.TEXT, SUBJECT) == ESCALATE


def test_ticket() -> None:
    """The ticket's first lines say what is asked of whom; facts and reason follow."""
    assert write("ticket_open", BodyFormat.MARKDOWN, SUBJECT) == TICKET


def test_nobody_free() -> None:
    """Without a name the committee as a whole is asked, and nobody is made up."""
    text = write("escalate", BodyFormat.TEXT, replace(SUBJECT, asked=(), ticket_url=""))

    assert "the committee as a whole is asked to review it" in text
    assert "Why" not in text
    assert "Ticket" not in text


@pytest.mark.parametrize("party", [Party.REVIEWERS, Party.OWNER, Party.SUBMITTER])
@pytest.mark.parametrize("template", sorted(path.name for path in FOLDER.glob("*.j2")))
def test_every_text_for_every_party(template: str, party: Party) -> None:
    """Every template makes a text for each party, and none of them blames anybody."""
    purpose, body_format, _ = template.split(".")
    text = write(purpose, BodyFormat(body_format), replace(SUBJECT, party=party))

    assert "2 working days" in text
    assert not {"failed", "ignored", "blame", "late"} & set(text.lower().split())


def test_every_purpose_in_every_format_needed() -> None:
    """Comments are plain text; tickets exist in each format that a tracker of ours shows."""
    names_there = {path.name for path in FOLDER.glob("*.j2")}

    assert {f"{one}.text.j2" for one in ("escalate", "nudge", "label")} <= names_there
    for purpose in ("ticket_open", "ticket_update"):
        assert {f"{purpose}.markdown.j2", f"{purpose}.text.j2"} <= names_there


def test_hostile_texts() -> None:
    """A subject cannot call on a team, link, or end a hidden marker, and is not evaluated."""
    hostile = replace(CHANGE, subject=HOSTILE, branch=HOSTILE, project="p")
    text = write("ticket_open", BodyFormat.MARKDOWN, replace(SUBJECT, change=hostile))

    assert "@team" not in text
    assert "#1 " not in text
    assert "<!--" not in text
    assert "-->" not in text
    assert "](http://x.example)" not in text
    assert "49" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (86_400, "1 working day"),
        (129_600, "1.5 working days"),
        (3_600, "1 working hour"),
        (10_000, "2.8 working hours"),
        (10 * 86_400, "10 working days"),
    ],
)
def test_amounts(seconds: int, text: str) -> None:
    """Amounts read as people say them."""
    assert working_days(seconds, Policy()) == text


def test_short_days() -> None:
    """A working day is the calendar's, not 24 hours."""
    office = Policy(calendar=Calendar(start=9 * 3600, length=8 * 3600))

    assert working_days(16 * 3600, office) == "2 working days"


def test_title() -> None:
    """A title does not change while the wait grows, and fits a tracker's limit."""
    assert title(CHANGE, Party.REVIEWERS) == "Review wanted: tools/build change 12: Cache outputs"
    assert len(title(replace(CHANGE, subject="x" * 999), Party.OWNER)) <= 255


def test_reasons() -> None:
    """Who looks after a project is told so; others were next."""
    assert why(MEMBER, "tools/build") == "looks after this project"
    assert "fair order" in why(MEMBER, "other")
