"""What people type into the reply dialog, where the message says no more than `(1 comment)`."""

from __future__ import annotations

from collections import OrderedDict
from typing import Iterator, List, Tuple

import pytest

from bench import Bench
from reviewloop.core.change import Account, Change, ChangeStatus, Message
from reviewloop.core.comments import ReviewComment, unread
from reviewloop.core.policy import Policy
from reviewloop.sensor import reader
from reviewloop.sensor import words as words_of
from reviewloop.sensor.words import CAP, KEPT, Words

TUESDAY, WEDNESDAY = "2026-03-03 09:00:00", "2026-03-04 09:00:00"
COMMENTS = "/comments"


@pytest.fixture
def bench() -> Bench:
    """A server with one change, uploaded on Monday at 9 and seen by a poll."""
    bench = Bench()
    bench.fake.add_change()
    assert bench.poll() == []
    return bench


def told(bench: Bench, moment: str) -> List[Tuple[str, str]]:
    """Party, and milestone or how, of what a poll at an instant dispatches."""
    bench.fake.at(moment)
    return [(one["party"], one.get("how") or one["milestone"]) for _, one in bench.poll()]


def asked_for(bench: Bench) -> int:
    """How often comments were asked for so far."""
    return sum(COMMENTS in one for one in bench.fake.seen)


def test_recheck_in_the_reply_dialog(bench: Bench) -> None:
    """A `recheck` typed there says nothing, like one that is a message: the wait goes on."""
    bench.fake.review(1, comment="recheck", at="2026-03-02 15:00:00")
    told(bench, "2026-03-02 15:10:00")

    assert told(bench, TUESDAY) == [("reviewers", "1d")]
    assert told(bench, WEDNESDAY) == [("reviewers", "2d")]


def test_words_in_the_reply_dialog(bench: Bench) -> None:
    """A question typed there is a review, as before."""
    bench.fake.review(1, comment="Why is this here?", at="2026-03-02 15:00:00")
    told(bench, "2026-03-02 15:10:00")

    assert told(bench, "2026-03-03 15:00:00") == [("owner", "1d")]


def test_owners_recheck_is_no_answer(bench: Bench) -> None:
    """Nor does an owner's `recheck` hand the turn back."""
    bench.fake.review(1, text="Why?", at="2026-03-02 10:00:00")
    bench.fake.review(1, bench.fake.author, comment="recheck", at="2026-03-02 15:00:00")
    told(bench, "2026-03-02 15:10:00")

    assert told(bench, "2026-03-03 10:00:00") == [("owner", "1d")]


@pytest.mark.parametrize("restart", ["2026-03-02 20:00:00", "2026-03-03 12:00:00"])
def test_restart(bench: Bench, restart: str) -> None:
    """A new process reads the many changes of its start without comments, and what is to be
    dispatched with them: nothing wrong goes out.
    """
    bench.fake.review(1, comment="recheck", at="2026-03-02 15:00:00")
    told(bench, "2026-03-02 15:10:00")
    bench.fake.at(restart)
    bench.start()
    for moment in (restart, "2026-03-03 15:00:00", WEDNESDAY, "2026-03-05 10:00:00"):
        told(bench, max(restart, moment))

    parties = [(payload["party"], payload.get("how")) for _, payload in bench.told]
    assert parties[0] == ("reviewers", None)
    assert set(parties) == {("reviewers", None)}
    assert [payload["since"] for _, payload in bench.told] == ["2026-03-02T09:00:00Z"] * len(
        parties
    )


def test_told_once_whatever_process_polls(bench: Bench) -> None:
    """A wait that looks over, until all that was said has been read, is known to have been told."""
    bench.fake.review(1, comment="recheck", at="2026-03-02 15:00:00")
    for hour in (12, 13, 14):
        bench.fake.at(f"2026-03-03 {hour}:00:00")
        bench.start()
        bench.poll()
        bench.fake.touch(1)
        bench.poll()

    assert [payload["milestone"] for _, payload in bench.told] == ["1d"]


# Cost.


def test_quiet_polls(bench: Bench) -> None:
    """Comments are asked for once, when the change has moved; a quiet poll is one request."""
    bench.fake.review(1, comment="recheck")
    assert bench.requests() == 4
    assert asked_for(bench) == 1
    assert [bench.requests() for _ in range(3)] == [1, 1, 1]


def test_moved_again(bench: Bench) -> None:
    """What is known of a message is not asked for again, whatever else happens to its change."""
    bench.fake.review(1, comment="recheck")
    bench.poll()
    bench.fake.review(1, labels={"Code-Review": 1})
    bench.poll()
    bench.fake.touch(1)
    bench.poll()
    assert asked_for(bench) == 1

    bench.fake.review(1, comment="reverify")
    bench.poll()
    assert asked_for(bench) == 2


@pytest.mark.parametrize("votes", [{"Code-Review": 1}, {"Code-Review": -1}, {"Verified": -1}])
def test_votes_need_no_words(bench: Bench, votes: dict) -> None:
    """Somebody who votes has reviewed, whatever is written beside."""
    bench.fake.review(1, labels=votes, comment="See below.")
    bench.poll()

    assert asked_for(bench) == 0


def test_bots_need_no_words(bench: Bench) -> None:
    """What a bot writes in comments is nobody's review."""
    ci = bench.fake.add_account("ci", service_user=True)
    bench.fake.review(1, ci, comment="See the log.")
    bench.poll()

    assert asked_for(bench) == 0


def test_start() -> None:
    """At a start, nothing is asked for of the changes that are merely watched."""
    bench = Bench()
    for _ in range(30):
        bench.fake.review(bench.fake.add_change(), comment="recheck")
    bench.poll()

    assert asked_for(bench) == 0


def test_many_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a long silence only so many are asked for; of the others when something is due."""
    monkeypatch.setattr(reader, "MARKED", 3)
    for _ in range(5):
        bench.fake.review(bench.fake.add_change(), comment="recheck")
    bench.poll()
    assert asked_for(bench) == 3

    assert told(bench, TUESDAY) == [("reviewers", "1d")] * 6
    assert asked_for(bench) == 5


# Which messages.

NOON = Bench().fake.now
PERSON = Account(2, username="reviewer")


@pytest.mark.parametrize(
    ("text", "tag", "is_unread"),
    [
        ("Patch Set 1:\n\n(1 comment)", "", True),
        ("Patch Set 1:\n\n(12 comments)\n", "", True),
        ("Patch Set 1: Verified+1\n\n(1 comment)", "", True),
        ("Patch Set 1: -Workflow\n\n(1 comment)", "", True),
        ("Patch Set 1: Code-Review+1\n\n(1 comment)", "", False),
        ("Patch Set 1: Workflow-1\n\n(1 comment)", "", False),
        ("Patch Set 1:\n\n(1 comment)\n\nAnd words.", "", False),
        ("Patch Set 1:", "", False),
        ("(1 comment)", "", False),
        ("Uploaded patch set 2.\n\n(1 comment)", "autogenerated:gerrit:newPatchSet", False),
        ("Patch Set 1:\n\n(1 comment)", "autogenerated:ci", False),
    ],
)
def test_which_messages(text: str, tag: str, is_unread: bool) -> None:
    """Those of people that cast no review's vote, and say no more than how many comments."""
    messages = (Message("m", NOON, PERSON, text, tag, 1),)
    change = Change(1, "p", "b", "I", ChangeStatus.NEW, "s", Account(1), NOON, NOON, messages)

    assert (unread(change, Policy()) == {"m"}) is is_unread


def test_memory_is_bounded() -> None:
    """Of a long life only the last messages are kept."""
    words = Words(lambda _change: ())
    for place in range(KEPT + 10):
        words.keep(frozenset([f"m{place}"]), (ReviewComment(f"m{place}", "x" * 9_999, True),))

    assert not words.knows(frozenset(["m9"]))
    assert words.knows(frozenset(["m10"]))


def one_change() -> Change:
    """A change with the messages `a` and `b`."""
    messages = tuple(Message(one, NOON, PERSON, "Patch Set 1:\n\n(1 comment)") for one in "ab")
    return Change(1, "p", "b", "I", ChangeStatus.NEW, "s", Account(1), NOON, NOON, messages)


def test_what_is_remembered() -> None:
    """Of a comment on the whole, its beginning; of one on a line, that there is one."""
    asked: List[int] = []

    def ask(change: Change) -> Tuple[ReviewComment, ...]:
        asked.append(change.number)
        return (
            ReviewComment("a", "recheck" + "x" * CAP, True),
            ReviewComment("a", "on a line", False),
            ReviewComment("c", "of no message asked about", True),
        )

    words = Words(ask)
    assert words.filled(one_change(), frozenset()) == one_change()
    first, other = words.filled(one_change(), frozenset("ab")).messages
    assert asked == [1]
    # What is said on a line keeps the mark.
    assert (first.text, other.text) == ("Patch Set 1:\n\n(1 comment)",) * 2
    assert (first.comments, other.comments) == ((("recheck" + "x" * CAP)[:CAP],), ())
    assert words.filled(one_change(), frozenset("a")).messages == (first, other)
    assert words.filled(one_change(), frozenset("b")) == one_change()
    assert asked == [1]


def test_what_two_messages_said() -> None:
    """Each has its own words, in the order in which Gerrit answered them."""
    comments = [("b", "three"), ("a", "one"), ("a", "two")]
    words = Words(lambda _change: tuple(ReviewComment(*one, general=True) for one in comments))
    messages = words.filled(one_change(), frozenset("ab")).messages

    assert [one.comments for one in messages] == [("one", "two"), ("three",)]
    assert {one.text for one in messages} == {"Patch Set 1:\n\n"}


def test_what_is_asked_for_again_stays() -> None:
    """It is kept as if it were new."""
    words = Words(lambda _change: ())
    for place in range(KEPT):
        words.keep(frozenset([f"m{place}"]), ())
    words.keep(frozenset(["m0"]), ())
    assert words.knows(frozenset(["m0", "m1"]))
    words.keep(frozenset(["more"]), ())

    assert words.knows(frozenset(["m0", "more"]))
    assert not words.knows(frozenset(["m1"]))


def test_more_than_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a change with more messages than are remembered some stand without their words."""
    monkeypatch.setattr(words_of, "KEPT", 1)
    words = Words(
        lambda _change: tuple(ReviewComment(ident, "recheck", general=True) for ident in "ab")
    )
    messages = words.filled(one_change(), frozenset("ab")).messages

    assert [one.comments for one in messages] == [(), ("recheck",)]


def test_known_words_are_looked_up() -> None:
    """Whether the comments of some messages are known is a look at these, not at all of them."""

    class Counted(OrderedDict):  # type: ignore[type-arg]
        looked = 0

        def __iter__(self) -> Iterator[str]:
            Counted.looked += len(self)
            return super().__iter__()

    words = Words(lambda _change: ())
    words._known = Counted()
    words.keep(frozenset(str(number) for number in range(1_000)), ())

    assert words.knows(frozenset({"5", "7"}))
    assert not words.knows(frozenset({"5", "none"}))
    assert Counted.looked == 0
