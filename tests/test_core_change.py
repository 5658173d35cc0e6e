"""What a change, its messages and the people on it say of themselves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from histories import History, at
from reviewloop.core.change import Account, ChangeStatus, Message


@pytest.mark.parametrize(
    ("status", "is_closed", "is_nobodys"),
    [
        (ChangeStatus.NEW, False, False),
        (ChangeStatus.MERGED, True, False),
        (ChangeStatus.ABANDONED, True, False),
        (ChangeStatus.DEFERRED, True, False),
        (ChangeStatus.STAGED, False, True),
        (ChangeStatus.INTEGRATING, False, True),
        (ChangeStatus.UNKNOWN, False, True),
    ],
)
def test_what_a_status_means(status: ChangeStatus, is_closed: bool, is_nobodys: bool) -> None:
    """Of what is open only what is new is somebody's."""
    assert (status.is_closed, status.is_nobodys) == (is_closed, is_nobodys)


def test_a_status_of_another_server() -> None:
    """The change says that nobody knows what its status means."""
    change = History().upload("mon 9:00").change()

    assert change.status_known
    assert replace(change, status=ChangeStatus.STAGED).status_known
    assert not replace(change, status=ChangeStatus.UNKNOWN).status_known


def test_accounts_are_found_by_their_ids() -> None:
    """Those of different names have one hash where the id is one; those of several differ."""
    assert hash(Account(7, "Ada", inactive=True)) == hash(Account(7, tags=("SERVICE_USER",)))
    assert len({hash(Account(number)) for number in range(100)}) == 100


def test_what_somebody_said() -> None:
    """The message, and below it the comments on the patch set, a line between."""
    message = Message("m", at("mon 9:00"), None, "Patch Set 1:\n\nHm.\n\n")
    both = message._replace(comments=("First.", "Second.\n"))

    assert message.said == "Patch Set 1:\n\nHm.\n\n"
    assert both.said == "Patch Set 1:\n\nHm.\n\nFirst.\n\nSecond.\n"
