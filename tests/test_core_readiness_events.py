"""Ready or in progress: what is put into a history where its messages do not tell, and where.

Each history is told by its events: whether the change is in progress after each, and where it is.
"""

from __future__ import annotations

from typing import List, Tuple

from histories import ACCOUNTS, POLICY, TAG, History, at, in_progress, in_review, told
from reviewloop.core.history import Event
from reviewloop.core.kinds import EventKind
from reviewloop.core.telling import told as telling

OWNER, UPLOADER = ACCOUNTS["owner"].id, ACCOUNTS["uploader"].id


def events(history: History, *, wip: bool = False, private: bool = False) -> List[Event]:
    """What the history comes to where Gerrit answers so."""
    history.answered(work_in_progress=wip, is_private=private, approvals=None)
    return telling(history.change(), POLICY).events


def rows(found: List[Event]) -> List[Tuple[str, str, bool, int]]:
    """Of each event its kind, its time, whether the change is in progress after it, its place."""
    return [(one.kind.value, str(told(one.at)), one.wip, one.place) for one in found]


# In progress, and no message says so.


def test_put_in_progress_with_words() -> None:
    """Behind the last words of whoever answers for the change."""
    history = (
        in_review().review("mon 10:00", "owner", text="a").review("mon 11:00", "owner", text="b")
    )
    history.review("mon 12:00", "reviewer", text="Why?").ci("mon 13:00", "Verified+1")

    assert rows(events(history, wip=True)) == [
        ("upload", "mon 9:00", False, 0),
        ("reply", "mon 10:00", False, 1),
        ("reply", "mon 11:00", False, 2),
        ("wip", "mon 11:00", True, 2),
        ("review", "mon 12:00", True, 3),
        ("robot", "mon 13:00", True, 4),
    ]


def test_put_in_progress_on_somebodys_patch_set() -> None:
    """Who answers for the change stays who it was."""
    history = (
        in_review().upload("mon 10:00", "uploader").review("mon 11:00", "uploader", text="Hm.")
    )
    made = events(history, wip=True)[-1]

    assert made == Event(EventKind.WIP, at("mon 11:00"), None, wip=True, uploader=UPLOADER, place=2)


def test_put_in_progress_after_words_that_made_ready() -> None:
    """The words that made it ready did not: who spoke since then did."""
    history = in_progress().say(
        "mon 10:00", "owner", "Patch Set 1:\n\nThis change is ready for review."
    )
    history.review("mon 11:00", "reviewer", text="Why?").ci("mon 12:00", "Verified+1")

    assert ("wip", "mon 11:00", True, 2) in rows(events(history, wip=True))


def test_private_since_a_push() -> None:
    """No words make private: it has been so since nothing said otherwise."""
    history = in_review().review("mon 10:00", "owner", text="a")

    found = rows(events(history, private=True))
    assert [(kind, when, place) for kind, when, _, place in found] == [
        ("upload", "mon 9:00", 0),
        ("wip", "mon 9:00", 0),
        ("reply", "mon 10:00", 1),
    ]


# Ready, and no message says so.


def test_made_ready_by_words() -> None:
    """Before the first words of whoever answers for the change."""
    history = in_progress().review("mon 10:00", "reviewer", text="Soon?")
    history.say("mon 10:30", "", "Patch Set 1:\n\nx")
    history.review("mon 11:00", "owner", text="Now.").review("mon 12:00", "owner", text="Well?")
    found = events(history)

    assert rows(found) == [
        ("upload", "mon 9:00", True, 0),
        ("review", "mon 10:00", True, 1),
        ("robot", "mon 10:30", True, 2),
        ("ready", "mon 11:00", False, 3),
        ("reply", "mon 11:00", False, 3),
        ("reply", "mon 12:00", False, 4),
    ]
    assert found[3] == Event(EventKind.READY, at("mon 11:00"), None, uploader=OWNER, place=3)


def test_made_ready_on_somebodys_patch_set() -> None:
    """Who answers for the change stays who it was."""
    history = in_progress().upload("mon 10:00", "uploader", wip=True)
    history.review("mon 11:00", "uploader", text="Now.")

    assert events(history)[2] == Event(
        EventKind.READY, at("mon 11:00"), None, uploader=UPLOADER, place=2
    )


def test_made_ready_by_a_message_that_tells_nothing() -> None:
    """Where nobody spoke, any message since dates it, even one that makes no event."""
    history = in_progress().say("mon 10:00", "second", "Topic set to x", TAG + "setTopic")

    assert rows(events(history)) == [
        ("upload", "mon 9:00", True, 0),
        ("ready", "mon 10:00", False, 1),
    ]


def test_words_that_made_ready_before_it_was_private() -> None:
    """Words said while it was private made nothing ready: it had been so before."""
    history = in_progress().review("mon 10:00", "owner", text="Now.").private("mon 11:00")
    history.review("mon 12:00", "owner", text="a").public("mon 13:00")

    assert rows(events(history)) == [
        ("upload", "mon 9:00", True, 0),
        ("ready", "mon 10:00", False, 1),
        ("reply", "mon 10:00", False, 1),
        ("wip", "mon 11:00", False, 2),
        ("reply", "mon 12:00", False, 3),
        ("ready", "mon 13:00", False, 4),
    ]


def test_words_said_while_a_change_was_private_made_it_ready() -> None:
    """The first of them, where nothing was said before: it is public from its record on."""
    history = in_progress().private("mon 10:00").review("mon 11:00", "owner", text="Now.")
    history.review("mon 12:00", "owner", text="a").public("mon 13:00")

    assert rows(events(history)) == [
        ("upload", "mon 9:00", True, 0),
        ("wip", "mon 10:00", True, 1),
        ("ready", "mon 11:00", False, 2),
        ("reply", "mon 11:00", False, 2),
        ("reply", "mon 12:00", False, 3),
        ("ready", "mon 13:00", False, 4),
    ]


# Ready meanwhile, as what comes later shows.


def test_patch_set_after_words() -> None:
    """The first words since the change was in progress made it ready."""
    history = in_review().review("mon 9:30", "owner", text="Wait.").wip("mon 10:00")
    history.review("mon 11:00", "owner", text="Now.").review("mon 12:00", "owner", text="Well?")
    history.upload("mon 13:00")

    assert rows(events(history)) == [
        ("upload", "mon 9:00", False, 0),
        ("reply", "mon 9:30", False, 1),
        ("wip", "mon 10:00", True, 2),
        ("ready", "mon 11:00", False, 3),
        ("reply", "mon 11:00", False, 3),
        ("reply", "mon 12:00", False, 4),
        ("upload", "mon 13:00", False, 5),
    ]


def test_patch_set_without_words() -> None:
    """It made the change ready itself; what was said before it was in progress did not."""
    history = in_review().review("mon 9:30", "owner", text="Wait.").wip("mon 10:00")
    history.review("mon 11:00", "reviewer", text="Soon?").upload("mon 13:00")

    assert [row[0] for row in rows(events(history))] == [
        "upload",
        "reply",
        "wip",
        "review",
        "upload",
    ]


def test_patch_set_of_a_change_that_was_ready() -> None:
    """Its owner's words made nothing ready."""
    history = in_review().review("mon 10:00", "owner", text="a").upload("mon 11:00")

    assert [row[0] for row in rows(events(history))] == ["upload", "reply", "upload"]


def test_words_while_private() -> None:
    """They tell nothing of whether the change is in progress besides: it became public later."""
    history = in_review().private("mon 10:00").upload("mon 11:00")
    history.review("mon 12:00", "owner", text="a").public("mon 13:00").upload("mon 14:00")

    assert [row[:2] for row in rows(events(history))] == [
        ("upload", "mon 9:00"),
        ("wip", "mon 10:00"),
        ("upload", "mon 11:00"),
        ("reply", "mon 12:00"),
        ("ready", "mon 13:00"),
        ("upload", "mon 14:00"),
    ]


def test_words_while_private_from_the_first_message_on() -> None:
    """The same where nobody recorded the upload."""
    history = History().private("mon 9:00").review("mon 10:00", "owner", text="a")
    history.public("mon 11:00").upload("mon 12:00")

    assert [row[0] for row in rows(events(history))] == [
        "upload",
        "wip",
        "reply",
        "ready",
        "upload",
    ]


def test_draft_after_the_change_was_public_again() -> None:
    """Then words make ready as before."""
    history = in_review().private("mon 10:00").public("mon 11:00").upload("mon 12:00", wip=True)
    history.review("mon 13:00", "owner", text="Now.").upload("mon 14:00")

    assert rows(events(history))[3:] == [
        ("upload", "mon 12:00", True, 3),
        ("ready", "mon 13:00", False, 4),
        ("reply", "mon 13:00", False, 4),
        ("upload", "mon 14:00", False, 5),
    ]


def test_only_words_before_what_shows_it() -> None:
    """What is said behind a patch set that is ready made nothing ready before it."""
    for who, word in (("owner", "reply"), ("second", "review")):
        for rebase in (False, True):
            history = in_progress().upload("mon 11:00", rebase=rebase)
            history.review("mon 12:00", who, text="Now.")

            assert rows(events(history)) == [
                ("upload", "mon 9:00", True, 0),
                ("upload", "mon 11:00", False, 1),
                (word, "mon 12:00", False, 2),
            ]


def test_in_progress_again_where_only_a_bot_spoke() -> None:
    """It became ready since it was last said to be in progress, and not before."""
    history = in_progress().ci("mon 10:00", "Verified+1").wip("mon 11:00")

    assert rows(events(history))[-1][:2] == ("ready", "mon 11:00")


def test_records_without_tags_are_no_words() -> None:
    """In a history without tags a record is known by its text alone, and made nothing ready."""
    history = in_progress().say("mon 10:00", "owner", "Topic set to x")
    history.review("mon 11:00", "owner", text="Now.")

    assert ("ready", "mon 11:00", False, 2) in rows(events(history))


# Private, and no message says so.


def test_private_as_uploaded() -> None:
    """Of one event, too."""
    assert [one.private for one in events(in_review(), private=True)] == [False, True]


def test_private_twice_with_words_between() -> None:
    """It was public from the first of them on."""
    history = in_review().private("mon 10:00").review("mon 10:30", "second", text="Hm.")
    found = events(history.private("mon 11:00"), private=True)

    assert [(row[0], row[1]) for row in rows(found)][2] == ("ready", "mon 10:30")


def test_public_by_a_push() -> None:
    """From the first patch set on since it was private."""
    history = in_review().private("mon 10:00").upload("mon 11:00").upload("mon 12:00")

    assert [one.private for one in events(history)] == [False, True, False, False]
