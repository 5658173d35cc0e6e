"""StackStorm's services and the tracker, as the Monday of ``make test-st2`` handles them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import List

import pytest
from sandbox.ports import SandboxError
from sandbox.stackstorm.services import SCRIPTS, Meter, Services, cpu_seconds, missing
from sandbox.trackers.roundup import RoundupServer

SCRIPT = """#!/bin/sh
echo "$(basename "$0" .sh) $*" >> "$(dirname "$0")/said"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What ``ST2_SERVICES`` names: scripts that write down what they are told."""
    for name in SCRIPTS:
        (tmp_path / name).write_text(SCRIPT, encoding="ascii")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "run").mkdir()
    for name in ("mongo", "actionrunner2"):
        (tmp_path / "run" / f"{name}.pid").touch()
    return tmp_path


def said(folder: Path) -> List[str]:
    return (folder / "said").read_text(encoding="ascii").splitlines()


def test_no_folder():
    """The reason says what to set, with the scripts and the names of the services."""
    told = missing("")

    assert told.startswith("ST2_SERVICES is not set: ")
    for word in (*SCRIPTS, "actionrunner1", "rabbitmq", "mongo", "sensorcontainer2"):
        assert word in told


def test_folder_without_a_script(folder: Path):
    """The reason names the scripts that are not there, or not executable."""
    assert missing(str(folder)) == ""
    (folder / "kill.sh").unlink()
    (folder / "stop.sh").chmod(0o644)

    assert f"ST2_SERVICES={folder} has no executable stop.sh, kill.sh: " in missing(str(folder))


def test_folder_without_process_ids(folder: Path):
    """What StackStorm's services are, and whether they run, has to be known."""
    (folder / "run" / "actionrunner2.pid").unlink()

    assert f"ST2_SERVICES={folder} has no run/NAME.pid of a service of StackStorm: " in missing(
        str(folder)
    )


def test_services_put_back(folder: Path):
    """What was ended runs again, and what was added is gone."""
    services = Services(folder)
    services.start("sensorcontainer2")
    services.kill("actionrunner1")
    services.start("actionrunner1")
    services.stop("rabbitmq")
    services.restore()
    services.restore()

    assert said(folder) == [
        "start sensorcontainer2",
        "kill actionrunner1",
        "start actionrunner1",
        "stop rabbitmq",
        "start rabbitmq",
        "stop sensorcontainer2",
    ]


def test_service_that_ends_by_itself(folder: Path):
    """It is started again; one that was stopped on purpose is not."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    for name in ("scheduler", "mongo"):
        (folder / "run" / f"{name}.pid").write_text(f"{child.pid}\n", encoding="ascii")
    services = Services(folder)
    services.revive()
    assert services.running() == {"scheduler": child.pid, "mongo": child.pid}
    services.stop("mongo")
    child.communicate(b"\n")
    services.revive()

    assert said(folder) == ["stop mongo", "start scheduler"]
    assert services.revived == ["scheduler"]


def test_services_of_stackstorm_started_again(folder: Path):
    """Those that run: neither database nor message bus, nor what a fault has ended before."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        for name in ("mongo", "rabbitmq", "redis", "api", "actionrunner1", "actionrunner2"):
            (folder / "run" / f"{name}.pid").write_text(f"{child.pid}\n", encoding="ascii")
        services = Services(folder)
        services.kill("actionrunner1")
        services.restart_own()
        child.communicate(b"\n")

    assert sorted(said(folder)[1:3]) == ["stop actionrunner2", "stop api"]
    assert said(folder)[3:] == ["start actionrunner2 api"]
    assert services.restarted == ["actionrunner2", "api"]


def test_script_that_fails(folder: Path):
    """The Monday ends there, and what was to be stopped is started again all the same."""
    (folder / "stop.sh").write_text("#!/bin/sh\nexit 3\n", encoding="ascii")
    services = Services(folder)
    with pytest.raises(subprocess.CalledProcessError, match=r"stop\.sh.*mongo.*status 3"):
        services.stop("mongo")
    services.restore()

    assert said(folder) == ["start mongo"]


def test_services_that_nobody_named():
    """There are none to see, and none can be stopped."""
    services = Services()
    assert services.running() == {}
    services.revive()
    services.restore()
    with pytest.raises(SandboxError, match="kill actionrunner1: ST2_SERVICES is not set"):
        services.kill("actionrunner1")


def test_processor_time():
    """A process counts from the first look, a younger one from its birth; an ended one has none."""
    meter = Meter()
    meter.look({"here": os.getpid()}, since_birth=False)
    assert meter.seconds() == {"here": 0.0}
    meter.look({"here": os.getpid(), "newer": os.getpid()})

    assert meter.seconds()["newer"] == cpu_seconds(os.getpid())
    child = subprocess.Popen(["true"])
    child.wait()
    assert cpu_seconds(child.pid) is None


def test_accounts_of_the_tracker(roundup_server: RoundupServer):
    """They are listed by name, and the server's process can be measured."""
    assert {"reviewbot", "human", "committee1", "committee2"} <= set(roundup_server.users())
    assert cpu_seconds(roundup_server.pid) is not None


def test_tracker_that_does_not_run():
    """It has no process."""
    with pytest.raises(SandboxError, match="Roundup does not run"):
        _ = RoundupServer().pid
