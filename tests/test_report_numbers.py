"""The numbers of a report, on cases small enough to count by hand."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any, Dict, Iterable, List, Sequence

import pytest
import yaml
from hypothesis import given, settings

from any_history import LATE, STEPS, Steps, history_of
from histories import History, approved, at, commented, in_progress, in_review, stands
from repository import HISTORIES, needs_histories
from reviewloop.core.change import Change, ChangeStatus, ReviewerUpdate
from reviewloop.core.keys import Mark, ask_id, event_id
from reviewloop.core.policy import Policy
from reviewloop.gerrit import parse
from reviewloop.insight.report.cycles import Cycle
from reviewloop.insight.report.nine import COLUMNS
from reviewloop.insight.report.whole import Report, report, to_csv, to_json
from reviewloop.insight.sections import Cell
from reviewloop.settings.load import Settings, load

CONFIG = {"url": "https://review.example.org", "username": "st2-reviews", "password": "x"}
FRIDAY = at("fri 9:00")


def configured(**more: Any) -> Settings:
    return load({**CONFIG, **more})


def numbered(histories: Iterable[History], **fields: Any) -> List[Change]:
    """The histories as changes of their own."""
    return [
        replace(one.change(), number=number, **fields) for number, one in enumerate(histories, 1)
    ]


def reviewed_twice() -> History:
    """A quarter of a day until the first review, a day until the approval, merged on Wednesday."""
    history = in_review().review("mon 15:00", "reviewer", "Code-Review+1")
    history.review("tue 15:00", "committer", "Code-Review+2").merge("wed 9:00")
    votes = stands("Code-Review+1", "reviewer"), stands("Code-Review+2", "committer")
    return history.answered(*votes, status=ChangeStatus.MERGED)


def given_up() -> History:
    """Nobody looked for two days and a half."""
    history = History().upload("tue 9:00").abandon("thu 21:00")
    return history.answered(status=ChangeStatus.ABANDONED)


def small(**more: Any) -> Report:
    """Ten that were reviewed, five that wait since Monday, five that were given up."""
    every = [reviewed_twice() for _ in range(10)]
    every += [in_review() for _ in range(5)] + [given_up() for _ in range(5)]
    return report(numbered(every), configured(), FRIDAY, **more)


def rows(found: Report, ident: str) -> List[List[Cell]]:
    return [list(row) for row in found.section(ident).table.rows]


def row(found: Report, ident: str, *head: Cell) -> Dict[str, Cell]:
    """The row that begins so, by the names of the columns."""
    table = found.section(ident).table
    (one,) = [each for each in table.rows if tuple(each[: len(head)]) == head]
    return dict(zip(table.columns, one))


# --- the reviewers' waits ----------------------------------------------------------------------


def test_how_it_stands() -> None:
    """Of thirty waits twenty were reviewed in two days; ten are over after a day, and the slowest
    tenth is not to be seen yet.
    """
    whole = row(small(), "standing", "whole period")
    assert (whole["waits"], whole["over within the promise"]) == (30, 0.667)
    assert (whole["median days"], whole["slowest tenth, days"]) == (1.0, None)
    assert "67 % (" in small().section("standing").lead
    assert "cannot be seen yet" in small().section("standing").lead


def test_curve() -> None:
    """After two days a third still waits; then five more are abandoned and five last."""
    found = small()
    at_two = row(found, "waiting", 2.0)
    assert (at_two["still waiting"], at_two["reviewed"]) == (0.333, 0.667)
    assert at_two["closed without a review"] == 0
    assert found.section("waiting").table.rows[-1][0] == 2.0  # nothing was seen for five days


def test_endings() -> None:
    """After a day a quarter each was reviewed, approved by the owner, merged, and taken back."""
    made = (
        lambda: in_review().review("tue 9:00", "reviewer", text="Why?"),
        lambda: in_review().review("tue 9:00", "owner", "Code-Review+2"),
        lambda: in_review().merge("tue 9:00"),
        lambda: in_review().wip("tue 9:00"),
    )
    every = numbered([one() for one in made for _ in range(5)])
    after = row(report(every, configured(), FRIDAY), "waiting", 1.0)
    ends = ("reviewed", "approved by the owner", "closed without a review", "taken back")
    assert [after[name] for name in ends] == [0.25] * 4
    assert after["still waiting"] == 0


def test_less_than_a_minute() -> None:
    """Nobody waited for less than a minute."""
    soon = in_review().review("mon 9:00:59", "reviewer", text="Why?")
    later = in_review().review("mon 9:01:00", "reviewer", text="Why?")
    for history, counted in ((soon, 0), (later, 1)):
        found = report(numbered([history]), configured(), FRIDAY)
        assert row(found, "standing", "whole period")["waits"] == counted


def test_too_few() -> None:
    """Nineteen waits are too few for any share, and the sentence says so."""
    found = report(numbered([in_review()] * 19), configured(), FRIDAY)
    assert row(found, "standing", "whole period")["over within the promise"] == "too few"
    assert "too few waits" in found.section("standing").lead
    assert [one.id for one in found.sections if one.chart and one.id == "waiting"] == []


def test_none_in_time() -> None:
    """That none of forty was over in time does not mean that none ever will: its band says so."""
    late = [in_review().review("thu 9:00", "reviewer", text="Why?") for _ in range(40)]
    found = row(report(numbered(late), configured(), FRIDAY), "standing", "whole period")
    assert (found["over within the promise"], found["low"], found["high"]) == (0.0, 0.0, 0.088)


def test_nothing_at_all() -> None:
    """A report on nothing has every section, and says so in each."""
    found = report([], configured(), FRIDAY)
    assert [one.id for one in found.sections] == [one.id for one in small().sections]
    assert all(one.lead for one in found.sections)
    json.dumps(to_json(found))


def test_late_entry() -> None:
    """A wait that began before the period counts from its beginning on: the one that was over by
    then does not.
    """
    since = at("wed 0:00")
    found = report(numbered([in_review(), reviewed_twice()]), configured(), FRIDAY, since=since)
    assert row(found, "standing", "whole period")["waits"] == 1


def test_after_now() -> None:
    """What came later than the report's instant counts nowhere."""
    every = numbered([reviewed_twice() for _ in range(20)])
    found = report(every, configured(), at("mon 21:00"))
    assert row(found, "standing", "whole period")["waits"] == 40
    assert row(found, "hours", "Tue")["all"] == 0


def test_a_promise_that_is_no_milestone() -> None:
    """The promise need not be a milestone of the configuration."""
    found = report(
        numbered([reviewed_twice() for _ in range(20)]),
        configured(milestones=["5d"]),
        FRIDAY,
        promise=load({**CONFIG, "milestones": ["12h"]}).policy.milestones[0],
    )
    assert row(found, "standing", "whole period")["over within the promise"] == 0.5


def test_weeks() -> None:
    """A week counts when all its waits had two days since, and stands for four."""
    config = configured(
        calendar={"freezes": [{"from": "2026-03-06", "to": "2026-03-06", "reason": "release"}]}
    )
    every = numbered([reviewed_twice() for _ in range(10)] + [in_review() for _ in range(10)])
    assert rows(report(every, config, at("tue2 9:00")), "weeks") == []
    found = report(every, config, at("wed2 9:00"))
    week = row(found, "weeks", "2026-03-02")
    assert (week["waits"], week["over within"], week["freeze"]) == (30, 20, "release")
    assert week["share of four weeks"] == 0.667
    chart = found.section("weeks").chart or {}
    shaded = [one for one in chart["layer"] if "data" in one]
    assert shaded[0]["data"]["values"] == [{"from": "2026-03-06", "to": "2026-03-07"}]


# --- what is open, where time goes, who reviews when ---------------------------------------------


def test_backlog() -> None:
    """Open changes by whose turn it is: red is the owner's, and progress is nobody's."""
    red = in_review().ci("mon 10:00", "Verified-1")
    every = numbered([in_review(), commented(), red, approved(), in_progress()])
    found = report(every, configured(), FRIDAY)
    counted = {one[0]: one[-2] for one in rows(found, "backlog")}
    assert counted == {
        "reviewers": 1,
        "owner": 1,
        "owner, CI failed": 1,
        "submitter": 1,
        "gate (CI) before submitting": 0,
    }
    assert row(found, "backlog", "reviewers")["up to 5"] == 1
    assert "1 more open change" in found.section("backlog").note


def test_life() -> None:
    """Of forty-eight hours thirty were the reviewers' and eighteen the submitter's."""
    found = small()
    reviewers, submitter = (row(found, "life", "merged", who) for who in ("reviewers", "submitter"))
    assert (reviewers["share of all time"], submitter["share of all time"]) == (0.625, 0.375)
    assert (reviewers["mean days"], submitter["median days"]) == (1.25, 0.75)
    assert found.section("life").lead.startswith("63 % of the time")


def test_life_ends_with_the_change() -> None:
    """What follows an abandoned change is nobody's time; red is the owner's."""
    history = in_review().ci("mon 21:00", "Verified-1").abandon("tue 21:00")
    history.answered(stands("Verified-1", "ci"), status=ChangeStatus.ABANDONED)
    found = report(numbered([history]), configured(), FRIDAY)
    assert row(found, "life", "abandoned", "reviewers")["mean days"] == 0.5
    assert row(found, "life", "abandoned", "owner, CI failed")["mean days"] == 1.0
    assert row(found, "life", "abandoned", "in progress")["mean days"] == 0.0


def test_hours() -> None:
    """Reviews by hour, in the calendar's zone."""
    found = report(
        numbered([reviewed_twice()]), configured(calendar={"timezone": "Asia/Kolkata"}), FRIDAY
    )
    assert row(found, "hours", "Mon")["20"] == 1
    assert row(found, "hours", "Tue")["all"] == 1


def test_concentration() -> None:
    """Two people reviewed as much each; nobody is named unless it is asked for."""
    found = small()
    assert rows(found, "concentration") == [
        ["reviewer 1", 10, 0.5, 0.5],
        ["reviewer 2", 10, 0.5, 1.0],
    ]
    assert "Committer" not in json.dumps(to_json(found))
    assert [one[0] for one in rows(small(names=True), "concentration")] == ["Reviewer", "Committer"]


def test_guards() -> None:
    """Comments are counted as messages say; words alone are told apart from votes."""
    history = in_review().review("mon 10:00", "reviewer", comments=3)
    history.review("mon 11:00", "second", text="Nice.")
    history.review("mon 12:00", "second", "Code-Review+1", "Nice.")
    found = report(numbered([history]), configured(), FRIDAY)
    whole = row(found, "guards", "whole period")
    assert (whole["reviews"], whole["comments per review"]) == (3, 1.0)
    assert whole["words only, share"] == 0.333


# --- groups --------------------------------------------------------------------------------------


def test_sizes_and_origins() -> None:
    """Each wait counts in its change's group."""
    every = [
        *numbered([in_review()], insertions=7, deletions=3),
        *numbered([in_review()], insertions=11),
        *numbered([in_review()], owner=replace(in_review().change().owner, tags=("SERVICE_USER",))),
    ]
    found = report(every, configured(), FRIDAY)
    sizes = {one[0]: one[1] for one in rows(found, "size")}
    assert sizes == {"up to 10 lines": 1, "11 to 50": 1, "none, or not known": 1}
    assert {one[0]: one[1] for one in rows(found, "origin")} == {"person": 2, "bot": 1}


def test_authors() -> None:
    """An owner's second change is told from the first, once half a year was read before."""
    early = replace(in_review().change(), number=1, created=at("mon 9:00").replace(year=2025))
    first, second = (
        replace(in_review().change(), number=number, owner=replace(early.owner, id=77))
        for number in (2, 3)
    )
    found = report([early, first, second], configured(), FRIDAY)
    counted = {one[0]: one[1] for one in rows(found, "authors")}
    assert (counted["first change"], counted["2nd and 3rd"]) == (1, 1)


def test_authors_of_a_short_period() -> None:
    """What was closed before the period was not read, so nobody can be told to be new."""
    early = replace(in_review().change(), number=1, created=at("mon 9:00").replace(year=2025))
    other = replace(in_review().change(), number=2, owner=replace(early.owner, id=77))
    found = report([early, other], configured(), FRIDAY, since=at("mon 0:00"))
    assert [one[0] for one in rows(found, "authors")] == ["not known: too early in what was read"]


def test_reviewers_named() -> None:
    """Open changes that wait for reviewers, by how many people are named; bots are not."""
    people = [one for one in approved().change().messages[1:] if one.author]
    (committer,) = [one.author for one in people if one.author]
    robot = replace(committer, id=90, tags=("SERVICE_USER",))
    every = [
        *numbered([in_review()]),
        *numbered([in_review()], reviewers=(robot,)),
        *numbered([in_review()], reviewers=(robot, committer)),
    ]
    found = report(every, configured(), FRIDAY)
    assert [one[1] for one in rows(found, "listed")] == [2, 1, 0]


def test_reviewers_asked() -> None:
    """Who was made a reviewer by others when the wait began is told apart, but for bots, the owner,
    who came by themselves, who came later, and who was taken off.
    """
    change = approved().change()
    committer = next(one.author for one in change.messages[1:] if one.author)
    robot = replace(committer, id=90, tags=("SERVICE_USER",))
    owner = change.owner

    def added(*updates: ReviewerUpdate) -> Change:
        return replace(in_review().change(), reviewer_updates=updates)

    start, state = at("mon 9:00"), "REVIEWER"
    by_owner = ReviewerUpdate(start, owner.id, committer, state)
    other = ReviewerUpdate(at("mon 9:10"), owner.id, replace(committer, id=55), state)
    every = [
        added(),
        added(ReviewerUpdate(start, owner.id, robot, state)),
        added(ReviewerUpdate(start, committer.id, committer, state)),
        added(ReviewerUpdate(at("mon 9:11"), owner.id, committer, state)),
        added(by_owner, ReviewerUpdate(start, owner.id, committer, "CC")),
        added(by_owner),
        added(by_owner, other),
        in_review().change(),
    ]
    found = report(every, configured(), FRIDAY)
    assert {one[0]: one[1] for one in rows(found, "asked")} == {
        "nobody": 5,
        "1 person": 1,
        "2 or more": 1,
        "not known: Gerrit was not asked": 1,
    }


def test_reviewer_updates_as_gerrit_answers() -> None:
    """`reviewer_updates` are read in the order of time; who has no account is left out."""
    people = {"_account_id": 5}, {"_account_id": 6}
    raw = {
        "_number": 1,
        "project": "tools/build",
        "branch": "master",
        "change_id": "I1",
        "status": "NEW",
        "subject": "A change",
        "owner": people[0],
        "created": "2026-03-02 09:00:00.000000000",
        "updated": "2026-03-02 09:00:00.000000000",
    }
    update = {"updated": "2026-03-02 09:00:01.000000000", "updated_by": people[0]}
    later = {**update, "updated": "2026-03-02 10:00:00.000000000"}
    updates = [
        {**later, "reviewer": people[1], "state": "REMOVED"},
        {**update, "reviewer": people[1], "state": "REVIEWER"},
        {**update, "reviewer": {"email": "somebody@example.org"}, "state": "CC"},
    ]
    found = parse.change({**raw, "reviewer_updates": updates}).reviewer_updates
    assert [(one.by, one.account.id, one.state) for one in found or ()] == [
        (5, 6, "REVIEWER"),
        (5, 6, "REMOVED"),
    ]
    assert parse.change(raw).reviewer_updates is None


# --- asks ----------------------------------------------------------------------------------------


def asked(history: History, number: int, moment: str, who: Sequence[int] = (2,)) -> History:
    """Somebody is asked at the milestone of two days, by a mark of this pack's."""
    event = event_id("review.example.org", number, "reviewers", at("mon 9:00"), "2d")
    mark = Mark("escalate", ask_id(event, "committee"), tuple(who))
    return history.say(moment, "pack", f"Please look.\n\n{mark}", "autogenerated:st2-gerrit")


def test_escalations() -> None:
    """Asked on Wednesday, acted half a day later, reviewed then."""
    history = asked(in_review(), 1, "wed 9:00").review("wed 21:00", "reviewer", "Code-Review+1")
    quiet = asked(in_review(), 2, "wed 9:00")
    found = report(numbered([history, quiet]), configured(), FRIDAY)
    told = row(found, "escalations", "committee", "2d")
    assert (told["asks"], told["people named"], told["of these acted"]) == (2, 2, 1)
    assert (told["days until they did (median)"], told["waits ended"]) == (0.5, 1)
    assert told["of these reviewed"] == 1
    whole = row(found, "guards", "whole period")
    assert (whole["this pack's"], whole["this pack's, share of all"]) == (2, 0.4)


def test_prompt_votes() -> None:
    """A vote within ten minutes of the ask is told apart, and only of who was asked."""
    soon = asked(in_review(), 1, "wed 9:00").review("wed 9:10", "reviewer", "Code-Review+1")
    later = asked(in_review(), 2, "wed 9:00").review("wed 9:11", "reviewer", "Code-Review+1")
    other = asked(in_review(), 3, "wed 9:00").review("wed 9:01", "second", "Code-Review+1")
    found = report(numbered([soon, later, other]), configured(), FRIDAY)
    assert "Of 2 approving votes by somebody who was asked, 50 %" in found.section("guards").lead


def test_treated_and_held_out() -> None:
    """Treated changes are reviewed half a day after the milestone, the others after two days."""
    config = configured(limits={"hold_out_percent": 50})
    every = []
    for number in range(1, 101):
        if config.is_held_out(number):
            history = in_review().review("fri 9:00", "reviewer", "Code-Review+1")
        else:
            history = asked(in_review(), number, "wed 9:00")
            history.review("wed 21:00", "reviewer", "Code-Review+1")
        every.append(replace(history.change(), number=number))
    held_out = sum(map(config.is_held_out, range(1, 101)))
    found = report(every, config, at("fri 21:00"))
    assert row(found, "effect", "held out: changes")["value"] == held_out
    assert row(found, "effect", "treated: changes")["value"] == 100 - held_out
    medians = [
        row(found, "effect", f"{name}: median days from there to a review")["value"]
        for name in ("treated", "held out")
    ]
    assert medians == [0.5, 2.0]
    # Every treated change is reviewed before any other: the ratio has no finite estimate.
    assert row(found, "effect", "log-rank test, p")["value"] == "< 0.001"
    assert row(found, "effect", "hazard ratio, treated to held out")["value"] is None


def test_pack_that_is_not_known() -> None:
    """Without the account under which the pack acts nothing is said of its messages."""
    history = asked(in_review(), 1, "wed 9:00").review("wed 21:00", "reviewer", "Code-Review+1")
    told = {}
    for username in ("st2-reviews", ""):
        config = configured(username=username, password="x" if username else "")
        found = report(numbered([history]), config, FRIDAY)
        told[username] = [found.section(name).lead for name in ("escalations", "guards")]

    assert told["st2-reviews"][0].startswith("1 ask")
    assert "Messages of this pack are" in told["st2-reviews"][1]
    assert "`username`" in told[""][0]
    assert "this pack" not in told[""][1]


def test_asks_about_owners_are_not_compared() -> None:
    """A nudge of an owner at one day does not move where the comparison of reviews begins."""
    config = configured(limits={"hold_out_percent": 50})
    free = next(number for number in range(1, 99) if not config.is_held_out(number))
    ask = ask_id(event_id("review.example.org", free, "owner", at("mon 10:00"), "1d"), "owners")
    owners = commented().say("tue 10:00", "pack", f"Answer?\n\n{Mark('nudge', ask, (1,))}")
    every = [replace(owners.change(), number=free), *numbered([in_review() for _ in range(30)])]
    found = report(every, config, FRIDAY)
    assert row(found, "escalations", "owners", "1d")["asks"] == 1
    assert found.section("effect").lead.startswith("No ask was made to reviewers yet")


def test_no_hold_out() -> None:
    """Without held-out changes nothing is compared, and the sentence says what to set."""
    assert "limits.hold_out_percent" in small().section("effect").lead


# --- the nine ------------------------------------------------------------------------------------


def test_the_nine() -> None:
    """OpenInfra's figures of the half year, by hand."""
    told = dict(zip(COLUMNS, small().nine[0]))
    assert told == {
        "project": "tools/build",
        "cycle": "2026 H1",
        "review efficiency index": 0.5,
        "days to first review, median": 0.62,
        "days to first review, mean": 0.62,
        "days to merge, median": 2.38,
        "days to merge, mean": 2.38,
        "patch sets per review, median": 1.0,
        "patch sets per review, mean": 1.0,
        "opened": 20,
        "closed": 15,
        "merged": 10,
        "not closed, share": 0.25,
        "maintainers": 1,
        "reviewers": 2,
    }


def test_cycles_with_names() -> None:
    """Cycles may be named; with several projects there is a row for all of them."""
    cycles = [Cycle("first", at("mon 0:00")), Cycle("second", at("wed 0:00"))]
    every = numbered([reviewed_twice()]) + numbered([in_review()], project="tools/other")
    found = report(every, configured(), FRIDAY, cycles=cycles)
    told = [(one[0], one[1], one[9], one[11]) for one in found.nine]
    assert told == [
        ("all projects", "first", 2, 0),
        ("all projects", "second", 0, 1),
        ("tools/build", "first", 1, 0),
        ("tools/build", "second", 0, 1),
        ("tools/other", "first", 1, 0),
    ]


def test_part_of_a_cycle() -> None:
    """A cycle that began before the period is told as far as it was read."""
    every = numbered([reviewed_twice()])
    whole = report(every, configured(), FRIDAY).section("nine").lead
    part = report(every, configured(), FRIDAY, since=at("mon 0:00")).section("nine").lead
    assert whole.startswith("In 2026 H1, 1 change")
    assert part.startswith("In as much of 2026 H1 as was read, ")


def test_cycles_out_of_order() -> None:
    """Cycles that do not stand in order are refused."""
    cycles = [Cycle("second", at("wed 0:00")), Cycle("first", at("mon 0:00"))]
    with pytest.raises(ValueError, match="in the order"):
        report([], configured(), FRIDAY, cycles=cycles)


def test_csv() -> None:
    """The nine as CSV; a name that a spreadsheet would run is made harmless."""
    found = report(numbered([in_review()], project="=cmd()"), configured(), FRIDAY)
    head, line = csv.reader(io.StringIO(to_csv(found)))
    assert tuple(head) == COLUMNS
    assert line[:3] == ["'=cmd()", "2026 H1", "0.0"]


# --- the expected time ---------------------------------------------------------------------------


def every_working_day(days: int) -> List[Change]:
    """Two changes a working day, each reviewed after an hour; the last day is the Friday."""
    template = in_review().review("mon 10:00", "reviewer", text="Why?").change()
    made = []
    for back in range(days):
        apart = timedelta(days=back)
        if (FRIDAY - apart).weekday() < 5:
            messages = [
                one._replace(date=one.date + timedelta(days=3) - apart) for one in template.messages
            ]
            change = replace(
                template,
                created=messages[0].date,
                updated=messages[-1].date,
                messages=tuple(messages),
            )
            made += [replace(change, number=1000 * each + back) for each in (1, 2)]
    return made


def test_expected_time() -> None:
    """Where all waits are alike the line is always right; it needs the 180 days before it."""
    found = report(every_working_day(300), configured(), FRIDAY + timedelta(days=1))
    shares = [one[-1] for one in rows(found, "eta") if one[1]]
    assert shares
    assert set(shares) == {1.0}
    assert "was right for 100.0 % of them" in found.section("eta").lead


def test_expected_time_of_a_short_period() -> None:
    """In a period of 180 days no line is judged: what was closed before was not read."""
    since = FRIDAY - timedelta(days=180)
    found = report(every_working_day(300), configured(), FRIDAY, since=since)
    assert rows(found, "eta") == []
    assert "more than 210 days" in found.section("eta").lead


# --- beside a poll -------------------------------------------------------------------------------


def polled(*every: History, now: str = "sun2 9:00") -> Dict[str, Cell]:
    found = report(numbered(every), configured(), at(now))
    return {str(one[0]): one[1] for one in rows(found, "poll")}


def test_a_poll_that_is_right() -> None:
    """A change that nobody touches is found when it passes two days."""
    told = polled(in_review(), now="thu 9:00")
    assert told["found when they passed it"] == 1
    assert told["it was the turn of: reviewers, past the promise"] == 1


def test_a_poll_that_misses() -> None:
    """CI speaks every day, so that the change is never idle for two."""
    history = in_review()
    for moment in ("tue 8:00", "wed 8:00", "thu 8:00"):
        history.ci(moment, "Verified+1")
    history.review("thu 9:00", "reviewer", text="Why?")
    assert polled(history, now="thu 12:00")["never found before they ended"] == 1


def test_a_poll_that_is_late() -> None:
    """CI spoke on Tuesday at noon: two days from then are three hours after Thursday at 9."""
    told = polled(in_review().ci("tue 12:00", "Verified+1"), now="fri 9:00")
    assert (told["found late"], told["late by, working days (median)"]) == (1, 1.12)


def test_a_poll_that_is_wrong() -> None:
    """It fires on a weekend, and while the owner owes an answer."""
    early = polled(History().upload("fri 9:00"), now="mon2 9:00")
    why = "reviewers, but not yet: nobody works on those days, or the stopwatch stood still"
    assert early[f"it was the turn of: {why}"] == 1
    assert polled(commented(), now="thu 9:00")["it was the turn of: owner"] == 1


# --- whatever the history ------------------------------------------------------------------------


def faults(found: Report) -> List[str]:
    """What is wrong with a report's form."""
    wrong = []
    for one in found.sections:
        for line in one.table.rows:
            if len(line) != len(one.table.columns):
                wrong.append(f"{one.id}: {line}")
            wrong += [f"{one.id}: {x}" for x in line if isinstance(x, float) and not _is_sound(x)]
        if not one.lead or "nan" in one.lead or "  " in one.lead:
            wrong.append(f"{one.id}: {one.lead!r}")
        if one.chart and {"$schema", "config", "width", "height"} & set(one.chart):
            wrong.append(f"{one.id}: a chart with a size or colours of its own")
    idents = [one.id for one in found.sections]
    return wrong + [one for one in idents if idents.count(one) > 1]


def _is_sound(number: float) -> bool:
    return math.isfinite(number) and number >= 0


@given(STEPS, STEPS, STEPS)
@settings(max_examples=60, deadline=None)
def test_any_histories(first: Steps, second: Steps, third: Steps) -> None:
    """Any histories make a report whose tables are whole and whose numbers are sound; the order in
    which they are read does not matter.
    """
    every = numbered([history_of(one) for one in (first, second, third)])
    found = report(every, configured(), LATE)
    assert faults(found) == []
    assert to_json(found) == to_json(report(every[::-1], configured(), LATE))
    json.dumps(to_json(found), allow_nan=False)


def test_policy_is_not_changed() -> None:
    """The promise that is added to the milestones is the report's own."""
    config = configured(milestones=["5d"])
    before: Policy = config.policy
    report([], config, FRIDAY)
    assert config.policy is before


# --- real histories ------------------------------------------------------------------------------


@needs_histories
def test_over_real_histories() -> None:
    """Over the 755 real changes as many of the reviewers' waits pass each milestone as the
    independent reading of them says, and every change and review is counted once.
    """
    with gzip.open(HISTORIES / "opendev-zuul-reviews.jsonl.gz", "rt", encoding="utf-8") as lines:
        changes = [parse.change(json.loads(line)) for line in lines]
    config = load(yaml.safe_load((HISTORIES / "config-a.yaml").read_text(encoding="utf-8")))
    found = report(changes, config, datetime(2025, 3, 15, tzinfo=timezone.utc))
    with gzip.open(HISTORIES / "expected-a.jsonl.gz", "rt", encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    expected = sum(
        one["event"] == "waiting" and one["party"] == "reviewers" and one["milestone"] == "2d"
        for one in events
    )
    polled_ = {str(one[0]): one[1:] for one in rows(found, "poll")}
    assert polled_["Reviewers' waits longer than 2d"] == [expected, expected]
    found_by_poll = ("found when they passed it", "found late", "never found before they ended")
    told = [int(polled_[name][0] or 0) for name in (*found_by_poll, "not found so far")]
    assert sum(told) == expected
    assert sum(int(one[COLUMNS.index("opened")] or 0) for one in found.nine) == len(changes)
    merged = sum(one.status is ChangeStatus.MERGED for one in changes)
    assert sum(int(one[COLUMNS.index("merged")] or 0) for one in found.nine) == merged
    reviews = sum(int(one[-1] or 0) for one in rows(found, "hours"))
    assert reviews == sum(int(one[1] or 0) for one in rows(found, "concentration"))
    assert reviews == row(found, "guards", "whole period")["reviews"]
    assert faults(found) == []
