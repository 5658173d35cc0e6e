"""What is said of a roster that is not as Gerrit has it, and of its people."""

from __future__ import annotations

from typing import Any, List

import pytest

from reviewloop.errors import ConfigError, RefusedError
from reviewloop.http.messages import Response
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


def test_an_inactive_account_with_an_entry_in_a_group(office: Office) -> None:
    """Who has an entry is named by it."""
    office.fake.accounts[office.two]["inactive"] = True
    office.fake.add_group("tech", office.one, office.two)
    (wrong,) = problems(office, {"gerrit": "committee2"}, group="tech")

    assert wrong.startswith(f"roster.members[0] is 'committee2', account {office.two}, which is")


# Details


def test_a_groups_entry_by_a_second_address(office: Office) -> None:
    """Whom the group's list does not show under that address Gerrit may still find."""
    office.fake.second_emails[office.one] = "one@example.com"
    office.fake.shows_emails = True
    office.fake.add_group("tech", office.one)
    entry = {"gerrit": "one@example.com", "name": "Number One"}
    members, wrong = office.people(entry, group="tech").resolve()

    assert ([one.account.name for one in members], wrong) == (["Number One"], ())


@pytest.mark.parametrize("name", ["committee2", "1000004", "Committee2", "committee2@example.org"])
def test_what_a_groups_entries_cost(office: Office, name: str) -> None:
    """Whom the group's list shows is looked up no more."""
    office.fake.add_group("tech", office.one, office.two)
    assert problems(office, {"gerrit": name}, group="tech") == []

    assert not any("/accounts/" in one for one in office.fake.seen)


def test_two_of_a_group_in_letters_that_fit_both(office: Office) -> None:
    """The one is meant that is spelt just so, which needs no look-up."""
    lower = office.fake.add_account("sam")
    upper = office.fake.add_account("Sam", email="other@example.org")
    office.fake.add_group("tech", lower, upper)
    members, wrong = office.people({"gerrit": "sam", "name": "Lower"}, group="tech").resolve()

    assert [one.account.name for one in members if one.account.id == lower] == ["Lower"]
    assert wrong == ()
    assert not any("/accounts/" in one for one in office.fake.seen)


def test_a_robot_and_somebody_without_an_entry(office: Office) -> None:
    """A robot on the roster is known for one; who has no entry keeps the own name."""
    bot = office.fake.add_account("sync-bot", name="Sync", service_user=True)
    office.fake.add_group("tech", office.one, bot)
    members, _ = office.people(group="tech").resolve()

    assert [(one.account.name, one.automation) for one in members] == [
        ("Committee One", False),
        ("Sync", True),
    ]


def test_a_commit_without_addresses(office: Office) -> None:
    """Who has no address on the roster is not taken for its author."""
    bot = office.fake.add_account("sync-bot", service_user=True)
    number = office.fake.add_change(owner=bot)
    people = office.people({"gerrit": "committee1"})
    change = office.fake.client().change(number)
    office.fake.answer(Response(200, {"content-type": "application/json"}, b"{}"), match="/commit$")

    assert people.authors(change) == frozenset()


@pytest.mark.parametrize(
    "other", [{"username": "other"}, {"url": "https://other.example.org"}, {"roster": None}]
)
def test_a_roster_is_kept_for_one_account_of_one_server(office: Office, other: Any) -> None:
    """Another account may see other accounts, and another server has other ones."""
    entry = {"gerrit": "committee1"}
    office.people(entry).resolve()
    office.fake.seen.clear()
    office.people(entry).resolve()
    assert office.fake.seen == []
    if other == {"roster": None}:
        office.people({**entry, "chair": True}).resolve()
    else:
        office.people(entry, **other).resolve()

    assert any("/accounts/" in one for one in office.fake.seen)
