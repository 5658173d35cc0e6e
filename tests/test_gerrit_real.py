"""The client against a real Gerrit server: what the fake claims is true."""

from __future__ import annotations

from typing import Any, Iterator, List, Tuple

import pytest
from sandbox.gerrit.people import password_of
from sandbox.gerrit.server import GerritServer

from reviewloop.core.change import Change
from reviewloop.errors import AmbiguousError, AuthError, RefusedError, TemporaryError
from reviewloop.gerrit import parse
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.protocol import change_id
from reviewloop.gerrit.queries import Option, after, all_of, any_change
from reviewloop.gerrit.reads import DETAIL
from reviewloop.gerrit.review import ReviewAction, ReviewerState, ReviewRequest
from reviewloop.http.ahead import Ahead
from reviewloop.http.messages import Request
from reviewloop.http.retry import Timing

pytestmark = pytest.mark.real_gerrit

BUILD = "tools/build"
BOT = "st2-reviews"
MARKER = "[reminder 4711]"


def no_wait(_seconds: float) -> None:
    """Waiting without waiting."""


def make_client(server: GerritServer, username: str = BOT, password: str = "") -> Client:
    secret = password or (password_of(username) if username else "")
    return Client(server.url, username, secret, timing=Timing(sleep=no_wait))


@pytest.fixture
def client(calm_gerrit: GerritServer) -> Iterator[Client]:
    """The pack's own account."""
    client = make_client(calm_gerrit)
    yield client
    client.close()


@pytest.fixture
def change(calm_gerrit: GerritServer, client: Client) -> Change:
    """A fresh change by author1."""
    number = calm_gerrit.person("author1").create_change(BUILD, "Languishing")
    calm_gerrit.advance(days=2)
    return client.change(change_id(number, BUILD))


def request(**parts: Any) -> ReviewRequest:
    return ReviewRequest(**{"message": "Please look.", "marker": MARKER, **parts})


def own_messages(client: Client, change: Change) -> List[str]:
    own = client.whoami().id
    history = client.messages(change)
    return [one.text for one in history if one.author is not None and one.author.id == own]


class TestReading:
    """Scans, changes, people."""

    @pytest.mark.parametrize("page", [1, 2, 3, 500])
    def test_scan(self, calm_gerrit: GerritServer, client: Client, page: int) -> None:
        """A scan finds every change once, crowded seconds and all."""
        author = calm_gerrit.person("author1")
        numbers = []
        for count in (1, 4, 1, 2):
            calm_gerrit.advance(seconds=1)
            numbers += [author.create_change(BUILD, "Scanned") for _ in range(count)]

        query = all_of(any_change(numbers), "status:open")
        rows = [parse.row(raw) for raw in client.scan(query, page=page)]

        assert sorted(row.number for row in rows) == numbers
        assert [row.updated for row in rows] == sorted((row.updated for row in rows), reverse=True)
        assert all(row.meta_rev_id for row in rows)

    def test_next_page(
        self, calm_gerrit: GerritServer, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Every page but the first is asked for ahead of need, as it is asked for then; each once.
        It takes the server's own words to know what to ask for.
        """
        author, told, sent = calm_gerrit.person("author1"), Ahead.announce, []
        numbers = []
        for _ in range(7):
            calm_gerrit.advance(seconds=1)
            numbers.append(author.create_change(BUILD, 'He "said": "_more_changes":true'))
        query = all_of(any_change(numbers), "status:open")

        def announced(ahead: Ahead, request: Request) -> None:
            sent.append(request)
            told(ahead, request)

        monkeypatch.setattr(Ahead, "announce", announced)
        calm_gerrit.reset_requests()
        options = (*DETAIL, Option.REVIEWER_UPDATES)
        rows = list(client.scan(query, options, page=2))

        assert sorted(map(parse.number_of, rows)) == numbers
        pages = sum(one.path.endswith("/changes/") for one in calm_gerrit.requests())
        assert len(sent) == pages - 1 > 2

    def test_scan_of_a_moving_server(self, calm_gerrit: GerritServer, client: Client) -> None:
        """With what was updated since its start, a scan is complete though changes move."""
        author = calm_gerrit.person("author1")
        calm_gerrit.advance(hours=1)
        numbers = [author.create_change(BUILD, "Moving") for _ in range(8)]
        calm_gerrit.advance(minutes=1)
        started = calm_gerrit.now()
        query = all_of(any_change(numbers), "status:open")

        found = []
        for raw in client.scan(query, page=2):
            found.append(parse.number_of(raw))
            calm_gerrit.advance(seconds=1)
            author.review(numbers[len(found) % 8], "Moved")
        later = client.scan(all_of(any_change(numbers), after(started)))

        assert len(found) == len(set(found))
        assert set(found) | {parse.number_of(raw) for raw in later} == set(numbers)

    def test_some_changes(self, calm_gerrit: GerritServer, client: Client) -> None:
        """Numbers are read with their histories; the operator's query counts as a whole."""
        author = calm_gerrit.person("author1")
        numbers = [author.create_change(BUILD, f"Number {n}") for n in range(3)]

        rows = client.changes([*numbers, 999_999], DETAIL, "project:none OR project:tools/build")

        changes = {one.number: one for one in map(parse.change, rows)}
        assert sorted(changes) == numbers
        assert changes[numbers[1]].subject == "Number 1"
        assert changes[numbers[1]].messages[0].text.startswith("Uploaded patch set 1")

    def test_change(self, calm_gerrit: GerritServer, client: Client) -> None:
        """A change is read whole, hostile texts too, and times are the server's."""
        subject = "Überhaupt {{ nothing }} <% at %> \u202eall \U0001f600"
        author = calm_gerrit.person("author1")
        number = author.create_change(BUILD, subject, topic="t1", hashtags=["b", "a"])
        calm_gerrit.person("reviewer1").review(number, "Hm.", {"Code-Review": -1})

        change = client.change(change_id(number, BUILD))

        assert change.subject == subject
        assert (change.topic, change.hashtags, change.patch_set) == ("t1", ("a", "b"), 1)
        assert change.messages[-1].text == "Patch Set 1: Code-Review-1\n\nHm."
        assert change.created == change.updated == calm_gerrit.now() == client.now()
        assert [one.username for one in change.reviewers] == ["reviewer1"]
        assert change.owner.username == "author1"

    def test_all_options(self, client: Client, change: Change) -> None:
        """Every option that is thought to be known to this server is."""
        rows = list(client.scan(f"change:{change.number}", list(Option)))

        assert [parse.number_of(row) for row in rows] == [change.number]

    def test_self(self, client: Client) -> None:
        """The own account is a service user; its query limit is Gerrit's default."""
        assert client.whoami().username == BOT
        assert client.whoami().tags == ("SERVICE_USER",)
        assert client.query_limit() == 500

    def test_people(self, client: Client) -> None:
        """Accounts are found by name, address and number; groups by name."""
        account = client.account("committee1")

        assert client.account(account.email) == client.account(account.id) == account
        members = {one.username for one in client.group_members("tech-committee")}
        assert {"committee1", "committee2", "committee3"} <= members

    @pytest.mark.parametrize("name", ["nonesuch", "no/such one"])
    def test_missing_people(self, client: Client, name: str) -> None:
        """What is missing is named."""
        with pytest.raises(RefusedError, match=f"The account '{name}' does not exist"):
            client.account(name)
        with pytest.raises(RefusedError, match=f"The group '{name}' does not exist"):
            client.group_members(name)

    def test_anonymous(self, calm_gerrit: GerritServer, change: Change) -> None:
        """Public changes are read without an account, and not written."""
        anonymous = make_client(calm_gerrit, "")

        assert len(list(anonymous.scan(f"change:{change.number}", DETAIL))) == 1
        with pytest.raises(AuthError, match="Set `username`"):
            anonymous.set_hashtags(change, ["x"])

    @pytest.mark.parametrize(
        ("query", "told"),
        [
            ("foo:bar", "Unsupported operator"),
            ("", "empty"),
            ('-after:"2026-03-02 09:00:00"', "cannot negate"),
            (f"topic:{'x' * 20_000}", "with 414"),
        ],
    )
    def test_bad_query(self, client: Client, query: str, told: str) -> None:
        """A search that the server does not take points at `query`."""
        with pytest.raises(RefusedError, match=told) as caught:
            list(client.scan(query))

        assert "`query`" in caught.value.remedy

    def test_missing_change(self, client: Client) -> None:
        """A missing change is refused with 404."""
        with pytest.raises(RefusedError) as caught:
            client.change(999_999)

        assert caught.value.status == 404

    def test_wrong_password(self, calm_gerrit: GerritServer) -> None:
        """A wrong password, in whatever letters, is an error of credentials that hides it."""
        with pytest.raises(AuthError, match="as st2-reviews with 401") as caught:
            make_client(calm_gerrit, password="wröng☃").whoami()

        assert "wröng" not in str(caught.value)

    def test_login_page(self, calm_gerrit: GerritServer, client: Client) -> None:
        """A login page in between is an error of credentials."""
        calm_gerrit.fault("html")

        with pytest.raises(AuthError, match="web page"):
            client.version()

    def test_busy_server(self, calm_gerrit: GerritServer, client: Client) -> None:
        """A read outlasts two refusals, and not a third."""
        calm_gerrit.fault("status:503", count=2)
        assert client.version() >= client.version()

        calm_gerrit.fault("status:503", count=3, retry_after="7")
        with pytest.raises(TemporaryError, match="in 7 seconds"):
            make_client(calm_gerrit).version()


class TestWriting:
    """Reviews, hashtags, reviewers."""

    def test_review(self, client: Client, change: Change) -> None:
        """One write does all; the second time nothing is written."""
        asked = client.account("committee1").id
        review = request(
            labels={"Escalated": 1},
            reviewers=(asked,),
            attention=(asked,),
            attention_reason="Waited 2 days",
        )

        assert client.post_review(change, review).action is ReviewAction.POSTED
        assert client.post_review(change, review).action is ReviewAction.ALREADY_POSTED
        assert own_messages(client, change) == [
            f"Patch Set 1: Escalated+1\n\nPlease look.\n\n{MARKER}"
        ]
        after_it = client.change(change)
        assert asked in {account.id for account in after_it.reviewers}
        assert after_it.attention == (asked,)
        assert after_it.messages[-1].tag == "autogenerated:st2-gerrit"

    @pytest.mark.parametrize("labels", [{"Nonesuch": 1}, {"Escalated": 7}])
    def test_dropped_vote(self, client: Client, change: Change, labels: Any) -> None:
        """A vote that Gerrit drops silently is loud; the message is there."""
        with pytest.raises(RefusedError, match="posted, but the vote"):
            client.post_review(change, request(labels=labels))

        assert len(own_messages(client, change)) == 1

    def test_taking_a_vote_back(self, client: Client, change: Change) -> None:
        """A zero is no dropped vote."""
        client.post_review(change, request(labels={"Escalated": 1}))

        outcome = client.post_review(change, request(marker="[over]", labels={"Escalated": 0}))

        assert outcome.action is ReviewAction.POSTED

    def test_unknown_reviewer(self, client: Client, change: Change) -> None:
        """An unknown reviewer is named, and nothing is posted."""
        with pytest.raises(RefusedError, match="999999") as caught:
            client.post_review(change, request(reviewers=(999_999,)))

        assert caught.value.status == 400
        assert own_messages(client, change) == []

    @pytest.mark.parametrize("labels", [{}, {"Escalated": 1}])
    def test_lost_answer(
        self, calm_gerrit: GerritServer, client: Client, change: Change, labels: Any
    ) -> None:
        """A review whose answer was lost is found, and not posted again."""
        calm_gerrit.fault("drop_after", "/review$", method="POST")

        outcome = client.post_review(change, request(labels=labels))

        assert outcome.action is ReviewAction.POSTED_ANSWER_LOST
        assert client.post_review(change, request()).action is ReviewAction.ALREADY_POSTED
        assert len(own_messages(client, change)) == 1

    def test_lost_answer_and_dropped_vote(
        self, calm_gerrit: GerritServer, client: Client, change: Change
    ) -> None:
        """Even then a dropped vote is loud."""
        calm_gerrit.fault("drop_after", "/review$", method="POST")

        with pytest.raises(RefusedError, match="Nonesuch"):
            client.post_review(change, request(labels={"Nonesuch": 1}))

    def test_lost_request(self, calm_gerrit: GerritServer, client: Client, change: Change) -> None:
        """A review that did not arrive is left to a later run."""
        calm_gerrit.fault("drop_before", "/review$", method="POST")

        with pytest.raises(AmbiguousError):
            client.post_review(change, request())
        assert client.post_review(change, request()).action is ReviewAction.POSTED
        assert len(own_messages(client, change)) == 1

    def test_vote_without_permission(self, calm_gerrit: GerritServer, change: Change) -> None:
        """A vote that the account may not cast is refused with the label's name."""
        author = make_client(calm_gerrit, "author2")

        with pytest.raises(RefusedError, match="Escalated"):
            author.post_review(change, request(labels={"Escalated": 1}))

    def test_vote_on_closed_change(
        self, calm_gerrit: GerritServer, client: Client, change: Change
    ) -> None:
        """A vote on an abandoned change is refused with 409; a message is not."""
        calm_gerrit.person("author1").abandon(change.number)

        with pytest.raises(RefusedError) as caught:
            client.post_review(change, request(labels={"Escalated": 1}))
        assert caught.value.status == 409
        assert client.post_review(change, request()).action is ReviewAction.POSTED

    def test_longest_message(self, client: Client, change: Change) -> None:
        """The longest text that the client sends is one that Gerrit takes."""
        longest = "x" * (16_000 - len(f"\n\n{MARKER}"))

        assert client.post_review(change, request(message=longest)).action is ReviewAction.POSTED

    def test_hashtags(self, calm_gerrit: GerritServer, client: Client, change: Change) -> None:
        """Only what differs is written; a lost answer is made good by reading."""
        assert client.set_hashtags(change, ["b", "a"]) is True
        calm_gerrit.reset_requests()
        assert client.set_hashtags(change, ["a"], ["z"]) is False
        assert all(one.method == "GET" for one in calm_gerrit.requests())

        calm_gerrit.fault("drop_after", "/hashtags$", method="POST")
        assert client.set_hashtags(change, ["c"], ["a"]) is True
        assert client.hashtags(change) == ("b", "c")

    def test_reviewers(self, client: Client, change: Change) -> None:
        """People are added once, and moved between reviewer and copy."""
        who = client.account("reviewer2").id

        assert client.add_reviewers(change, [who]) == (who,)
        assert client.add_reviewers(change, [who]) == ()
        assert client.add_reviewers(change, [who], ReviewerState.CC) == (who,)
        with pytest.raises(RefusedError, match="999999"):
            client.add_reviewers(change, [999_999])

    def test_parents(self, calm_gerrit: GerritServer, client: Client, change: Change) -> None:
        """A change's chain is known from its newest to its oldest."""
        body = {"project": BUILD, "branch": "master", "subject": "Child", "base_change": "?"}
        author = calm_gerrit.person("author1")
        body["base_change"] = f"{BUILD}~{change.number}".replace("/", "%2F")
        child = int(author.call("POST", "/changes/", body)["_number"])

        assert client.related(client.change(change_id(child, BUILD))).ancestors == (change.number,)
        assert client.related(change).ancestors == ()

    def test_what_has_to_be_merged_first(self, calm_gerrit: GerritServer, client: Client) -> None:
        """Gerrit tells which parents are open, whichever of their patch sets is built on; one that
        may not be seen ends the chain.
        """
        author = calm_gerrit.person("author1")
        one, two, three, four = author.push_chain(BUILD, ["one", "two", "three", "four"])

        def below(number: int) -> Tuple[int, ...]:
            return client.related(client.change(change_id(number, BUILD))).ancestors

        assert (below(four), below(one)) == ((three, two, one), ())
        author.push_patch_set(two)
        assert (below(four), below(two)) == ((three, two, one), (one,))
        author.abandon(three)
        assert below(four) == (two, one)
        author.restore(three)
        committer = calm_gerrit.person("reviewer2")
        committer.review(one, labels={"Code-Review": 2})
        committer.submit(one)
        assert (below(four), below(two)) == ((three, two), ())
        author.set_private(three)
        # The pack's account may see private changes; somebody who may not sees none below either.
        assert below(four) == (three, two)
        stranger = calm_gerrit.person("reviewer1")
        path = f"/changes/{four}/revisions/current/related"
        assert stranger.call("GET", path) == {"changes": []}
