"""``make demo`` as a newcomer meets it, on the simulated Gerrit: what it prints, how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Dict, Iterator, List, Tuple

import pytest
from sandbox.gerrit.choice import choose
from sandbox.gerrit.simulated import SimulatedGerrit
from sandbox.ports import wait_until
from sandbox.story import Story, StoryError
from sandbox.telling import facts, reason, wrapped
from sandbox.trackers.roundup import RoundupServer, open_to_others

from repository import ROOT

ROUNDUP_TESTS = "tests/test_trackers_roundup.py"


def command(**environ: str) -> Tuple[List[str], Dict[str, str]]:
    """The demo's command line, and an environment with nothing but what is given."""
    return [sys.executable, "-m", "sandbox.demo"], {
        "PATH": os.environ["PATH"],
        "GERRIT": "fake",
        **environ,
    }


def started(folder: Path) -> subprocess.Popen[str]:
    """A demo whose servers are up, with its temporary files in a folder."""
    arguments, environ = command(TMPDIR=str(folder))
    demo = subprocess.Popen(
        arguments,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("Monday"):
            break
    assert list(servers(folder))
    return demo


def servers(folder: Path) -> Iterator[int]:
    """Processes whose command line names the folder."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in file.read_bytes():
                yield int(file.parent.name)
        except OSError:
            continue  # it ended meanwhile


@pytest.fixture(scope="module")
def told() -> str:
    """What a whole demo prints on a narrow terminal in the worst of circumstances: no home, no
    terminal type, a locale of ASCII, and a proxy that nobody reaches.
    """
    arguments, environ = command(
        LC_ALL="POSIX",
        PYTHONCOERCECLOCALE="0",
        PYTHONUTF8="0",
        COLUMNS="60",
        HTTP_PROXY="http://127.0.0.1:9",
        http_proxy="http://127.0.0.1:9",
    )
    done = subprocess.run(
        arguments,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    text = done.stdout.decode("ascii")
    assert done.returncode == 0, text
    return text


def test_first_line(told: str) -> None:
    """It says that Gerrit is simulated and how to see the real one, and never calls it real."""
    first = " ".join(told.split("Starting", 1)[0].split())

    assert first == choose("fake").line
    assert "make java" in first
    assert "real Gerrit" not in told


def test_story(told: str) -> None:
    """It goes the same way each time: ports do not decide who is asked."""
    words = " ".join(told.split())

    assert "Why Committee Two: looks after this project." in words
    assert "status: resolved, assigned to: committee2" in words
    assert "hashtags now: none" in words
    assert ": failed" not in words


def test_lines_fit(told: str) -> None:
    """Sixty columns are enough for every line but one that is a single word."""
    long = [line for line in told.splitlines() if len(line) > 60]

    assert [line for line in long if len(line.split()) > 1] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_by_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """One line, the signal's status, and neither process nor folder is left."""
    demo = started(tmp_path)
    demo.send_signal(number)
    _, errors = demo.communicate(timeout=30)

    assert errors.split() == f"Stopped ({number.name}). Servers and folders are gone.".split(), (
        errors
    )
    assert demo.returncode == 128 + number
    assert list(tmp_path.iterdir()) == []
    assert list(servers(tmp_path)) == []


def test_nobody_reads(tmp_path: Path) -> None:
    """A closed pipe, as of ``head``, ends it with one line."""
    demo = started(tmp_path)
    assert demo.stdout is not None
    assert demo.stderr is not None
    demo.stdout.close()
    errors = demo.stderr.read()
    demo.wait(30)
    demo.stderr.close()

    assert errors == "Stopped: nobody reads the output. Servers and folders are gone.\n"
    assert list(tmp_path.iterdir()) == []
    assert list(servers(tmp_path)) == []


def test_killed(tmp_path: Path) -> None:
    """After SIGKILL the servers end by themselves."""
    demo = started(tmp_path)
    demo.kill()
    demo.communicate()

    wait_until(lambda: not list(servers(tmp_path)), "the end of all servers", timeout=20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_tests_stopped_by_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    """The tests, too, leave neither server nor folder, whichever signal stops them."""
    _, environ = command(TMPDIR=str(tmp_path))
    tests = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", ROUNDUP_TESTS],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        # A shell's background job, or one of nohup, has been told to ignore them.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # noqa: PLW1509 - no threads here
    )
    wait_until(lambda: bool(list(servers(tmp_path))), "Roundup", timeout=60, process=tests)
    tests.send_signal(number)
    printed, _ = tests.communicate(timeout=60)

    assert tests.returncode == pytest.ExitCode.INTERRUPTED, printed
    assert list(tmp_path.glob("roundup-*")) == []
    assert list(servers(tmp_path)) == []


def test_misspelt_wish(tmp_path: Path) -> None:
    """A wrong ``GERRIT`` is told in one line, before anything starts."""
    arguments, environ = command(GERRIT="reel")
    done = subprocess.run(
        arguments, cwd=ROOT, env=environ, capture_output=True, encoding="utf-8", check=False
    )

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "The demo cannot run: GERRIT is 'reel': use 'fake' or 'real', or unset it."
    ]


def test_failure_shows_its_reason(
    roundup_server: RoundupServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """When an action fails the story ends, and says why it failed."""
    with SimulatedGerrit() as gerrit:
        story = Story(gerrit, roundup_server)
        gerrit.fault("status:403", match="/hashtags$", count=99, method="POST")
        with pytest.raises(StoryError):
            story.play()

    out = " ".join(capsys.readouterr().out.split())
    assert "gerrit.post_review: failed; " in out
    assert "403" in out


def test_trouble_shows_its_remedy(
    roundup_server: RoundupServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the sensor cannot poll the story ends, and says what to do."""
    with SimulatedGerrit() as gerrit:
        story = Story(gerrit, roundup_server)
        gerrit.fault("html", match="/changes/", count=99)
        with pytest.raises(StoryError):
            story.play()

    out = " ".join(capsys.readouterr().out.split())
    assert "trigger gerrit.poll_trouble: down (auth). " in out


# What is printed


def test_own_indent_is_kept() -> None:
    """A continued line hangs below its beginning."""
    text = "Commands:\n  /ack   take it, and pause"

    assert wrapped(text, "> ", columns=20) == [
        "> Commands:",
        ">   /ack   take it,",
        ">   and pause",
    ]


def test_address_is_never_broken() -> None:
    """A word longer than the line stays whole, to be copied."""
    address = "http://127.0.0.1:12345/demo/issue1"

    assert wrapped(f"see {address}", columns=20) == ["see", address]


def test_facts_of_a_result() -> None:
    """Names in place of account ids; what says nothing is left out."""
    result = {"result": {"asked": [7], "verdict": "proceed", "action": None, "other": 1}}

    assert list(facts(result, {7: "Committee Two"})) == [
        "verdict: proceed",
        "asked: Committee Two",
    ]


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"result": {"error": {"message": "No.", "remedy": "Do this."}}}, "No. Do this."),
        ({"output": None, "errors": [{"message": "Task failed."}]}, "Task failed."),
        ({"result": "None", "stderr": "Traceback\nValueError: why"}, "ValueError: why"),
        ({"error": "no such file"}, "no such file"),
        (None, "None"),
    ],
)
def test_reason(result: object, told: str) -> None:
    """Of an action's error, of a workflow, of an exception, of what did not start."""
    assert reason(result) == told


def test_closed_home(tmp_path: Path) -> None:
    """A folder below one that others may not enter is not open to them."""
    inner = tmp_path / "home" / "checkout"
    inner.mkdir(parents=True)
    assert open_to_others(Path("/"))
    (tmp_path / "home").chmod(0o700)

    assert not open_to_others(inner)


def test_folder_that_others_may_only_cross() -> None:
    """Python looks for a module by listing its folder, so crossing is not enough."""
    with TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        assert open_to_others(Path(folder))
        Path(folder).chmod(0o711)
        assert not open_to_others(Path(folder))
