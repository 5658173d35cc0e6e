"""Spells in progress, or private, that the messages do not tell: what shows them later shows them
alike, so that what was read before is read afterwards, too.
"""

from __future__ import annotations

from typing import Callable, List, Optional, Tuple

import pytest

from histories import TAG, History, Span, in_progress, in_review
from reviewloop.core.change import ChangeStatus

Later = Callable[[History], History]
DELETED = "Change message removed by: <GERRIT_ACCOUNT_1>"


def made_ready() -> History:
    """In progress at 9, made ready by words at 11, as Gerrit answers."""
    return in_progress().review("mon 11:00", "owner", text="Please look.")


def ended(by: Optional[Tuple[str, str]] = None) -> List[Span]:
    """The reviewers' wait since the words that made ready, and how it ended."""
    return [("reviewers", "ready", "mon 11:00", *(by or (None, None)))]


# Made ready by words, and then …


@pytest.mark.parametrize(
    ("later", "by"),
    [
        (lambda h: h.private("mon 12:00"), ("mon 12:00", "wip")),
        (lambda h: h.wip("mon 12:00"), ("mon 12:00", "wip")),
        (lambda h: h.rebase("mon 12:00"), None),
        (lambda h: h.upload("mon 12:00"), None),
    ],
)
def test_what_comes_after_words_that_made_ready(
    later: Later, by: Optional[Tuple[str, str]]
) -> None:
    """The wait goes on, or ends then; it is not forgotten."""
    history = made_ready().answered(work_in_progress=False)
    assert history.turns() == ended()

    history = later(made_ready())
    private = by is not None and history.messages[-1].text == "Set private"
    wip = by is not None and not private
    assert history.answered(work_in_progress=wip, is_private=private).turns() == ended(by)


@pytest.mark.parametrize(
    ("close", "status", "how"),
    [
        (lambda h: h.merge("mon 12:00"), ChangeStatus.MERGED, "merged"),
        (lambda h: h.abandon("mon 12:00"), ChangeStatus.ABANDONED, "abandoned"),
    ],
)
def test_closed_after_words_that_made_ready(close: Later, status: ChangeStatus, how: str) -> None:
    """Of a closed change, too, Gerrit answers whether it is in progress."""
    history = close(made_ready())

    answer = {"status": status, "work_in_progress": False}
    assert history.answered(**answer).turns() == ended(("mon 12:00", how))
    assert history.answered(status=status, work_in_progress=True).turns() == []


@pytest.mark.parametrize(
    ("words", "since"),
    [
        ("Please look.", ("owner", "reviewed", "mon 11:00")),
        ("recheck", ("reviewers", "ready", "mon 11:00")),
    ],
)
def test_words_of_others_and_a_rebase(words: str, since: Tuple[str, str, str]) -> None:
    """A patch set that Gerrit makes itself makes nothing ready: somebody had done so."""
    history = in_progress().review("mon 11:00", "second", text=words)
    before = history.answered(work_in_progress=False).turns()
    history = in_progress().review("mon 11:00", "second", text=words).rebase("mon 12:00")

    assert history.turns()[0][:3] == before[0][:3] == since


def test_words_of_others_and_a_push() -> None:
    """A push may have made ready, and mostly has: reviewers answer changes in progress, too."""
    history = in_progress().review("mon 11:00", "second", text="Soon?").upload("mon 12:00")

    assert history.turns() == [("reviewers", "uploaded", "mon 12:00", None, None)]


def test_words_that_made_ready_were_deleted() -> None:
    """Their author and date stay."""
    history = in_progress().ci("mon 10:00", "Verified+1").say("mon 11:00", "owner", DELETED)

    assert history.answered(work_in_progress=False).turns() == ended()


def test_set_in_progress_twice() -> None:
    """Without a word in between nothing was ready, whatever Gerrit's records say."""
    assert in_progress().ci("mon 10:00", "Verified+1").wip("mon 11:00").turns() == []


def test_push_whose_message_was_deleted() -> None:
    """It may have made ready like any other push."""
    history = in_progress().review("mon 11:00", "second", text="Soon?")
    history.say("mon 12:00", "owner", DELETED, TAG + "newPatchSet")

    found = history.answered(work_in_progress=False).turns()
    assert found == [("reviewers", "uploaded", "mon 12:00", None, None)]


def test_words_before_a_patch_set_in_progress() -> None:
    """Gerrit marks each patch set of a change in progress: the words before it made nothing ready,
    those behind it did.
    """
    history = in_progress().review("mon 10:00", "owner", text="Not yet.")
    history.upload("mon 11:00", wip=True).review("mon 12:00", "owner", text="Now.")

    assert history.answered(work_in_progress=False).turns() == [
        ("reviewers", "ready", "mon 12:00", None, None)
    ]


def test_put_in_progress_before_words_that_say_nothing() -> None:
    """Who wants a bot to run once more puts nothing in progress."""
    history = in_review().review("mon 10:00", "owner", text="Not yet.")
    history.review("mon 11:00", "owner", text="recheck")

    assert history.answered(work_in_progress=True).turns() == [
        ("reviewers", "uploaded", "mon 9:00", "mon 10:00", "wip")
    ]


# Answered while it is private, and then …


@pytest.mark.parametrize("draft", [True, False])
@pytest.mark.parametrize(
    ("later", "by"),
    [
        (lambda h: h, None),
        (lambda h: h.upload("mon 13:00"), None),
        (lambda h: h.wip("mon 13:00"), ("mon 13:00", "wip")),
        (lambda h: h.private("mon 13:00"), ("mon 13:00", "wip")),
    ],
)
def test_public_after_words_while_private(
    draft: bool, later: Later, by: Optional[Tuple[str, str]]
) -> None:
    """Nobody waits while it is private, whatever is said; the reviewers do from then on, also
    where the words made it ready. What comes later moves none of it.
    """
    history = in_progress() if draft else in_review().review("mon 9:30", "reviewer", text="Why?")
    history.private("mon 10:00").review("mon 11:00", "owner", text="Because.")
    private = history.answered(work_in_progress=False, is_private=True)
    assert [end for *_, end, _ in private.turns() if end is None] == []

    history = later(history.public("mon 12:00"))
    last = history.messages[-1].text
    history.answered(work_in_progress=last.startswith("Set Work"), is_private=last == "Set private")
    since = ("reviewers", "ready", "mon 12:00")
    assert history.turns()[-1] == (*since, *(by or (None, None)))


# Private by a push, and then …


def test_public_after_a_push_that_made_private() -> None:
    """A record that a change is public shows that it was not: nobody could see it before."""
    history = in_review().review("mon 10:00", "reviewer", text="Hm.")
    assert history.answered(is_private=True).turns() == []

    history = in_review().review("mon 10:00", "reviewer", text="Hm.").public("mon 12:00")
    assert history.turns() == [("reviewers", "ready", "mon 12:00", None, None)]


def test_public_twice() -> None:
    """What was public before a record of that stays so."""
    history = in_review().private("mon 10:00").public("mon 11:00").upload("mon 12:00")
    history.public("mon 13:00")

    assert history.turns() == [
        ("reviewers", "uploaded", "mon 9:00", "mon 10:00", "wip"),
        ("reviewers", "ready", "mon 13:00", None, None),
    ]


def test_private_twice() -> None:
    """In between it was public: from the first record on, where nothing was said."""
    history = in_review().private("mon 10:00").private("mon 11:00")
    history.review("mon 12:00", "second", text="Hm.")

    assert history.answered(is_private=True).turns() == [
        ("reviewers", "uploaded", "mon 9:00", "mon 10:00", "wip"),
        ("reviewers", "ready", "mon 10:00", "mon 11:00", "wip"),
    ]


def test_public_by_a_push() -> None:
    """Gerrit writes nothing where a push makes public: the first since it was private did."""
    history = in_review().private("mon 10:00").upload("mon 11:00").upload("mon 12:00")
    since = [
        ("reviewers", "uploaded", "mon 9:00", "mon 10:00", "wip"),
        ("reviewers", "uploaded", "mon 11:00", None, None),
    ]

    assert history.answered(is_private=False).turns() == since
    history.answered().private("mon 13:00")
    assert history.turns()[1] == ("reviewers", "uploaded", "mon 11:00", "mon 13:00", "wip")


def test_public_without_a_trace() -> None:
    """Without a push it is so since the first message, else since it was made private."""
    history = in_review().private("mon 10:00").answered(is_private=False)
    assert history.turns()[-1] == ("reviewers", "ready", "mon 10:00", None, None)

    history.review("mon 11:00", "second", text="Hm.").say("mon 12:00", "owner", "Topic set to x")
    assert ("reviewers", "ready", "mon 11:00") not in [one[:3] for one in history.turns()]
    assert history.turns()[-1][:3] == ("owner", "reviewed", "mon 11:00")


def test_in_progress_and_private() -> None:
    """Both are mended, each by itself."""
    history = in_review().review("mon 10:00", "owner", text="Not yet.").private("mon 11:00")
    history.answered(work_in_progress=True, is_private=True)
    assert history.turns() == [("reviewers", "uploaded", "mon 9:00", "mon 10:00", "wip")]
    told = [(one.what, one.told, one.true) for one in history.state().disagreements]
    assert told == [("work_in_progress", 0, 1)]

    history = made_ready().private("mon 12:00").answered(is_private=False, work_in_progress=False)
    told = [(one.what, one.told, one.true) for one in history.state().disagreements]
    assert told == [("work_in_progress", 1, 0), ("is_private", 1, 0)]
    assert history.turns()[0] == ended(("mon 12:00", "wip"))[0]


def test_record_without_text() -> None:
    """Of a record whose text was deleted the tag still tells what it was."""
    history = in_review().say("mon 10:00", "owner", DELETED, TAG + "setPrivate")

    assert history.answered(is_private=True).turns() == [
        ("reviewers", "uploaded", "mon 9:00", "mon 10:00", "wip")
    ]
