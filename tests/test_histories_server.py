"""A server is read politely, what was read is kept, and standard error tells how far it is."""

from __future__ import annotations

import argparse
import io
import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any, List

import pytest
from sandbox.gerrit.fake import URL, FakeGerrit

from reviewloop.cli import histories
from reviewloop.cli.cache import Cache, default_folder
from reviewloop.cli.progress import Progress, counted
from reviewloop.errors import ConfigError, TemporaryError
from reviewloop.http.messages import Request
from reviewloop.settings.load import load

DAY = timedelta(days=1)


class Site:
    """A simulated server with some changes, and a command that reads it."""

    def __init__(self, folder: Path, changes: int = 3) -> None:
        self.fake = FakeGerrit()
        self.folder = folder
        for _ in range(changes):
            self.fake.advance(hours=1)
            self.fake.add_change()
        self.settings = load({"url": URL, "query": ""})

    def read(self, *arguments: str) -> List[int]:
        """The numbers of what is read, in order."""
        parser = argparse.ArgumentParser()
        histories.add_reading(parser)
        options = parser.parse_args(["--cache", str(self.folder), *arguments])
        client = self.fake.client("", patience=histories.PATIENCE, pause=1 / options.rate)
        since = self.fake.now - 30 * DAY
        found = histories.read(options, self.settings, since, client=client)
        return [raw["_number"] for raw in found]

    def asked(self, *arguments: str) -> int:
        """How many histories a reading asks the server for."""
        first = len(self.fake.requests)
        self.read(*arguments)
        return sum("o=MESSAGES" in one for one in self.fake.seen[first:])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A server, and a folder for what was read of it."""
    return Site(tmp_path / "cache")


def test_what_has_not_moved_is_not_read_again(site: Site) -> None:
    """The second reading lists the changes, and asks for the history of the one that moved."""
    assert site.read() == [3, 2, 1]
    assert site.asked() == 0
    site.fake.review(2, text="Why?")
    assert site.asked() == 1
    assert site.asked() == 0
    assert site.asked("--no-cache") == 1


def test_an_interrupted_reading_goes_on(tmp_path: Path) -> None:
    """What was read before the server failed for good is not read again."""
    site = Site(tmp_path / "cache", changes=120)

    def down(request: Request) -> None:
        if ("q", "(change:20") in [(key, value[:10]) for key, value in request.params]:
            raise TemporaryError("The connection broke off.")

    site.fake.before_send = down
    with pytest.raises(TemporaryError):
        site.read()
    site.fake.before_send = lambda _request: None

    assert site.asked() == 1
    assert len(site.read()) == 120


def test_a_server_that_is_busy_is_waited_for(site: Site) -> None:
    """429 and 503 now and then cost time, and the result is the same."""
    wanted = site.read("--no-cache")
    site.fake.fail(429, retry_after="120")
    site.fake.fail(503, retry_after="7")
    site.fake.slept.clear()

    assert site.read("--no-cache") == wanted
    assert {120.0, 7.0} <= set(site.fake.slept)


def test_a_long_wait_is_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever waits for more than a moment reads why, and for how long; not of a short pause."""
    site.fake.fail(503)
    site.fake.fail(429, "Slow down", retry_after="120")
    site.read("--no-cache")

    told = capsys.readouterr().err.splitlines()
    (line,) = [one for one in told if "Trying again" in one]
    assert "with 429: Slow down." in line
    assert line.endswith("Trying again in 120 s.")


def test_requests_are_paced(site: Site) -> None:
    """Requests begin a while after each other, as ``--rate`` says."""
    site.read("--no-cache", "--rate", "4")

    # The clock stands still here, so each one waits for all before it.
    assert site.fake.slept == [0.25 * n for n in range(1, len(site.fake.requests))]


def test_files_are_for_their_owner(site: Site) -> None:
    """Nobody else can look into the cache, also where the folder was open before."""
    site.folder.mkdir(mode=0o755)
    site.read()
    paths = [site.folder, *site.folder.rglob("*")]
    modes = {path.is_dir(): set() for path in paths}  # type: ignore[var-annotated]
    for path in paths:
        modes[path.is_dir()].add(stat.S_IMODE(path.stat().st_mode))

    assert modes == {True: {0o700}, False: {0o600}}


def test_a_damaged_file_is_read_again(site: Site) -> None:
    """Whatever is in a file of the cache, only what the server's list confirms is believed."""
    site.read()
    for path, content in zip(site.folder.rglob("*.z"), (b"", b"\xff" * 9, b"x\x9c\x03\x00\x00")):
        path.write_bytes(content)

    assert site.read() == [3, 2, 1]
    assert site.asked() == 0


def test_private_changes_are_not_kept(site: Site) -> None:
    """What only some may see is not written to disk."""
    site.fake.add_change(private=True)
    site.read()

    assert len(list(site.folder.rglob("*.z"))) == 3


def test_servers_and_accounts_are_kept_apart(tmp_path: Path) -> None:
    """What one account may see is not shown to another."""
    for url, username in ((URL, ""), (URL, "me"), ("https://other.example.org", "")):
        Cache(tmp_path, url, username, ())

    assert len(list(tmp_path.iterdir())) == 3


def test_a_cache_that_cannot_be_used(site: Site) -> None:
    """A path that is no folder, or a link to somewhere, is refused with what to do."""
    site.folder.parent.mkdir(exist_ok=True)
    site.folder.write_text("a file")
    with pytest.raises(ConfigError, match="--no-cache"):
        site.read()
    site.folder.unlink()
    (site.folder.parent / "elsewhere").mkdir()
    site.folder.symlink_to(site.folder.parent / "elsewhere")
    with pytest.raises(ConfigError, match="--no-cache"):
        site.read()


def test_a_full_disk_costs_nothing_but_the_cache(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where nothing can be written, everything is read all the same."""

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "open", full)

    assert site.read() == [3, 2, 1]


def test_default_folder() -> None:
    """The user's cache folder, where it says where that is."""
    assert default_folder({"XDG_CACHE_HOME": "/var/c"}) == Path("/var/c/reviewloop")
    assert default_folder({"XDG_CACHE_HOME": "c", "HOME": "/h"}) == Path("/h/.cache/reviewloop")


def test_one_that_is_too_long_keeps_no_other(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """A change whose history cannot be answered is named, and the others are read."""
    site.fake.too_long = {2}

    assert site.read() == [3, 1]
    assert "left out: change 2:" in capsys.readouterr().err
    site.fake.too_long, site.fake.poisoned = set(), {1}
    assert site.read("--no-cache") == [3, 2]


@pytest.mark.parametrize("rate", ["0", "-1", "x", "nan", "1e9"])
def test_rates_that_are_none(site: Site, rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A rate that cannot be kept is refused with how to write one."""
    with pytest.raises(SystemExit, match="2"):
        site.read("--rate", rate)

    assert "such as 5 or 0.5" in capsys.readouterr().err


class Terminal(io.StringIO):
    """A stream on which somebody looks."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_progress_on_a_terminal() -> None:
    """After two seconds one line changes, at most five times a second, and goes in the end."""
    times = iter([0.0, 1.9, 2.0, 2.1, 2.3])
    screen = Terminal()
    progress = Progress(screen, lambda: next(times))
    for text in ("early", "one", "too soon", "two"):
        progress.say(text)
    progress.done()
    progress.done()

    assert screen.getvalue() == "\r\x1b[Kone\r\x1b[Ktwo\r\x1b[K"


def test_progress_in_a_log() -> None:
    """Elsewhere there is a plain line every ten seconds."""
    times = iter([0.0, 2.5, 3.0, 12.5])
    log = io.StringIO()
    progress = Progress(log, lambda: next(times))
    for text in ("one", "too soon", "two"):
        progress.say(text)
    progress.done()

    assert log.getvalue() == "one\ntwo\n"


def test_progress_of_a_file() -> None:
    """How many changes of a file were looked at, of a file that is not held; what it says goes in
    the end.
    """
    times = iter([0.0, 1.0, 2.5, 2.6, 9.0])
    screen = Terminal()
    found = list(counted([5, 6, 7], Progress(screen, lambda: next(times))))

    assert found == [5, 6, 7]
    assert screen.getvalue() == "\r\x1b[Kchanges looked at: 1\r\x1b[K"
