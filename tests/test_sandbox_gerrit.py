"""The real Gerrit that tests run against: its clock, its request log, its faults, its people."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import chain
from pathlib import Path
from typing import List, Optional, Tuple

import pytest
import requests
from sandbox.gerrit.artifacts import distribution, wanted_version
from sandbox.gerrit.daemon import Daemon, SeenRequest, init_site, instant
from sandbox.gerrit.people import Person, RequestRefusedError
from sandbox.gerrit.seed import PACK_ACCOUNT, PEOPLE, PROJECTS
from sandbox.gerrit.server import START, GerritServer, packed_site, unpack
from sandbox.ports import LOOPBACK, SandboxError, accepts, end_process, free_port, wait_until

real_gerrit = pytest.mark.real_gerrit
PROJECT = PROJECTS[0]


def at(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=timezone.utc)


def gerrit_time(text: str) -> datetime:
    """Gerrit's ``2026-03-02 09:00:00.000000000``, in UTC."""
    return at(text.split(".", maxsplit=1)[0])


def texts(person: Person, number: int) -> List[str]:
    return [message["message"] for message in person.messages(number)]


def headers_of(
    gerrit: GerritServer, path: str, who: Optional[Tuple[str, str]] = None
) -> Tuple[int, List[Tuple[str, str]]]:
    """Status and headers as they came over the wire, repeated ones included."""
    connection = http.client.HTTPConnection(gerrit.url.split("//")[1], timeout=30)
    prepared = requests.Request("GET", gerrit.url, auth=who).prepare()
    connection.request("GET", path, headers=dict(prepared.headers))
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.getheaders()


# The clock


@real_gerrit
def test_clock_set_forwards(calm_gerrit: GerritServer) -> None:
    """What is made then carries that time, and time stands still."""
    author = calm_gerrit.person("author1")
    calm_gerrit.at("2026-06-01T12:30Z")
    number = author.create_change(PROJECT, "In June")

    assert at("2026-06-01 12:30:00") == gerrit_time(author.detail(number)["created"])
    assert at("2026-06-01 12:30:00") == calm_gerrit.now()


@real_gerrit
def test_clock_set_back(calm_gerrit: GerritServer) -> None:
    """Time can be set to before the site was seeded."""
    author = calm_gerrit.person("author1")
    calm_gerrit.at("2026-06-01T12:30:00Z")
    calm_gerrit.at("2026-02-01T00:00:00+01:00")
    number = author.create_change(PROJECT, "In January")

    assert at("2026-01-31 23:00:00") == gerrit_time(author.detail(number)["created"])


@real_gerrit
def test_clock_advanced(calm_gerrit: GerritServer) -> None:
    """Steps add up, to the second; negative ones step back."""
    calm_gerrit.advance(days=2, hours=3)
    calm_gerrit.advance(minutes=4, seconds=5)

    assert at("2026-03-04 12:04:05") == calm_gerrit.now()
    assert at("2026-03-04 12:04:04") == calm_gerrit.advance(seconds=-1)


@real_gerrit
def test_clock_let_run(calm_gerrit: GerritServer) -> None:
    """A running clock goes on from where it stood, until it is set again."""
    start = calm_gerrit.run_clock()
    wait_until(lambda: calm_gerrit.now() > start, "a later time", timeout=10)
    later = calm_gerrit.now()

    assert start < later < start + timedelta(minutes=5)
    assert calm_gerrit.at("2026-03-02T09:00:00Z") == calm_gerrit.now()


@real_gerrit
def test_age_of_a_change(calm_gerrit: GerritServer) -> None:
    """Gerrit's own ``age:`` follows the clock."""
    author = calm_gerrit.person("author1")
    number = author.create_change(PROJECT, "Ageing")
    query = f"/changes/?q=age:2d+change:{number}"

    assert author.call("GET", query) == []
    calm_gerrit.advance(days=2, seconds=1)
    assert [number] == [row["_number"] for row in author.call("GET", query)]


def test_moment_without_time_zone() -> None:
    """A local time would mean something else on each machine."""
    with pytest.raises(ValueError, match="no time zone"):
        instant("2026-03-02T09:00:00")


ANSWERS = {
    200: "/config/server/version",
    400: "/changes/?q=bogus:operator",
    401: "/a/accounts/self",
    403: "/accounts/self",
    404: "/changes/999999",
}


@real_gerrit
@pytest.mark.parametrize("status", ANSWERS)
def test_date_header(calm_gerrit: GerritServer, status: int) -> None:
    """Exactly one, and it tells the server's own time: clients take their clock from it."""
    calm_gerrit.at("2027-01-31T23:59:59Z")
    seen, headers = headers_of(calm_gerrit, ANSWERS[status])

    assert status == seen
    dates = [value for name, value in headers if name.lower() == "date"]
    assert dates == ["Sun, 31 Jan 2027 23:59:59 GMT"]


@real_gerrit
def test_date_header_of_an_empty_answer(calm_gerrit: GerritServer) -> None:
    """An answer without a body is dated too."""
    author = calm_gerrit.person("author1")
    number = author.create_change(PROJECT, "Without content")
    calm_gerrit.at("2027-01-31T23:59:59Z")
    answer = requests.put(
        f"{calm_gerrit.url}/a/changes/{number}/edit/file.txt",
        data=b"text",
        headers={"Content-Type": "text/plain"},
        auth=("author1", "author1-password"),
        timeout=30,
    )

    assert answer.status_code == 204
    assert answer.headers["Date"] == "Sun, 31 Jan 2027 23:59:59 GMT"


# What arrived


@real_gerrit
def test_requests_counted_at_the_server(calm_gerrit: GerritServer) -> None:
    """Each is logged as it was sent, and only those that came to Gerrit itself."""
    author = calm_gerrit.person("author1")
    author.call("GET", "/changes/?q=is:open&n=1")
    author.call("GET", "/projects/tools%2Fbuild")
    calm_gerrit.advance(seconds=1)

    assert [
        SeenRequest("GET", "/a/changes/", "q=is:open&n=1"),
        SeenRequest("GET", "/a/projects/tools%2Fbuild", ""),
    ] == calm_gerrit.requests()
    calm_gerrit.reset_requests()
    assert calm_gerrit.requests() == []


@real_gerrit
def test_refused_request_counted(calm_gerrit: GerritServer) -> None:
    """A request that Gerrit refuses was made all the same."""
    with pytest.raises(RequestRefusedError):
        calm_gerrit.person("author1", "wrong").call("GET", "/accounts/self")

    assert [SeenRequest("GET", "/a/accounts/self", "")] == calm_gerrit.requests()


# Faults


@real_gerrit
def test_status_fault(calm_gerrit: GerritServer) -> None:
    """The request is answered so, with ``Retry-After`` if wanted, and no work is done."""
    author = calm_gerrit.person("author1")
    number = author.create_change(PROJECT, "Busy")
    calm_gerrit.fault("status:503", match="/review$", retry_after="7")
    with pytest.raises(RequestRefusedError) as refused:
        author.review(number, "never said")

    assert refused.value.status == 503
    assert "never said" not in "".join(texts(author, number))


@real_gerrit
def test_retry_after_and_date_of_a_status_fault(calm_gerrit: GerritServer) -> None:
    """What a fault answers is dated like everything else."""
    calm_gerrit.fault("status:429", retry_after="7")
    status, headers = headers_of(calm_gerrit, "/config/server/version")

    assert (status, dict(headers)["Retry-After"]) == (429, "7")
    assert dict(headers)["Date"] == "Mon, 02 Mar 2026 09:00:00 GMT"


@real_gerrit
def test_answer_dropped_after_the_work(calm_gerrit: GerritServer) -> None:
    """The lost answer of a write: the client sees a broken connection, yet the message stands."""
    author = calm_gerrit.person("author1")
    number = author.create_change(PROJECT, "Lost answer")
    calm_gerrit.reset_requests()
    calm_gerrit.fault("drop_after", match="/review$", method="POST")
    with pytest.raises(requests.ConnectionError):
        author.review(number, "said once")

    assert len(calm_gerrit.requests()) == 1
    assert "".join(texts(author, number)).count("said once") == 1


@real_gerrit
def test_connection_dropped_before_the_work(calm_gerrit: GerritServer) -> None:
    """The client sees the same broken connection, and nothing was done."""
    author = calm_gerrit.person("author1")
    number = author.create_change(PROJECT, "Lost request")
    calm_gerrit.fault("drop_before", match="/review$")
    with pytest.raises(requests.ConnectionError):
        author.review(number, "never said")

    assert "never said" not in "".join(texts(author, number))


@real_gerrit
def test_answer_to_a_push_dropped(calm_gerrit: GerritServer) -> None:
    """A git push is dispatched twice inside Gerrit; its answer is lost all the same."""
    author = calm_gerrit.person("author1")
    calm_gerrit.fault("drop_after", match="/git-receive-pack$", method="POST")
    with pytest.raises(SandboxError, match="git push failed"):
        author.push_change(PROJECT, "Pushed into the void")

    query = "/changes/?q=subject:void"
    assert len(author.call("GET", query)) == 1


@real_gerrit
def test_html_fault(calm_gerrit: GerritServer) -> None:
    """A login page in front of Gerrit answers 200."""
    calm_gerrit.fault("html")
    answer = requests.get(f"{calm_gerrit.url}/config/server/version", timeout=30)

    assert (
        answer.status_code,
        answer.headers["Content-Type"].split(";", maxsplit=1)[0],
    ) == (200, "text/html")
    assert "Sign in" in answer.text


@real_gerrit
def test_delay_fault(calm_gerrit: GerritServer) -> None:
    """The answer is right but late, so a client that waits less gives up."""
    version = f"{calm_gerrit.url}/config/server/version"
    calm_gerrit.fault("delay:400", count=2)
    with pytest.raises(requests.ReadTimeout):
        requests.get(version, timeout=0.1)

    assert requests.get(version, timeout=30).status_code == 200


@real_gerrit
def test_fault_spent(calm_gerrit: GerritServer) -> None:
    """A fault is played as often as asked, then all is well again."""
    calm_gerrit.fault("status:500", match="^/config/", count=2)
    path = "/config/server/version"

    assert [headers_of(calm_gerrit, path)[0] for _ in range(3)] == [500, 500, 200]


@real_gerrit
def test_fault_waits_for_its_own_request(calm_gerrit: GerritServer) -> None:
    """Requests with another path or method pass by it."""
    calm_gerrit.fault("status:500", match="/never/asked")
    calm_gerrit.fault("status:500", match="version", method="POST")

    assert headers_of(calm_gerrit, "/config/server/version")[0] == 200
    assert calm_gerrit.waiting_faults() == 2
    calm_gerrit.clear_faults()
    assert calm_gerrit.waiting_faults() == 0


@real_gerrit
@pytest.mark.parametrize("kind", ["nonsense", "status", "html:1", "delay:soon"])
def test_unknown_fault(calm_gerrit: GerritServer, kind: str) -> None:
    """A test that asks for a fault that does not exist must not pass."""
    with pytest.raises(SandboxError, match="refused /fault"):
        calm_gerrit.fault(kind)


# People


@real_gerrit
def test_change_as_asked_for(calm_gerrit: GerritServer) -> None:
    """Subject, topic and hashtags arrive as given, however hostile; so do the two states."""
    hostile = "{{ st2kv.system.key }} <% ctx() %> \u202e 'x'; rm -rf"
    author = calm_gerrit.person("author1")
    number = author.create_change(
        PROJECT, hostile, topic=hostile, hashtags=["{{ x }}"], wip=True, private=True
    )
    change = author.detail(number)

    assert (hostile, hostile, ["{{ x }}"]) == (
        change["subject"],
        change["topic"],
        change["hashtags"],
    )
    assert change["work_in_progress"]
    assert change["is_private"]


@real_gerrit
def test_branch_with_a_hostile_name(calm_gerrit: GerritServer) -> None:
    """A branch may be called almost anything that git allows."""
    hostile = "release/{{st2kv.system.key}}<%ctx()%>'#"
    calm_gerrit.admin.create_branch(PROJECT, hostile)
    author = calm_gerrit.person("author1")
    number = author.create_change(PROJECT, "On a branch", hostile)

    assert hostile == author.detail(number)["branch"]


@real_gerrit
def test_vote_and_message(calm_gerrit: GerritServer) -> None:
    """A review is signed by who wrote it and stands at the time of the clock."""
    author, reviewer = calm_gerrit.person("author1"), calm_gerrit.person("reviewer1")
    number = author.create_change(PROJECT, "To be reviewed")
    calm_gerrit.advance(days=1)
    reviewer.review(number, "please explain", {"Code-Review": -1})
    last = author.messages(number)[-1]

    assert last["message"] == "Patch Set 1: Code-Review-1\n\nplease explain"
    assert last["author"]["username"] == "reviewer1"
    assert at("2026-03-03 09:00:00") == gerrit_time(last["date"])


@real_gerrit
def test_new_patch_sets(calm_gerrit: GerritServer) -> None:
    """Each way to make one leaves its own message, and an unsticky vote is outdated."""
    author, reviewer = calm_gerrit.person("author1"), calm_gerrit.person("reviewer1")
    number = author.create_change(PROJECT, "Four patch sets")
    reviewer.review(number, labels={"Code-Review": 1})
    author.push_patch_set(number)
    author.publish_edit(number)
    author.edit_message(number, "Another subject")
    first_lines = [text.splitlines()[0] for text in texts(author, number)]

    assert first_lines == [
        "Uploaded patch set 1.",
        "Patch Set 1: Code-Review+1",
        "Uploaded patch set 2.",
        "Patch Set 3: Published edit on patch set 2.",
        "Patch Set 4: Commit message was updated.",
    ]
    assert "Outdated Votes:\n* Code-Review+1" in texts(author, number)[2]


@real_gerrit
def test_rebase(calm_gerrit: GerritServer) -> None:
    """A change is rebased when its branch has moved, and takes its votes along."""
    author, reviewer = calm_gerrit.person("author1"), calm_gerrit.person("reviewer1")
    number = author.create_change(PROJECT, "To be rebased")
    reviewer.review(number, labels={"Code-Review": 2})
    reviewer.move_branch(PROJECT)
    author.rebase(number)
    last = texts(author, number)[-1]

    assert last.startswith("Patch Set 2: Patch Set 1 was rebased")
    assert "Copied Votes:\n* Code-Review+2" in last


@real_gerrit
def test_pushed_with_a_hashtag(calm_gerrit: GerritServer) -> None:
    """Such a history does not begin with an upload message."""
    author = calm_gerrit.person("author1")
    number = author.push_change(PROJECT, "Pushed", options="hashtag=one,topic=two")

    assert texts(author, number) == ["Hashtag added: one"]
    assert author.detail(number)["topic"] == "two"


@real_gerrit
def test_life_of_a_change(calm_gerrit: GerritServer) -> None:
    """From work in progress to merged, each step is a message with Gerrit's own tag."""
    author, reviewer = calm_gerrit.person("author1"), calm_gerrit.person("reviewer1")
    number = author.create_change(PROJECT, "A whole life", wip=True)
    author.ready(number)
    author.wip(number)
    author.ready(number)
    author.abandon(number, "no time")
    author.restore(number)
    author.set_topic(number, "topic")
    author.set_hashtags(number, ["tag"])
    author.set_private(number)
    author.set_private(number, False)
    reviewer.review(number, labels={"Code-Review": 2})
    author.submit(number)
    tags = [message.get("tag", "").split(":")[-1] for message in author.messages(number)]

    expected = "newWipPatchSet setReadyForReview setWorkInProgress setReadyForReview abandon"
    expected += " restore setTopic setHashtag setPrivate unsetPrivate"
    assert [*expected.split(), "", "merged"] == tags
    assert author.detail(number)["status"] == "MERGED"


@real_gerrit
def test_comment_without_message(calm_gerrit: GerritServer) -> None:
    """The text of a comment is not in the message: only that there is one."""
    author = calm_gerrit.person("author1")
    number = author.create_change(PROJECT, "Commented")
    author.comment(number, "hidden from the message list")

    assert texts(author, number)[-1] == "Patch Set 1:\n\n(1 comment)"


@real_gerrit
def test_vote_deleted(calm_gerrit: GerritServer) -> None:
    """An administrator takes a vote away."""
    author, reviewer = calm_gerrit.person("author1"), calm_gerrit.person("reviewer1")
    number = author.create_change(PROJECT, "Vote deleted")
    reviewer.review(number, labels={"Code-Review": 1})
    calm_gerrit.admin.delete_vote(number, "reviewer1", "Code-Review")

    assert texts(author, number)[-1].startswith("Removed Code-Review+1 by Reviewer One")


@real_gerrit
def test_reviewers_added(calm_gerrit: GerritServer) -> None:
    """A reviewer owes an answer; someone in copy does not."""
    author = calm_gerrit.person("author1")
    number = author.create_change(PROJECT, "Reviewers")
    author.add_reviewer(number, "reviewer1")
    author.add_reviewer(number, "reviewer2", "CC")
    change = author.detail(number)

    names = {
        state: [account["username"] for account in accounts]
        for state, accounts in change["reviewers"].items()
    }
    assert names == {"REVIEWER": ["reviewer1"], "CC": ["reviewer2"]}
    assert len(change["attention_set"]) == 1


# The standard site


@real_gerrit
@pytest.mark.parametrize("username", PEOPLE)
def test_everybody_can_sign_in(calm_gerrit: GerritServer, username: str) -> None:
    """Every account of the site is there, under the password known for it."""
    account = calm_gerrit.person(username).call("GET", "/accounts/self")

    assert (PEOPLE[username], f"{username}@example.org") == (account["name"], account["email"])


@real_gerrit
def test_bots_are_service_users(calm_gerrit: GerritServer) -> None:
    """Gerrit tags the two bots, and nobody else, as SERVICE_USER."""
    path = "/groups/Service%20Users/members"
    bots = calm_gerrit.admin.call("GET", path)
    assert {"ci-bot", PACK_ACCOUNT} == {bot["username"] for bot in bots}

    ci = calm_gerrit.person("ci-bot")
    number = calm_gerrit.person("author1").create_change(PROJECT, "Built")
    ci.review(number, "built", {"Verified": 1}, tag="autogenerated:ci")
    last = ci.messages(number)[-1]
    assert last["author"]["tags"] == ["SERVICE_USER"]
    assert last["tag"] == "autogenerated:ci"


@real_gerrit
def test_committee_visible_to_the_pack(calm_gerrit: GerritServer) -> None:
    """The pack's account can read who is on the committee."""
    pack = calm_gerrit.person(PACK_ACCOUNT)
    members = pack.call("GET", "/groups/tech-committee/members")

    assert {"committee1", "committee2", "committee3"} == {one["username"] for one in members}


@real_gerrit
def test_what_only_the_pack_may_do(calm_gerrit: GerritServer) -> None:
    """It votes Escalated and edits hashtags on others' changes; a reviewer may do neither."""
    number = calm_gerrit.person("author1").create_change(PROJECT, "Escalated")
    pack, reviewer = calm_gerrit.person(PACK_ACCOUNT), calm_gerrit.person("reviewer1")

    assert pack.review(number, labels={"Escalated": 1})["labels"] == {"Escalated": 1}
    assert pack.set_hashtags(number, ["waiting"]) == ["waiting"]
    with pytest.raises(RequestRefusedError, match=r'403.*"Escalated"'):
        reviewer.review(number, labels={"Escalated": 1})
    with pytest.raises(RequestRefusedError, match="403"):
        reviewer.set_hashtags(number, ["mine"])


@real_gerrit
def test_private_change(calm_gerrit: GerritServer) -> None:
    """The pack sees it, so that tests can prove it says nothing of it; a reviewer does not."""
    number = calm_gerrit.person("author1").create_change(PROJECT, "Private", private=True)

    assert calm_gerrit.person(PACK_ACCOUNT).detail(number)["is_private"]
    with pytest.raises(RequestRefusedError, match="404"):
        calm_gerrit.person("reviewer1").detail(number)


# Starting and stopping


@real_gerrit
def test_server_from_the_packed_site() -> None:
    """It starts without seeding again, has no changes, and leaves neither process nor files."""
    archive = packed_site("standard", distribution())
    packed_at = archive.stat().st_mtime_ns
    with GerritServer(start="2026-04-01T00:00:00Z") as server:
        pid = server.pid
        rows = server.person("author1").call("GET", "/changes/?q=is:open")
        assert ([], at("2026-04-01 00:00:00")) == (rows, server.now())

    assert packed_at == archive.stat().st_mtime_ns
    assert archive.stat().st_size < 1_000_000
    assert not server.directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@real_gerrit
def test_server_paused_and_resumed() -> None:
    """It comes back under its own addresses, with its changes, at the time at which it went."""
    with GerritServer() as server:
        number = server.person("author1").create_change(PROJECT, "Here before")
        server.advance(days=2)
        addresses = (server.url, server.control_url)
        with pytest.raises(SandboxError, match="not paused"):
            server.resume()
        server.pause()
        assert not server.runs
        assert not accepts(int(server.url.rpartition(":")[2]))
        with pytest.raises(SandboxError, match="nothing to pause"):
            server.pause()
        server.resume()

        assert (server.url, server.control_url) == addresses
        assert server.now() == at("2026-03-04 09:00:00")
        assert server.person("author1").detail(number)["subject"] == "Here before"


@real_gerrit
def test_paused_server_removed() -> None:
    """Its site goes, though it does not run."""
    with GerritServer() as server:
        server.pause()

    assert not server.directory.exists()


@real_gerrit
def test_server_that_cannot_start(tmp_path: Path) -> None:
    """The error shows the end of Gerrit's log, and the log is kept."""
    (tmp_path / "etc").mkdir()
    broken = Daemon(tmp_path, distribution(), "2026-03-02T09:00:00Z")
    with pytest.raises(SandboxError, match=r"(?s)Gerrit: ended with status.*The end of .*gerrit"):
        broken.start()

    assert broken.log.stat().st_size > 0
    with pytest.raises(SandboxError, match="does not run"):
        _ = broken.pid


@real_gerrit
def test_init_that_fails(tmp_path: Path) -> None:
    """The error shows what Gerrit's init printed."""
    (tmp_path / "git").write_text("a file where a folder belongs", encoding="utf-8")
    with pytest.raises(SandboxError, match=r"(?s)init ended with status.*git"):
        init_site(tmp_path, distribution())


@real_gerrit
def test_port_that_somebody_else_took(tmp_path: Path) -> None:
    """Gerrit is started again on other ports."""
    parts = distribution()
    unpack(packed_site("standard", parts), tmp_path)
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        ports = chain([free_port(), other.getsockname()[1]], iter(free_port, None))
        daemon = Daemon(tmp_path, parts, START, ports=lambda: next(ports))
        daemon.start()
        daemon.stop()


def test_unknown_gerrit_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that was never tried is refused by name."""
    monkeypatch.setenv("GERRIT_VERSION", "2.14")
    with pytest.raises(SandboxError, match=r"GERRIT_VERSION is '2.14': use one of 3\.10\.2"):
        wanted_version()


# Processes and ports


def sleeper(code: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)


def test_port_that_nobody_uses() -> None:
    """A free port accepts no connection."""
    assert not accepts(free_port())


def test_port_is_kept_for_its_server() -> None:
    """Nobody else gets it between our look and our use, and a server of ours does."""
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind((LOOPBACK, port))
    with HTTPServer((LOOPBACK, port), BaseHTTPRequestHandler):
        assert accepts(port)


def test_process_that_heeds_sigterm() -> None:
    """It ends by the first signal."""
    process = sleeper("import time; time.sleep(60)")
    end_process(process)

    assert process.returncode == -15


def test_process_that_ignores_sigterm() -> None:
    """It is killed once the grace is over."""
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('ready', flush=True); time.sleep(60)"
    )
    process = sleeper(code)
    assert process.stdout is not None
    process.stdout.readline()
    end_process(process, grace=0.1)

    assert process.returncode == -9


def test_waiting_for_what_never_comes(tmp_path: Path) -> None:
    """After the time given an error shows the end of the log."""
    log = tmp_path / "server.log"
    log.write_text("the reason\n", encoding="utf-8")
    with pytest.raises(SandboxError, match=r"(?s)thing: not up after 0 s.*the reason"):
        wait_until(lambda: False, "thing", timeout=0, log=log)


def test_waiting_for_a_process_that_ended() -> None:
    """Its end is noticed at once: nobody waits for the dead."""
    process = sleeper("raise SystemExit(3)")
    process.wait()
    with pytest.raises(SandboxError, match="thing: ended with status 3"):
        wait_until(lambda: False, "thing", timeout=60, process=process)
