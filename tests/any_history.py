"""Any review history, as hypothesis makes it up."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Callable, Dict, List, Tuple

from hypothesis import strategies as st

from histories import POLICY, History, at, told
from reviewloop.core.durations import parse_duration
from reviewloop.core.reading import Reading, read_change

START = at("mon 9:00")
LATE = at("sun4 0:00")
SHORT = replace(POLICY, milestones=tuple(map(parse_duration, ("1h", "3h", "1d"))))
KEPT = '* Code-Review+2, Code-Review-2 (copy condition: "is:MAX OR is:MIN")'

FAILED = "This CL has failed the run."
FORWARDED = """Copied votes on follow-up patch sets have been updated:
* Code-Review+2 has been copied to patch set {} (copy condition: "is:MAX")."""

Deed = Callable[[History, str], History]


def _copied_forward(history: History, when: str) -> History:
    """An approval of the patch set before, which Gerrit copies."""
    text = FORWARDED.format(history.patch_set)
    before = max(history.patch_set - 1, 1)
    return history.review(when, "committer", "Code-Review+2", text, patch_set=before)


DEEDS: Dict[str, Deed] = {
    "upload": lambda history, when: history.upload(when),
    "upload of a draft": lambda history, when: history.upload(when, wip=True),
    "upload that keeps votes": lambda history, when: history.upload(when, copied=KEPT),
    "somebody else's upload": lambda history, when: history.upload(when, "uploader"),
    "rebase": lambda history, when: history.rebase(when),
    "wip": lambda history, when: history.wip(when),
    "ready": lambda history, when: history.ready(when),
    "abandon": lambda history, when: history.abandon(when),
    "restore": lambda history, when: history.restore(when),
    "merge": lambda history, when: history.merge(when),
    "words": lambda history, when: history.review(when, "reviewer", text="Hm."),
    "plus": lambda history, when: history.review(when, "second", "Code-Review+1"),
    "minus": lambda history, when: history.review(when, "reviewer", "Code-Review-1"),
    "hold": lambda history, when: history.review(when, "committer", "Code-Review-2"),
    "approval": lambda history, when: history.review(when, "committer", "Code-Review+2"),
    "vote taken back": lambda history, when: history.review(when, "committer", "-Code-Review"),
    "vote deleted": lambda history, when: history.delete_vote(when, "Code-Review-1"),
    "answer": lambda history, when: history.review(when, "owner", text="Because."),
    "owner holds": lambda history, when: history.review(when, "owner", "Workflow-1"),
    "owner lets go": lambda history, when: history.review(when, "owner", "-Workflow"),
    "uploader answers": lambda history, when: history.review(when, "uploader", text="Done."),
    "recheck": lambda history, when: history.review(when, "second", text="recheck"),
    "red": lambda history, when: history.ci(when, "Verified-1"),
    "green": lambda history, when: history.ci(when, "Verified+1"),
    "started over": lambda history, when: history.ci(when, "-Verified"),
    "upload that approves": lambda history, when: history.upload(when, votes="Code-Review+2"),
    "upload that holds": lambda history, when: history.upload(when, votes="Workflow-1"),
    "upload that lets go": lambda history, when: history.upload(when, votes="-Workflow"),
    "upload of nothing": lambda history, when: history.upload(when, unchanged=True),
    "private": lambda history, when: history.private(when),
    "public": lambda history, when: history.public(when),
    "late approval": _copied_forward,
    "hidden failure": lambda history, when: history.review(when, "ci", text=FAILED),
    "second gate": lambda history, when: history.review(when, "second ci", "Lint-1"),
    "second gate green": lambda history, when: history.review(when, "second ci", "Lint+1"),
    "advice": lambda history, when: history.review(when, "adviser", "Code-Review-1", "Hm."),
    "self-test": lambda history, when: history.review(when, "second", "Verified+1"),
    "snooze": lambda history, when: history.review(when, "second", text="/snooze 2h"),
    "unsnooze": lambda history, when: history.review(when, "owner", text="/unsnooze"),
}
GAPS = st.sampled_from([0, 1, 60, 1800, 3600, 3 * 3600, 30 * 3600])
STEPS = st.lists(st.tuples(GAPS, st.sampled_from(sorted(DEEDS))), max_size=14)
Steps = List[Tuple[int, str]]


def history_of(steps: Steps) -> History:
    """Uploaded on Monday at 9, then one deed after the other that Gerrit does not refuse."""
    history, moment = History().upload("mon 9:00"), START
    for gap, deed in steps:
        moment += timedelta(seconds=gap)
        if deed != "private" or not history.change().is_private:
            DEEDS[deed](history, str(told(moment)))
    return history


def known(history: History, until: datetime) -> Reading:
    """The change as it was known then: if it was made public later, it was private."""
    part = copy(history)
    part.messages = [message for message in history.messages if message.date <= until]
    later = (one.text for one in history.messages if one.date > until)
    next_record = next((text for text in later if text in ("Set private", "Unset private")), "")
    private = part.change().is_private or next_record == "Unset private"
    return read_change(replace(part.change(), is_private=private), SHORT)
