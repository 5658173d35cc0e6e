"""Which accounts the roster means, and what is said of them."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import pytest
from sandbox.gerrit.fake import PASSWORD, URL, FakeGerrit

from fake_github import TOKEN
from reviewloop.core.reading import read_change
from reviewloop.errors import ConfigError
from reviewloop.escalation.people import People
from reviewloop.settings.load import load
from reviewloop.store.roster import PREFIX
from stores import Shelf


class Office:
    """A Gerrit with a committee of two, and a datastore."""

    def __init__(self) -> None:
        self.fake = FakeGerrit()
        self.shelf = Shelf()
        self.one = self.fake.add_account("committee1", name="Committee One")
        self.two = self.fake.add_account("committee2", name="Committee Two")

    def people(self, *members: Dict[str, Any], group: str = "", **config: Any) -> People:
        """The roster, looked at by a process of its own."""
        roster: Dict[str, Any] = {"members": list(members)}
        if group:
            roster.update(kind="gerrit_group", group=group)
        tracker = {"kind": "github", "project": "example/escalations", "token": TOKEN}
        settings = load(
            {
                "url": URL,
                "username": "st2-reviews",
                "password": PASSWORD,
                "roster": roster,
                "tracker": tracker,
                **config,
            }
        )
        return People(settings, self.fake.client(), self.shelf.service)

    def resolved(self, *members: Dict[str, Any], **more: Any) -> Tuple[Tuple[int, ...], str]:
        """Whom a roster comes to, and its problems in one text."""
        found, problems = self.people(*members, **more).resolve()
        return tuple(member.account.id for member in found), "\n".join(problems)


@pytest.fixture
def office() -> Office:
    """A Gerrit and a datastore."""
    return Office()


NAMED = [
    {"gerrit": "committee2"},
    {"gerrit": "Committee2"},
    {"gerrit": "committee2@example.org"},
    {"gerrit": "1000004"},
    {"email": "committee2@example.org"},
    {"email": "Committee2@Example.org"},
]


@pytest.mark.parametrize("named", NAMED)
@pytest.mark.parametrize("group", ["", "tech-committee"])
def test_however_somebody_is_named(office: Office, named: Dict[str, str], group: str) -> None:
    """Details belong to the account, however the roster names it and whoever asks for them."""
    office.fake.add_group("tech-committee", office.two)
    details = {"name": "Number Two", "chair": True, "projects": ["tools/*"]}
    people = office.people({**named, **details, "tracker": {"github": "c2"}}, group=group)

    members, problems = people.resolve()

    assert problems == ()
    for member in (*members, people.one(office.two)):
        assert member.account.id == office.two
        told = (member.account.name, member.login, member.chair, member.projects)
        assert told == ("Number Two", "c2", True, ("tools/*",))


def test_second_address_that_the_pack_may_see(office: Office) -> None:
    """It is the account's own, so it means the account."""
    office.fake.second_emails[office.one] = "one@example.com"
    office.fake.shows_emails = True

    assert office.resolved({"gerrit": "one@example.com"}) == ((office.one,), "")


def test_second_address_that_the_pack_may_not_see(office: Office) -> None:
    """Gerrit finds nobody by it, as a rule; so does the pack, which says what to write."""
    office.fake.second_emails[office.one] = "one@example.com"

    asked, problems = office.resolved({"gerrit": "one@example.com"}, {"gerrit": "committee2"})

    assert asked == (office.two,)
    assert "roster.members[0].gerrit is 'one@example.com'" in problems
    assert "write the username or the account id" in problems


def test_departed_member_and_a_name_that_begins_alike(office: Office) -> None:
    """Gerrit answers with the stranger; the pack takes the member, who is inactive, and says so."""
    office.fake.accounts[office.one]["inactive"] = True
    stranger = office.fake.add_account("committee10")

    members, problems = office.people({"gerrit": "committee1"}, {"gerrit": "committee2"}).resolve()

    assert {member.account.id: member.account.inactive for member in members} == {
        office.one: True,
        office.two: False,
    }
    assert stranger not in {member.account.id for member in members}
    (problem,) = problems
    assert "'committee1'" in problem
    assert "inactive" in problem


@pytest.mark.parametrize("name", ["nobody1", "committe", "nobody@example.org", "4242", "a b/c"])
def test_one_unknown_member(office: Office, name: str) -> None:
    """The others are asked, and the one is named as the configuration has it."""
    asked, problems = office.resolved({"gerrit": name}, {"gerrit": "committee2"})

    assert asked == (office.two,)
    assert f"roster.members[0].gerrit is {name!r}" in problems


def test_stranger_takes_a_members_address_for_a_name(office: Office) -> None:
    """A full name is anybody's to choose: it means nobody."""
    office.fake.add_account("stranger", name="chair@example.org")

    assert office.resolved({"gerrit": "chair@example.org"})[0] == ()


def test_username_in_letters_that_fit_two_accounts(office: Office) -> None:
    """On a server that tells upper and lower case apart nobody is guessed at."""
    lower = office.fake.add_account("sam")
    office.fake.add_account("Sam", email="other@example.org")

    assert office.resolved({"gerrit": "SAM"})[0] == ()
    assert office.resolved({"gerrit": "sam"})[0] == (lower,)


def test_the_same_person_twice(office: Office) -> None:
    """Once by username and once by address: asked as one, and told."""
    asked, problems = office.resolved({"gerrit": "committee1"}, {"email": "committee1@example.org"})

    assert asked == (office.one,)
    assert "roster.members[1] is 'committee1@example.org', the same account" in problems


def test_name_alone_is_a_wrong_configuration(office: Office) -> None:
    """Anybody may take any name in Gerrit, so it is told before anybody is asked."""
    with pytest.raises(ConfigError, match=r"roster.members\[0\].name is 'Committee One'") as caught:
        office.people({"name": "Committee One"})
    assert "under gerrit" in str(caught.value)


def test_detail_that_fits_nobody_in_the_group(office: Office) -> None:
    """It is told; the group's people are asked all the same."""
    office.fake.add_group("tech-committee", office.one)
    details = ({"gerrit": "committee2", "chair": True}, {"gerrit": "gone"})

    asked, problems = office.resolved(*details, group="tech-committee")

    assert asked == (office.one,)
    assert "roster.members[0] is 'committee2', and nobody in the group" in problems
    assert "roster.members[1] is 'gone', and nobody in the group" in problems


def test_empty_group(office: Office) -> None:
    """Nobody to ask is a problem of the roster, not of a change."""
    office.fake.add_group("tech-committee")

    assert "sees nobody" in office.resolved(group="tech-committee")[1]


def test_no_roster_at_all(office: Office) -> None:
    """Whoever does not escalate needs none: no request, no problem, nothing stored."""
    assert office.resolved() == ((), "")
    assert (office.fake.seen, office.shelf.names()) == ([], [])


def test_details_of_whoever_is_not_on_the_roster(office: Office) -> None:
    """The account's own name, and no login."""
    member = office.people({"gerrit": "committee1"}).one(office.two)

    assert (member.account.name, member.login) == ("Committee Two", "")


# What is kept.


def account_reads(office: Office) -> int:
    """How many requests were about accounts."""
    return sum("/accounts/" in one for one in office.fake.seen)


def test_roster_is_looked_up_once_for_all(office: Office) -> None:
    """The next process asks Gerrit for nobody, until the hour is over."""
    entries = ({"gerrit": "committee1"}, {"gerrit": "committee2"})
    office.people(*entries).resolve()
    first = account_reads(office)
    again = office.people(*entries)
    again.resolve()
    again.one(office.one)

    assert (first, account_reads(office)) == (1, 1)
    office.shelf.advance(seconds=3661)
    office.people(*entries).resolve()
    assert account_reads(office) == 2


def test_members_are_looked_up_together(office: Office) -> None:
    """However many they are: by one search for fifty, and singly only who is not found by it."""
    names = [f"member{index}" for index in range(70)]
    ids = [office.fake.add_account(name) for name in names]
    office.fake.add_account("MEMBER3", email="other@example.org")
    office.fake.second_emails[ids[4]] = "second@example.org"
    office.fake.shows_emails = True
    entries = [{"gerrit": name} for name in names]
    entries[4] = {"email": "second@example.org"}
    entries[5] = {"gerrit": str(ids[5])}
    entries[6] = {"email": "member6@example.org"}

    assert office.resolved(*entries) == (tuple(ids), "")
    assert account_reads(office) <= 2 + 2


def test_member_who_left_is_found_together_too(office: Office) -> None:
    """Inactive accounts are told from those that nobody knows."""
    office.fake.accounts[office.two]["inactive"] = True
    asked, problems = office.resolved({"gerrit": "committee1"}, {"gerrit": "committee2"})

    assert asked == (office.one, office.two)
    assert "which is inactive in Gerrit" in problems
    assert account_reads(office) == 1


def test_corrected_roster_counts_at_once(office: Office) -> None:
    """Another configuration is another value."""
    assert office.resolved({"gerrit": "nobody1"})[0] == ()
    assert office.resolved({"gerrit": "committee1"})[0] == (office.one,)


def test_problem_is_looked_at_again_soon(office: Office) -> None:
    """An account that is made active again counts after minutes."""
    office.fake.accounts[office.one]["inactive"] = True
    people = {"gerrit": "committee1"}
    assert "inactive" in office.resolved(people)[1]
    del office.fake.accounts[office.one]["inactive"]
    office.shelf.advance(seconds=361)

    assert office.resolved(people) == ((office.one,), "")


@pytest.mark.parametrize("text", ["{", '{"version": 2}', '{"version": 1, "accounts": 3}', "[]"])
def test_damaged_value(office: Office, text: str) -> None:
    """It is looked up again."""
    people = {"gerrit": "committee1"}
    office.resolved(people)
    (name,) = (one for one in office.shelf.names() if one.startswith(PREFIX))
    office.shelf.service.set_value(name, text, local=False)

    assert office.resolved(people) == ((office.one,), "")


@pytest.mark.parametrize("key", ["committee1", "Committee1", "1000003"])
def test_absence(office: Office, key: str) -> None:
    """By username, in any letters, or account id."""
    office.shelf.service.set_value(f"gerrit.away.{key}", "1", local=False)
    members, _ = office.people({"gerrit": "committee1"}, {"gerrit": "committee2"}).resolve()

    assert [member.absent for member in members] == [True, False]


# A robot's change, and our own messages.


def authors(office: Office, owner: Optional[int] = None, made_by: str = "") -> Tuple[int, ...]:
    """Who counts as the owner of a change, of the roster's two."""
    number = office.fake.add_change(owner=owner or office.fake.author)
    office.fake.changes[number].made_by = made_by
    people = office.people({"gerrit": "committee1", "email": "one@example.com"})
    return tuple(people.authors(office.fake.client().change(number)))


@pytest.mark.parametrize("made_by", ["Committee1@example.org", "one@example.com"])
def test_author_of_a_robots_change(office: Office, made_by: str) -> None:
    """A bot uploads what a committee member has made: the member does not review it."""
    bot = office.fake.add_account("sync-bot", service_user=True)

    assert authors(office, bot, made_by) == (office.one,)
    assert authors(office, bot, "somebody@example.org") == ()
    assert authors(office, office.fake.author, made_by) == ()


@pytest.mark.parametrize("shows_usernames", [True, False])
def test_own_messages_under_a_username_in_other_letters(
    office: Office, shows_usernames: bool
) -> None:
    """The account's id tells, where the username does not."""
    office.fake.shows_usernames = shows_usernames
    number = office.fake.add_change()
    mark = f"[st2-gerrit escalate 0123456789abcdef asked={office.one}]"
    tag = "autogenerated:st2-gerrit~escalate"
    office.fake.review(number, by=office.fake.me, text=f"Asked.\n\n{mark}", tag=tag)
    office.fake.review(number, by=office.one, text="/ack")
    people = office.people(username="ST2-Reviews")
    change = office.fake.client().change(number)

    reading = read_change(change, people.policy(change))

    assert [command.problem for command in reading.pauses.commands] == [""]


def test_strangers_message_under_our_tag(office: Office) -> None:
    """Anybody may write our tag and mark: the id says that it is not ours."""
    number = office.fake.add_change()
    mark = f"[st2-gerrit escalate 0123456789abcdef asked={office.one}]"
    tag = "autogenerated:st2-gerrit~escalate"
    office.fake.review(number, text=f"Asked.\n\n{mark}", tag=tag)
    office.fake.review(number, by=office.one, text="/ack")
    people = office.people()
    change = office.fake.client().change(number)

    reading = read_change(change, people.policy(change))

    assert "only somebody who was asked" in reading.pauses.commands[0].problem


def test_no_look_up_where_no_doubt_is_left(office: Office) -> None:
    """The pack's own words under its own username cost no request."""
    number = office.fake.add_change()
    office.fake.review(
        number, by=office.fake.me, text="Asked.", tag="autogenerated:st2-gerrit~note"
    )
    people = office.people()
    change = office.fake.client().change(number)
    asked = len(office.fake.seen)

    assert people.policy(change).own_id == 0
    assert len(office.fake.seen) == asked
