"""What is said of a roster that is not as Gerrit has it, word by word."""

from __future__ import annotations

from typing import Any, List

import pytest

from reviewloop.errors import ConfigError, RefusedError
from test_people import Office


@pytest.fixture
def office() -> Office:
    """A Gerrit and a datastore."""
    return Office()


def problems(office: Office, *members: Any, group: str = "") -> List[str]:
    """What is wrong, sentence by sentence."""
    return list(office.people(*members, group=group).resolve()[1])


UNKNOWN = (
    " which is no account's username, e-mail address or id, or one that Gerrit does not show to"
    " this pack: write the username or the account id under gerrit, as Gerrit's settings page shows"
    " it."
)


def test_nobody_whom_gerrit_knows(office: Office) -> None:
    """The entry by its place and key, what it says, and what to write."""
    assert problems(office, {"gerrit": "committee1"}, {"gerrit": "x"}, {"email": "y@z"}) == [
        f"roster.members[1].gerrit is 'x',{UNKNOWN}",
        f"roster.members[2].email is 'y@z',{UNKNOWN}",
    ]


def test_nobody_at_all(office: Office) -> None:
    """Where that leaves nobody to ask, the run fails with all of it."""
    people = office.people({"gerrit": "x"}, {"email": "y@z"})
    with pytest.raises(ConfigError) as caught:
        people.members({})
    wrong = (
        f"roster.members[0].gerrit is 'x',{UNKNOWN}",
        f"roster.members[1].email is 'y@z',{UNKNOWN}",
    )

    assert caught.value.message == f"Nobody on the roster can be asked: {' '.join(wrong)}"
    assert caught.value.remedy == "Correct the roster in gerrit.yaml, and reload it."
    assert caught.value.problems == wrong


def test_the_same_account(office: Office) -> None:
    """Both places are named."""
    assert problems(office, {"gerrit": "committee1"}, {"email": "committee1@example.org"}) == [
        "roster.members[1] is 'committee1@example.org', the same account as roster.members[0]:"
        " remove one of the two."
    ]


def test_the_same_account_in_a_group(office: Office) -> None:
    """Of a group's entries, too; the first counts."""
    office.fake.add_group("tech", office.one, office.two)
    entries = (
        {"gerrit": "committee2"},
        {"gerrit": "committee1", "name": "First"},
        {"email": "committee1@example.org", "name": "Second"},
    )
    members, wrong = office.people(*entries, group="tech").resolve()

    assert wrong == (
        "roster.members[2] is 'committee1@example.org', the same account as roster.members[1]:"
        " remove one of the two.",
    )
    assert [one.account.name for one in members] == ["First", "Committee Two"]


def test_an_inactive_account(office: Office) -> None:
    """Its id, and the two ways out."""
    office.fake.accounts[office.two]["inactive"] = True

    assert problems(office, {"gerrit": "committee1"}, {"gerrit": "committee2"}) == [
        f"roster.members[1] is 'committee2', account {office.two}, which is inactive in Gerrit and"
        " so is not asked: remove the entry, or have the account made active."
    ]


def test_an_inactive_account_of_a_group(office: Office) -> None:
    """Of a group nobody is to blame who has no entry."""
    office.fake.accounts[office.two]["inactive"] = True
    office.fake.add_group("tech", office.one, office.two)

    assert problems(office, {"gerrit": "committee1"}, group="tech") == []


def test_an_entry_that_fits_nobody_in_the_group(office: Office) -> None:
    """Whether Gerrit knows the account or not."""
    office.fake.add_group("tech", office.one)

    assert problems(office, {"gerrit": "committee2"}, {"gerrit": "x"}, group="tech") == [
        f"roster.members[{place}] is {name!r}, and nobody in the group 'tech' has this username,"
        " e-mail address or account id: what it says counts for nobody. Correct it, or add the"
        " person to the group."
        for place, name in enumerate(["committee2", "x"])
    ]


def test_a_group_in_which_nobody_is_seen(office: Office) -> None:
    """It may be empty, or hidden."""
    office.fake.add_group("tech")

    assert problems(office, group="tech") == [
        "roster.group is 'tech', in which this pack sees nobody: add the people to the group in"
        " Gerrit, and make it visible to the pack's account."
    ]


def test_a_group_that_does_not_exist(office: Office) -> None:
    """What Gerrit says of it, under the setting's name."""
    (wrong,) = problems(office, group="tech")

    assert wrong.startswith("roster.group: The group 'tech'")


@pytest.mark.parametrize("group", ["", "tech"])
def test_a_server_that_refuses(office: Office, group: str) -> None:
    """Only what is not there is a problem of the roster; another refusal stops the look-up."""
    office.fake.add_group("tech", office.one)
    office.fake.fail(409, "Conflict", match="/(groups|accounts)/")

    with pytest.raises(RefusedError, match="409"):
        office.people({"gerrit": "committee1"}, group=group).resolve()
