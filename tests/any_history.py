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

Deed = Callable[[History, str], History]
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
    "snooze": lambda history, when: history.review(when, "second", text="/snooze 2h"),
    "unsnooze": lambda history, when: history.review(when, "owner", text="/unsnooze"),
}
GAPS = st.sampled_from([0, 1, 60, 1800, 3600, 3 * 3600, 30 * 3600])
STEPS = st.lists(st.tuples(GAPS, st.sampled_from(sorted(DEEDS))), max_size=14)
Steps = List[Tuple[int, str]]


def history_of(steps: Steps) -> History:
    """Uploaded on Monday at 9, then one deed after the other."""
    history, moment = History().upload("mon 9:00"), START
    for gap, deed in steps:
        moment += timedelta(seconds=gap)
        DEEDS[deed](history, str(told(moment)))
    return history


def known(history: History, until: datetime) -> Reading:
    """The change as it was known then."""
    part = copy(history)
    part.messages = [message for message in history.messages if message.date <= until]
    return read_change(part.change(), SHORT)
