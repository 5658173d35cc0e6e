"""The client's reads: what is asked, what is asked again, and whose clock counts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import List

import pytest
from sandbox.gerrit.fake import PASSWORD, FakeGerrit

from reviewloop.core.change import Account
from reviewloop.errors import AuthError, ConfigError, ProtocolError, RefusedError, TemporaryError
from reviewloop.gerrit import parse
from reviewloop.gerrit.client import Client
from reviewloop.gerrit.protocol import change_id
from reviewloop.gerrit.queries import Option, Version
from reviewloop.gerrit.reads import DETAIL
from reviewloop.http.messages import Response
from reviewloop.http.retry import Timing


@pytest.fixture
def fake() -> FakeGerrit:
    """A server with no changes yet."""
    return FakeGerrit()


class TestClock:
    """Whose time it is."""

    def test_server_time(self, fake: FakeGerrit) -> None:
        """The time is that of the server's last answer, in UTC, and asks nothing."""
        client = fake.client()
        fake.at("2001-02-03 04:05:06")
        client.version()
        fake.advance(hours=1)

        assert client.now() == datetime(2001, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
        assert len(fake.seen) == 1

    def test_time_goes_on(self, fake: FakeGerrit) -> None:
        """Between answers the server's time ages, and is told beside the local one."""
        seconds = [0.0]
        local = datetime(2026, 1, 1, tzinfo=timezone.utc)
        timing = Timing(monotonic=lambda: seconds[0])
        client = fake.client(timing=timing, local_clock=lambda: local)
        client.version()
        seconds[0] = 90.5

        clock = client.clock()
        assert client.now() == clock.server == fake.now + timedelta(seconds=90)
        assert (clock.local, clock.ahead) == (local, clock.server - local)

    def test_time_of_an_error(self, fake: FakeGerrit) -> None:
        """Refusals tell the time too."""
        client = fake.client()
        fake.fail(404)
        with pytest.raises(RefusedError):
            client.change(1)

        assert client.now() == fake.now

    def test_local_clock(self, fake: FakeGerrit) -> None:
        """The local clock serves before the first answer, and for a server without Date."""
        local = datetime(2026, 1, 1, tzinfo=timezone.utc)
        client = fake.client(local_clock=lambda: local)
        fake.sends_date = False
        client.version()

        assert client.now() == local

    def test_default_clock(self, fake: FakeGerrit) -> None:
        """The default local clock is aware, in UTC."""
        assert fake.client().now().tzinfo is timezone.utc

    def test_one_answer_without_date(self, fake: FakeGerrit) -> None:
        """An answer without Date leaves the time of the one before."""
        client = fake.client()
        client.version()
        fake.sends_date = False
        client.whoami()

        assert client.now() == fake.now


class TestServerAndSelf:
    """Version, account, limits: each asked once."""

    def test_version(self, fake: FakeGerrit) -> None:
        """The version is read once a client."""
        client = fake.client()

        assert client.version() == client.version() == Version(3, 10, 2)
        assert fake.seen == ["GET /a/config/server/version"]

    def test_version_of_another_form(self, fake: FakeGerrit) -> None:
        """A version that is no text is refused."""
        fake.answer(Response(200, {"content-type": "application/json"}, b"3.10"))

        with pytest.raises(ProtocolError, match="server version"):
            fake.client().version()

    def test_self(self, fake: FakeGerrit) -> None:
        """The own account is read once a client."""
        client = fake.client()

        assert client.whoami() == client.whoami()
        assert client.whoami().id == fake.me
        assert client.whoami().tags == ("SERVICE_USER",)
        assert len(fake.seen) == 1

    def test_anonymous_self(self, fake: FakeGerrit) -> None:
        """Without a user name there is no self; no request is needed to say so."""
        with pytest.raises(AuthError, match="Set `username` and `password`"):
            fake.client(username="").whoami()

        assert fake.seen == []

    def test_wrong_password(self, fake: FakeGerrit) -> None:
        """A refused password is an error of credentials that does not hold the password, not even
        where the server repeats it.
        """
        fake.fail(401, f"{PASSWORD} is wrong")

        with pytest.raises(AuthError, match="is wrong") as caught:
            fake.client().whoami()

        assert PASSWORD not in str(caught.value)

    def test_query_limit(self, fake: FakeGerrit) -> None:
        """The account's limit is read once; an anonymous caller has Gerrit's default."""
        fake.query_limit = 77
        client = fake.client()

        assert client.query_limit() == client.query_limit() == 77
        assert fake.client(username="").query_limit() == 500
        assert len(fake.seen) == 1

    @pytest.mark.parametrize("limit", [0, -1])
    def test_may_not_search(self, fake: FakeGerrit, limit: int) -> None:
        """An account that may not search is told which capability it lacks, every time."""
        fake.query_limit = limit
        client = fake.client()

        for _ in range(2):
            with pytest.raises(RefusedError, match="Query Limit"):
                client.scan("status:open")


class TestRetries:
    """Reads that fail for a while."""

    def test_third_time_lucky(self, fake: FakeGerrit) -> None:
        """A read is tried three times, with growing waits between."""
        fake.fail(503)
        fake.drop()

        assert fake.client().version() == Version(3, 10, 2)
        assert len(fake.seen) == 3
        assert fake.slept == [1.0, 2.0]

    def test_jitter(self, fake: FakeGerrit) -> None:
        """The waits are spread by chance, so that clients do not come back together."""
        chances = iter([0.0, 0.0, 0.9, 0.9])
        timing = Timing(sleep=fake.slept.append, jitter=lambda: next(chances))
        for _ in range(2):
            fake.fail(503, times=2)
            fake.client(timing=timing).version()

        assert fake.slept == pytest.approx([0.5, 1.0, 1.4, 2.8])

    @pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
    def test_gives_up(self, fake: FakeGerrit, status: int) -> None:
        """After three failures the last one is told."""
        fake.fail(status, "busy", times=3)

        with pytest.raises(TemporaryError, match=f"{status}: busy"):
            fake.client().version()

        assert len(fake.seen) == 3

    def test_no_connection(self, fake: FakeGerrit) -> None:
        """No connection is temporary too."""
        fake.refuse(times=3)

        with pytest.raises(TemporaryError):
            fake.client().version()

    def test_wait_as_asked(self, fake: FakeGerrit) -> None:
        """The server's Retry-After replaces the own waits."""
        fake.fail(429, retry_after="17")
        fake.fail(503, retry_after="60")

        fake.client().version()

        assert fake.slept == [17.0, 60.0]

    def test_wait_until(self, fake: FakeGerrit) -> None:
        """Retry-After may be a date; it counts by the server's clock."""
        fake.fail(503, retry_after="Mon, 02 Mar 2026 09:00:30 GMT")

        fake.client().version()

        assert fake.slept == [30.0]

    def test_wait_too_long(self, fake: FakeGerrit) -> None:
        """Asked to wait over a minute, the client says so instead of waiting."""
        fake.fail(429, retry_after="61")

        with pytest.raises(TemporaryError, match="in 61 seconds") as caught:
            fake.client().version()

        assert caught.value.retry_after == 61.0
        assert fake.slept == []

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
    def test_lasting_errors(self, fake: FakeGerrit, status: int) -> None:
        """What waiting cannot mend is not asked again."""
        fake.fail(status)

        with pytest.raises((RefusedError, AuthError)):
            fake.client().version()

        assert len(fake.seen) == 1

    def test_login_page(self, fake: FakeGerrit) -> None:
        """A login page is an error of credentials, not asked again."""
        fake.html()

        with pytest.raises(AuthError, match=r"gerrit\.example\.org"):
            fake.client().version()

        assert len(fake.seen) == 1


class TestChanges:
    """One change, or some."""

    def test_one_change(self, fake: FakeGerrit) -> None:
        """A change is read whole: history, people, current commit."""
        number = fake.add_change(reviewers=[fake.reviewer], hashtags=["b", "a"])
        fake.review(number, labels={"Code-Review": -1}, comments=2)

        change = fake.client().change(change_id(number, "tools/build"))

        assert change.number == number
        assert [message.text for message in change.messages] == [
            "Uploaded patch set 1.",
            "Patch Set 1: Code-Review-1\n\n(2 comments)",
        ]
        assert [account.username for account in change.reviewers] == ["reviewer"]
        assert change.revision == fake.changes[number].revision
        assert change.owner.username == "author"
        assert change.hashtags == ("a", "b")

    def test_request_for_one_change(self, fake: FakeGerrit) -> None:
        """It is read directly, by project and number, not through the index."""
        change = fake.client().change(fake.add_change())
        fake.client().change(change)

        wanted = "&".join(f"o={option.value}" for option in DETAIL)
        assert fake.seen == [f"GET /a/changes/1?{wanted}", f"GET /a/changes/tools/build~1?{wanted}"]
        assert fake.requests[1].path == "/a/changes/tools%2Fbuild~1"

    def test_missing_change(self, fake: FakeGerrit) -> None:
        """A change that is not there, or hidden, is refused with 404."""
        number = fake.add_change()
        fake.changes[number].hidden = True

        with pytest.raises(RefusedError, match="may not see it") as caught:
            fake.client().change(number)

        assert caught.value.status == 404

    def test_messages_and_hashtags(self, fake: FakeGerrit) -> None:
        """Both can be read alone."""
        number = fake.add_change(hashtags=["z", "a"])

        assert [one.text for one in fake.client().messages(number)] == ["Uploaded patch set 1."]
        assert fake.client().hashtags(number) == ("a", "z")

    def test_parents(self, fake: FakeGerrit) -> None:
        """The changes that one is built on, nearest first."""
        first = fake.add_change()
        second = fake.add_change(parent=first)
        third = fake.add_change(parent=second)
        client = fake.client()

        assert client.related(client.change(third)).ancestors == (second, first)
        assert client.related(client.change(first)).ancestors == ()

    def test_some_changes(self, fake: FakeGerrit) -> None:
        """Many numbers are asked for in batches of at most 50; what is missing is left out."""
        numbers = [fake.add_change() for _ in range(120)]
        fake.changes[7].hidden = True
        client = fake.client()
        client.query_limit()
        fake.seen.clear()

        rows = client.changes([*numbers, 4711], [Option.MESSAGES])

        assert {parse.number_of(row) for row in rows} == set(numbers) - {7}
        assert all(parse.change(row).messages for row in rows)
        assert len(fake.seen) == 3

    def test_small_query_limit(self, fake: FakeGerrit) -> None:
        """Batches are no larger than a page may be."""
        numbers = [fake.add_change() for _ in range(5)]
        fake.query_limit = 2

        assert len(fake.client().changes(numbers)) == 5
        assert len(fake.seen) == 1 + 3

    def test_some_changes_of_a_query(self, fake: FakeGerrit) -> None:
        """Numbers and the operator's query must both match, whatever ORs are in it."""
        numbers = [fake.add_change(), fake.add_change(private=True), fake.add_change()]
        fake.add_change()

        rows = fake.client().changes(numbers, query="-is:private OR project:none")

        assert sorted(map(parse.number_of, rows)) == [1, 3]

    def test_no_changes(self, fake: FakeGerrit) -> None:
        """Nothing asked for, nothing searched."""
        client = fake.client()
        client.query_limit()
        fake.seen.clear()

        assert client.changes([]) == []
        assert fake.seen == []


class TestOptions:
    """What servers of different age are asked for."""

    def test_old_server(self, fake: FakeGerrit) -> None:
        """An old server is not asked for what it does not know."""
        fake.version = "3.4.9"
        fake.add_change()

        rows = list(
            fake.client().scan("status:open", [Option.SUBMIT_REQUIREMENTS, Option.MESSAGES])
        )

        assert "messages" in rows[0]
        assert fake.seen[-1].endswith("&o=MESSAGES")

    def test_new_server(self, fake: FakeGerrit) -> None:
        """A new one is."""
        fake.add_change()

        list(fake.client().scan("status:open", [Option.SUBMIT_REQUIREMENTS]))

        assert fake.seen[-1].endswith("&o=SUBMIT_REQUIREMENTS")

    def test_version_is_not_asked_for(self, fake: FakeGerrit) -> None:
        """What nearly all servers know is sent at once; only one that refuses it is asked for its
        version, once.
        """
        number = fake.add_change()
        fake.client().change(number)
        assert "GET /a/config/server/version" not in fake.seen

        fake.seen.clear()
        fake.version, old = "3.4.9", fake.client()
        old.change(number)
        list(old.scan("status:open", DETAIL))
        assert fake.seen.count("GET /a/config/server/version") == 1
        assert sum("SUBMIT_REQUIREMENTS" in one for one in fake.seen) == 1


class TestPeople:
    """Accounts and groups."""

    def test_account(self, fake: FakeGerrit) -> None:
        """An account is found by id, user name or e-mail address."""
        here = fake.add_account("here", "Here")
        client = fake.client()
        expected = Account(here, "Here", "here@example.org", "here")

        assert [client.account(key) for key in (here, "here", "here@example.org")] == [expected] * 3

    def test_inactive_account(self, fake: FakeGerrit) -> None:
        """Gerrit finds it by its id only; a search that asks for inactive ones finds it as well."""
        gone = fake.add_account("gone", "Gone", inactive=True)
        client = fake.client()

        assert client.account(gone).inactive
        with pytest.raises(RefusedError, match="'gone' does not exist"):
            client.account("gone")
        assert client.find_accounts('username:"gone"') == ()
        (found,) = client.find_accounts('username:"gone" (is:active OR is:inactive)')
        assert found.id == gone

    def test_missing_account(self, fake: FakeGerrit) -> None:
        """One that is not there is named."""
        with pytest.raises(RefusedError, match="'nobody' does not exist on gerrit.example") as err:
            fake.client().account("nobody")

        assert err.value.status == 404

    def test_group(self, fake: FakeGerrit) -> None:
        """A group's members are accounts, with those of the groups in it."""
        fake.add_group("tech-committee", fake.reviewer, fake.author)

        members = fake.client().group_members("tech-committee")

        assert [account.username for account in members] == ["reviewer", "author"]
        assert fake.seen == ["GET /a/groups/tech-committee/members/?recursive=true"]

    @pytest.mark.parametrize(
        ("username", "who"), [("st2-reviews", "the account st2-reviews"), ("", "everybody")]
    )
    def test_missing_group(self, fake: FakeGerrit, username: str, who: str) -> None:
        """One that is missing or invisible is named, with who cannot see it."""
        with pytest.raises(RefusedError, match=f"'a/b' .* not visible to {who}") as caught:
            fake.client(username=username).group_members("a/b")

        assert caught.value.status == 404
        assert "visible to all" in caught.value.remedy

    def test_other_refusal(self, fake: FakeGerrit) -> None:
        """A refusal that is not 404 is told as it is."""
        fake.fail(403, "not permitted")

        with pytest.raises(RefusedError, match="not permitted"):
            fake.client().group_members("x")


class TestMaking:
    """Clients that cannot be."""

    @pytest.mark.parametrize(
        ("url", "told"),
        [
            ("https://user:swordfish@review.example.org", "`url` holds a user name"),
            ("review.example.org", "no http"),
            ("ftp://review.example.org", "no http"),
            ("https://", "no http"),
        ],
    )
    def test_wrong_url(self, url: str, told: str) -> None:
        """A URL that cannot be used is an error of configuration, without what is secret in it."""
        with pytest.raises(ConfigError, match=told) as caught:
            Client(url)

        assert "swordfish" not in str(caught.value)

    def test_close(self) -> None:
        """Closing a client closes its transport."""
        closed: List[str] = []

        class Closing(FakeGerrit):
            def close(self) -> None:
                closed.append("closed")

        Closing().client().close()
        FakeGerrit().client().close()

        assert closed == ["closed"]
